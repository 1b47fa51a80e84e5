#include "store_test.h"

#include <signal.h>
#include <sys/wait.h>

#include "io/clock.h"
#include "io/thread.h"
#include "store/chain.h"

enum { LINES = 12, THREADS = 4, EACH = 200 };

static const char LOG_1[] = "00000001.log", LOG_2[] = "00000002.log", TIP[] = "tip";

static struct chain *open_chain(const struct scratch *s, uint64_t file_max)
{
    struct chain *c;
    struct diag d = {0};
    err_t e = chain_open(s->fd, &TEST_KEY, file_max, &c, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
    return c;
}

static void add(struct chain *c, int n)
{
    char text[64];
    snprintf(text, sizeof text, "{\"event\":%d}", n);
    assert_ok(chain_add(c, str_z(text)));
}

/* What verify read: the lines' texts, one after the other. */
struct text {
    struct wr w;
    uint64_t last;
};

static err_t collect(void *ctx, uint64_t n, struct str json)
{
    struct text *t = ctx;
    assert_int_equal(n, t->last + 1);
    t->last = n;
    wr_put(&t->w, json);
    wr_u8(&t->w, '\n');
    return OK;
}

static err_t verify(const struct scratch *s, struct chain_report *ret)
{
    struct diag d = {0};
    err_t e = chain_verify(s->fd, &TEST_KEY, NULL, NULL, ret, &d);
    assert_int_equal(e == OK, d.text[0] == '\0');
    return e;
}

static void fill(const struct scratch *s, int lines, uint64_t file_max)
{
    struct chain *c = open_chain(s, file_max);
    for (int i = 0; i < lines; i++)
        add(c, i);
    chain_close(c);
}

static void lines_come_back_in_order(void **state)
{
    struct chain *c = open_chain(*state, 0);
    struct text t = {.w = wr_heap(1 << 20)};
    struct chain_report r;
    add(c, 1);
    add(c, 2);
    chain_close(c);
    c = open_chain(*state, 0);
    add(c, 3);
    assert_ok(chain_sync(c));
    assert_ok(chain_verify(((struct scratch *)*state)->fd, &TEST_KEY, collect, &t, &r, NULL));
    assert_str(wr_str(&t.w), "{\"event\":1}\n{\"event\":2}\n{\"event\":3}\n");
    assert_int_equal(r.lines, 3);
    assert_int_equal(r.files, 1);
    assert_false(r.torn);
    assert_false(r.tip_missing);
    chain_close(c);
    chain_close(NULL);
    wr_done(&t.w);
}

static err_t stop(void *ctx, uint64_t n, struct str json)
{
    (void)json;
    *(uint64_t *)ctx = n;
    return n == 2 ? E_CANCELLED : OK;
}

static void an_empty_log_is_whole_and_a_callback_can_stop(void **state)
{
    struct scratch *s = *state;
    struct chain_report r;
    uint64_t n = 0;
    assert_ok(verify(s, &r));
    assert_int_equal(r.lines, 0);
    assert_true(r.tip_missing);
    fill(s, 5, 0);
    assert_err(chain_verify(s->fd, &TEST_KEY, stop, &n, &r, NULL), E_CANCELLED);
    assert_int_equal(n, 2);
}

static void what_is_no_line_is_refused(void **state)
{
    struct chain *c = open_chain(*state, 0);
    struct chain_report r;
    static char big[CHAIN_LINE_MAX + 1];
    memset(big, 'x', sizeof big);
    assert_err(chain_add(c, STR("a\nb")), E_USAGE);
    assert_err(chain_add(c, STR("a\0b")), E_USAGE);
    assert_err(chain_add(c, str_of(big, sizeof big)), E_LIMIT);
    assert_ok(chain_add(c, str_of(big, CHAIN_LINE_MAX)));
    assert_ok(chain_add(c, str_of(big, CHAIN_LINE_MAX)));
    assert_ok(chain_add(c, STR("")));
    chain_close(c);
    assert_ok(verify(*state, &r));
    assert_int_equal(r.lines, 3);
}

static void files_are_rotated_and_the_chain_runs_on(void **state)
{
    struct chain_report r;
    fill(*state, LINES, 300);
    fill(*state, LINES, 300);
    assert_ok(verify(*state, &r));
    assert_int_equal(r.lines, 2 * LINES);
    assert_in_range(r.files, 3, 2 * LINES);
}

static void every_flipped_bit_is_found(void **state)
{
    struct scratch *s = *state;
    struct chain_report r;
    size_t n;
    fill(s, LINES, 0);
    uint8_t *log = slurp(s, LOG_1, &n);
    for (size_t i = 0, line = 1; i < n; i++) {
        log[i] ^= (uint8_t)(1u << i % 8);
        spill(s, LOG_1, log, n);
        assert_err(verify(s, &r), E_DAMAGED);
        assert_int_equal(r.bad_line, line);
        log[i] ^= (uint8_t)(1u << i % 8);
        line += log[i] == '\n';
    }
    free(log);
}

static void lines_cannot_be_cut_out_swapped_or_added(void **state)
{
    struct scratch *s = *state;
    struct chain_report r;
    size_t n;
    fill(s, LINES, 0);
    uint8_t *log = slurp(s, LOG_1, &n), *changed = malloc(2 * n);
    size_t first = (size_t)((uint8_t *)memchr(log, '\n', n) - log) + 1;
    size_t second = (size_t)((uint8_t *)memchr(log + first, '\n', n - first) - log) + 1;
    spill(s, LOG_1, log + first, n - first);
    assert_err(verify(s, &r), E_DAMAGED);
    assert_int_equal(r.bad_line, 1);
    memcpy(changed, log, first);
    memcpy(changed + first, log + second, n - second);
    spill(s, LOG_1, changed, n - second + first);
    assert_err(verify(s, &r), E_DAMAGED);
    assert_int_equal(r.bad_line, 2);
    memcpy(changed, log, second);
    memcpy(changed + second, log + first, n - first);
    spill(s, LOG_1, changed, n + second - first);
    assert_err(verify(s, &r), E_DAMAGED);
    assert_int_equal(r.bad_line, 3);
    free(changed);
    free(log);
}

static void a_cut_at_the_end_is_found_by_the_tip(void **state)
{
    struct scratch *s = *state;
    struct chain_report r;
    struct chain *c;
    struct diag d = {0};
    size_t n;
    fill(s, LINES, 0);
    uint8_t *log = slurp(s, LOG_1, &n);
    for (size_t i = 0; i < n; i += 7) {
        spill(s, LOG_1, log, i);
        assert_err(verify(s, &r), E_DAMAGED);
        assert_true(r.bad_line <= LINES);
        assert_err(chain_open(s->fd, &TEST_KEY, 0, &c, &d), E_DAMAGED);
    }
    assert_int_equal(unlinkat(s->fd, LOG_1, 0), 0);
    assert_err(verify(s, &r), E_DAMAGED);
    assert_err(chain_open(s->fd, &TEST_KEY, 0, &c, &d), E_DAMAGED);
    free(log);
}

/* What a crash leaves behind the last sync is cut at the next start, and the log says so. */
static void a_torn_end_is_reported_and_continued(void **state)
{
    struct scratch *s = *state;
    struct chain_report r;
    size_t n, m;
    fill(s, LINES, 0);
    uint8_t *tip = slurp(s, TIP, &m);
    struct chain *c = open_chain(s, 0);
    add(c, 100);
    chain_close(c);
    uint8_t *log = slurp(s, LOG_1, &n);
    size_t start = n - 1;
    while (log[start - 1] != '\n')
        start--;
    for (size_t cut = start + 1; cut < n; cut++) {
        struct text t = {.w = wr_heap(1 << 20)};
        spill(s, TIP, tip, m);
        spill(s, LOG_1, log, cut);
        assert_ok(verify(s, &r));
        assert_true(r.torn);
        assert_int_equal(r.lines, LINES);
        c = open_chain(s, 0);
        add(c, 200);
        chain_close(c);
        assert_ok(chain_verify(s->fd, &TEST_KEY, collect, &t, &r, NULL));
        assert_false(r.torn);
        assert_int_equal(r.lines, LINES + 2);
        char marker[64];
        snprintf(marker, sizeof marker, "{\"chain\":\"resumed\",\"cut\":%d}\n{\"event\":200}\n",
                 (int)(cut - start));
        assert_true(str_ends(wr_str(&t.w), str_z(marker)));
        wr_done(&t.w);
    }
    /* Blocks that were never written, with a whole line behind them. */
    memset(log + start, 0, 20);
    spill(s, TIP, tip, m);
    spill(s, LOG_1, log, n);
    c = open_chain(s, 0);
    chain_close(c);
    assert_ok(verify(s, &r));
    assert_int_equal(r.lines, LINES + 1);
    free(tip);
    free(log);
}

/* Without a tip nothing but part of a line may be taken for a crash's. */
static void damage_is_not_cut_when_the_tip_is_gone(void **state)
{
    struct scratch *s = *state;
    struct chain *c;
    struct diag d = {0};
    size_t n, m;
    fill(s, LINES, 0);
    uint8_t *log = slurp(s, LOG_1, &n);
    log[n / 2] ^= 1;
    spill(s, LOG_1, log, n);
    assert_int_equal(unlinkat(s->fd, TIP, 0), 0);
    assert_err(chain_open(s->fd, &TEST_KEY, 0, &c, &d), E_DAMAGED);
    uint8_t *after = slurp(s, LOG_1, &m);
    assert_int_equal(n, m);
    free(after);
    log[n / 2] ^= 1;
    spill(s, LOG_1, log, n - 3);
    c = open_chain(s, 0);
    chain_close(c);
    free(log);
}

static void another_key_proves_nothing(void **state)
{
    static const struct key other = {{3}};
    struct scratch *s = *state;
    struct chain *c;
    struct chain_report r;
    fill(s, 3, 0);
    assert_err(chain_verify(s->fd, &other, NULL, NULL, &r, NULL), E_DAMAGED);
    assert_int_equal(r.bad_line, 1);
    assert_err(chain_open(s->fd, &other, 0, &c, NULL), E_DAMAGED);
}

static void a_file_cannot_be_left_out(void **state)
{
    struct scratch *s = *state;
    struct chain_report r;
    fill(s, LINES, 300);
    size_t n;
    uint8_t *two = slurp(s, LOG_2, &n);
    assert_int_equal(unlinkat(s->fd, LOG_2, 0), 0);
    assert_err(verify(s, &r), E_DAMAGED);
    spill(s, LOG_2, two, n / 2);
    assert_err(verify(s, &r), E_DAMAGED);
    spill(s, LOG_2, two, n);
    assert_ok(verify(s, &r));
    free(two);
}

static void two_chains_on_one_folder_take_turns(void **state)
{
    struct chain_report r;
    struct chain *a = open_chain(*state, 500), *b = open_chain(*state, 500);
    for (int i = 0; i < 20; i++) {
        add(i % 3 ? a : b, i);
        if (i % 5 == 0)
            assert_ok(chain_sync(i % 2 ? a : b));
    }
    chain_close(a);
    add(b, 99);
    chain_close(b);
    assert_ok(verify(*state, &r));
    assert_int_equal(r.lines, 21);
    assert_true(r.files > 2);
}

struct adder {
    struct chain *c;
    err_t error;
};

static void add_many(void *arg)
{
    struct adder *a = arg;
    for (int i = 0; i < EACH && a->error == OK; i++) {
        a->error = chain_add(a->c, STR("{\"event\":1}"));
        if (a->error == OK && i % 20 == 0)
            a->error = chain_sync(a->c);
    }
}

static void many_threads_and_a_verifier(void **state)
{
    struct adder a[THREADS];
    struct thread *t[THREADS];
    struct chain_report r;
    struct chain *c = open_chain(*state, 20000), *other = open_chain(*state, 20000);
    for (int i = 0; i < THREADS; i++) {
        a[i] = (struct adder){.c = i % 2 ? c : other};
        assert_ok(thread_start(add_many, &a[i], "add", &t[i]));
    }
    for (int i = 0; i < 20; i++)
        assert_ok(verify(*state, &r));
    for (int i = 0; i < THREADS; i++)
        thread_join(t[i]);
    for (int i = 0; i < THREADS; i++)
        assert_ok(a[i].error);
    chain_close(c);
    chain_close(other);
    assert_ok(verify(*state, &r));
    assert_int_equal(r.lines, THREADS * EACH);
}

static void a_killed_writer_leaves_a_log_that_goes_on(void **state)
{
    struct chain_report r = {0};
    for (int round = 0; round < 8; round++) {
        int started[2];
        char byte;
        assert_int_equal(pipe(started), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            for (struct chain *c = open_chain(*state, 4000);;) {
                add(c, round);
                (void)!chain_sync(c);
                (void)!write(started[1], "x", 1);
            }
        assert_int_equal(read(started[0], &byte, 1), 1);
        clock_sleep_ms(10 + round * 3);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(started[0]);
        close(started[1]);
        uint64_t before = r.lines;
        chain_close(open_chain(*state, 4000));
        assert_ok(verify(*state, &r));
        assert_true(r.lines > before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(lines_come_back_in_order),
        SCRATCH_TEST(an_empty_log_is_whole_and_a_callback_can_stop),
        SCRATCH_TEST(what_is_no_line_is_refused),
        SCRATCH_TEST(files_are_rotated_and_the_chain_runs_on),
        SCRATCH_TEST(every_flipped_bit_is_found),
        SCRATCH_TEST(lines_cannot_be_cut_out_swapped_or_added),
        SCRATCH_TEST(a_cut_at_the_end_is_found_by_the_tip),
        SCRATCH_TEST(a_torn_end_is_reported_and_continued),
        SCRATCH_TEST(damage_is_not_cut_when_the_tip_is_gone),
        SCRATCH_TEST(another_key_proves_nothing),
        SCRATCH_TEST(a_file_cannot_be_left_out),
        SCRATCH_TEST(two_chains_on_one_folder_take_turns),
        SCRATCH_TEST(many_threads_and_a_verifier),
        SCRATCH_TEST(a_killed_writer_leaves_a_log_that_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
