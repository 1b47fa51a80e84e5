#include "unit.h"

#include "base/size.h"
#include "survey/core/clean.h"

static void becomes(const char *text, size_t n, size_t cap, const char *expected)
{
    struct arena a = arena_init(1 << 16);
    struct str got;
    bool copied;
    assert_ok(clean_text(str_of(text, n), cap, &a, &got, &copied));
    assert_str(got, expected);
    assert_true(got.n == 0 || clean_is(got));
    arena_done(&a);
}

#define BECOMES(text, cap, expected) becomes(text, sizeof(text) - 1, cap, expected)

static void plain_text_is_not_copied(void **state)
{
    static const char text[] = "Radiologia è qui";
    struct arena a = arena_init(0);
    struct str got;
    bool copied = true;
    (void)state;
    assert_ok(clean_text(STR("Radiologia è qui"), 100, &a, &got, &copied));
    assert_false(copied);
    assert_str(got, text);
    arena_done(&a);
}

static void control_characters_become_space(void **state)
{
    (void)state;
    BECOMES("a\r\nb", 100, "a b");
    BECOMES("\x1b[31mred\x1b[0m", 100, "[31mred [0m");
    BECOMES("a\x00"
            "b",
            100, "a b");
    BECOMES("\x7f", 100, "");
    BECOMES("a\xc2\x9b"
            "31m",
            100, "a 31m");
    BECOMES(" \t a \n", 100, "a");
}

static void broken_utf8_becomes_the_replacement(void **state)
{
    (void)state;
    BECOMES("a\xff", 100, "a\xef\xbf\xbd");
    BECOMES("\xc0\xaf", 100, "\xef\xbf\xbd\xef\xbf\xbd");
    BECOMES("\xed\xa0\x80", 100, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    BECOMES("caf\xe9", 100, "caf\xef\xbf\xbd");
    BECOMES("a\xe2\x82", 100, "a\xef\xbf\xbd\xef\xbf\xbd");
}

static void marks_that_turn_writing_do_not_stay(void **state)
{
    (void)state;
    BECOMES("a\xe2\x80\xae"
            "b",
            100,
            "a\xef\xbf\xbd"
            "b");
    BECOMES("a\xe2\x80\xa8"
            "b",
            100, "a b");
    BECOMES("\xf3\xa0\x81\x81", 100, "\xef\xbf\xbd");
}

static void cuts_at_a_character(void **state)
{
    (void)state;
    BECOMES("abcdef", 3, "abc");
    BECOMES("ab\xc3\xa9", 3, "ab");
    BECOMES("ab\xc3\xa9", 4, "ab\xc3\xa9");
    BECOMES("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 7, "\xf0\x9f\x98\x80");
    BECOMES("ab\x01\xff\xff", 4, "ab");
    BECOMES("ab cd", 3, "ab");
    /* What is past the cap does not count. */
    BECOMES("abc\x1b", 3, "abc");
}

static void without_memory_it_says_so(void **state)
{
    struct arena a = arena_init(0);
    struct str got;
    bool copied;
    (void)state;
    assert_err(clean_text(STR("a\nb"), 100, &a, &got, &copied), E_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_not_copied),
        cmocka_unit_test(control_characters_become_space),
        cmocka_unit_test(broken_utf8_becomes_the_replacement),
        cmocka_unit_test(marks_that_turn_writing_do_not_stay),
        cmocka_unit_test(cuts_at_a_character),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests_name("clean", tests, NULL, NULL);
}
