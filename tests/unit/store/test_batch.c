#include "store_test.h"

#include "io/clock.h"
#include "io/thread.h"
#include "store/batch.h"

enum { THREADS = 4, EACH = 500 };

struct db {
    struct sql *writer, *checkpointer, *reader;
};

static struct sql *open_one(const struct scratch *s, bool create, bool read_only)
{
    char uri[128];
    struct sql *db;
    snprintf(uri, sizeof uri, "sqlcipher:%s/a.db", s->path);
    struct sql_options o = {.uri = uri,
                            .key = &TEST_KEY,
                            .create = create,
                            .read_only = read_only,
                            .busy_ms = 20,
                            .foreign_keys = true};
    assert_ok(sql_open(&o, &db, NULL));
    return db;
}

static struct db open_all(const struct scratch *s)
{
    struct db d = {.writer = open_one(s, true, false)};
    assert_ok(sql_exec(d.writer,
                       "CREATE TABLE t(n INTEGER PRIMARY KEY);"
                       "CREATE TABLE c(n REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
                       NULL));
    d.checkpointer = open_one(s, false, false);
    d.reader = open_one(s, false, true);
    return d;
}

static void close_all(struct db *d)
{
    sql_close(d->reader);
    sql_close(d->checkpointer);
    sql_close(d->writer);
}

static struct batch *start(const struct db *d, struct batch_options o)
{
    struct batch *b;
    o.db = d->writer;
    o.checkpointer = d->checkpointer;
    assert_ok(batch_new(&o, &b, NULL));
    return b;
}

static err_t run_text(struct sql *db, const char *text, int64_t n)
{
    struct sql_stmt *q;
    TRY(sql_prepare(db, str_z(text), &q, NULL));
    sql_bind_i64(q, 1, n);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static int64_t count(struct sql *db)
{
    struct sql_stmt *q;
    bool row;
    assert_ok(sql_prepare(db, STR("SELECT count(*) FROM t"), &q, NULL));
    assert_ok(sql_step(q, &row));
    int64_t n = sql_i64(q, 0);
    sql_free(q);
    return n;
}

/* A job that inserts its number. */
struct job {
    int64_t n;
    unsigned runs, ends;
    err_t result;
};

static err_t insert(struct sql *db, void *arg)
{
    struct job *j = arg;
    j->runs++;
    return run_text(db, "INSERT INTO t VALUES(?1)", j->n);
}

static void note(void *arg, err_t result)
{
    struct job *j = arg;
    j->ends++;
    j->result = result;
}

static void submit(struct batch *b, struct job *j, err_t (*run)(struct sql *db, void *arg))
{
    struct batch_job job = {.run = run, .done = note, .arg = j};
    assert_ok(batch_submit(b, &job, NULL));
}

static void a_query_after_a_barrier_finds_what_was_submitted(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    struct job jobs[100] = {0};
    for (int i = 0; i < 100; i++) {
        jobs[i].n = i;
        submit(b, &jobs[i], insert);
        assert_ok(batch_barrier(b, IO_FOREVER));
        assert_int_equal(count(d.reader), i + 1);
        assert_int_equal(jobs[i].ends, 1);
        assert_ok(jobs[i].result);
    }
    batch_free(b);
    close_all(&d);
}

static err_t wait_a_little(struct sql *db, void *arg)
{
    (void)db;
    (void)arg;
    clock_sleep_ms(20);
    return OK;
}

static void many_jobs_share_a_commit(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    static struct job jobs[400];
    memset(jobs, 0, sizeof jobs);
    assert_ok(batch_submit(b, &(struct batch_job){.run = wait_a_little}, NULL));
    for (int i = 0; i < 400; i++) {
        jobs[i].n = i;
        submit(b, &jobs[i], insert);
    }
    assert_ok(batch_barrier(b, IO_FOREVER));
    struct batch_state s = batch_state(b);
    assert_int_equal(s.ended, 401);
    assert_int_equal(s.failed, 0);
    assert_in_range(s.transactions, 1, 100);
    assert_int_equal(count(d.reader), 400);
    batch_free(b);
    close_all(&d);
}

static void jobs_gather_until_somebody_waits(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){.gather_ms = 60000, .queue_max = 200});
    static struct job jobs[250];
    memset(jobs, 0, sizeof jobs);
    for (int i = 0; i < 150; i++) {
        jobs[i].n = i;
        submit(b, &jobs[i], insert);
    }
    clock_sleep_ms(20);
    assert_int_equal(batch_state(b).transactions, 0);
    assert_ok(batch_barrier(b, clock_deadline(10000)));
    assert_in_range(batch_state(b).transactions, 1, 2);
    assert_int_equal(count(d.reader), 150);
    /* Whoever finds the queue full waits, too. */
    int64_t before = clock_ms();
    for (int i = 0; i < 250; i++) {
        jobs[i] = (struct job){.n = 1000 + i};
        submit(b, &jobs[i], insert);
    }
    assert_true(clock_ms() - before < 900);
    batch_free(b);
    assert_int_equal(count(d.reader), 400);
    close_all(&d);
}

