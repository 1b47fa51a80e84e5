/* The embedded engine: SQLCipher 4, which is SQLite with encrypted, authenticated pages. */
#define SQLITE_HAS_CODEC 1

#include <errno.h>
#include <fcntl.h>
#include <sqlcipher/sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/file.h"
#include "store/sql_engine.h"

enum { CACHE = 2 << 20, AUTO_CHECKPOINT = 1000, BACKUP_PAGES = 256 };

struct connection {
    struct sql sql;
    sqlite3 *db;
    uint64_t log_pages;
    bool checkpoints;
};

struct statement {
    struct sql_stmt stmt;
    sqlite3_stmt *q;
};

static struct connection *conn(const struct sql *s)
{
    return (struct connection *)(uintptr_t)s;
}

static sqlite3_stmt *stmt(struct sql_stmt *q)
{
    return ((struct statement *)q)->q;
}

static err_t err_of_io(sqlite3 *db)
{
    int en = sqlite3_system_errno(db);
    return en == ENOSPC || en == EDQUOT || en == EFBIG ? E_NOSPACE : E_IO;
}

static err_t err_of(sqlite3 *db, int rc)
{
    int extended = db ? sqlite3_extended_errcode(db) : rc;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_FULL:
        return E_NOSPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return E_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return E_DAMAGED;
    case SQLITE_INTERRUPT:
        return E_CANCELLED;
    case SQLITE_CONSTRAINT:
        return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       extended == SQLITE_CONSTRAINT_ROWID
                   ? E_EXISTS
                   : E_INDEX;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return db ? err_of_io(db) : E_IO;
    case SQLITE_NOMEM:
        return E_NOMEM;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return E_DENIED;
    case SQLITE_TOOBIG:
        return E_LIMIT;
    default:
        return E_INDEX;
    }
}

static err_t check(struct connection *c, int rc)
{
    err_t e = err_of(c->db, rc);
    if (e == OK)
        return OK;
    return diag_set(&c->sql.diag, e, "the index: %s", sqlite3_errmsg(c->db));
}

static err_t exec(struct sql *s, const char *text)
{
    struct connection *c = conn(s);
    return check(c, sqlite3_exec(c->db, text, NULL, NULL, NULL));
}

/* Remembers how long the log is; this hook takes the place of SQLite's own automatic checkpoint. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct connection *c = ctx;
    c->log_pages = (uint64_t)pages;
    if (c->checkpoints && pages >= AUTO_CHECKPOINT)
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

static err_t set_key(sqlite3 *db, const struct key *key)
{
    char hex[4 + 2 * KEY_SIZE];
    struct wr w = wr_fixed(hex, sizeof hex);
    wr_put(&w, STR("x'"));
    wr_hex(&w, str_of(key->bytes, KEY_SIZE));
    wr_put(&w, STR("'"));
    int rc = sqlite3_key_v2(db, "main", hex, (int)w.n);
    explicit_bzero(hex, sizeof hex);
    return err_of(db, rc);
}

/* Pages of 4 KiB and HMAC-SHA256, which the processor has instructions for: measured as the fastest
 * for inserts of random UIDs. The library would write its own log to stderr. */
static err_t set_cipher(struct connection *c, const struct key *key)
{
    TRY(exec(&c->sql, "PRAGMA cipher_log_level=NONE"));
    TRY(set_key(c->db, key));
    return exec(&c->sql, "PRAGMA cipher_page_size=4096;PRAGMA cipher_hmac_algorithm=HMAC_SHA256");
}

/* Read by the engine's own descriptor: closing another one of the same file would let go of the
 * locks that this process holds on it. */
static bool is_plain(sqlite3 *db)
{
    sqlite3_file *f = NULL;
    char magic[16];
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f &&
           f->pMethods && f->pMethods->xRead(f, magic, sizeof magic, 0) == SQLITE_OK &&
           memcmp(magic, "SQLite format 3", sizeof magic) == 0;
}

/* The first read shows whether the key fits. */
static err_t try_key(struct connection *c, const char *path)
{
    err_t e = exec(&c->sql, "SELECT count(*) FROM sqlite_schema");
    if (e != E_DAMAGED)
        return e;
    if (is_plain(c->db))
        return diag_set(&c->sql.diag, E_DENIED, "%s is not encrypted: it is no index of ours",
                        path);
    return diag_set(
        &c->sql.diag, E_DENIED,
        "the key does not open %s: it is another archive's, or its first page is damaged", path);
}

