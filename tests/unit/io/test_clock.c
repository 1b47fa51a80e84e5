#include "unit.h"

#include <limits.h>
#include <time.h>

#include "io/clock.h"

static void never_steps_back(void **state)
{
    (void)state;
    int64_t before = clock_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_us();
        assert_true(now >= before);
        before = now;
    }
}

static void milliseconds_and_microseconds_are_one_clock(void **state)
{
    (void)state;
    int64_t ms = clock_ms(), us = clock_us(), later = clock_ms();
    assert_true(us / 1000 >= ms && us / 1000 <= later);
}

static void a_deadline_saturates(void **state)
{
    (void)state;
    assert_true(clock_deadline(INT64_MAX) == IO_FOREVER);
    assert_true(clock_deadline(1000) - clock_ms() <= 1000);
}

static void what_is_left_suits_poll(void **state)
{
    (void)state;
    assert_int_equal(clock_left(IO_FOREVER), -1);
    assert_int_equal(clock_left(0), 0);
    assert_int_equal(clock_left(INT64_MIN), 0);
    assert_int_equal(clock_left(clock_ms() - 1), 0);
    assert_int_equal(clock_left(INT64_MAX - 1), INT_MAX);
    assert_in_range(clock_left(clock_deadline(5000)), 4900, 5000);
}

static void sleeping_takes_its_time(void **state)
{
    (void)state;
    int64_t before = clock_us();
    clock_sleep_ms(20);
    clock_sleep_ms(0);
    clock_sleep_ms(-5);
    assert_true(clock_us() - before >= 20000);
}

static void the_wall_clock_is_the_systems(void **state)
{
    (void)state;
    int64_t s = clock_wall_us() / 1000000;
    assert_true(s >= time(NULL) - 1 && s <= time(NULL) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_steps_back),
        cmocka_unit_test(milliseconds_and_microseconds_are_one_clock),
        cmocka_unit_test(a_deadline_saturates),
        cmocka_unit_test(what_is_left_suits_poll),
        cmocka_unit_test(sleeping_takes_its_time),
        cmocka_unit_test(the_wall_clock_is_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
