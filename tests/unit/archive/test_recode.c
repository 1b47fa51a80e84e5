#include "archive/recode.h"

#include "fixture.h"

static struct dcm_ds *latin1(struct arena *a)
{
    const struct el els[] = {{TAG_SpecificCharacterSet, "CS", "ISO_IR 100", 0},
                             {TAG_PatientName, "PN", "M\xfcller", 0},
                             {TAG_PatientID, "LO", "1\\2", 0},
                             {TAG_Rows, "US", NULL, 7},
                             {0, NULL, NULL, 0}};
    return dataset_of(a, els);
}

static void every_text_becomes_utf8(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *from = latin1(&a), *to = dcm_ds_new(&a), *item;
    struct charset none = charset_parse(STR(""));
    assert_ok(dcm_ds_add_item(from, TAG_RequestAttributesSequence, &item));
    assert_ok(dcm_ds_set(item, TAG_RequestedProcedureID, VR('S', 'H'), STR("\xe9")));
    assert_ok(recode(from, &none, to, recode_to_utf8, NULL));
    assert_null(dcm_ds_get(to, TAG_SpecificCharacterSet));
    assert_str(dcm_ds_str(to, TAG_PatientName), "M\xc3\xbcller");
    assert_str(dcm_ds_str(to, TAG_PatientID), "1\\2");
    int64_t rows;
    assert_true(dcm_ds_int(to, TAG_Rows, 0, &rows));
    assert_int_equal(rows, 7);
    const struct dcm_elem *e = dcm_ds_get(to, TAG_RequestAttributesSequence);
    assert_str(dcm_ds_str(e->items[0], TAG_RequestedProcedureID), "\xc3\xa9");
    arena_done(&a);
}

static void an_item_may_have_a_set_of_its_own(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *from = latin1(&a), *to = dcm_ds_new(&a), *item;
    struct charset none = charset_parse(STR(""));
    assert_ok(dcm_ds_add_item(from, TAG_RequestAttributesSequence, &item));
    assert_ok(dcm_ds_set(item, TAG_SpecificCharacterSet, VR('C', 'S'), STR("ISO_IR 144")));
    assert_ok(dcm_ds_set(item, TAG_RequestedProcedureID, VR('S', 'H'), STR("\xb1")));
    assert_ok(recode(from, &none, to, recode_to_utf8, NULL));
    const struct dcm_elem *e = dcm_ds_get(to, TAG_RequestAttributesSequence);
    assert_str(dcm_ds_str(e->items[0], TAG_RequestedProcedureID), "\xd0\x91");
    arena_done(&a);
}

static void sequences_without_items_stay(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *from = dcm_ds_new(&a), *to = dcm_ds_new(&a);
    struct charset none = charset_parse(STR(""));
    assert_ok(dcm_ds_set(from, TAG_RequestAttributesSequence, VR('S', 'Q'), STR("")));
    assert_ok(recode(from, &none, to, recode_to_utf8, NULL));
    const struct dcm_elem *e = dcm_ds_get(to, TAG_RequestAttributesSequence);
    assert_non_null(e);
    assert_int_equal(e->n_items, 0);
    arena_done(&a);
}

static void nesting_past_the_limit_is_left_out(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *from = dcm_ds_new(&a), *to = dcm_ds_new(&a), *at = from;
    struct charset none = charset_parse(STR(""));
    for (int i = 0; i < 40; i++)
        assert_ok(dcm_ds_add_item(at, TAG_RequestAttributesSequence, &at));
    assert_ok(recode(from, &none, to, recode_to_utf8, NULL));
    int depth = 0;
    for (const struct dcm_elem *e; (e = dcm_ds_get(to, TAG_RequestAttributesSequence)); depth++) {
        if (!e->n_items)
            break;
        to = e->items[0];
    }
    assert_int_equal(depth, RECODE_DEPTH - 1);
    arena_done(&a);
}

static bool refuse(void *ctx, const struct charset *from, vr_t vr, struct str value,
                   struct arena *arena, struct str *ret)
{
    (void)ctx;
    (void)from;
    (void)vr;
    (void)arena;
    *ret = value;
    return false;
}

static void what_cannot_be_said_ends_it(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    struct charset none = charset_parse(STR(""));
    assert_err(recode(latin1(&a), &none, dcm_ds_new(&a), refuse, NULL), E_UNSUPPORTED);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_becomes_utf8),
        cmocka_unit_test(an_item_may_have_a_set_of_its_own),
        cmocka_unit_test(sequences_without_items_stay),
        cmocka_unit_test(nesting_past_the_limit_is_left_out),
        cmocka_unit_test(what_cannot_be_said_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
