#include "unit.h"

#include "base/size.h"
#include "dicom/datetime.h"

#define DA VR('D', 'A')
#define TM VR('T', 'M')
#define DT VR('D', 'T')
#define HMS(h, m, s) ((((h)*60 + (m)) * 60 + (s)) * INT64_C(1000000))

static void reads_dates(void **state)
{
    int32_t date = 0;
    (void)state;
    assert_true(da_parse(STR("20200229"), &date));
    assert_int_equal(date, 20200229);
    assert_true(da_parse(STR("1997.01.31"), &date));
    assert_int_equal(date, 19970131);
    assert_true(da_parse(STR("20200101 "), &date));
    assert_true(da_parse(STR("00010101"), &date));
    assert_true(da_parse(STR("99991231"), &date));
}

static void refuses_what_is_no_date(void **state)
{
    static const char *const bad[] = {"",         "2020",      "202001",    "20200230", "20210229",
                                      "19000229", "20201301",  "20200001",  "20200100", "00000101",
                                      "2020-1-1", "2020.0101", "202001.01", "2020010",  "202001011",
                                      "2020 101", "+2020101",  "*",         "20200132"};
    int32_t date = 7;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(da_parse(str_z(bad[i]), &date));
    assert_int_equal(date, 7);
}

static void assert_time(const char *text, int64_t lo, int64_t hi)
{
    struct dt_span span = {0, 0};
    assert_true(tm_parse(str_z(text), &span));
    assert_int_equal(span.lo, lo);
    assert_int_equal(span.hi, hi);
}

static void reads_times_of_any_precision(void **state)
{
    (void)state;
    assert_time("10", HMS(10, 0, 0), HMS(11, 0, 0) - 1);
    assert_time("1012", HMS(10, 12, 0), HMS(10, 13, 0) - 1);
    assert_time("101213", HMS(10, 12, 13), HMS(10, 12, 14) - 1);
    assert_time("101213.5", HMS(10, 12, 13) + 500000, HMS(10, 12, 13) + 599999);
    assert_time("101213.123456", HMS(10, 12, 13) + 123456, HMS(10, 12, 13) + 123456);
    assert_time("10:12:13", HMS(10, 12, 13), HMS(10, 12, 14) - 1);
    assert_time("10:12", HMS(10, 12, 0), HMS(10, 13, 0) - 1);
    assert_time("235960", HMS(24, 0, 0), HMS(24, 0, 1) - 1);
    assert_time("000000 ", 0, 999999);
}

static void refuses_what_is_no_time(void **state)
{
    static const char *const bad[] = {
        "",        "1",       "24",    "1060",   "101261", "101213.",        "1012.5",
        "10:1213", "1012:13", "10:",   "10:12:", "1012:",  "101213.1234567", "10 12",
        "noon",    "10121",   "-1012", "101213x"};
    struct dt_span span;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(tm_parse(str_z(bad[i]), &span));
}

static void days_count_from_1970(void **state)
{
    (void)state;
    assert_int_equal(da_days(19700101), 0);
    assert_int_equal(da_days(19691231), -1);
    assert_int_equal(da_days(20000301), 11017);
    assert_int_equal(da_days(10101), -719162);
    assert_int_equal(da_days(99991231), 2932896);
    for (int64_t day = -719162; day <= 2932896; day += 17)
        assert_int_equal(da_days(da_of_days(day)), day);
}

static void assert_datetime(const char *text, int zone, const char *lo, const char *hi)
{
    char buf[64];
    struct dt_span span = {0, 0};
    assert_true(dt_parse(str_z(text), zone, &span));
    struct wr w = wr_fixed(buf, sizeof buf);
    dt_format(span.lo, &w);
    assert_str(wr_str(&w), lo);
    wr_clear(&w);
    dt_format(span.hi, &w);
    assert_str(wr_str(&w), hi);
}

static void reads_datetimes_of_any_precision_and_zone(void **state)
{
    (void)state;
    assert_datetime("2020", 0, "20200101000000+0000", "20201231235959.999999+0000");
    assert_datetime("202002", 0, "20200201000000+0000", "20200229235959.999999+0000");
    assert_datetime("20200203", 0, "20200203000000+0000", "20200203235959.999999+0000");
    assert_datetime("2020020310", 0, "20200203100000+0000", "20200203105959.999999+0000");
    assert_datetime("20200203101112.5", 0, "20200203101112.500000+0000",
                    "20200203101112.599999+0000");
    assert_datetime("20200203101112+0100", 0, "20200203091112+0000", "20200203091112.999999+0000");
    assert_datetime("20200203101112", 60, "20200203091112+0000", "20200203091112.999999+0000");
    assert_datetime("20200101-0500", 60, "20200101050000+0000", "20200102045959.999999+0000");
    assert_datetime("2020+0000", 90, "20200101000000+0000", "20201231235959.999999+0000");
    assert_datetime("19691231235959.999999", 0, "19691231235959.999999+0000",
                    "19691231235959.999999+0000");
}

static void refuses_what_is_no_datetime(void **state)
{
    static const char *const bad[] = {"",
                                      "202",
                                      "20201",
                                      "202013",
                                      "20200230",
                                      "2020010124",
                                      "20200101+1500",
                                      "20200101-1300",
                                      "20200101+",
                                      "20200101+01",
                                      "20200101 10",
                                      "0000",
                                      "2020010110+0100x"};
    struct dt_span span;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(dt_parse(str_z(bad[i]), 0, &span));
}

static void assert_range(vr_t vr, const char *key, int64_t lo, int64_t hi)
{
    struct dt_span span = {1, 1};
    assert_true(dt_range(vr, str_z(key), 0, &span));
    assert_int_equal(span.lo, lo);
    assert_int_equal(span.hi, hi);
}

