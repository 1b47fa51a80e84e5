#include "unit.h"

#include "survey/report/countries.h"
#include "survey/report/words.h"

static void every_word_stands_in_both_languages(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WORDS; w++) {
        if (w == W_blank)
            continue;
        assert_true(word(LANG_en, (enum word)w).n > 0);
        assert_true(word(LANG_it, (enum word)w).n > 0);
        assert_true(str_is_utf8(word(LANG_it, (enum word)w)));
    }
}

/* The set of {1}..{9} in a text. */
static unsigned places(struct str s)
{
    unsigned set = 0;
    for (size_t i = 0; i + 2 < s.n; i++)
        if (s.p[i] == '{') {
            assert_true(s.p[i + 1] >= '1' && s.p[i + 1] <= '9' && s.p[i + 2] == '}');
            set |= 1U << (s.p[i + 1] - '1');
        }
    return set;
}

static void both_languages_take_the_same_numbers(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WORDS; w++)
        assert_int_equal(places(word(LANG_en, (enum word)w)), places(word(LANG_it, (enum word)w)));
}

static void types_severities_levels_and_states_have_words(void **state)
{
    (void)state;
    for (unsigned l = 0; l < LANGUAGES; l++) {
        for (unsigned t = 1; t < TYPE_COUNT; t++)
            assert_true(word_type((enum language)l, (enum sys_type)t).n > 0);
        assert_true(word_severity((enum language)l, SEV_critical).n > 0);
        assert_true(word_level((enum language)l, VER_version).n > 0);
        assert_true(word_state((enum language)l, STATE_unknown).n > 0);
        assert_true(word_type((enum language)l, TYPE_COUNT).n > 0);
    }
}

static void numbers_are_grouped_as_the_language_does(void **state)
{
    (void)state;
    char buf[NUMBER_MAX];
    assert_str(number_text(LANG_en, 0, buf), "0");
    assert_str(number_text(LANG_en, 999, buf), "999");
    assert_str(number_text(LANG_en, 7168, buf), "7,168");
    assert_str(number_text(LANG_it, 24300000, buf), "24.300.000");
    assert_str(number_text(LANG_it, UINT64_MAX, buf), "18.446.744.073.709.551.615");
}

#define NBSP "\xc2\xa0"

static void shares_never_say_none_or_all_wrongly(void **state)
{
    (void)state;
    char buf[NUMBER_MAX];
    assert_str(share_text(LANG_en, 882, 5405, buf), "16" NBSP "%");
    assert_str(share_text(LANG_en, 1, 7168, buf), "<" NBSP "1" NBSP "%");
    assert_str(share_text(LANG_en, 7167, 7168, buf), ">" NBSP "99" NBSP "%");
    assert_str(share_text(LANG_en, 7168, 7168, buf), "100" NBSP "%");
    assert_str(share_text(LANG_en, 0, 7168, buf), "0" NBSP "%");
    assert_str(share_text(LANG_en, 0, 0, buf), "\xe2\x80\x93");
}

static void a_change_is_told_as_the_study_did(void **state)
{
    (void)state;
    char buf[NUMBER_MAX];
    assert_str(change_text(LANG_en, 3609, 4114, buf), "14" NBSP "%");
    assert_str(change_text(LANG_en, 4114, 3609, buf), "12" NBSP "%");
    assert_str(change_text(LANG_en, 10000, 10001, buf), "<" NBSP "1" NBSP "%");
    assert_str(change_text(LANG_it, 1, 2001, buf), "200.000" NBSP "%");
    assert_str(change_text(LANG_en, 0, 5, buf), "\xe2\x80\x93");
}

static void dates_are_in_words(void **state)
{
    (void)state;
    char buf[NUMBER_MAX];
    assert_str(date_text(LANG_en, STR("2026-11-22"), buf), "22" NBSP "November 2026");
    assert_str(date_text(LANG_it, STR("2026-02-03"), buf), "3" NBSP "febbraio 2026");
    assert_str(date_text(LANG_en, STR("2026-13-22"), buf), "2026-13-22");
    assert_str(date_text(LANG_en, STR("soon"), buf), "soon");
    assert_str(date_iso(1795305600000000, buf), "2026-11-22");
    assert_str(date_iso(0, buf), "");
    assert_str(date_iso(INT64_MAX, buf), "");
}

static void scores_have_the_decimal_of_the_language(void **state)
{
    (void)state;
    char buf[NUMBER_MAX];
    assert_str(cvss_text(LANG_en, 98, buf), "9.8");
    assert_str(cvss_text(LANG_it, 100, buf), "10,0");
    assert_str(cvss_text(LANG_it, -1, buf), "\xe2\x80\x93");
}

static void no_two_countries_share_a_tile(void **state)
{
    (void)state;
    bool taken[COUNTRY_ROWS][COUNTRY_COLUMNS] = {{false}};
    const struct country *c;
    size_t n = 0;
    for (size_t i = 0; (c = country_at(i)); i++, n++) {
        assert_true(c->name[LANG_en].n && c->name[LANG_it].n);
        assert_ptr_equal(country_by_code(str_z(c->code)), c);
        if (c->column < 0)
            continue;
        assert_true(c->column < COUNTRY_COLUMNS && c->row >= 0 && c->row < COUNTRY_ROWS);
        assert_false(taken[c->row][c->column]);
        taken[c->row][c->column] = true;
    }
    assert_true(n >= 249);
    assert_str(word_country(LANG_it, STR("de")), "Germania");
    assert_str(word_country(LANG_it, STR("??")), "??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_stands_in_both_languages),
        cmocka_unit_test(both_languages_take_the_same_numbers),
        cmocka_unit_test(types_severities_levels_and_states_have_words),
        cmocka_unit_test(numbers_are_grouped_as_the_language_does),
        cmocka_unit_test(shares_never_say_none_or_all_wrongly),
        cmocka_unit_test(a_change_is_told_as_the_study_did),
        cmocka_unit_test(dates_are_in_words),
        cmocka_unit_test(scores_have_the_decimal_of_the_language),
        cmocka_unit_test(no_two_countries_share_a_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
