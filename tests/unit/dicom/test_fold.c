#include "unit.h"

#include "base/size.h"
#include "dicom/fold.h"

static void assert_folds(const char *text, const char *expected)
{
    char buf[512];
    struct wr w = wr_fixed(buf, sizeof buf);
    fold(str_z(text), &w);
    assert_str(wr_str(&w), expected);
}

static void folds_case_and_accents(void **state)
{
    (void)state;
    assert_folds("Smith", "smith");
    assert_folds("MÜLLER", "muller");
    assert_folds("Ångström", "angstrom");
    assert_folds("Dvořák", "dvorak");
    assert_folds("Nguyễn", "nguyen");
    assert_folds("Ærøskøbing", "aeroskobing");
    assert_folds("Łódź", "lodz");
    assert_folds("ΑΘΗΝΑ", "αθηνα");
    assert_folds("Ёлкин", "елкин");
}

static void folds_letters_with_a_form_of_their_own(void **state)
{
    (void)state;
    assert_folds("Straße", "strasse");
    assert_folds("STRASSE", "strasse");
    assert_folds("ẞ", "ss");
    assert_folds("ﬁn", "fin");
    assert_folds("Ĳssel", "ijssel");
    assert_folds("Iıİi", "iiii");
    assert_folds("Ὀδυσσεύς", "οδυσσευσ");
}

static void folds_composed_and_combining_alike(void **state)
{
    (void)state;
    assert_folds("M\xc3\xbcller", "muller");
    assert_folds("Mu\xcc\x88ller", "muller");
    assert_folds("\xe1\x84\x92\xe1\x85\xa9\xe1\x86\xbc", "홍"); /* jamo */
    assert_folds("홍", "홍");
}

static void folds_width_and_kana(void **state)
{
    (void)state;
    assert_folds("Ｙａｍａｄａ", "yamada");
    assert_folds("ﾔﾏﾀﾞ", "ヤマダ");
    assert_folds("やまだ", "ヤマダ");
    assert_folds("ヤマタ\xe3\x82\x99", "ヤマダ"); /* with a combining mark */
    assert_folds("ﾊﾟ", "パ");
    assert_folds("a\xe3\x80\x80"
                 "b",
                 "a b");
    assert_folds("a\xc2\xa0"
                 "b",
                 "a b");
}

static void voiced_kana_and_vowel_signs_are_letters(void **state)
{
    (void)state;
    assert_folds("カガ", "カガ");
    assert_folds("हिन्दी", "हिन्दी");
    assert_folds("กำนัน", "ก\xe0\xb9\x8d"
                         "านัน");
}

static void folds_the_signs_that_keyboards_confuse(void **state)
{
    (void)state;
    assert_folds("O’Brien", "o'brien");
    assert_folds("Anne–Marie", "anne-marie");
    assert_folds("\xd8\xa3\xd8\xad\xd9\x85\xd8\xaf", "\xd8\xa7\xd8\xad\xd9\x85\xd8\xaf"); /* أحمد */
}

static void what_is_not_utf8_becomes_one_replacement(void **state)
{
    (void)state;
    assert_folds("A\xff"
                 "B",
                 "a\xef\xbf\xbd"
                 "b");
    assert_folds("A\xe5\xb1", "a\xef\xbf\xbd");
    assert_folds("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_folds("", "");
}

static size_t fold_into(char *buf, size_t cap, struct str s)
{
    struct wr w = wr_fixed(buf, cap);
    fold(s, &w);
    assert_false(w.bad);
    return w.n;
}

static size_t put(char buf[4], uint32_t rune)
{
    struct wr w = wr_fixed(buf, 4);
    fold_put_rune(&w, rune);
    return w.n;
}

/* For every character: folding twice changes nothing, it stays within its bounds, and nothing turns
 * into a separator or wildcard. */
static void folding_every_character_is_idempotent_and_bounded(void **state)
{
    (void)state;
    for (uint32_t rune = 1; rune < 0x110000; rune++) {
        char one[4], once[64], twice[64];
        if (rune >= 0xd800 && rune < 0xe000)
            continue;
        size_t n = put(one, rune);
        size_t n1 = fold_into(once, sizeof once, str_of(one, n));
        size_t n2 = fold_into(twice, sizeof twice, str_of(once, n1));
        assert_int_equal(n1, n2);
        assert_memory_equal(once, twice, n1);
        assert_true(n1 <= n * FOLD_GROWTH_MAX);
        assert_true(str_is_utf8(str_of(once, n1)));
        for (size_t i = 0; rune > 127 && i < n1; i++)
            assert_null(memchr("\\^=*?", once[i], 5));
    }
}

static void runes_survive_writing_and_reading(void **state)
{
    static const uint32_t runes[] = {0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    (void)state;
    for (size_t i = 0; i < COUNT(runes); i++) {
        char buf[4];
        uint32_t rune = 1;
        struct str s = str_of(buf, put(buf, runes[i]));
        assert_true(fold_rune(&s, &rune));
        assert_int_equal(rune, runes[i]);
        assert_int_equal(s.n, 0);
        assert_false(fold_rune(&s, &rune));
    }
}

static void text_that_is_folded_already_is_not_copied(void **state)
{
    struct str plain = STR("smith john"), upper = STR("Smith");
    struct arena a = arena_init(1 << 16), full = arena_init(0);
    char many[3000];
    (void)state;
    assert_ptr_equal(fold_text(plain, &a).p, plain.p);
    assert_str(fold_text(upper, &a), "smith");
    assert_null(fold_text(upper, &full).p);
    assert_non_null(fold_text(str_of(NULL, 0), &full).p);
    struct str text = fold_text(str_of(memset(many, 'A', sizeof many), sizeof many), &a);
    assert_int_equal(text.n, sizeof many);
    assert_int_equal(text.p[sizeof many - 1], 'a');
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_case_and_accents),
        cmocka_unit_test(folds_letters_with_a_form_of_their_own),
        cmocka_unit_test(folds_composed_and_combining_alike),
        cmocka_unit_test(folds_width_and_kana),
        cmocka_unit_test(voiced_kana_and_vowel_signs_are_letters),
        cmocka_unit_test(folds_the_signs_that_keyboards_confuse),
        cmocka_unit_test(what_is_not_utf8_becomes_one_replacement),
        cmocka_unit_test(folding_every_character_is_idempotent_and_bounded),
        cmocka_unit_test(runes_survive_writing_and_reading),
        cmocka_unit_test(text_that_is_folded_already_is_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
