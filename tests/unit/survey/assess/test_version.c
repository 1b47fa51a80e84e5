/* Versions, ranges, and every range of our own table. */
#include "survey/assess/version.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "unit.h"

static struct str z(const char *s)
{
    return str_z(s);
}

static void versions_are_ordered_by_value(void **state)
{
    static const char *const ascending[] = {"1.0rc1", "1.0",     "1.0.1",  "1.2",       "1.10",
                                            "3.6.6",  "3.6.7",   "3.6.7a", "3.6.7b",    "3.6.8",
                                            "5.0.1",  "5.0.1p7", "5.0.2",  "12.2.8.410"};
    (void)state;
    for (size_t i = 0; i < COUNT(ascending); i++)
        for (size_t k = 0; k < COUNT(ascending); k++) {
            int c = version_cmp(z(ascending[i]), z(ascending[k]));
            if (i == k)
                assert_int_equal(c, 0);
            else if ((c < 0) != (i < k))
                fail_msg("%s and %s", ascending[i], ascending[k]);
        }
    assert_int_equal(version_cmp(z("3.6"), z("3.6.0.0")), 0);
    assert_int_equal(version_cmp(z("v3.6.7"), z("Version 3.6.7")), 0);
}

struct one {
    const char *range, *version;
    enum range_answer answer;
};

static const char *const names[] = {"outside", "inside", "all", "unknown"};

static void check(const struct one *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum range_answer a = range_has(z(t[i].range), z(t[i].version));
        if (a != t[i].answer)
            fail_msg("\"%s\" has \"%s\": %s, wanted %s", t[i].range, t[i].version, names[a],
                     names[t[i].answer]);
    }
}

static void bounds_are_read_as_advisories_write_them(void **state)
{
    static const struct one t[] = {
        {"< 3.6.7", "3.6.6", RANGE_INSIDE},
        {"< 3.6.7", "3.6.7", RANGE_OUTSIDE},
        {"<=3.7.0", "3.7.0", RANGE_INSIDE},
        {">= 1.3.4 | < 1.5.3", "1.4", RANGE_INSIDE},
        {">= 1.3.4 | < 1.5.3", "1.5.3", RANGE_OUTSIDE},
        {">= 1.3.4 | < 1.5.3", "1.2", RANGE_OUTSIDE},
        {"<= 12.2.x.x", "12.2.8.410", RANGE_INSIDE},
        {"<= 12.2.x.x", "12.3.0.1", RANGE_OUTSIDE},
        {"9.x", "9.33", RANGE_INSIDE},
        {"9.x", "10.1", RANGE_OUTSIDE},
        {"9.7 ; <= 9.5", "9.7", RANGE_INSIDE},
        {"9.7 ; <= 9.5", "9.6", RANGE_OUTSIDE},
        {"1.1.7.333 | 2.1.1.3069", "2.1.1.3069", RANGE_INSIDE},
        {"1.1.7.333 | 2.1.1.3069", "2.0.0.0", RANGE_OUTSIDE},
        {"<=3.7.0 (before commits 885ff0f,847d50e)", "3.6.9", RANGE_INSIDE},
        {"3.0-3.7.0", "3.6.8", RANGE_INSIDE},
        {"3.0-3.7.0", "3.7.1", RANGE_OUTSIDE},
        {"2.8.3-4.2.0p1", "4.1.2", RANGE_INSIDE},
        {"<8/30/2024", "2024-08-29", RANGE_INSIDE},
        {"< july 1 2017", "2017-07-02", RANGE_OUTSIDE},
        {"< B.06.18", "B.06.17", RANGE_INSIDE},
        {"< B.06.18", "C.01", RANGE_OUTSIDE},
        {"prior to 4.4.1", "4.4.0", RANGE_INSIDE},
        {"up to and including 2.0", "2.0", RANGE_INSIDE},
        {"5.0.1 and earlier", "5.0.2", RANGE_OUTSIDE},
        {"All versions < V2.0", "V1.9", RANGE_INSIDE},
        {"from 5.0 to 6.1", "6.0", RANGE_INSIDE},
        {">= 5.01 and < 6.4", "6.3", RANGE_INSIDE},
        {">=1.0, <2.0", "2.0", RANGE_OUTSIDE},
        {"5.0.1 through 5.0.9", "5.0.9", RANGE_INSIDE},
        {"3.0.11.5_BN8", "3.0.11.5_BN8", RANGE_INSIDE},
    };
    (void)state;
    check(t, COUNT(t));
}

static void all_versions_are_all_whatever_was_read(void **state)
{
    static const struct one t[] = {
        {"vers:all/*", "", RANGE_ALL},
        {"vers:all/*", "1.0", RANGE_ALL},
        {"*", "", RANGE_ALL},
        {"all (see advisory)", "", RANGE_ALL},
        {"All versions", "7", RANGE_ALL},
        {"vers:generic/*", "", RANGE_ALL},
        {"<1.0 ; vers:all/*", "3", RANGE_ALL},
        {">=0", "", RANGE_ALL},
    };
    (void)state;
    check(t, COUNT(t));
}

