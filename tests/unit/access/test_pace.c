#include "unit.h"

#include "access/pace.h"

static void lets_a_second_of_the_rate_through_at_once(void **state)
{
    (void)state;
    struct pace p = {0};
    for (int i = 0; i < 100; i++)
        assert_int_equal(pace_take(&p, 1, 100, 5000000), 0);
    assert_int_equal(pace_take(&p, 1, 100, 5000000), 10);
}

static void slows_down_to_the_rate(void **state)
{
    (void)state;
    struct pace p = {0};
    int64_t now = 1000000, start = now;
    for (int i = 0; i < 1000; i++)
        now += 1000 * pace_take(&p, 1, 100, now);
    /* 1,000 at 100 a second are 10 s, one of which was free */
    assert_in_range((now - start) / 1000, 8900, 9100);
}

static void forgets_what_was_long_ago(void **state)
{
    (void)state;
    struct pace p = {0};
    assert_true(pace_take(&p, 500, 100, 1000000) > 0);
    assert_int_equal(pace_take(&p, 100, 100, 60000000), 0);
}

static void survives_numbers_of_any_size(void **state)
{
    (void)state;
    struct pace p = {0};
    assert_true(pace_take(&p, UINT64_MAX, 1, INT64_MAX / 4000) > 0);
    assert_true(pace_take(&p, UINT64_MAX, 1, INT64_MAX / 4000) > 0);
    assert_int_equal(pace_take(&(struct pace){0}, 1, UINT64_MAX, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_a_second_of_the_rate_through_at_once),
        cmocka_unit_test(slows_down_to_the_rate),
        cmocka_unit_test(forgets_what_was_long_ago),
        cmocka_unit_test(survives_numbers_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
