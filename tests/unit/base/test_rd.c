#include "unit.h"

#include "base/rd.h"

static void reads_numbers_in_both_orders(void **state)
{
    (void)state;
    static const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\x08\xff";
    struct rd r = rd_of(str_of(bytes, 9));
    assert_int_equal(rd_u16be(&r), 0x0102);
    assert_int_equal(rd_u16le(&r), 0x0403);
    assert_int_equal(rd_u32be(&r), 0x05060708);
    assert_int_equal(rd_u8(&r), 0xff);
    assert_false(r.bad);
    assert_int_equal(r.n, 0);
    r = rd_of(str_of(bytes, 9));
    assert_int_equal(rd_u32le(&r), 0x04030201);
    r = rd_of(str_of(bytes, 9));
    assert_true(rd_u64be(&r) == 0x0102030405060708u);
    r = rd_of(str_of(bytes, 9));
    assert_true(rd_u64le(&r) == 0x0807060504030201u);
}

static void past_the_end_it_latches_and_gives_nothing(void **state)
{
    (void)state;
    struct rd r = rd_of(STR("abc"));
    assert_int_equal(rd_u32be(&r), 0);
    assert_true(r.bad);
    assert_int_equal(r.n, 0); /* what was left is gone: nobody reads a half number's rest */
    assert_int_equal(rd_u8(&r), 0);
    assert_int_equal(rd_take(&r, 1).n, 0);
    assert_int_equal(rd_take(&r, 0).n, 0);
    assert_true(r.bad);
}

static void a_length_from_outside_is_only_a_view(void **state)
{
    (void)state;
    static const size_t lengths[] = {4, 5, 100, (size_t)UINT32_MAX, SIZE_MAX, SIZE_MAX - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct rd r = rd_of(STR("abc"));
        assert_int_equal(rd_take(&r, lengths[i]).n, 0);
        assert_true(r.bad);
    }
    struct rd r = rd_of(STR("abc"));
    assert_str(rd_take(&r, 3), "abc");
    assert_false(r.bad);
}

static void a_sub_cursor_cannot_leave_its_part(void **state)
{
    (void)state;
    struct rd r = rd_of(STR("abcdef"));
    struct rd sub = rd_sub(&r, 2);
    assert_str(rd_take(&sub, 2), "ab");
    assert_int_equal(rd_u8(&sub), 0);
    assert_true(sub.bad);
    assert_false(r.bad);
    assert_str(rd_take(&r, 1), "c");
    rd_skip(&r, 2);
    sub = rd_sub(&r, 2); /* one is left */
    assert_true(sub.bad && r.bad);
}

static void an_empty_view_is_at_its_end(void **state)
{
    (void)state;
    struct rd r = rd_of(str_of(NULL, 0));
    assert_int_equal(rd_take(&r, 0).n, 0);
    assert_false(r.bad);
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_in_both_orders),
        cmocka_unit_test(past_the_end_it_latches_and_gives_nothing),
        cmocka_unit_test(a_length_from_outside_is_only_a_view),
        cmocka_unit_test(a_sub_cursor_cannot_leave_its_part),
        cmocka_unit_test(an_empty_view_is_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
