#include "unit.h"

#include "base/size.h"
#include "base/wr.h"
#include "survey/source/capture/half.h"

struct heard {
    struct half half;
    struct budget budget;
    struct wr w; /* what came; gaps as <n> */
    uint64_t again, gaps;
    struct half_calls calls;
};

static void on_bytes(void *ctx, struct str bytes)
{
    wr_put(&((struct heard *)ctx)->w, bytes);
}

static void on_gap(void *ctx, uint32_t n)
{
    wr_printf(&((struct heard *)ctx)->w, "<%u>", n);
}

static struct heard *hear(void)
{
    struct heard *h = calloc(1, sizeof *h);
    h->w = wr_heap(8 << 20);
    h->calls = (struct half_calls){on_bytes, on_gap, h, &h->again, &h->gaps};
    return h;
}

static void leave(struct heard *h)
{
    half_end(&h->half, &h->budget, &h->calls);
    assert_int_equal(h->budget.used, 0);
    wr_done(&h->w);
    free(h);
}

static void take(struct heard *h, uint32_t seq, uint8_t flags, struct str payload)
{
    /* A copy of its own, so that a view that outlives its packet is seen. */
    char *copy = malloc(payload.n + 1);
    memcpy(copy, payload.p, payload.n);
    struct packet p = {.seq = seq, .flags = flags, .payload = str_of(copy, payload.n)};
    half_take(&h->half, &p, &h->budget, &h->calls);
    free(copy);
}

#define TAKE(h, seq, text) take(h, seq, TCP_ACK, STR(text))

static void passes_on_in_order_and_drops_what_comes_again(void **state)
{
    struct heard *h = hear();
    (void)state;
    take(h, 99, TCP_SYN, STR(""));
    TAKE(h, 100, "abc");
    TAKE(h, 100, "abc");
    TAKE(h, 103, "def");
    TAKE(h, 101, "bcdefg"); /* half old, half new */
    TAKE(h, 106, "gh");
    assert_str(wr_str(&h->w), "abcdefgh");
    assert_int_equal(h->again, 1);
    assert_int_equal(h->gaps, 0);
    leave(h);
}

static void puts_what_came_early_in_its_place(void **state)
{
    struct heard *h = hear();
    (void)state;
    take(h, 99, TCP_SYN, STR(""));
    TAKE(h, 106, "gh");
    TAKE(h, 103, "def");
    assert_int_equal(h->w.n, 0);
    assert_true(h->budget.used > 5);
    TAKE(h, 100, "abc");
    assert_str(wr_str(&h->w), "abcdefgh");
    assert_int_equal(h->half.n_held, 0);
    leave(h);
}

/* Whoever sends other bytes for the same place: the first that came stand. */
static void of_overlapping_segments_the_first_counts(void **state)
{
    struct heard *h = hear();
    (void)state;
    take(h, 99, TCP_SYN, STR(""));
    TAKE(h, 100, "abc");
    TAKE(h, 100, "XYZdef");
    TAKE(h, 110, "kl");
    TAKE(h, 110, "KL");
    TAKE(h, 106, "ghij");
    assert_str(wr_str(&h->w), "abcdefghijkl");
    leave(h);
}

static void goes_on_where_the_numbers_wrap(void **state)
{
    struct heard *h = hear();
    (void)state;
    take(h, UINT32_MAX - 3, TCP_SYN, STR(""));
    TAKE(h, 0, "de");
    TAKE(h, UINT32_MAX - 2, "abc");
    TAKE(h, 2, "f");
    assert_str(wr_str(&h->w), "abcdef");
    leave(h);
}

static void begins_in_the_middle_without_a_syn(void **state)
{
    struct heard *h = hear();
    (void)state;
    TAKE(h, 5000, "abc");
    TAKE(h, 5003, "def");
    assert_str(wr_str(&h->w), "abcdef");
    leave(h);
}

static void a_gap_is_told_when_the_receiver_has_what_we_lack(void **state)
{
    struct heard *h = hear();
    (void)state;
    TAKE(h, 100, "abc");
    for (uint32_t i = 0; i < HALF_ACKED_MIN; i++)
        TAKE(h, 110 + i, "x");
    assert_str(wr_str(&h->w), "abc");
    half_acked(&h->half, 105, &h->budget, &h->calls); /* still without what is held */
    assert_str(wr_str(&h->w), "abc");
    half_acked(&h->half, 118, &h->budget, &h->calls);
    assert_str(wr_str(&h->w), "abc<7>xxxxxxxx");
    assert_int_equal(h->gaps, 1);
    leave(h);
}

