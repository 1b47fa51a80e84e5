#include "unit.h"

#include "base/size.h"
#include "base/wr.h"

static void writes_numbers_in_both_orders(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct wr w = wr_fixed(buf, sizeof buf);
    static const uint8_t expected[] = {1, 1, 2, 2, 1, 1, 2, 3, 4, 4, 3, 2, 1, 1, 2,
                                       3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1};
    wr_u8(&w, 1);
    wr_u16be(&w, 0x0102);
    wr_u16le(&w, 0x0102);
    wr_u32be(&w, 0x01020304);
    wr_u32le(&w, 0x01020304);
    wr_u64be(&w, 0x0102030405060708u);
    wr_u64le(&w, 0x0102030405060708u);
    assert_false(w.bad);
    assert_int_equal(w.n, sizeof expected);
    assert_memory_equal(buf, expected, sizeof expected);
}

static void what_does_not_fit_latches_and_nothing_more_is_written(void **state)
{
    (void)state;
    uint8_t buf[8] = {0};
    struct wr w = wr_fixed(buf, 4);
    wr_u16be(&w, 0x4142);
    wr_u32be(&w, 0xffffffff);
    assert_true(w.bad);
    wr_u8(&w, 'C'); /* would fit */
    assert_str(wr_str(&w), "AB");
    assert_int_equal(buf[2], 0);
    assert_int_equal(buf[4], 0);
    assert_null(wr_reserve(&w, 0));
    assert_err(wr_flush(&w), E_LIMIT);
    wr_clear(&w);
    wr_put(&w, STR("abcd"));
    assert_ok(wr_flush(&w));
    assert_str(wr_str(&w), "abcd");
    assert_null(wr_reserve(&w, SIZE_MAX));
    assert_true(w.bad);
}

static void the_heap_grows_to_its_cap_and_no_further(void **state)
{
    (void)state;
    struct wr w = wr_heap(100000);
    for (int i = 0; i < 100000; i++)
        wr_u8(&w, (uint8_t)i);
    assert_false(w.bad);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(w.p[i], (uint8_t)i);
    wr_u8(&w, 0);
    assert_true(w.bad);
    wr_done(&w);
    wr_put(&w, STR("again"));
    assert_str(wr_str(&w), "again");
    wr_done(&w);
    wr_done(NULL);
    char buf[4];
    w = wr_fixed(buf, sizeof buf);
    wr_done(&w); /* not its to free */
}

struct sunk {
    char text[4096];
    size_t n, calls, fail_at;
};

static err_t sink(void *ctx, struct str bytes)
{
    struct sunk *s = ctx;
    if (++s->calls == s->fail_at)
        return E_NOSPACE;
    assert_true(s->n + bytes.n <= sizeof s->text);
    memcpy(s->text + s->n, bytes.p, bytes.n);
    s->n += bytes.n;
    return OK;
}

static void a_sink_takes_any_length_in_order(void **state)
{
    (void)state;
    static struct sunk s;
    char buf[16], big[1000];
    struct wr w = wr_sink(buf, sizeof buf, sink, &s);
    s = (struct sunk){.n = 0};
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)('a' + i % 26);
    wr_put(&w, STR("0123456789"));
    wr_put(&w, str_of(big, sizeof big));
    wr_u32be(&w, 0x41424344);
    wr_put(&w, STR(""));
    assert_ok(wr_flush(&w));
    assert_ok(wr_flush(&w));
    assert_int_equal(s.n, 1014);
    assert_memory_equal(s.text, "0123456789", 10);
    assert_memory_equal(s.text + 10, big, 1000);
    assert_memory_equal(s.text + 1010, "ABCD", 4);
    assert_null(wr_reserve(&w, 17));
}

static void a_sink_that_fails_latches(void **state)
{
    (void)state;
    static struct sunk s;
    char buf[16], big[100] = {0};
    struct wr w = wr_sink(buf, sizeof buf, sink, &s);
    s = (struct sunk){.fail_at = 2};
    wr_put(&w, str_of(big, sizeof big));
    assert_true(w.bad);
    assert_int_equal(s.calls, 2);
    wr_put(&w, STR("more"));
    assert_true(wr_flush(&w) != OK);
    assert_int_equal(s.calls, 2);
}