static void a_job_that_fails_fails_alone(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    struct job jobs[3] = {{.n = 1}, {.n = 1}, {.n = 2}};
    for (int i = 0; i < 3; i++)
        submit(b, &jobs[i], insert);
    assert_ok(batch_barrier(b, IO_FOREVER));
    assert_ok(jobs[0].result);
    assert_err(jobs[1].result, E_EXISTS);
    assert_ok(jobs[2].result);
    assert_int_equal(count(d.reader), 2);
    assert_int_equal(batch_state(b).failed, 1);
    batch_free(b);
    close_all(&d);
}

static err_t insert_orphan(struct sql *db, void *arg)
{
    struct job *j = arg;
    j->runs++;
    return run_text(db, "INSERT INTO c VALUES(?1)", j->n);
}

/* Its constraint is looked at when the transaction commits. */
static void a_job_that_spoils_the_commit_is_singled_out(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    struct job jobs[5] = {{.n = 1}, {.n = 2}, {.n = 99}, {.n = 3}, {.n = 4}};
    assert_ok(batch_submit(b, &(struct batch_job){.run = wait_a_little}, NULL));
    for (int i = 0; i < 5; i++)
        submit(b, &jobs[i], i == 2 ? insert_orphan : insert);
    while (batch_barrier(b, IO_FOREVER) != OK)
        clock_sleep_ms(1);
    for (int i = 0; i < 5; i++)
        assert_err(jobs[i].result, i == 2 ? E_INDEX : OK);
    assert_int_equal(count(d.reader), 4);
    assert_ok(batch_state(b).behind);
    batch_free(b);
    close_all(&d);
}

/* Somebody else's lock: jobs wait, the state says why, and all goes on when it is gone. */
static void a_locked_index_is_behind_and_catches_up(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){.queue_max = 8});
    struct sql *other = open_one(*state, false, false);
    struct job jobs[9] = {{.n = 0}};
    struct diag reason = {0};
    assert_ok(sql_begin(other));
    for (int i = 0; i < 5; i++) {
        jobs[i].n = i;
        submit(b, &jobs[i], insert);
    }
    assert_err(batch_barrier(b, clock_deadline(5000)), E_BUSY);
    assert_err(batch_wait(b, 1, clock_deadline(5000)), E_BUSY);
    assert_ok(batch_admit(b, &reason));
    for (int i = 5; i < 8; i++) {
        jobs[i].n = i;
        submit(b, &jobs[i], insert);
    }
    assert_err(batch_admit(b, &reason), E_BUSY);
    assert_string_not_equal(reason.text, "");
    struct batch_job more = {.run = insert, .done = note, .arg = &jobs[8]};
    assert_err(batch_submit(b, &more, NULL), E_BUSY);
    struct batch_state s = batch_state(b);
    assert_err(s.behind, E_BUSY);
    assert_int_equal(s.queued, 8);
    assert_non_null(strstr(s.reason.text, "locked"));
    assert_int_equal(s.transactions, 0);
    sql_rollback(other);
    for (int i = 0; i < 500 && batch_barrier(b, IO_FOREVER) != OK; i++)
        clock_sleep_ms(20);
    assert_ok(batch_barrier(b, IO_FOREVER));
    assert_ok(batch_state(b).behind);
    assert_int_equal(count(d.reader), 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(jobs[i].ends, 1);
    assert_int_equal(jobs[8].ends, 0);
    batch_free(b);
    sql_close(other);
    close_all(&d);
}