static void holds_no_more_than_its_cap(void **state)
{
    static char big[60000];
    struct heard *h = hear();
    (void)state;
    TAKE(h, 100, "abc");
    memset(big, 'x', sizeof big);
    for (uint32_t i = 0; i < 100; i++) {
        take(h, 1000 + i * 70000, TCP_ACK, str_of(big, sizeof big));
        assert_true(h->half.held <= HALF_HELD_MAX);
        assert_true(h->budget.used <= HALF_HELD_MAX + HALF_SEGMENTS_MAX * HALF_SEGMENT_OVERHEAD);
    }
    assert_true(h->gaps > 50);
    half_end(&h->half, &h->budget, &h->calls);
    assert_int_equal(h->half.n_held, 0);
    leave(h);
}

static void what_is_held_goes_on_at_the_end(void **state)
{
    struct heard *h = hear();
    (void)state;
    TAKE(h, 100, "abc");
    TAKE(h, 105, "fg");
    half_end(&h->half, &h->budget, &h->calls);
    assert_str(wr_str(&h->w), "abc<2>fg");
    leave(h);
}

static void bytes_that_the_capture_cut_are_a_gap(void **state)
{
    struct heard *h = hear();
    struct packet p = {.seq = 100, .flags = TCP_ACK, .payload = STR("abc"), .cut = 10};
    (void)state;
    half_take(&h->half, &p, &h->budget, &h->calls);
    TAKE(h, 113, "xyz");
    assert_str(wr_str(&h->w), "abc<10>xyz");
    leave(h);
}

static void is_closed_when_its_fin_is_reached(void **state)
{
    struct heard *h = hear();
    (void)state;
    TAKE(h, 100, "abc");
    take(h, 106, TCP_FIN | TCP_ACK, STR("gh"));
    assert_false(h->half.closed);
    TAKE(h, 103, "def");
    assert_true(h->half.closed);
    TAKE(h, 108, "more");
    assert_str(wr_str(&h->w), "abcdefgh");
    leave(h);
}

/* Numbers far outside any window, and a FIN of the past, move nothing. */
static void forged_numbers_move_nothing(void **state)
{
    struct heard *h = hear();
    (void)state;
    TAKE(h, 100, "abc");
    TAKE(h, 100u + HALF_WINDOW + 50000, "forged");
    take(h, 50, TCP_FIN | TCP_ACK, STR(""));
    TAKE(h, 103, "def");
    assert_str(wr_str(&h->w), "abcdef");
    assert_false(h->half.closed);
    assert_int_equal(h->half.n_held, 0);
    leave(h);
}

static uint32_t roll(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Segments of a stream in any order, cut anywhere, some twice: the stream comes out. */
static void any_order_gives_the_stream(void **state)
{
    enum { N = 4000, SEGMENTS = 100 };
    char text[N];
    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        uint64_t s = seed;
        struct heard *h = hear();
        uint32_t base = roll(&s) * 2u;
        for (size_t i = 0; i < N; i++)
            text[i] = (char)('a' + roll(&s) % 26);
        take(h, base - 1, TCP_SYN, STR(""));
        for (size_t i = 0; i < SEGMENTS; i++) {
            size_t at = roll(&s) % N, n = roll(&s) % 120;
            take(h, base + (uint32_t)at, TCP_ACK, str_slice(str_of(text, N), at, n));
        }
        for (size_t at = 0; at < N; at += 50)
            take(h, base + (uint32_t)(N - 50 - at), TCP_ACK, str_of(text + N - 50 - at, 50));
        assert_int_equal(h->w.n, N);
        assert_memory_equal(h->w.p, text, N);
        leave(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_on_in_order_and_drops_what_comes_again),
        cmocka_unit_test(puts_what_came_early_in_its_place),
        cmocka_unit_test(of_overlapping_segments_the_first_counts),
        cmocka_unit_test(goes_on_where_the_numbers_wrap),
        cmocka_unit_test(begins_in_the_middle_without_a_syn),
        cmocka_unit_test(a_gap_is_told_when_the_receiver_has_what_we_lack),
        cmocka_unit_test(holds_no_more_than_its_cap),
        cmocka_unit_test(what_is_held_goes_on_at_the_end),
        cmocka_unit_test(bytes_that_the_capture_cut_are_a_gap),
        cmocka_unit_test(is_closed_when_its_fin_is_reached),
        cmocka_unit_test(forged_numbers_move_nothing),
        cmocka_unit_test(any_order_gives_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
