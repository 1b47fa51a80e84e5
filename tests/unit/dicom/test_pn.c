#include "unit.h"

#include "dicom/pn.h"

static void parses_groups_and_components(void **state)
{
    struct pn pn = pn_parse(STR("Yamada^Tarou^^Dr.^Jr.=山田^太郎=やまだ^たろう"));
    (void)state;
    assert_str(pn.part[PN_ALPHABETIC][PN_FAMILY], "Yamada");
    assert_str(pn.part[PN_ALPHABETIC][PN_GIVEN], "Tarou");
    assert_str(pn.part[PN_ALPHABETIC][PN_MIDDLE], "");
    assert_str(pn.part[PN_ALPHABETIC][PN_PREFIX], "Dr.");
    assert_str(pn.part[PN_ALPHABETIC][PN_SUFFIX], "Jr.");
    assert_str(pn.part[PN_IDEOGRAPHIC][PN_FAMILY], "山田");
    assert_str(pn.part[PN_PHONETIC][PN_GIVEN], "たろう");
}

static void assert_format(const char *in, const char *out)
{
    char buf[256];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct pn pn = pn_parse(str_z(in));
    pn_format(&pn, &w);
    assert_str(wr_str(&w), out);
}

static void writes_the_canonical_form(void **state)
{
    (void)state;
    assert_format("Doe^John", "Doe^John");
    assert_format("Doe^John^^^", "Doe^John");
    assert_format(" Doe ^ John ", "Doe^John");
    assert_format("Doe^John\0", "Doe^John");
    assert_format("^^^", "");
    assert_format("", "");
    assert_format("==", "");
    assert_format("Doe==ど", "Doe==ど");
    assert_format("=山田", "=山田");
    assert_format("Doe^^John", "Doe^^John");
    assert_format("a=b=c=d", "a=b=c");
    assert_format("1^2^3^4^5^6", "1^2^3^4^5^6");
    assert_format("\xe3\x80\x80山田\xe3\x80\x80^太郎", "山田^太郎");
}

static void assert_folds(const char *in, const char *out)
{
    char buf[512], again[512];
    struct wr w = wr_fixed(buf, sizeof buf), w2 = wr_fixed(again, sizeof again);
    pn_fold(str_z(in), &w);
    assert_str(wr_str(&w), out);
    pn_fold(wr_str(&w), &w2);
    assert_str(wr_str(&w2), out);
}

static void folds_to_what_the_index_holds(void **state)
{
    (void)state;
    assert_folds("MÜLLER^Jörg^^", "muller^jorg");
    assert_folds("Yamada^Tarou=山田^太郎=ﾔﾏﾀﾞ^ﾀﾛｳ", "yamada^tarou=山田^太郎=ヤマダ^タロウ");
    assert_folds("DOE*", "doe*");
    assert_folds("D?E^J*", "d?e^j*");
    assert_folds("Doe\xc2\xa0^J", "doe^j");  /* a no-break space is one to trim */
    assert_folds("Doe^\xe2\x80\x8b", "doe"); /* a component that folds to nothing */
    assert_folds("Ｄｏｅ＝ｘ", "doe＝x");    /* a wide separator is none */
}

static void finds_groups(void **state)
{
    struct str name = STR("yamada^tarou=山田^太郎=ヤマダ");
    (void)state;
    assert_str(pn_group_of(name, PN_ALPHABETIC), "yamada^tarou");
    assert_str(pn_group_of(name, PN_IDEOGRAPHIC), "山田^太郎");
    assert_str(pn_group_of(name, PN_PHONETIC), "ヤマダ");
    assert_str(pn_group_of(STR("doe"), PN_PHONETIC), "");
    assert_str(pn_group_of(STR(""), PN_ALPHABETIC), "");
    assert_int_equal(pn_groups(name), 3);
    assert_int_equal(pn_groups(STR("doe==")), 1);
    assert_int_equal(pn_groups(STR("=山田")), 2);
    assert_int_equal(pn_groups(STR("")), 1);
}

static void assert_display(const char *in, const char *out)
{
    char buf[256];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct pn pn = pn_parse(str_z(in));
    pn_display(&pn, &w);
    assert_str(wr_str(&w), out);
}

static void displays_as_a_person_reads(void **state)
{
    (void)state;
    assert_display("Adams^John Robert Quincy^^Rev.^B.A. M.Div.",
                   "Rev. John Robert Quincy Adams B.A. M.Div.");
    assert_display("Doe", "Doe");
    assert_display("=山田^太郎", "太郎 山田");
    assert_display("", "");
}

static void folds_in_an_arena(void **state)
{
    struct arena a = arena_init(1 << 16), full = arena_init(0);
    char many[2000];
    (void)state;
    assert_str(pn_fold_text(STR("Doe^John"), &a), "doe^john");
    assert_null(pn_fold_text(STR("Doe^John"), &full).p);
    assert_int_equal(pn_fold_text(str_of(memset(many, 'A', sizeof many), sizeof many), &a).n, 2000);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_groups_and_components),
        cmocka_unit_test(writes_the_canonical_form),
        cmocka_unit_test(folds_to_what_the_index_holds),
        cmocka_unit_test(finds_groups),
        cmocka_unit_test(displays_as_a_person_reads),
        cmocka_unit_test(folds_in_an_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
