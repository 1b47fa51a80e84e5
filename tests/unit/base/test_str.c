#include "unit.h"

#include "base/size.h"
#include "base/str.h"

static void compares(void **state)
{
    (void)state;
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_false(str_eq(STR("ab"), STR("aB")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(STR(""), str_of(NULL, 0)));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_eq_nocase(STR("PaCs-1"), STR("pAcS-1")));
    assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4"))); /* letters of ASCII only */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR(""), str_of(NULL, 0)), 0);
    assert_true(str_starts(STR("1.2.840"), STR("1.2.")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_false(str_starts(STR("1.2"), STR("1.2.")));
    assert_true(str_ends(STR("a.dcm"), STR(".dcm")));
    assert_false(str_ends(STR("dcm"), STR(".dcm")));
    assert_int_equal(str_z(NULL).n, 0);
}

static void finds_and_slices_within_what_is_there(void **state)
{
    (void)state;
    struct str s = STR("abcdef");
    assert_int_equal(str_find(s, 'c'), 2);
    assert_int_equal(str_find(s, 'x'), 6);
    assert_int_equal(str_find(str_of(NULL, 0), 'x'), 0);
    assert_str(str_slice(s, 2, 2), "cd");
    assert_str(str_slice(s, 4, 100), "ef");
    assert_str(str_slice(s, 6, 1), "");
    assert_str(str_slice(s, SIZE_MAX, SIZE_MAX), "");
    assert_str(str_slice(s, 1, SIZE_MAX), "bcdef");
    assert_int_equal(str_slice(str_of(NULL, 0), 3, 3).n, 0);
}

static void trims_white_space_and_dicom_padding(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t a b \r\n")), "a b");
    assert_str(str_trim(STR("  \n ")), "");
    assert_str(str_unpad(STR(" a b \0")), " a b");
    assert_str(str_unpad(STR("1.2.3\0")), "1.2.3");
    assert_str(str_unpad(STR("   ")), "");
    assert_str(str_unpad(STR("a\n")), "a\n");
}

static size_t split_into(struct str s, char sep, struct str *parts, size_t cap)
{
    size_t n = 0;
    struct str part;
    while (str_split(&s, sep, &part) && n < cap)
        parts[n++] = part;
    return n;
}

static void splits_into_every_part_even_empty_ones(void **state)
{
    (void)state;
    struct str p[8];
    assert_int_equal(split_into(STR("a\\b"), '\\', p, 8), 2);
    assert_str(p[0], "a");
    assert_str(p[1], "b");
    assert_int_equal(split_into(STR(""), '\\', p, 8), 1);
    assert_str(p[0], "");
    assert_int_equal(split_into(STR("\\"), '\\', p, 8), 2);
    assert_str(p[1], "");
    assert_int_equal(split_into(STR("a\\\\b\\"), '\\', p, 8), 4);
    assert_str(p[1], "");
    assert_str(p[3], "");
    assert_int_equal(split_into(str_of(NULL, 0), '\\', p, 8), 0);
}

static void reads_numbers_and_nothing_else(void **state)
{
    (void)state;
    uint64_t v = 7;
    int64_t i = 7;
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "-1",
                                      "0x1",
                                      "1.0",
                                      "1e3",
                                      "a",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    for (size_t k = 0; k < COUNT(bad); k++)
        assert_false(str_to_u64(str_z(bad[k]), UINT64_MAX, &v));
    assert_int_equal(v, 7);
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_true(str_to_u64(STR("0007"), 7, &v));
    assert_int_equal(v, 7);
    assert_false(str_to_u64(STR("8"), 7, &v));
    assert_true(str_to_i64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(str_to_i64(STR("+9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    static const char *const bad_signed[] = {
        "", "-", "+", "--1", "-9223372036854775809", "9223372036854775808", "1-", "- 1"};
    for (size_t k = 0; k < COUNT(bad_signed); k++)
        assert_false(str_to_i64(str_z(bad_signed[k]), &i));
    assert_true(i == INT64_MAX);
}

static void becomes_a_c_string_only_if_it_is_one(void **state)
{
    (void)state;
    char buf[4] = "zzz";
    assert_true(str_to_z(STR("abc"), buf, sizeof buf));
    assert_string_equal(buf, "abc");
    assert_false(str_to_z(STR("abcd"), buf, sizeof buf));
    assert_false(str_to_z(STR("a\0b"), buf, sizeof buf));
    assert_true(str_to_z(str_of(NULL, 0), buf, sizeof buf));
    assert_string_equal(buf, "");
    assert_false(str_to_z(STR(""), buf, 0));
}

static void hashes_as_fnv_1a(void **state)
{
    (void)state;
    assert_true(str_hash(STR("")) == 0xcbf29ce484222325u);
    assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8u);
}

static void knows_well_formed_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\xa9\xbb",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xef\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xfe",
                                      "a\xe2\x82\xacz\xf0\x9f",
                                      "\xe2\x28\xa1",
                                      "\xf0\x9f\x28\xbb"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(str_is_utf8(str_z(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (str_is_utf8(str_z(bad[i])))
            fail_msg("row %zu", i);
    assert_true(str_is_utf8(STR("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(finds_and_slices_within_what_is_there),
        cmocka_unit_test(trims_white_space_and_dicom_padding),
        cmocka_unit_test(splits_into_every_part_even_empty_ones),
        cmocka_unit_test(reads_numbers_and_nothing_else),
        cmocka_unit_test(becomes_a_c_string_only_if_it_is_one),
        cmocka_unit_test(hashes_as_fnv_1a),
        cmocka_unit_test(knows_well_formed_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
