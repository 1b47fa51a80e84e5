#include "bytes.h"

#include "dicom/deflate.h"

static struct wr deflated, back;

static int start(void **state)
{
    (void)state;
    deflated = wr_heap(64 << 20);
    back = wr_heap(256 << 20);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wr_done(&deflated);
    wr_done(&back);
    return 0;
}

static void deflate_all(struct str in, size_t piece)
{
    struct dcm_deflate *z = dcm_deflate_new(&deflated);
    for (size_t at = 0; at < in.n; at += piece)
        dcm_deflate(z, str_slice(in, at, piece));
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    assert_false(deflated.bad);
}

static err_t inflate_all(struct str in, size_t piece, const struct dcm_inflate_limits *limits,
                         bool *ret_ended)
{
    struct dcm_inflate *z = dcm_inflate_new(limits);
    err_t e = OK;
    for (size_t at = 0; e == OK && at < in.n; at += piece) {
        struct str part = str_slice(in, at, piece), out;
        do {
            e = dcm_inflate(z, &part, &out);
            if (e == OK)
                wr_put(&back, out);
        } while (e == OK && out.n);
        if (e == OK)
            assert_int_equal(part.n, 0);
    }
    *ret_ended = dcm_inflate_ended(z);
    dcm_inflate_free(z);
    return e;
}

static struct str sample(size_t n)
{
    static char text[200000];
    uint32_t v = 1;
    assert_true(n <= sizeof text);
    for (size_t i = 0; i < n; i++) {
        v = v * 1664525 + 1013904223;
        text[i] = (char)(v >> 28);
    }
    return str_of(text, n);
}

static void what_was_deflated_inflates_to_the_same_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 4096, 1 << 20};
    struct dcm_inflate_limits limits = DCM_INFLATE_LIMITS_DEFAULT;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct str in = sample(150000);
        bool ended;
        wr_clear(&deflated);
        wr_clear(&back);
        deflate_all(in, pieces[i]);
        assert_int_equal(deflated.n % 2, 0);
        assert_true(deflated.n < in.n);
        assert_ok(inflate_all(wr_str(&deflated), pieces[i], &limits, &ended));
        assert_true(ended);
        assert_int_equal(back.n, in.n);
        assert_memory_equal(back.p, in.p, in.n);
    }
}

static void nothing_deflates_to_an_empty_stream(void **state)
{
    (void)state;
    struct dcm_inflate_limits limits = DCM_INFLATE_LIMITS_DEFAULT;
    bool ended;
    deflate_all(STR(""), 1);
    assert_ok(inflate_all(wr_str(&deflated), 1, &limits, &ended));
    assert_true(ended);
    assert_int_equal(back.n, 0);
}

static void what_follows_the_end_is_passed_over(void **state)
{
    (void)state;
    struct dcm_inflate_limits limits = DCM_INFLATE_LIMITS_DEFAULT;
    bool ended;
    deflate_all(STR("hello"), 5);
    wr_put(&deflated, STR("padding"));
    assert_ok(inflate_all(wr_str(&deflated), 3, &limits, &ended));
    assert_true(ended);
    assert_str(wr_str(&back), "hello");
}

static void a_stream_cut_at_any_byte_does_not_end(void **state)
{
    (void)state;
    struct dcm_inflate_limits limits = DCM_INFLATE_LIMITS_DEFAULT;
    bool ended;
    deflate_all(sample(300), 300);
    for (size_t n = 0; n + 2 < deflated.n; n++) {
        wr_clear(&back);
        assert_ok(inflate_all(str_of(deflated.p, n), 5, &limits, &ended));
        assert_false(n && ended);
    }
}

static void refuses_what_is_not_deflated(void **state)
{
    (void)state;
    struct dcm_inflate_limits limits = DCM_INFLATE_LIMITS_DEFAULT;
    bool ended;
    assert_err(inflate_all(STR("\xff\xff\xff\xff"), 1, &limits, &ended), E_MALFORMED);
}

static void a_bomb_is_refused_by_ratio_and_by_size(void **state)
{
    (void)state;
    static char zeros[1 << 20];
    struct dcm_inflate_limits by_ratio = {(uint64_t)1 << 40, 1 << 20, 500};
    struct dcm_inflate_limits by_size = {8 << 20, 1 << 30, 500};
    struct dcm_inflate_limits wide = {32 << 20, 32 << 20, 500};
    struct dcm_deflate *z = dcm_deflate_new(&deflated);
    bool ended;
    for (size_t i = 0; i < 32; i++)
        dcm_deflate(z, str_of(zeros, sizeof zeros));
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    assert_err(inflate_all(wr_str(&deflated), 64, &by_ratio, &ended), E_LIMIT);
    assert_true(back.n <= (1 << 20) + 65536);
    wr_clear(&back);
    assert_err(inflate_all(wr_str(&deflated), 64, &by_size, &ended), E_LIMIT);
    assert_true(back.n <= (8 << 20));
    wr_clear(&back);
    assert_ok(inflate_all(wr_str(&deflated), 64, &wide, &ended));
    assert_int_equal(back.n, 32 << 20);
}

#define WITH_BUFFERS(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BUFFERS(what_was_deflated_inflates_to_the_same_in_pieces_of_any_size),
        WITH_BUFFERS(nothing_deflates_to_an_empty_stream),
        WITH_BUFFERS(what_follows_the_end_is_passed_over),
        WITH_BUFFERS(a_stream_cut_at_any_byte_does_not_end),
        WITH_BUFFERS(refuses_what_is_not_deflated),
        WITH_BUFFERS(a_bomb_is_refused_by_ratio_and_by_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