struct flaky {
    struct job job;
    err_t error;
    unsigned times;
};

static err_t fail_some_times(struct sql *db, void *arg)
{
    struct flaky *f = arg;
    TRY(insert(db, &f->job));
    if (f->times == 0)
        return OK;
    f->times--;
    return f->error;
}

static void a_full_disk_is_tried_again_until_there_is_room(void **state)
{
    static const err_t errors[] = {E_NOSPACE, E_IO, E_NOMEM, E_DAMAGED, E_BUSY};
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    for (int i = 0; i < 5; i++) {
        struct flaky f = {.job.n = i * 2, .error = errors[i], .times = 2};
        struct job after = {.n = i * 2 + 1};
        submit(b, &f.job, fail_some_times);
        submit(b, &after, insert);
        bool was_behind = false;
        for (err_t e = E_TIMEOUT; e != OK; clock_sleep_ms(1)) {
            e = batch_barrier(b, IO_FOREVER);
            was_behind |= e == errors[i];
        }
        assert_true(was_behind);
        assert_int_equal(f.job.ends, 1);
        assert_ok(f.job.result);
        assert_int_equal(f.job.runs, 3);
        assert_ok(after.result);
    }
    assert_int_equal(count(d.reader), 10);
    batch_free(b);
    close_all(&d);
}

static void a_call_answers_with_the_jobs_own_result(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    struct job j = {.n = 5};
    assert_ok(batch_call(b, insert, &j, IO_FOREVER));
    assert_int_equal(count(d.reader), 1);
    assert_err(batch_call(b, insert, &j, IO_FOREVER), E_EXISTS);
    batch_free(b);
    close_all(&d);
}

static void a_call_is_withdrawn_when_the_index_is_behind(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    struct sql *other = open_one(*state, false, false);
    struct job j = {.n = 5};
    assert_ok(sql_begin(other));
    assert_err(batch_call(b, insert, &j, clock_deadline(5000)), E_BUSY);
    unsigned runs = j.runs;
    sql_rollback(other);
    for (int i = 0; i < 500 && batch_barrier(b, IO_FOREVER) != OK; i++)
        clock_sleep_ms(10);
    assert_int_equal(j.runs, runs);
    assert_int_equal(count(d.reader), 0);
    batch_free(b);
    sql_close(other);
    close_all(&d);
}

static void a_wait_ends_at_its_deadline(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    uint64_t ticket;
    assert_ok(batch_submit(b, &(struct batch_job){.run = wait_a_little}, &ticket));
    assert_err(batch_wait(b, ticket, clock_deadline(1)), E_TIMEOUT);
    assert_ok(batch_wait(b, ticket, IO_FOREVER));
    assert_ok(batch_wait(b, ticket, clock_deadline(0)));
    batch_free(b);
    close_all(&d);
}

static void ending_commits_what_is_queued(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    static struct job jobs[300];
    memset(jobs, 0, sizeof jobs);
    for (int i = 0; i < 300; i++) {
        jobs[i].n = i;
        submit(b, &jobs[i], insert);
    }
    batch_free(b);
    assert_int_equal(count(d.reader), 300);
    for (int i = 0; i < 300; i++)
        assert_ok(jobs[i].result);
    batch_free(NULL);
    close_all(&d);
}