static void the_vers_notation_is_read(void **state)
{
    static const struct one t[] = {
        {"vers:generic/>=1.0|<2.0", "1.5", RANGE_INSIDE},
        {"vers:generic/>=1.0|<2.0|>=3.0|<=3.4", "3.4", RANGE_INSIDE},
        {"vers:generic/>=1.0|<2.0|>=3.0|<=3.4", "2.5", RANGE_OUTSIDE},
        {"vers:intdot/<12.2.8.410", "12.2.1.0", RANGE_INSIDE},
        {"vers:generic/1.0|2.0|3.0", "2.0", RANGE_INSIDE},
        {"vers:generic/>=1.0|!=1.5|<2.0", "1.5", RANGE_OUTSIDE},
        {"vers:generic/>=4.2", "9.0", RANGE_INSIDE},
        {"vers:", "9.0", RANGE_UNKNOWN},
        {"vers:generic", "9.0", RANGE_UNKNOWN},
    };
    (void)state;
    check(t, COUNT(t));
}

static void what_is_not_certain_is_unknown(void **state)
{
    static const struct one t[] = {
        {"< 3.6.7", "", RANGE_UNKNOWN},
        {"?", "1.0", RANGE_UNKNOWN},
        {"", "1.0", RANGE_UNKNOWN},
        {" ; ;; ", "1.0", RANGE_UNKNOWN},
        {"see advisory", "1.0", RANGE_UNKNOWN},
        {"<=11.2 on Windows 8.1 with IIS 7.5", "11.0", RANGE_UNKNOWN},
        {"Rev B-M", "B.01", RANGE_UNKNOWN},
        {"v8.x model 35700BAX2", "8.0", RANGE_UNKNOWN},
        {"<= C.0x", "C.02", RANGE_UNKNOWN},
        /* A version cut short, and one that goes on behind what the advisory names. */
        {"< 12.2.8.410", "12.2", RANGE_UNKNOWN},
        {"<= 5.0", "5.0.3", RANGE_UNKNOWN},
        {"<5.0.1p7", "5.0.1", RANGE_UNKNOWN},
        {"8", "8.4", RANGE_UNKNOWN},
        /* Things that do not compare. */
        {"<=2025-09-19", "3.1", RANGE_UNKNOWN},
        {"<= R8.0.3", "8.0.1", RANGE_UNKNOWN},
        {"<= D25", "L81", RANGE_UNKNOWN},
        {"1.4.2.0-9d9eff4", "1.4.2.0-0a1b2c3", RANGE_UNKNOWN},
        {"1.4.2.0-9d9eff4", "1.4.2.0", RANGE_UNKNOWN},
        {"<1.0 ; nonsense", "2.0", RANGE_UNKNOWN},
    };
    (void)state;
    check(t, COUNT(t));
    /* What goes on behind a bound that excludes it is outside, and inside one that begins there. */
    assert_int_equal(range_has(z("< 5.0"), z("5.0.3")), RANGE_OUTSIDE);
    assert_int_equal(range_has(z(">= 5.0"), z("5.0.3")), RANGE_INSIDE);
}

static void hostile_texts_are_unknown(void **state)
{
    (void)state;
    char big[4096];
    memset(big, '<', sizeof big);
    assert_int_equal(range_has(str_of(big, sizeof big), z("1")), RANGE_UNKNOWN);
    memset(big, '9', sizeof big);
    assert_int_equal(range_has(str_of(big, 400), z("1")), RANGE_UNKNOWN);
    assert_int_equal(range_has(z("< 1.0"), str_of(big, 400)), RANGE_UNKNOWN);
    memset(big, '(', sizeof big);
    assert_int_equal(range_has(str_of(big, 300), z("1")), RANGE_UNKNOWN);
    assert_int_equal(
        range_has(z("<1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"), z("1")),
        RANGE_UNKNOWN);
}

static struct str column(struct str line, size_t n)
{
    struct str part = {0};
    for (size_t i = 0; i <= n && line.p; i++)
        (void)str_split(&line, '\t', &part);
    return part;
}

/* Prints how many ranges of data/advisories.tsv are understood, and those that are not. */
static void the_tables_ranges_are_understood(void **state)
{
    (void)state;
    static char text[1 << 20];
    FILE *f = fopen(ADVISORIES_TSV, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f), rows = 0, read = 0;
    (void)fclose(f);
    struct str rest = str_of(text, n), line, before = STR("");
    (void)str_split(&rest, '\n', &line);
    while (rest.n && str_split(&rest, '\n', &line)) {
        struct str range = column(line, 3);
        if (!line.n)
            continue;
        rows++;
        read += range_reads(range);
        if (!range_reads(range) && !str_eq(before, range))
            print_message("not read: %.*s: %.*s\n", STR_ARG(column(line, 2)), STR_ARG(range));
        before = range;
    }
    print_message("ranges of our table understood: %zu of %zu (%.1f %%)\n", read, rows,
                  100.0 * (double)read / (double)rows);
    assert_true(rows > 1100);
    assert_true(read * 100 > rows * 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_ordered_by_value),
        cmocka_unit_test(bounds_are_read_as_advisories_write_them),
        cmocka_unit_test(all_versions_are_all_whatever_was_read),
        cmocka_unit_test(the_vers_notation_is_read),
        cmocka_unit_test(what_is_not_certain_is_unknown),
        cmocka_unit_test(hostile_texts_are_unknown),
        cmocka_unit_test(the_tables_ranges_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
