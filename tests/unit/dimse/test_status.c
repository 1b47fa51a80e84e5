/* dimse/status: codes in words, and their classes. */
#include "dimse/command.h"
#include "unit.h"

static void each_class_is_told_apart(void **state)
{
    (void)state;
    assert_true(dimse_is_success(0x0000));
    assert_true(dimse_is_pending(0xff00));
    assert_true(dimse_is_pending(0xff01));
    assert_true(dimse_is_warning(0xb000));
    assert_true(dimse_is_warning(0xb007));
    assert_true(dimse_is_warning(0x0001));
    static const uint16_t failures[] = {0xa700, 0xa900, 0xc000, 0x0110, 0x0122, 0xfe00};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        assert_false(dimse_is_success(failures[i]));
        assert_false(dimse_is_pending(failures[i]));
        assert_false(dimse_is_warning(failures[i]));
    }
}

static void statuses_are_put_in_words(void **state)
{
    (void)state;
    assert_string_equal(dimse_status_text(0x0000), "success");
    assert_string_equal(dimse_status_text(0xa801), "move destination unknown");
    assert_string_equal(dimse_status_text(0xa7ff), "out of resources");
    assert_string_equal(dimse_status_text(0xcfff), "cannot understand, or unable to process");
    assert_string_equal(dimse_status_text(0x7777), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_is_told_apart),
        cmocka_unit_test(statuses_are_put_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
