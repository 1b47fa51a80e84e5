#include "archive/header.h"

#include "fixture.h"

static const struct dcm_limits limits = {64, 100000, 1 << 20};

static struct header *header_new(size_t max)
{
    struct header *h = malloc(sizeof *h);
    header_init(h, &limits, max);
    return h;
}

static void header_free(struct header *h)
{
    header_done(h);
    free(h);
}

/* Feeds in pieces; the body's bytes go to *body. */
static err_t feed(struct header *h, struct str bytes, const char *syntax, size_t piece,
                  struct wr *body)
{
    struct str rest;
    wr_clear(body);
    TRY(header_begin(h, dcm_ts_guess(str_z(syntax))));
    for (size_t at = 0; at < bytes.n; at += piece) {
        TRY(header_feed(h, str_slice(bytes, at, piece), &rest));
        wr_put(body, rest);
    }
    return OK;
}

static void header_and_body_are_all_bytes_once(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {LE, IMPLICIT, BE, DEFLATED};
    static const size_t pieces[] = {1, 2, 7, 100, 4096, 1 << 20};
    struct slice s = {.pixels = 9000};
    struct header *h = header_new(1 << 16);
    for (size_t i = 0; i < 4; i++) {
        struct wr w = slice_bytes(&s, syntaxes[i]);
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            struct wr body = wr_heap(1 << 20);
            assert_ok(feed(h, wr_str(&w), syntaxes[i], pieces[k], &body));
            assert_true(header_is_cut(h));
            assert_ok(header_end(h));
            assert_int_equal(header_bytes(h).n + body.n, w.n);
            assert_memory_equal(header_bytes(h).p, w.p, header_bytes(h).n);
            assert_memory_equal(body.p, w.p + header_bytes(h).n, body.n);
            struct dcm_ds *ds;
            assert_ok(header_dataset(h, &ds));
            assert_str(dcm_ds_str(ds, TAG_StudyInstanceUID), "1.2.3.4");
            assert_null(dcm_ds_get(ds, TAG_PixelData));
            wr_done(&body);
        }
        wr_done(&w);
    }
    header_free(h);
}

static void a_record_read_again_shows_the_same(void **state)
{
    (void)state;
    struct slice s = {.pixels = 9000};
    struct header *h = header_new(1 << 16), *again = header_new(1 << 16);
    struct wr w = slice_bytes(&s, LE), body = wr_heap(1 << 20), none = wr_heap(1 << 20);
    struct dcm_ds *a, *b;
    assert_ok(feed(h, wr_str(&w), LE, 100, &body));
    assert_ok(feed(again, header_bytes(h), LE, 1 << 20, &none));
    header_stop(again);
    assert_int_equal(none.n, 0);
    assert_ok(header_dataset(h, &a));
    assert_ok(header_dataset(again, &b));
    assert_int_equal(a->n, b->n);
    wr_done(&w);
    wr_done(&body);
    wr_done(&none);
    header_free(h);
    header_free(again);
}

static void a_header_over_the_limit_is_cut_at_a_whole_element(void **state)
{
    (void)state;
    enum { MAX = 4096 };
    char text[6000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    const struct el more[] = {{TAG_TextValue, "UT", text, 0}, {0, NULL, NULL, 0}};
    struct slice s = {.more = more, .pixels = 100};
    struct header *h = header_new(MAX);
    struct wr w = slice_bytes(&s, LE), body = wr_heap(1 << 20);
    for (size_t piece = 1; piece < 20000; piece = piece * 3 + 1) {
        struct dcm_ds *ds;
        assert_ok(feed(h, wr_str(&w), LE, piece, &body));
        assert_true(header_is_cut(h));
        assert_int_equal(header_bytes(h).n, MAX);
        assert_int_equal(header_bytes(h).n + body.n, w.n);
        assert_ok(header_end(h));
        assert_ok(header_dataset(h, &ds));
        assert_str(dcm_ds_str(ds, TAG_SeriesInstanceUID), "1.2.3.4.1");
        assert_null(dcm_ds_get(ds, TAG_TextValue));
    }
    wr_done(&w);
    wr_done(&body);
    header_free(h);
}

static void an_early_end_is_told(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {LE, IMPLICIT, BE, DEFLATED};
    struct slice s = {.pixels = 500};
    struct header *h = header_new(1 << 16);
    for (size_t i = 0; i < 4; i++) {
        struct wr w = slice_bytes(&s, syntaxes[i]), body = wr_heap(1 << 20);
        struct str cut = str_slice(wr_str(&w), 0, w.n - (i == 3 ? 30 : 10));
        err_t e = feed(h, cut, syntaxes[i], 77, &body);
        assert_err(e == OK ? header_end(h) : e, E_MALFORMED);
        assert_true(h->diag.text[0] != 0);
        wr_done(&w);
        wr_done(&body);
    }
    header_free(h);
}

static void limits_hold(void **state)
{
    (void)state;
    struct header *h = header_new(1 << 20);
    struct wr w = wr_heap(16 << 20), body = wr_heap(16 << 20);
    for (int i = 0; i < 200; i++) { /* sequences in sequences */
        static const uint8_t sq[] = {0x40, 0,    0x75, 2,    'S', 'Q',  0,    0,    0xff, 0xff,
                                     0xff, 0xff, 0xfe, 0xff, 0,   0xe0, 0xff, 0xff, 0xff, 0xff};
        wr_bytes(&w, sq, sizeof sq);
    }
    assert_err(feed(h, wr_str(&w), LE, 1000, &body), E_LIMIT);
    wr_clear(&w);
    for (int i = 0; i < 110000; i++) { /* elements */
        static const uint8_t el[] = {0x09, 0, 0x10, 0, 'L', 'O', 0, 0};
        wr_bytes(&w, el, sizeof el);
    }
    assert_err(feed(h, wr_str(&w), LE, 60000, &body), E_LIMIT);
    wr_done(&w);
    wr_done(&body);
    header_free(h);
}

static void what_shrinks_a_thousandfold_is_taken(void **state)
{
    (void)state;
    struct slice s = {.pixels = 20 << 20};
    struct header *h = header_new(1 << 16);
    struct wr w = slice_bytes(&s, DEFLATED), body = wr_heap(1 << 20);
    assert_true(w.n < 100000);
    assert_ok(feed(h, wr_str(&w), DEFLATED, 1000, &body));
    assert_ok(header_end(h));
    assert_int_equal(header_bytes(h).n + body.n, w.n);
    wr_done(&w);
    wr_done(&body);
    header_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_and_body_are_all_bytes_once),
        cmocka_unit_test(a_record_read_again_shows_the_same),
        cmocka_unit_test(a_header_over_the_limit_is_cut_at_a_whole_element),
        cmocka_unit_test(an_early_end_is_told),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_shrinks_a_thousandfold_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