static void ending_behind_says_so_to_each_job(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){0});
    struct sql *other = open_one(*state, false, false);
    struct job jobs[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
    assert_ok(sql_begin(other));
    for (int i = 0; i < 3; i++)
        submit(b, &jobs[i], insert);
    batch_free(b);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jobs[i].ends, 1);
        assert_err(jobs[i].result, E_STOPPED);
    }
    sql_rollback(other);
    sql_close(other);
    close_all(&d);
}

struct submitter {
    struct batch *b;
    struct sql *reader;
    int64_t first;
    struct job jobs[EACH];
    err_t error;
};

static void submit_many(void *arg)
{
    struct submitter *s = arg;
    for (int i = 0; i < EACH && s->error == OK; i++) {
        s->jobs[i].n = s->first + i;
        struct batch_job job = {.run = insert, .done = note, .arg = &s->jobs[i]};
        s->error = i % 50 ? batch_submit(s->b, &job, NULL)
                          : batch_call(s->b, insert, &s->jobs[i], IO_FOREVER);
        if (s->error == OK && i % 100 == 0)
            s->error = batch_barrier(s->b, IO_FOREVER);
        if (i % 100 == 0)
            (void)batch_state(s->b);
    }
}

static void submitters_from_many_threads(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){.queue_max = 64, .log_pages = 16});
    static struct submitter s[THREADS];
    struct thread *t[THREADS];
    memset(s, 0, sizeof s);
    for (int i = 0; i < THREADS; i++) {
        s[i].b = b;
        s[i].first = i * EACH;
        assert_ok(thread_start(submit_many, &s[i], "submit", &t[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(t[i]);
        assert_ok(s[i].error);
    }
    assert_ok(batch_barrier(b, IO_FOREVER));
    assert_int_equal(count(d.reader), THREADS * EACH);
    batch_free(b);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++)
            assert_int_equal(s[i].jobs[j].ends, j % 50 != 0);
    close_all(&d);
}

static void the_log_stays_short_under_load(void **state)
{
    struct db d = open_all(*state);
    struct batch *b = start(&d, (struct batch_options){.log_pages = 32, .jobs_max = 4});
    static struct job jobs[4000];
    memset(jobs, 0, sizeof jobs);
    for (int i = 0; i < 4000; i++) {
        jobs[i].n = (int64_t)(i * 7919) % 4001;
        submit(b, &jobs[i], insert);
    }
    assert_ok(batch_barrier(b, IO_FOREVER));
    batch_free(b);
    size_t n;
    free(slurp(*state, "a.db-wal", &n));
    /* It is cut back only later; but it never grew far beyond what calls for a checkpoint. */
    assert_true(n < (size_t)32 * 8 * 4200);
    close_all(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_query_after_a_barrier_finds_what_was_submitted),
        SCRATCH_TEST(many_jobs_share_a_commit),
        SCRATCH_TEST(jobs_gather_until_somebody_waits),
        SCRATCH_TEST(a_job_that_fails_fails_alone),
        SCRATCH_TEST(a_job_that_spoils_the_commit_is_singled_out),
        SCRATCH_TEST(a_locked_index_is_behind_and_catches_up),
        SCRATCH_TEST(a_full_disk_is_tried_again_until_there_is_room),
        SCRATCH_TEST(a_call_answers_with_the_jobs_own_result),
        SCRATCH_TEST(a_call_is_withdrawn_when_the_index_is_behind),
        SCRATCH_TEST(a_wait_ends_at_its_deadline),
        SCRATCH_TEST(ending_commits_what_is_queued),
        SCRATCH_TEST(ending_behind_says_so_to_each_job),
        SCRATCH_TEST(submitters_from_many_threads),
        SCRATCH_TEST(the_log_stays_short_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