/* Pages are written whole and encrypted: overwriting deleted rows would hide nothing. */
static err_t set_up(struct connection *c, const struct sql_options *o)
{
    char text[320];
    size_t cache = (o->cache ? o->cache : CACHE) >> 10;
    snprintf(text, sizeof text,
             "PRAGMA cache_size=-%zu;PRAGMA temp_store=MEMORY;PRAGMA mmap_size=0;"
             "PRAGMA secure_delete=OFF;PRAGMA foreign_keys=%s;PRAGMA synchronous=NORMAL;"
             "PRAGMA journal_size_limit=16777216;PRAGMA trusted_schema=OFF;%s",
             cache, o->foreign_keys ? "ON" : "OFF",
             o->read_only ? "PRAGMA query_only=ON" : "PRAGMA journal_mode=WAL");
    c->checkpoints = o->checkpoints;
    sqlite3_wal_hook(c->db, on_commit, c);
    return exec(&c->sql, text);
}

/* Ours alone to read. Made before SQLite sees it, which would follow the umask; its log and shared
 * memory take their mode from it. */
static err_t make_file(const char *path, struct diag *d)
{
    int fd = -1;
    err_t e = file_open(AT_FDCWD, path, FILE_CREATE, &fd, d);
    file_close(&fd);
    return e == E_EXISTS ? OK : e;
}

