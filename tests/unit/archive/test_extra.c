#include "archive/extra.h"

#include "unit.h"

static void puts_and_gets(void **state)
{
    (void)state;
    struct wr w = wr_heap(EXTRA_MAX);
    char longer[300];
    memset(longer, 'x', sizeof longer);
    extra_put(&w, 3, STR("three"));
    extra_put(&w, 200, str_of(longer, sizeof longer));
    extra_put(&w, 7, STR(""));
    assert_int_equal(w.n, 2 + 5 + 3 + 300);
    assert_str(extra_get(wr_str(&w), 3), "three");
    assert_int_equal(extra_get(wr_str(&w), 200).n, 300);
    assert_int_equal(extra_get(wr_str(&w), 7).n, 0);
    assert_int_equal(extra_get(wr_str(&w), 4).n, 0);
    wr_done(&w);
}

static void what_is_too_long_is_left_out(void **state)
{
    (void)state;
    struct wr w = wr_heap(EXTRA_MAX);
    char *text = calloc(1, EXTRA_VALUE_MAX + 1);
    extra_put(&w, 1, str_of(text, EXTRA_VALUE_MAX + 1));
    assert_int_equal(w.n, 0);
    for (int i = 0; i < 10; i++)
        extra_put(&w, (uint8_t)i, str_of(text, EXTRA_VALUE_MAX));
    assert_false(w.bad);
    assert_true(w.n <= EXTRA_MAX);
    assert_int_equal(extra_get(wr_str(&w), 1).n, EXTRA_VALUE_MAX);
    assert_int_equal(extra_get(wr_str(&w), 9).n, 0);
    free(text);
    wr_done(&w);
}

static void merging_fills_and_never_replaces(void **state)
{
    (void)state;
    struct wr a = wr_heap(EXTRA_MAX), b = wr_heap(EXTRA_MAX), w = wr_heap(2 * EXTRA_MAX);
    extra_put(&a, 1, STR("first"));
    extra_put(&b, 1, STR("second"));
    assert_false(extra_merge(wr_str(&a), wr_str(&b), &w));
    extra_put(&b, 2, STR("new"));
    wr_clear(&w);
    assert_true(extra_merge(wr_str(&a), wr_str(&b), &w));
    assert_str(extra_get(wr_str(&w), 1), "first");
    assert_str(extra_get(wr_str(&w), 2), "new");
    wr_done(&a);
    wr_done(&b);
    wr_done(&w);
}

static void cut_values_end_the_walk(void **state)
{
    (void)state;
    static const char whole[] = "\x01\x05hello\x02\x85\x01";
    for (size_t n = 0; n < sizeof whole; n++) {
        struct str got = extra_get(str_of(whole, n), 2);
        assert_int_equal(got.n, 0);
    }
    assert_int_equal(extra_get(str_of("\x01\x80\x80", 3), 1).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_and_gets),
        cmocka_unit_test(what_is_too_long_is_left_out),
        cmocka_unit_test(merging_fills_and_never_replaces),
        cmocka_unit_test(cut_values_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
