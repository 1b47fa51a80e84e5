#include "unit.h"

#include "base/log.h"

struct lines {
    char text[8192];
    size_t n, calls;
    enum log_level last;
};

static void take(void *ctx, enum log_level level, struct str line)
{
    struct lines *l = ctx;
    assert_true(l->n + line.n <= sizeof l->text);
    memcpy(l->text + l->n, line.p, line.n);
    l->n += line.n;
    l->last = level;
    l->calls++;
}

static void a_line_is_its_event_and_particulars(void **state)
{
    (void)state;
    struct lines l = {.n = 0};
    struct log log = {LOG_LEVEL_INFO, take, &l};
    log_event(&log, LOG_LISTENING, "address=%s port=%d", "127.0.0.1", 11112);
    assert_str(str_of(l.text, l.n), "listening: address=127.0.0.1 port=11112\n");
    assert_int_equal(l.last, LOG_LEVEL_INFO);
    l.n = 0;
    log_event(&log, LOG_STOPPED, "%s", "");
    assert_str(str_of(l.text, l.n), "stopped\n");
}

static void lines_above_the_level_are_dropped(void **state)
{
    (void)state;
    struct lines l = {.n = 0};
    struct log log = {LOG_LEVEL_ERROR, take, &l};
    log_event(&log, LOG_STARTED, "x=%d", 1);
    log_event(&log, LOG_BUSY, "x=%d", 1);
    assert_int_equal(l.calls, 0);
    log_event(&log, LOG_OPERATION_FAILED, "x=%d", 1);
    assert_int_equal(l.calls, 1);
    assert_int_equal(l.last, LOG_LEVEL_ERROR);
}

static void nothing_from_outside_forges_a_line(void **state)
{
    (void)state;
    struct lines l = {.n = 0};
    struct log log = {LOG_LEVEL_INFO, take, &l};
    log_event(&log, LOG_ASSOCIATION_REJECTED, "calling=%s", "EVIL\n<3>started: all well\x1b[2J");
    assert_int_equal(l.calls, 1);
    assert_str(str_of(l.text, l.n),
               "association rejected: calling=EVIL\\x0a<3>started: all well\\x1b[2J\n");
}

static void the_longest_particulars_still_make_one_line(void **state)
{
    (void)state;
    struct lines l = {.n = 0};
    struct log log = {LOG_LEVEL_INFO, take, &l};
    char big[2000];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    log_event(&log, LOG_STARTED, "x=%s", big);
    assert_int_equal(l.calls, 1);
    assert_int_equal(l.text[l.n - 1], '\n');
    /* And of escapes, which are four times as long. */
    memset(big, '\n', sizeof big - 1);
    log_event(&log, LOG_STARTED, "x=%s", big);
    assert_int_equal(l.calls, 2);
    assert_int_equal(l.text[l.n - 1], '\n');
}

static void nobody_need_listen(void **state)
{
    (void)state;
    struct log log = {.level = LOG_LEVEL_DEBUG};
    log_event(NULL, LOG_STARTED, "x=%d", 1);
    log_event(&log, LOG_STARTED, "x=%d", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_its_event_and_particulars),
        cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(nothing_from_outside_forges_a_line),
        cmocka_unit_test(the_longest_particulars_still_make_one_line),
        cmocka_unit_test(nobody_need_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
