#include "unit.h"

#include "serve/dimse/throttle.h"

static void lets_the_first_through_and_counts_the_rest(void **state)
{
    (void)state;
    struct throttle t = {0};
    uint64_t suppressed = 99;
    for (unsigned i = 0; i < THROTTLE_PER_MINUTE; i++) {
        assert_true(throttle_pass(&t, 5000 + i, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (unsigned i = 0; i < 1000; i++)
        assert_false(throttle_pass(&t, 6000 + i, &suppressed));
}

static void says_after_a_minute_how_many_there_were(void **state)
{
    (void)state;
    struct throttle t = {0};
    uint64_t suppressed;
    for (unsigned i = 0; i < THROTTLE_PER_MINUTE + 7; i++)
        (void)throttle_pass(&t, 1000, &suppressed);
    assert_false(throttle_pass(&t, 60999, &suppressed));
    assert_true(throttle_pass(&t, 61000, &suppressed));
    assert_int_equal(suppressed, 8);
    assert_true(throttle_pass(&t, 61001, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_the_first_through_and_counts_the_rest),
        cmocka_unit_test(says_after_a_minute_how_many_there_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
