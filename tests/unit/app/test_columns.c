/* app/columns: rows for people: aligned, safe on a terminal, unbounded. */
#include "app/columns.h"

#include <stdio.h>

#include "unit.h"

static struct columns c;
static struct wr out;

static int setup(void **state)
{
    (void)state;
    const struct str heads[] = {STR("ID"), STR("Name"), STR("End")};
    out = wr_heap(16 << 20);
    assert_ok(columns_begin(&c, heads, 3));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    columns_done(&c);
    wr_done(&out);
    return 0;
}

static void add(struct str id, struct str name, struct str end)
{
    const struct str cells[] = {id, name, end};
    assert_ok(columns_add(&c, cells, &out));
}

static void columns_are_as_wide_as_their_widest(void **state)
{
    (void)state;
    add(STR("1"), STR("Rossi^Mario"), STR("x"));
    add(STR("12345"), STR(""), STR("yy"));
    columns_end(&c, &out);
    assert_str(wr_str(&out), "ID     Name         End\n"
                             "1      Rossi^Mario  x\n"
                             "12345               yy\n");
}

static void width_is_counted_in_characters_not_bytes(void **state)
{
    (void)state;
    add(STR("\xc3\xa4\xc3\xb6"), STR("\xe5\xb1\xb1\xe7\x94\xb0"),
        STR("x")); /* umlauts; two wide ones */
    add(STR("ab"), STR("abcd"), STR("x"));
    columns_end(&c, &out);
    assert_str(wr_str(&out), "ID  Name  End\n"
                             "\xc3\xa4\xc3\xb6  \xe5\xb1\xb1\xe7\x94\xb0  x\n"
                             "ab  abcd  x\n");
}

static void control_bytes_never_reach_the_terminal(void **state)
{
    (void)state;
    add(STR("\x1b[2J\x07"), STR("a\nb"), STR("\xc2\x9b"));
    columns_end(&c, &out);
    for (size_t i = 0; i < out.n; i++)
        assert_true(out.p[i] == '\n' || (out.p[i] >= 0x20 && out.p[i] < 0x7f));
}

static void rows_past_the_first_are_written_as_they_come(void **state)
{
    (void)state;
    for (int i = 0; i < COLUMNS_HELD + 50; i++)
        add(STR("1"), STR("2"), STR("3"));
    assert_true(out.n > 0);
    columns_end(&c, &out);
    size_t lines = 0;
    for (size_t i = 0; i < out.n; i++)
        lines += out.p[i] == '\n';
    assert_int_equal(lines, 1 + COLUMNS_HELD + 50);
}

static void long_values_are_cut(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'x', sizeof text);
    add(str_of(text, sizeof text), STR("\x01"), STR("3"));
    columns_end(&c, &out);
    assert_true(out.n < 1500);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(columns_are_as_wide_as_their_widest),
        TEST(width_is_counted_in_characters_not_bytes),
        TEST(control_bytes_never_reach_the_terminal),
        TEST(rows_past_the_first_are_written_as_they_come),
        TEST(long_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
