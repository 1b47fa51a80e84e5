#include "unit.h"

#include "access/stamp.h"

static void writes_utc_with_microseconds(void **state)
{
    (void)state;
    char buf[64];
    struct wr w = wr_fixed(buf, sizeof buf);
    stamp_write(1767323045678901, &w);
    assert_str(wr_str(&w), "2026-01-02T03:04:05.678901Z");
    wr_clear(&w);
    stamp_write(0, &w);
    assert_str(wr_str(&w), "1970-01-01T00:00:00.000000Z");
    wr_clear(&w);
    stamp_write_day(1767323045, &w);
    assert_str(wr_str(&w), "2026-01-02");
}

static void brings_times_outside_the_calendar_to_its_ends(void **state)
{
    (void)state;
    char buf[64];
    struct wr w = wr_fixed(buf, sizeof buf);
    stamp_write(-5, &w);
    assert_str(wr_str(&w), "1970-01-01T00:00:00.000000Z");
    wr_clear(&w);
    stamp_write(INT64_MAX, &w);
    assert_true(str_starts(wr_str(&w), STR("9999-12-31T23:59:59.")));
}

static void reads_what_it_wrote(void **state)
{
    (void)state;
    static const int64_t times[] = {
        0, 1, 999999, 951782400000000, 1767323045678901, 253402300799999999};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char buf[64];
        struct wr w = wr_fixed(buf, sizeof buf);
        int64_t back = -1;
        stamp_write(times[i], &w);
        assert_true(stamp_parse(wr_str(&w), &back));
        assert_int_equal(back, times[i]);
    }
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-01-02",
        "2026-01-02T03:04:05Z",
        "2026-13-02T03:04:05.000000Z",
        "2026-00-02T03:04:05.000000Z",
        "2026-01-00T03:04:05.000000Z",
        "2026-01-02T24:04:05.000000Z",
        "2026-01-02 03:04:05.000000Z",
        "2026-01-02T03:04:05,000000Z",
        "2026-01-02T03:04:05.00000 Z",
        "2026-01-02T03:04:05.000000+",
        "1969-01-02T03:04:05.000000Z",
    };
    int64_t t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(stamp_parse(str_z(bad[i]), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_utc_with_microseconds),
        cmocka_unit_test(brings_times_outside_the_calendar_to_its_ends),
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(refuses_what_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
