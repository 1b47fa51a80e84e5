/* Tests of the seam that every engine must pass: each runs once for each engine of the table. */
#include "store_test.h"

#include "io/clock.h"
#include "io/thread.h"
#include "store/sql.h"

/* What differs between engines: how a fresh, empty database is named and opened. */
struct engine {
    const char *scheme;
    void (*uri)(const struct scratch *s, const char *name, char *ret, size_t cap);
    bool files; /* it keeps the database in a file of ours */
};

static void file_uri(const struct scratch *s, const char *name, char *ret, size_t cap)
{
    snprintf(ret, cap, "sqlcipher:%s/%s", s->path, name);
}

static const struct engine ENGINES[] = {{"sqlcipher", file_uri, true}};

/* The engine a test runs on; set once, before the tests. */
static const struct engine *engine;

static err_t open_as(const struct scratch *s, const char *name, struct sql_options o,
                     struct sql **ret, struct diag *d)
{
    char uri[128];
    engine->uri(s, name, uri, sizeof uri);
    o.uri = uri;
    if (!o.key)
        o.key = &TEST_KEY;
    return sql_open(&o, ret, d);
}

static struct sql *open_db(const struct scratch *s)
{
    struct sql *db;
    struct diag d = {0};
    err_t e = open_as(s, "a.db", (struct sql_options){.create = true, .busy_ms = 100}, &db, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
    return db;
}

static struct sql_stmt *prepare(struct sql *db, const char *text)
{
    struct sql_stmt *q;
    struct diag d = {0};
    err_t e = sql_prepare(db, str_z(text), &q, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
    return q;
}

static int64_t one(struct sql *db, const char *text)
{
    struct sql_stmt *q = prepare(db, text);
    bool row;
    assert_ok(sql_step(q, &row));
    assert_true(row);
    int64_t v = sql_i64(q, 0);
    sql_free(q);
    return v;
}

static void make_table(struct sql *db)
{
    assert_ok(sql_exec(
        db, "CREATE TABLE t(id INTEGER PRIMARY KEY, uid TEXT UNIQUE, n INTEGER, b BLOB)", NULL));
}

static err_t insert(struct sql *db, const char *uid, int64_t n)
{
    struct sql_stmt *q = prepare(db, "INSERT INTO t(uid, n) VALUES(?1, ?2)");
    sql_bind_text(q, 1, str_z(uid));
    sql_bind_i64(q, 2, n);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static void values_come_back_as_they_were_bound(void **state)
{
    struct sql *db = open_db(*state);
    bool row;
    make_table(db);
    struct sql_stmt *q = prepare(db, "INSERT INTO t(uid, n, b) VALUES(?1, ?2, ?3)");
    sql_bind_text(q, 1, STR("1.2.3"));
    sql_bind_i64(q, 2, INT64_MIN);
    sql_bind_blob(q, 3, STR("a\0b"));
    assert_ok(sql_run(q));
    assert_int_equal(sql_last_id(db), 1);
    assert_int_equal(sql_changes(db), 1);
    sql_bind_text(q, 1, str_of(NULL, 0));
    sql_bind_null(q, 2);
    sql_bind_null(q, 3);
    assert_ok(sql_run(q));
    sql_free(q);
    q = prepare(db, "SELECT uid, n, b FROM t ORDER BY id");
    assert_ok(sql_step(q, &row));
    assert_true(row);
    assert_str(sql_text(q, 0), "1.2.3");
    assert_true(sql_i64(q, 1) == INT64_MIN);
    struct str b = sql_blob(q, 2);
    assert_int_equal(b.n, 3);
    assert_memory_equal(b.p, "a\0b", 3);
    assert_ok(sql_step(q, &row));
    assert_true(row);
    assert_false(sql_is_null(q, 0));
    assert_int_equal(sql_text(q, 0).n, 0);
    assert_true(sql_is_null(q, 1));
    assert_true(sql_is_null(q, 2));
    assert_int_equal(sql_blob(q, 2).n, 0);
    assert_ok(sql_step(q, &row));
    assert_false(row);
    /* At the end it was reset, and can be used again. */
    assert_ok(sql_step(q, &row));
    assert_true(row);
    sql_free(q);
    sql_free(NULL);
    sql_close(db);
}

static void errors_have_our_names(void **state)
{
    struct sql *db = open_db(*state);
    struct sql_stmt *q;
    struct diag d = {0};
    make_table(db);
    assert_ok(insert(db, "1.2", 1));
    assert_err(insert(db, "1.2", 2), E_EXISTS);
    assert_non_null(strstr(sql_diag(db)->text, "t.uid"));
    assert_ok(insert(db, "1.3", 2));
    assert_err(sql_exec(db, "NONSENSE", &d), E_INDEX);
    assert_string_not_equal(d.text, "");
    assert_err(sql_prepare(db, STR("SELECT x FROM t"), &q, &d), E_INDEX);
    assert_err(sql_prepare(db, STR(""), &q, &d), E_USAGE);
    q = prepare(db, "SELECT ?1");
    bool row;
    sql_bind_i64(q, 7, 1); /* there is no seventh: latched */
    sql_bind_i64(q, 1, 1);
    assert_err(sql_step(q, &row), E_INDEX);
    sql_free(q);
    q = prepare(db, "INSERT INTO t(id, uid) VALUES(1, 'x')");
    assert_err(sql_run(q), E_EXISTS);
    sql_free(q);
    sql_close(db);
}

static void an_uri_that_no_engine_knows_is_refused(void **state)
{
    (void)state;
    struct sql *db;
    struct diag d = {0};
    static const char *const uris[] = {"", "x", "oracle:x", "sqlcipherx:/tmp/x", "sqlcipher"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct sql_options o = {.uri = uris[i], .key = &TEST_KEY};
        assert_err(sql_open(&o, &db, &d), E_UNSUPPORTED);
    }
}

static void what_is_rolled_back_is_gone(void **state)
{
    struct sql *db = open_db(*state);
    make_table(db);
    assert_ok(sql_begin(db));
    assert_ok(insert(db, "1", 1));
    assert_ok(sql_savepoint(db));
    assert_ok(insert(db, "2", 2));
    sql_rollback_to(db);
    assert_ok(sql_savepoint(db));
    assert_ok(insert(db, "3", 3));
    assert_ok(sql_release(db));
    assert_ok(sql_commit(db));
    assert_int_equal(one(db, "SELECT sum(n) FROM t"), 4);
    assert_ok(sql_begin(db));
    assert_ok(insert(db, "4", 4));
    sql_rollback(db);
    assert_int_equal(one(db, "SELECT sum(n) FROM t"), 4);
    assert_err(sql_commit(db), E_INDEX);
    sql_rollback(db);
    assert_non_null(strstr(sql_diag(db)->text, "commit"));
    sql_close(db);
}

static void readers_see_commits_and_do_not_wait(void **state)
{
    struct sql *db = open_db(*state), *reader;
    make_table(db);
    assert_ok(open_as(*state, "a.db", (struct sql_options){.read_only = true}, &reader, NULL));
    assert_ok(sql_begin(db));
    assert_ok(insert(db, "1", 1));
    assert_int_equal(one(reader, "SELECT count(*) FROM t"), 0);
    assert_ok(sql_commit(db));
    assert_int_equal(one(reader, "SELECT count(*) FROM t"), 1);
    /* A transaction of a reader is of one moment. */
    assert_ok(sql_begin(reader));
    assert_int_equal(one(reader, "SELECT count(*) FROM t"), 1);
    assert_ok(insert(db, "2", 1));
    assert_int_equal(one(reader, "SELECT count(*) FROM t"), 1);
    assert_ok(sql_commit(reader));
    assert_int_equal(one(reader, "SELECT count(*) FROM t"), 2);
    assert_err(insert(reader, "3", 1), E_DENIED);
    sql_close(reader);
    sql_close(db);
}

static void a_second_writer_is_busy(void **state)
{
    struct sql *db = open_db(*state), *second;
    make_table(db);
    assert_ok(open_as(*state, "a.db", (struct sql_options){.busy_ms = 10}, &second, NULL));
    assert_ok(sql_begin(db));
    assert_err(sql_begin(second), E_BUSY);
    assert_ok(sql_commit(db));
    assert_ok(sql_begin(second));
    sql_rollback(second);
    sql_close(second);
    sql_close(db);
}

static void foreign_keys_are_enforced_when_wished(void **state)
{
    for (int on = 0; on < 2; on++) {
        struct sql *db;
        assert_ok(open_as(*state, on ? "b.db" : "a.db",
                          (struct sql_options){.create = true, .foreign_keys = on}, &db, NULL));
        assert_ok(sql_exec(db,
                           "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                           "CREATE TABLE c(p INTEGER REFERENCES p(id))",
                           NULL));
        assert_err(sql_exec(db, "INSERT INTO c VALUES(7)", NULL), on ? E_INDEX : OK);
        sql_close(db);
    }
}

struct slow {
    struct sql *db;
    err_t result;
};

static void run_slow(void *arg)
{
    struct slow *s = arg;
    bool row;
    struct sql_stmt *q =
        prepare(s->db, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) "
                       "SELECT count(*) FROM c");
    s->result = sql_step(q, &row);
    sql_free(q);
}

static void a_statement_can_be_stopped(void **state)
{
    struct slow s = {open_db(*state), OK};
    struct thread *t;
    assert_ok(thread_start(run_slow, &s, "slow", &t));
    clock_sleep_ms(50);
    sql_interrupt(s.db);
    thread_join(t);
    assert_err(s.result, E_CANCELLED);
    assert_int_equal(one(s.db, "SELECT 1"), 1);
    sql_close(s.db);
}

static void a_missing_index_is_not_made(void **state)
{
    struct sql *db;
    struct diag d = {0};
    assert_err(open_as(*state, "none.db", (struct sql_options){0}, &db, &d), E_NOTFOUND);
    assert_non_null(strstr(d.text, "none.db"));
}

static void another_key_is_refused(void **state)
{
    static const struct key other = {{1}};
    struct sql *db = open_db(*state);
    struct diag d = {0};
    make_table(db);
    sql_close(db);
    assert_err(open_as(*state, "a.db", (struct sql_options){.key = &other}, &db, &d), E_DENIED);
    assert_non_null(strstr(d.text, "key"));
    db = open_db(*state);
    assert_int_equal(one(db, "SELECT count(*) FROM t"), 0);
    sql_close(db);
}

static void a_plain_database_is_refused(void **state)
{
    struct sql *db;
    struct diag d = {0};
    uint8_t page[4096] = "SQLite format 3";
    spill(*state, "plain.db", page, sizeof page);
    assert_err(open_as(*state, "plain.db", (struct sql_options){0}, &db, &d), E_DENIED);
    assert_non_null(strstr(d.text, "not encrypted"));
}

static void nothing_readable_stands_in_the_files(void **state)
{
    struct scratch *s = *state;
    struct sql *db = open_db(s);
    static const char *const files[] = {"a.db", "a.db-wal"};
    make_table(db);
    for (int i = 0; i < 100; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "MUSTERMANN^%d", i);
        assert_ok(insert(db, uid, i));
    }
    for (size_t i = 0; i < 2; i++) {
        size_t n;
        struct stat st;
        uint8_t *p = slurp(s, files[i], &n);
        assert_null(memmem(p, n, "MUSTERMANN", 10));
        assert_null(memmem(p, n, "CREATE", 6));
        free(p);
        assert_int_equal(fstatat(s->fd, files[i], &st, 0), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
    sql_close(db);
}

static void a_flipped_bit_is_damage(void **state)
{
    struct sql *db = open_db(*state);
    size_t n;
    make_table(db);
    assert_ok(sql_begin(db));
    for (int i = 0; i < 2000; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        assert_ok(insert(db, uid, i));
    }
    assert_ok(sql_commit(db));
    sql_close(db);
    uint8_t *p = slurp(*state, "a.db", &n);
    p[n / 2] ^= 1;
    spill(*state, "a.db", p, n);
    free(p);
    db = open_db(*state);
    struct sql_stmt *q = prepare(db, "SELECT sum(n), sum(length(uid)) FROM t");
    bool row;
    assert_err(sql_step(q, &row), E_DAMAGED);
    sql_free(q);
    sql_close(db);
}

static void checkpoints_empty_the_log(void **state)
{
    struct sql *db = open_db(*state), *other;
    uint64_t left;
    make_table(db);
    assert_ok(open_as(*state, "a.db", (struct sql_options){.busy_ms = 50}, &other, NULL));
    for (int i = 0; i < 50; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        assert_ok(insert(db, uid, i));
    }
    assert_true(sql_log_pages(db) > 50);
    /* A reader of an older moment holds it back. */
    assert_ok(sql_begin(other));
    assert_int_equal(one(other, "SELECT count(*) FROM t"), 50);
    sql_rollback(other);
    assert_ok(sql_checkpoint(other, false, &left));
    assert_int_equal(left, 0);
    assert_ok(insert(db, "next", 1));
    assert_true(sql_log_pages(db) < 20);
    assert_ok(sql_checkpoint(db, true, &left));
    size_t n;
    free(slurp(*state, "a.db-wal", &n));
    assert_int_equal(n, 0);
    sql_close(other);
    sql_close(db);
}

static void the_engine_checkpoints_by_itself_when_told_to(void **state)
{
    struct sql *db;
    assert_ok(open_as(*state, "a.db", (struct sql_options){.create = true, .checkpoints = true},
                      &db, NULL));
    make_table(db);
    uint64_t most = 0;
    for (int i = 0; i < 1500; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        assert_ok(insert(db, uid, i));
        most = sql_log_pages(db) > most ? sql_log_pages(db) : most;
    }
    assert_in_range(most, 1000, 1100);
    sql_close(db);
}

struct progress {
    uint64_t calls, last, total;
    struct sql *writer;
};

/* Somebody writes while the copy is made. */
static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *p = ctx;
    char uid[32];
    assert_true(done >= p->last);
    p->calls++;
    p->last = done;
    p->total = total;
    snprintf(uid, sizeof uid, "during %d", (int)p->calls);
    assert_ok(insert(p->writer, uid, 1));
}

static void a_backup_is_of_one_moment(void **state)
{
    static const struct key other = {{5, 5}};
    struct scratch *s = *state;
    struct sql *db = open_db(s), *copy;
    struct progress p = {0};
    struct diag d = {0};
    char path[128];
    make_table(db);
    assert_ok(sql_begin(db));
    for (int i = 0; i < 60000; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        assert_ok(insert(db, uid, 1));
    }
    assert_ok(sql_commit(db));
    assert_ok(open_as(s, "a.db", (struct sql_options){0}, &p.writer, NULL));
    snprintf(path, sizeof path, "%s/copy.db", s->path);
    err_t e = sql_backup(db, path, &other, on_progress, &p, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
    assert_true(p.calls > 1);
    assert_int_equal(one(db, "SELECT count(*) FROM t"), 60000 + p.calls);
    assert_err(sql_backup(db, path, &other, NULL, NULL, &d), E_EXISTS);
    assert_ok(open_as(s, "copy.db", (struct sql_options){.key = &other}, &copy, NULL));
    assert_int_equal(one(copy, "SELECT count(*) FROM t"), 60000);
    assert_ok(insert(copy, "more", 1));
    sql_close(copy);
    sql_close(p.writer);
    sql_close(db);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(values_come_back_as_they_were_bound),
        SCRATCH_TEST(errors_have_our_names),
        SCRATCH_TEST(an_uri_that_no_engine_knows_is_refused),
        SCRATCH_TEST(what_is_rolled_back_is_gone),
        SCRATCH_TEST(readers_see_commits_and_do_not_wait),
        SCRATCH_TEST(a_second_writer_is_busy),
        SCRATCH_TEST(foreign_keys_are_enforced_when_wished),
        SCRATCH_TEST(a_statement_can_be_stopped),
        SCRATCH_TEST(another_key_is_refused),
    };
    static const struct CMUnitTest file_tests[] = {
        SCRATCH_TEST(a_missing_index_is_not_made),
        SCRATCH_TEST(a_plain_database_is_refused),
        SCRATCH_TEST(nothing_readable_stands_in_the_files),
        SCRATCH_TEST(a_flipped_bit_is_damage),
        SCRATCH_TEST(checkpoints_empty_the_log),
        SCRATCH_TEST(the_engine_checkpoints_by_itself_when_told_to),
        SCRATCH_TEST(a_backup_is_of_one_moment),
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof ENGINES / sizeof *ENGINES; i++) {
        engine = &ENGINES[i];
        failed += cmocka_run_group_tests_name(engine->scheme, tests, NULL, NULL);
        if (engine->files)
            failed += cmocka_run_group_tests_name(engine->scheme, file_tests, NULL, NULL);
    }
    return failed;
}