static void reads_ranges_of_dates(void **state)
{
    (void)state;
    assert_range(DA, "20200101", 20200101, 20200101);
    assert_range(DA, "20200101-20201231", 20200101, 20201231);
    assert_range(DA, "20200101-", 20200101, DT_OPEN_HIGH);
    assert_range(DA, "-20201231", DT_OPEN_LOW, 20201231);
    assert_range(DA, "1997.01.31-1998.01.31", 19970131, 19980131);
    assert_range(DA, " 20200101 - 20201231 ", 20200101, 20201231);
    assert_range(DA, "20201231-20200101", 20201231, 20200101);
}

static void reads_ranges_of_times(void **state)
{
    (void)state;
    assert_range(TM, "10-11", HMS(10, 0, 0), HMS(12, 0, 0) - 1);
    assert_range(TM, "1030-", HMS(10, 30, 0), DT_OPEN_HIGH);
    assert_range(TM, "-103000", DT_OPEN_LOW, HMS(10, 30, 1) - 1);
    assert_range(TM, "10:00-11:00", HMS(10, 0, 0), HMS(11, 1, 0) - 1);
}

/* PS3.4 C.2.2.2.5.3: a hyphen may be the range's or a zone's. */
static void tells_a_range_from_a_zone(void **state)
{
    int64_t day = DT_DAY_US, d2020 = da_days(20200101) * day, d2021 = da_days(20210101) * day;
    (void)state;
    assert_range(DT, "2020-2020", d2020, d2021 - 1);
    assert_range(DT, "20200101-20201231", d2020, d2021 - 1);
    assert_range(DT, "2020-0500", d2020 + HMS(5, 0, 0), d2021 + HMS(5, 0, 0) - 1);
    assert_range(DT, "2020-0500-2020-0500", d2020 + HMS(5, 0, 0), d2021 + HMS(5, 0, 0) - 1);
    assert_range(DT, "2020-0500-", d2020 + HMS(5, 0, 0), DT_OPEN_HIGH);
    assert_range(DT, "-2020-0500", DT_OPEN_LOW, d2021 + HMS(5, 0, 0) - 1);
    assert_range(DT, "2020-", d2020, DT_OPEN_HIGH);
}

static void refuses_what_is_no_range(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "--",
                                      "2020-2021",
                                      "20200101-x",
                                      "x-20200101",
                                      "20200101-20200102-20200103",
                                      "202001*",
                                      "\"\"",
                                      "-----"};
    struct dt_span span;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(dt_range(DA, str_z(bad[i]), 0, &span));
    assert_false(dt_range(VR('L', 'O'), STR("20200101"), 0, &span));
}

static void combines_date_and_time_keys(void **state)
{
    struct dt_span date = {20200101, 20200103}, time = {HMS(10, 0, 0), HMS(12, 0, 0)};
    struct dt_span open = {DT_OPEN_LOW, DT_OPEN_HIGH};
    struct dt_span both = dt_combine_range(date, time, 0);
    int64_t d1 = da_days(20200101) * DT_DAY_US, d3 = da_days(20200103) * DT_DAY_US;
    (void)state;
    assert_int_equal(both.lo, d1 + HMS(10, 0, 0));
    assert_int_equal(both.hi, d3 + HMS(12, 0, 0));
    /* The second day is inside at any time of day. */
    assert_true(dt_combine(20200102, HMS(3, 0, 0), 0) > both.lo);
    assert_true(dt_combine(20200102, HMS(23, 0, 0), 0) < both.hi);
    both = dt_combine_range(date, open, 0);
    assert_int_equal(both.lo, d1);
    assert_int_equal(both.hi, d3 + DT_DAY_US - 1);
    both = dt_combine_range(open, time, 0);
    assert_int_equal(both.lo, DT_OPEN_LOW);
    assert_int_equal(both.hi, DT_OPEN_HIGH);
    assert_int_equal(dt_combine(20200101, 0, 60), d1 - HMS(1, 0, 0));
}

static void writes_what_it_reads(void **state)
{
    static const char *const times[] = {"000000", "101213", "235959.000001", "235960"};
    char buf[32];
    struct wr w = wr_fixed(buf, sizeof buf);
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        struct dt_span span = {0, 0};
        assert_true(tm_parse(str_z(times[i]), &span));
        wr_clear(&w);
        tm_format(span.lo, &w);
        assert_str(wr_str(&w), times[i]);
    }
    wr_clear(&w);
    da_format(10203, &w);
    assert_str(wr_str(&w), "00010203");
}

static void reads_zones(void **state)
{
    int minutes = 0;
    (void)state;
    assert_true(dt_parse_zone(STR("+0530 "), &minutes));
    assert_int_equal(minutes, 330);
    assert_true(dt_parse_zone(STR("-1200"), &minutes));
    assert_int_equal(minutes, -720);
    assert_false(dt_parse_zone(STR("0100"), &minutes));
    assert_false(dt_parse_zone(STR("+0160"), &minutes));
    assert_false(dt_parse_zone(STR("+1401"), &minutes));
    assert_false(dt_parse_zone(STR(""), &minutes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_dates),
        cmocka_unit_test(refuses_what_is_no_date),
        cmocka_unit_test(reads_times_of_any_precision),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(days_count_from_1970),
        cmocka_unit_test(reads_datetimes_of_any_precision_and_zone),
        cmocka_unit_test(refuses_what_is_no_datetime),
        cmocka_unit_test(reads_ranges_of_dates),
        cmocka_unit_test(reads_ranges_of_times),
        cmocka_unit_test(tells_a_range_from_a_zone),
        cmocka_unit_test(refuses_what_is_no_range),
        cmocka_unit_test(combines_date_and_time_keys),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(reads_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
