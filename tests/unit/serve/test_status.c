#include "unit.h"

#include "dimse/command.h"
#include "serve/dimse/status.h"

static void each_error_is_a_status_of_its_service(void **state)
{
    (void)state;
    static const struct {
        err_t e;
        uint16_t store, find, move;
    } cases[] = {
        {OK, 0x0000, 0x0000, 0x0000},
        {E_NOSPACE, 0xa700, 0xa700, 0xa702},
        {E_IO, 0xa700, 0xa700, 0xa702},
        {E_INDEX, 0xa700, 0xa700, 0xa702},
        {E_BUSY, 0xa700, 0xa700, 0xa702},
        {E_MISMATCH, 0xa900, 0xa900, 0xa900},
        {E_MALFORMED, 0xc000, 0xa900, 0xa900},
        {E_MISSING, 0xc000, 0xa900, 0xa900},
        {E_LIMIT, 0xc000, 0xa700, 0xa701},
        {E_BAD_UID, 0x0117, 0xa900, 0xa900},
        {E_UNSUPPORTED, 0x0122, 0xc001, 0xc001},
        {E_DENIED, 0x0124, 0x0124, 0x0124},
        {E_CANCELLED, 0xc001, 0xfe00, 0xfe00},
        {E_INTERNAL, 0xc001, 0xc001, 0xc001},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(status_of(cases[i].e, C_STORE_RQ), cases[i].store);
        assert_int_equal(status_of(cases[i].e, C_FIND_RQ), cases[i].find);
        assert_int_equal(status_of(cases[i].e, C_GET_RQ), cases[i].move);
        assert_int_equal(status_of(cases[i].e, C_MOVE_RQ), cases[i].move);
    }
}

static void no_error_is_answered_with_success(void **state)
{
    (void)state;
    for (int e = OK + 1; strcmp(err_text((err_t)e), err_text((err_t)(e - 1))) != 0; e++)
        assert_false(dimse_is_success(status_of((err_t)e, C_STORE_RQ)));
}

static void a_comment_is_cut_at_a_word(void **state)
{
    (void)state;
    char buf[65];
    assert_str(status_comment("short", buf), "short");
    assert_str(status_comment("the disk is full: free some space, or move the archive to a larger "
                              "one",
                              buf),
               "the disk is full: free some space, or move the archive to a");
    char longest[200];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_true(status_comment(longest, buf).n <= 64);
}

static void a_comment_holds_nothing_that_is_not_in_its_repertoire(void **state)
{
    (void)state;
    char buf[65];
    assert_str(status_comment("a\\b\nc\033[d\xff", buf), "a?b?c?[d?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_is_a_status_of_its_service),
        cmocka_unit_test(no_error_is_answered_with_success),
        cmocka_unit_test(a_comment_is_cut_at_a_word),
        cmocka_unit_test(a_comment_holds_nothing_that_is_not_in_its_repertoire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
