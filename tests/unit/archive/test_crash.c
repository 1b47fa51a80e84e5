/* What was acknowledged is there after a crash: a child takes objects in from several threads and
 * is killed at a random moment; then every object that it had acknowledged is found by query and
 * comes back bit for bit. And the same for an index that fell behind or holds nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "io/clock.h"
#include "io/thread.h"

enum { CYCLES = 6, SENDERS = 3 };

/* An object of the crash test by number: some small, some of more than one chunk. */
static struct wr numbered(unsigned sender, unsigned n, const char *syntax)
{
    char study[40], series[48], sop[64], name[40];
    snprintf(study, sizeof study, "1.2.9.%u.%u", sender + 1, n / 7 + 1);
    snprintf(series, sizeof series, "%s.1", study);
    snprintf(sop, sizeof sop, "%s.%u", series, n + 1);
    snprintf(name, sizeof name, "Crash^S%u", sender);
    struct slice s = {.study = study,
                      .series = series,
                      .sop = sop,
                      .name = name,
                      .pixels = n % 5 == 4 ? 300000 : n * 64 % 9000};
    return slice_bytes(&s, syntax);
}

struct sender {
    struct archive *a;
    unsigned id, from;
    int pipe;
};

struct ack {
    unsigned sender, n;
};

static void send_all(void *arg)
{
    struct sender *s = arg;
    for (unsigned n = s->from;; n++) {
        struct wr w = numbered(s->id, n, LE);
        if (take_in(s->a, wr_str(&w), LE, 10000, NULL, NULL) != OK)
            _exit(3);
        struct ack ack = {s->id, n};
        if (write(s->pipe, &ack, sizeof ack) != sizeof ack)
            _exit(4);
        wr_done(&w);
    }
}

static void child(const char *path, const unsigned *from, int out)
{
    struct archive_options o = {.path = path, .reserve = 1 << 20};
    struct archive *a;
    struct sender s[SENDERS];
    struct thread *t;
    if (archive_open(&o, &a, NULL, NULL) != OK)
        _exit(2);
    for (unsigned i = 0; i < SENDERS; i++) {
        s[i] = (struct sender){a, i, from[i], out};
        if (thread_start(send_all, &s[i], "send", &t) != OK)
            _exit(5);
    }
    pause();
    _exit(6);
}

/* Runs the child until it is killed; how far each sender was acknowledged goes into next[]. */
static void run_and_kill(struct fixture *f, unsigned *next, int64_t ms)
{
    int ends[2], status;
    struct ack ack;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(f->path, next, ends[1]);
    }
    close(ends[1]);
    /* The clock runs from the first acknowledgement: before it the child is starting. */
    bool first = read(ends[0], &ack, sizeof ack) == sizeof ack;
    assert_true(first);
    next[ack.sender] = ack.n + 1;
    clock_sleep_ms(ms);
    kill(pid, SIGKILL);
    while (read(ends[0], &ack, sizeof ack) == sizeof ack)
        next[ack.sender] = ack.n + 1;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check_object(struct archive *a, unsigned sender, unsigned n)
{
    char study[40], series[48], sop[64];
    struct arena arena = arena_init(4 << 20);
    struct wr expected = numbered(sender, n, LE), got = wr_heap(16 << 20);
    snprintf(study, sizeof study, "1.2.9.%u.%u", sender + 1, n / 7 + 1);
    snprintf(series, sizeof series, "%s.1", study);
    snprintf(sop, sizeof sop, "%s.%u", series, n + 1);
    const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "IMAGE", 0},
                             {TAG_StudyInstanceUID, "UI", study, 0},
                             {TAG_SeriesInstanceUID, "UI", series, 0},
                             {TAG_SOPInstanceUID, "UI", sop, 0},
                             {0, NULL, NULL, 0}};
    assert_int_equal(ask(a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0), 1);
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct fetch *fetch;
    const struct fetch_item *item;
    struct object *object;
    bool last = false;
    assert_ok(fetch_open(a, &o, dataset_of(&arena, els), &fetch, NULL, NULL));
    assert_int_equal(fetch_count(fetch), 1);
    assert_ok(fetch_next(fetch, &item));
    assert_ok(object_open(a, item, STR(""), &object, NULL));
    while (!last) {
        struct str piece;
        assert_ok(object_next(object, &piece, &last));
        wr_put(&got, piece);
    }
    assert_int_equal(got.n, expected.n);
    assert_memory_equal(got.p, expected.p, got.n);
    object_free(object);
    fetch_close(fetch);
    wr_done(&got);
    wr_done(&expected);
    arena_done(&arena);
}

static void check_counts(struct archive *a)
{
    char got[64];
    struct archive_state state;
    const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "PATIENT", 0},
                             {TAG_PatientID, "LO", "P1", 0},
                             {TAG_NumberOfPatientRelatedInstances, "IS", "", 0},
                             {0, NULL, NULL, 0}};
    assert_ok(archive_get_state(a, &state));
    if (!state.instances)
        return;
    ask(a, QUERY_PATIENT_ROOT, false, els, TAG_NumberOfPatientRelatedInstances, got, sizeof got);
    assert_int_equal(strtoul(got, NULL, 10), state.instances);
    assert_int_equal(state.conflicts, 0);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct fixture *f = *state;
    unsigned next[SENDERS] = {0}, checked[SENDERS] = {0}, total = 0;
    unsigned seed = (unsigned)clock_us();
    print_message("seed %u\n", seed);
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        archive_close(f->a);
        f->a = NULL;
        run_and_kill(f, next, 5 + rand_r(&seed) % 120);
        fixture_reopen(f);
        for (unsigned s = 0; s < SENDERS; s++)
            for (; checked[s] < next[s]; checked[s]++, total++)
                check_object(f->a, s, checked[s]);
        check_counts(f->a);
    }
    assert_true(total > 0);
}

static err_t drop_everything(void *ctx, struct sql *s, struct diag *d)
{
    (void)ctx;
    return sql_exec(s,
                    "DELETE FROM instance; DELETE FROM instance_uid; DELETE FROM series;"
                    "DELETE FROM study; DELETE FROM patient_name; DELETE FROM patient;"
                    "DELETE FROM pack; DELETE FROM conflict",
                    d);
}

static void an_index_that_is_behind_catches_up_at_start(void **state)
{
    struct fixture *f = *state;
    struct archive_state figures;
    for (unsigned n = 0; n < 30; n++) {
        const char *syntax = n % 3 ? LE : n % 2 ? DEFLATED : BE;
        struct wr w = numbered(0, n, syntax);
        assert_ok(take_in(f->a, wr_str(&w), syntax, 5000, NULL, NULL));
        wr_done(&w);
    }
    struct slice first = {.pixels = 10}, other = {.pixels = 20};
    store_slice(f->a, &first);
    assert_int_equal(store_slice(f->a, &other), INGEST_CONFLICT);
    assert_ok(archive_write(f->a, drop_everything, NULL, NULL));
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.instances, 0);
    fixture_reopen(f);
    assert_int_equal(f->recovery.replayed, 32);
    assert_int_equal(f->recovery.damaged, 0);
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.instances, 31);
    assert_int_equal(figures.conflicts, 1);
    check_object(f->a, 0, 1);
    check_object(f->a, 0, 29);
    fixture_reopen(f);
    assert_int_equal(f->recovery.replayed, 0);
    assert_int_equal(f->recovery.skipped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(an_index_that_is_behind_catches_up_at_start, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