static void prints_like_printf_without_the_nul(void **state)
{
    (void)state;
    char buf[64];
    struct wr w = wr_fixed(buf, 11);
    wr_printf(&w, "%d-%s", 42, "abc");
    assert_str(wr_str(&w), "42-abc");
    wr_printf(&w, "%s", "12345"); /* fills it exactly */
    assert_false(w.bad);
    wr_printf(&w, "%s", "");
    assert_false(w.bad);
    wr_printf(&w, "x");
    assert_true(w.bad);
}

static void shows_control_bytes_as_text(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {{STR_INIT("plain"), "plain"},
                {STR_INIT("a\nb\x1b[2J\x7f\0"), "a\\x0ab\\x1b[2J\\x7f\\x00"},
                {STR_INIT("caf\xc3\xa9"), "caf\xc3\xa9"},
                {STR_INIT("\xc2\x9b"
                          "31m"),
                 "\\x9b31m"},
                {STR_INIT("\xc2\xa0"), "\xc2\xa0"},
                {STR_INIT("\x9b"
                          "31m"),
                 "\\x9b31m"},
                {STR_INIT("\xe9"), "\\xe9"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char buf[64];
        struct wr w = wr_fixed(buf, sizeof buf);
        wr_printable(&w, rows[i].in);
        assert_str(wr_str(&w), rows[i].out);
    }
}

/* RFC 4648, section 10. */
static void encodes_as_the_published_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *in, *base64, *hex;
    } rows[] = {{"", "", ""},
                {"f", "Zg==", "66"},
                {"fo", "Zm8=", "666f"},
                {"foo", "Zm9v", "666f6f"},
                {"foob", "Zm9vYg==", "666f6f62"},
                {"fooba", "Zm9vYmE=", "666f6f6261"},
                {"foobar", "Zm9vYmFy", "666f6f626172"},
                {"\xff\xfe\xfd", "//79", "fffefd"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char buf[64];
        struct wr w = wr_fixed(buf, sizeof buf);
        wr_base64(&w, str_z(rows[i].in));
        assert_str(wr_str(&w), rows[i].base64);
        wr_clear(&w);
        wr_hex(&w, str_z(rows[i].in));
        assert_str(wr_str(&w), rows[i].hex);
    }
}

static void lengths_are_patched_when_they_are_known(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct wr w = wr_fixed(buf, sizeof buf);
    static const uint8_t expected[] = {'x', 0, 0, 0, 9, 5, 0, 0, 0, 0, 2, 'a', 'b', 'c'};
    wr_u8(&w, 'x');
    size_t outer = wr_mark(&w, 4), middle = wr_mark(&w, 4), inner = wr_mark(&w, 2);
    wr_put(&w, STR("ab"));
    wr_patch_u16be(&w, inner);
    wr_put(&w, STR("c"));
    wr_patch_u32le(&w, middle);
    wr_patch_u32be(&w, outer);
    assert_false(w.bad);
    assert_int_equal(w.n, sizeof expected);
    assert_memory_equal(buf, expected, sizeof expected);
}

static void a_length_that_does_not_fit_its_field_latches(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 20);
    size_t mark = wr_mark(&w, 2);
    wr_fill(&w, 'x', 65535);
    wr_patch_u16be(&w, mark);
    assert_false(w.bad);
    wr_u8(&w, 'x');
    wr_patch_u16be(&w, mark);
    assert_true(w.bad);
    wr_done(&w);
    char buf[2];
    w = wr_fixed(buf, sizeof buf); /* a mark without room must not be patched */
    mark = wr_mark(&w, 4);
    assert_true(w.bad);
    wr_patch_u32be(&w, mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_numbers_in_both_orders),
        cmocka_unit_test(what_does_not_fit_latches_and_nothing_more_is_written),
        cmocka_unit_test(the_heap_grows_to_its_cap_and_no_further),
        cmocka_unit_test(a_sink_takes_any_length_in_order),
        cmocka_unit_test(a_sink_that_fails_latches),
        cmocka_unit_test(prints_like_printf_without_the_nul),
        cmocka_unit_test(shows_control_bytes_as_text),
        cmocka_unit_test(encodes_as_the_published_vectors),
        cmocka_unit_test(lengths_are_patched_when_they_are_known),
        cmocka_unit_test(a_length_that_does_not_fit_its_field_latches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
