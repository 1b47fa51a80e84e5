/* The table of findings is whole. */
#include "survey/assess/finding.h"

#include "base/size.h"
#include "unit.h"

static void every_finding_is_told_in_both_languages(void **state)
{
    (void)state;
    assert_true(finding_count() >= 30);
    for (size_t i = 0; i < finding_count(); i++) {
        const struct finding_kind *k = finding_at(i);
        assert_ptr_equal(finding_by_name(k->name), k);
        assert_true(k->severity < SEV_COUNT);
        for (size_t l = 0; l < LANGUAGES; l++) {
            assert_true(k->title[l].n > 5 && k->title[l].n < 60);
            assert_true(k->meaning[l].n > 20);
            assert_true(k->remedy[l].n > 10);
            assert_true(str_is_utf8(k->meaning[l]) && str_is_utf8(k->remedy[l]));
        }
        assert_false(str_eq(k->meaning[LANG_en], k->meaning[LANG_it]));
        assert_true(k->nist.n > 0 && k->hicp.n > 0 && k->nis2.n > 0);
    }
    assert_null(finding_at(finding_count()));
    assert_null(finding_by_name(STR("nothing")));
}

static void what_to_do_first_is_one_order_with_segmentation_in_front(void **state)
{
    (void)state;
    for (size_t i = 0; i < finding_count(); i++)
        assert_int_equal(finding_at(i)->first, i + 1);
    assert_str(finding_at(0)->name, "segmentation_violation");
}

static void groups_have_names(void **state)
{
    (void)state;
    for (size_t g = 0; g < FBI_GROUPS; g++)
        for (size_t l = 0; l < LANGUAGES; l++)
            assert_true(fbi_group_name((enum fbi_group)g, (enum language)l).n > 0);
    assert_int_equal(fbi_group_name(FBI_GROUPS, LANG_en).n, 0);
}

static void the_manual_tells_all(void **state)
{
    struct wr w = wr_heap(1 << 20);
    (void)state;
    finding_markdown(&w);
    assert_false(w.bad);
    for (size_t i = 0; i < finding_count(); i++)
        assert_non_null(memmem(w.p, w.n, finding_at(i)->name.p, finding_at(i)->name.n));
    wr_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finding_is_told_in_both_languages),
        cmocka_unit_test(what_to_do_first_is_one_order_with_segmentation_in_front),
        cmocka_unit_test(groups_have_names),
        cmocka_unit_test(the_manual_tells_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
