/* MLLP frames in any pieces, and what is not framed. */
#include "unit.h"

#include "base/size.h"
#include "hl7/mllp.h"

/* Feeds a stream in pieces; the messages, each with a '/' behind it, go to w. */
static void run(struct mllp *m, struct str in, size_t piece, struct wr *w)
{
    for (size_t at = 0; at < in.n; at += piece) {
        struct str part = str_slice(in, at, piece), message;
        char *copy = malloc(part.n);
        memcpy(copy, part.p, part.n);
        struct str rest = str_of(copy, part.n);
        enum step s;
        while ((s = mllp_feed(m, &rest, &message)) == STEP_EVENT) {
            wr_put(w, message);
            wr_u8(w, '/');
        }
        assert_int_equal(s, STEP_MORE);
        assert_int_equal(rest.n, 0);
        free(copy);
    }
}

/* The same in pieces of every size; the messages must be `expected` each time. */
static void expect(struct str in, const char *expected, uint64_t stray, uint64_t too_long)
{
    for (size_t piece = 1; piece <= in.n; piece++) {
        struct mllp m;
        struct wr w = wr_heap(1 << 16);
        mllp_init(&m, 16);
        run(&m, in, piece, &w);
        assert_str(wr_str(&w), expected);
        assert_int_equal(m.stray, stray);
        assert_int_equal(m.too_long, too_long);
        mllp_done(&m);
        wr_done(&w);
    }
}

static void messages_come_out_as_they_went_in(void **state)
{
    (void)state;
    expect(STR("\x0b"
               "one\x1c\r\x0b"
               "two\x1c\r"),
           "one/two/", 0, 0);
    expect(STR("\x0b\x1c\r"), "/", 0, 0);
    expect(STR("\x0b"
               "0123456789abcdef\x1c\r"),
           "0123456789abcdef/", 0, 0);
}

static void what_stands_outside_frames_is_counted(void **state)
{
    (void)state;
    expect(STR("junk\x0b"
               "one\x1c\r\r\n\x0b"
               "two\x1c\rend"),
           "one/two/", 4 + 2 + 3, 0);
    expect(STR("GET / HTTP/1.0\r\n\r\n"), "", 18, 0);
}

static void a_message_that_lost_its_end_gives_way_to_the_next(void **state)
{
    (void)state;
    expect(STR("\x0b"
               "lost\x0b"
               "one\x1c\r"),
           "one/", 4, 0);
}

static void a_frame_without_its_carriage_return_ends_at_the_next(void **state)
{
    (void)state;
    expect(STR("\x0b"
               "one\x1c\x0b"
               "two\x1c\r"),
           "one/two/", 0, 0);
    expect(STR("\x0b"
               "a\x1c"
               "b\x1c\r"),
           "a\x1c"
           "b/",
           0, 0);
}

static void a_message_past_the_limit_is_passed_over(void **state)
{
    (void)state;
    expect(STR("\x0b"
               "0123456789abcdefX\x1c\r\x0b"
               "one\x1c\r"),
           "one/", 0, 1);
    expect(STR("\x0b"
               "0123456789abcdefX\x1c"
               "Y\x1c\r\x0b"
               "one\x1c\r"),
           "one/", 0, 1);
    expect(STR("\x0b"
               "0123456789abcdefXXXX\x0b"
               "one\x1c\r"),
           "one/", 0, 1);
}

static void an_endless_message_takes_no_memory_past_the_limit(void **state)
{
    (void)state;
    struct mllp m;
    struct str message;
    static char block[1 << 16];
    memset(block, 'A', sizeof block);
    mllp_init(&m, 1 << 20);
    struct str in = STR("\x0b");
    assert_int_equal(mllp_feed(&m, &in, &message), STEP_MORE);
    for (int i = 0; i < 256; i++) {
        in = str_of(block, sizeof block);
        assert_int_equal(mllp_feed(&m, &in, &message), STEP_MORE);
    }
    assert_true(m.message.cap <= 1 << 20);
    assert_int_equal(m.too_long, 1);
    mllp_done(&m);
}

static void any_bytes_between_the_marks_are_the_message(void **state)
{
    (void)state;
    uint32_t seed = 7;
    struct mllp m;
    mllp_init(&m, 0);
    for (int n = 0; n < 300; n++) {
        char text[300];
        for (int i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            char c = (char)(seed >> 24);
            text[i] = c == 0x0b || c == 0x1c ? '.' : c;
        }
        struct wr w = wr_heap(1 << 16);
        struct str message;
        wr_u8(&w, 0x0b);
        wr_put(&w, str_of(text, (size_t)n));
        wr_put(&w, STR("\x1c\r"));
        struct str in = wr_str(&w);
        assert_int_equal(mllp_feed(&m, &in, &message), STEP_EVENT);
        assert_int_equal(message.n, n);
        assert_memory_equal(message.p, text, n);
        assert_int_equal(in.n, 0);
        wr_done(&w);
    }
    assert_int_equal(m.stray, 0);
    mllp_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_as_they_went_in),
        cmocka_unit_test(what_stands_outside_frames_is_counted),
        cmocka_unit_test(a_message_that_lost_its_end_gives_way_to_the_next),
        cmocka_unit_test(a_frame_without_its_carriage_return_ends_at_the_next),
        cmocka_unit_test(a_message_past_the_limit_is_passed_over),
        cmocka_unit_test(an_endless_message_takes_no_memory_past_the_limit),
        cmocka_unit_test(any_bytes_between_the_marks_are_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
