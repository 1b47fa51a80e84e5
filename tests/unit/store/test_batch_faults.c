/* The index's own writes and syncs fail: no job is lost, none is done twice, and what is wrong is
 * said. */
#include "store_test.h"

#include "faults.h"
#include "io/clock.h"
#include "store/batch.h"

enum { JOBS = 60, CALLS_MAX = 200 };

struct index {
    struct sql *writer, *checkpointer;
    struct batch *batch;
};

static struct sql *open_one(const struct scratch *s)
{
    char uri[128];
    struct sql *db;
    snprintf(uri, sizeof uri, "sqlcipher:%s/a.db", s->path);
    struct sql_options o = {.uri = uri, .key = &TEST_KEY, .create = true, .busy_ms = 1000};
    assert_ok(sql_open(&o, &db, NULL));
    return db;
}

static struct index start(const struct scratch *s)
{
    struct index x = {.writer = open_one(s)};
    assert_ok(
        sql_exec(x.writer, "CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, b BLOB)", NULL));
    x.checkpointer = open_one(s);
    struct batch_options o = {
        .db = x.writer, .checkpointer = x.checkpointer, .log_pages = 8, .jobs_max = 7};
    assert_ok(batch_new(&o, &x.batch, NULL));
    return x;
}

static void finish(struct index *x)
{
    batch_free(x->batch);
    sql_close(x->checkpointer);
    sql_close(x->writer);
}

struct job {
    int64_t n;
    unsigned ends;
    err_t result;
};

static err_t insert(struct sql *db, void *arg)
{
    struct job *j = arg;
    struct sql_stmt *q;
    static const char bytes[2000] = {1};
    TRY(sql_prepare(db, STR("INSERT INTO t VALUES(?1, ?2)"), &q, NULL));
    sql_bind_i64(q, 1, j->n);
    sql_bind_blob(q, 2, str_of(bytes, sizeof bytes));
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static void note(void *arg, err_t result)
{
    struct job *j = arg;
    j->ends++;
    j->result = result;
}

static int64_t ask(struct sql *db, const char *text, char *ret_text, size_t cap)
{
    struct sql_stmt *q;
    bool row;
    assert_ok(sql_prepare(db, str_z(text), &q, NULL));
    assert_ok(sql_step(q, &row));
    assert_true(row);
    int64_t n = sql_i64(q, 0);
    if (ret_text)
        assert_true(str_to_z(sql_text(q, 0), ret_text, cap));
    sql_free(q);
    return n;
}

static void submit_all(struct batch *b, struct job *jobs)
{
    memset(jobs, 0, JOBS * sizeof *jobs);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].n = (i * 37) % 1009;
        struct batch_job job = {.run = insert, .done = note, .arg = &jobs[i]};
        assert_ok(batch_submit(b, &job, NULL));
    }
}

/* Waits until the index has caught up; the last reason for which it was behind. */
static err_t catch_up(struct batch *b)
{
    err_t why = OK;
    for (int i = 0; i < 2000; i++) {
        err_t e = batch_barrier(b, IO_FOREVER);
        if (e == OK)
            return why;
        why = e;
        clock_sleep_ms(5);
    }
    fail_msg("the index did not catch up");
    return why;
}

/* Every job once, and a sound database after a new start. */
static void check(const struct scratch *s, const struct job *jobs)
{
    char text[64];
    struct sql *db = open_one(s);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].ends, 1);
        assert_ok(jobs[i].result);
    }
    assert_int_equal(ask(db, "SELECT count(*) FROM t", NULL, 0), JOBS);
    ask(db, "PRAGMA integrity_check", text, sizeof text);
    assert_string_equal(text, "ok");
    assert_ok(sql_exec(db, "DELETE FROM t", NULL));
    sql_close(db);
}

static void a_full_disk_leaves_the_index_behind_until_there_is_room(void **state)
{
    struct job jobs[JOBS];
    struct index x = start(*state);
    fault_arm(FAULT_WRITE, 1, true, ENOSPC);
    submit_all(x.batch, jobs);
    assert_err(batch_barrier(x.batch, clock_deadline(10000)), E_NOSPACE);
    struct batch_state st = batch_state(x.batch);
    assert_err(st.behind, E_NOSPACE);
    assert_non_null(strstr(st.reason.text, "full"));
    assert_int_equal(st.queued, JOBS);
    fault_arm(FAULT_NONE, 0, false, 0);
    catch_up(x.batch);
    finish(&x);
    check(*state, jobs);
}

static void fail_every(const struct scratch *s, enum fault_kind kind, int errnum, unsigned step)
{
    bool came = true;
    unsigned n = 1;
    for (; came && n < CALLS_MAX; n += step) {
        struct job jobs[JOBS];
        struct index x = start(s);
        fault_arm(kind, n, false, errnum);
        submit_all(x.batch, jobs);
        err_t why = catch_up(x.batch);
        came = fault_came();
        fault_arm(FAULT_NONE, 0, false, 0);
        assert_true(why == OK || why == E_NOSPACE || why == E_IO);
        finish(&x);
        check(s, jobs);
    }
    assert_true(n > 3);
}

static void a_write_that_fails_loses_no_job(void **state)
{
    fail_every(*state, FAULT_WRITE, EIO, 5);
    fail_every(*state, FAULT_WRITE, ENOSPC, 11);
}

static void a_sync_that_fails_loses_no_job(void **state)
{
    fail_every(*state, FAULT_SYNC, EIO, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(a_full_disk_leaves_the_index_behind_until_there_is_room),
        MEMORY_TEST(a_write_that_fails_loses_no_job),
        MEMORY_TEST(a_sync_that_fails_loses_no_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