static err_t open_db(struct connection *c, const struct sql_options *o, const char *path)
{
    struct diag *d = &c->sql.diag;
    if (o->create)
        TRY(make_file(path, d));
    /* A read-only connection still writes the shared memory of the log. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
    struct file_info info;
    if (rc != SQLITE_OK && file_stat(AT_FDCWD, path, &info, NULL) == E_NOTFOUND)
        return diag_set(d, E_NOTFOUND, "there is no index at %s", path);
    if (rc != SQLITE_OK)
        return diag_set(d, err_of(c->db, rc), "cannot open %s: %s", path, sqlite3_errstr(rc));
    sqlite3_busy_timeout(c->db, (int)(o->busy_ms > INT32_MAX ? INT32_MAX : o->busy_ms));
    if (o->value_max)
        sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH,
                      (int)(o->value_max > INT32_MAX ? INT32_MAX : o->value_max));
    TRY(set_cipher(c, o->key));
    TRY(try_key(c, path));
    return set_up(c, o);
}

static void close_db(struct sql *s)
{
    struct connection *c = conn(s);
    sqlite3_close(c->db);
    free(c);
}

static err_t open_sql(const struct sql_options *o, const char *path, struct sql **ret,
                      struct diag *d)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    err_t e = open_db(c, o, path);
    if (e != OK) {
        diag_set(d, e, "%s", diag_text(&c->sql.diag, e));
        close_db(&c->sql);
        return e;
    }
    *ret = &c->sql;
    return OK;
}

static err_t prepare(struct sql *s, struct str text, struct sql_stmt **ret)
{
    struct connection *c = conn(s);
    struct statement *q = calloc(1, sizeof *q);
    if (!q)
        return diag_set(&s->diag, E_NOMEM, "out of memory");
    err_t e = check(
        c, sqlite3_prepare_v3(c->db, text.p, (int)text.n, SQLITE_PREPARE_PERSISTENT, &q->q, NULL));
    if (e == OK && !q->q)
        e = diag_set(&s->diag, E_USAGE, "an empty statement");
    if (e != OK) {
        free(q);
        return e;
    }
    *ret = &q->stmt;
    return OK;
}

static void free_stmt(struct sql_stmt *q)
{
    sqlite3_finalize(stmt(q));
    free(q);
}

static err_t bind_i64(struct sql_stmt *q, int i, int64_t v)
{
    return check(conn(q->sql), sqlite3_bind_int64(stmt(q), i, v));
}

static err_t bind_text(struct sql_stmt *q, int i, struct str v)
{
    return check(conn(q->sql),
                 sqlite3_bind_text64(stmt(q), i, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8));
}

static err_t bind_blob(struct sql_stmt *q, int i, struct str v)
{
    return check(conn(q->sql), sqlite3_bind_blob64(stmt(q), i, v.p, v.n, SQLITE_STATIC));
}

static err_t bind_null(struct sql_stmt *q, int i)
{
    return check(conn(q->sql), sqlite3_bind_null(stmt(q), i));
}

static err_t step(struct sql_stmt *q, bool *ret_row)
{
    int rc = sqlite3_step(stmt(q));
    TRY(check(conn(q->sql), rc));
    *ret_row = rc == SQLITE_ROW;
    return OK;
}

static void reset(struct sql_stmt *q)
{
    sqlite3_reset(stmt(q));
}

static int64_t i64(struct sql_stmt *q, int col)
{
    return sqlite3_column_int64(stmt(q), col);
}

static struct str text(struct sql_stmt *q, int col)
{
    const unsigned char *p = sqlite3_column_text(stmt(q), col);
    return str_of(p, p ? (size_t)sqlite3_column_bytes(stmt(q), col) : 0);
}

static struct str blob(struct sql_stmt *q, int col)
{
    const void *p = sqlite3_column_blob(stmt(q), col);
    return str_of(p, p ? (size_t)sqlite3_column_bytes(stmt(q), col) : 0);
}

static bool is_null(struct sql_stmt *q, int col)
{
    return sqlite3_column_type(stmt(q), col) == SQLITE_NULL;
}

static int64_t last_id(struct sql *s)
{
    return sqlite3_last_insert_rowid(conn(s)->db);
}

static int64_t changes(struct sql *s)
{
    return sqlite3_changes64(conn(s)->db);
}

static err_t checkpoint(struct sql *s, bool full, uint64_t *ret_left)
{
    struct connection *c = conn(s);
    int log = 0, moved = 0;
    int mode = full ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    TRY(check(c, sqlite3_wal_checkpoint_v2(c->db, "main", mode, &log, &moved)));
    *ret_left = log > moved ? (uint64_t)(log - moved) : 0;
    return OK;
}

static uint64_t log_pages(const struct sql *s)
{
    return conn(s)->log_pages;
}

static void interrupt(struct sql *s)
{
    sqlite3_interrupt(conn(s)->db);
}

static err_t copy_pages(struct connection *from, struct connection *to,
                        void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx)
{
    sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
    if (!b)
        return check(to, sqlite3_errcode(to->db));
    int rc;
    do {
        rc = sqlite3_backup_step(b, BACKUP_PAGES);
        int total = sqlite3_backup_pagecount(b), left = sqlite3_backup_remaining(b);
        if (progress && rc == SQLITE_OK)
            progress(ctx, (uint64_t)(total - left), (uint64_t)total);
    } while (rc == SQLITE_OK);
    err_t e = rc == SQLITE_DONE ? OK : err_of(to->db, rc);
    if (e != OK)
        diag_set(&to->sql.diag, e, "cannot copy the index: %s", sqlite3_errstr(rc));
    sqlite3_backup_finish(b);
    return e;
}

/* A read transaction around the whole copy, so that it is of one moment and writers do not make it
 * begin anew. */
static err_t copy_snapshot(struct connection *from, struct connection *to,
                           void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx)
{
    TRY(exec(&from->sql, "BEGIN;SELECT count(*) FROM sqlite_schema"));
    err_t e = copy_pages(from, to, progress, ctx);
    if (e == OK)
        e = exec(&from->sql, "COMMIT");
    else
        sqlite3_exec(from->db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

static err_t sync_path(const char *path, struct diag *d)
{
    int fd;
    TRY(file_open(AT_FDCWD, path, FILE_WRITE, &fd, d));
    err_t e = file_sync(fd, d);
    file_close(&fd);
    return e;
}

static err_t backup(struct sql *s, const char *path, const struct key *key,
                    void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                    struct diag *d)
{
    int fd;
    TRY(file_open(AT_FDCWD, path, FILE_CREATE, &fd, d));
    file_close(&fd);
    struct connection to = {0};
    err_t e = err_of(
        NULL, sqlite3_open_v2(path, &to.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (e == OK)
        e = set_cipher(&to, key);
    if (e == OK)
        e = exec(&to.sql, "PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF");
    if (e == OK)
        e = copy_snapshot(conn(s), &to, progress, ctx);
    if (e != OK)
        diag_set(d, e, "%s", diag_text(to.sql.diag.text[0] ? &to.sql.diag : &s->diag, e));
    sqlite3_close(to.db);
    if (e == OK)
        e = sync_path(path, d);
    if (e != OK)
        (void)!file_remove(AT_FDCWD, path, NULL);
    return e;
}

const struct sql_engine sql_engine_sqlcipher = {
    .scheme = "sqlcipher",
    .fixed = {[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
              [SQL_BEGIN_READ] = "BEGIN",
              [SQL_COMMIT] = "COMMIT",
              [SQL_ROLLBACK] = "ROLLBACK",
              [SQL_SAVEPOINT] = "SAVEPOINT one",
              [SQL_RELEASE] = "RELEASE one",
              [SQL_ROLLBACK_TO] = "ROLLBACK TO one"},
    .open = open_sql,
    .close = close_db,
    .exec = exec,
    .prepare = prepare,
    .free = free_stmt,
    .bind_i64 = bind_i64,
    .bind_text = bind_text,
    .bind_blob = bind_blob,
    .bind_null = bind_null,
    .step = step,
    .reset = reset,
    .i64 = i64,
    .text = text,
    .blob = blob,
    .is_null = is_null,
    .last_id = last_id,
    .changes = changes,
    .checkpoint = checkpoint,
    .log_pages = log_pages,
    .interrupt = interrupt,
    .backup = backup,
};
