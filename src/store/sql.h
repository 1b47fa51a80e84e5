/* The index's SQL seam: one SQL text, one engine behind it. Engines are const structs named by a
 * URI scheme (sqlcipher today); rows and statements are reached only through here.
 *
 * A connection belongs to one thread at a time. Writers are serialised by the engine; readers do
 * not wait for them (WAL).
 */
#ifndef LASTRA_STORE_SQL_H
#define LASTRA_STORE_SQL_H

#include "base/err.h"
#include "base/str.h"
#include "io/crypto.h"

struct sql;
struct sql_stmt;

struct sql_options {
    const char *uri;       /* "sqlcipher:/path/index.db" */
    const struct key *key; /* whole-database key */
    size_t cache;          /* bytes of page cache; 0: 2 MiB */
    bool read_only, create;
    bool foreign_keys; /* REFERENCES are enforced */
    bool checkpoints;  /* the engine checkpoints by itself inside commits; off where a batch
                          (batch.h) does it */
    int64_t busy_ms;   /* how long a locked database is waited for */
    size_t value_max;  /* longer values and rows are E_LIMIT, not memory: for a database that may be
                          anybody's; 0: the engine's own limit */
};

/* E_NOTFOUND when it is not there and create is off; E_DENIED when the key does not fit or the file
 * is not an encrypted database. */
err_t sql_open(const struct sql_options *o, struct sql **ret, struct diag *d) MUST_CHECK;
void sql_close(struct sql *s);

/* Statements without rows or parameters; several may be separated by semicolons. */
err_t sql_exec(struct sql *s, const char *text, struct diag *d) MUST_CHECK;

/* Compiled once and used again; freed before the connection closes. */
err_t sql_prepare(struct sql *s, struct str text, struct sql_stmt **ret, struct diag *d) MUST_CHECK;
void sql_free(struct sql_stmt *q);

/* Parameters are ?1, ?2, ... Text and blobs must live until the statement is reset. Errors latch
 * and come out of sql_step. */
void sql_bind_i64(struct sql_stmt *q, int i, int64_t v);
void sql_bind_text(struct sql_stmt *q, int i, struct str s);
void sql_bind_blob(struct sql_stmt *q, int i, struct str s);
void sql_bind_null(struct sql_stmt *q, int i);

/* *ret_row: a row is there to be read; false at the end (the statement is then reset). */
err_t sql_step(struct sql_stmt *q, bool *ret_row) MUST_CHECK;
/* For statements without rows: step to the end and reset. E_EXISTS on a uniqueness violation. */
err_t sql_run(struct sql_stmt *q) MUST_CHECK;
void sql_reset(struct sql_stmt *q);

/* Columns from 0; views valid until the next step or reset. */
int64_t sql_i64(struct sql_stmt *q, int col);
struct str sql_text(struct sql_stmt *q, int col);
struct str sql_blob(struct sql_stmt *q, int col);
bool sql_is_null(struct sql_stmt *q, int col);

err_t sql_begin(struct sql *s) MUST_CHECK;
err_t sql_commit(struct sql *s) MUST_CHECK;
void sql_rollback(struct sql *s);
int64_t sql_last_id(struct sql *s);

/* Rows that the last insert, update or delete changed. */
int64_t sql_changes(struct sql *s);

/* Savepoints inside a transaction, one level: back to where it was set, or forget it. */
err_t sql_savepoint(struct sql *s) MUST_CHECK;
err_t sql_release(struct sql *s) MUST_CHECK;
void sql_rollback_to(struct sql *s);

/* Moves what the write-ahead log holds into the database, as far as readers allow, without stopping
 * anybody; full: waits for writers and readers (busy_ms) and empties the log. *ret_left: pages that
 * stay in the log. */
err_t sql_checkpoint(struct sql *s, bool full, uint64_t *ret_left) MUST_CHECK;
/* Pages in the write-ahead log after this connection's last commit. */
uint64_t sql_log_pages(const struct sql *s);

/* Stops a statement that another thread is running on this connection (C-CANCEL, deadline): it ends
 * with E_CANCELLED. */
void sql_interrupt(struct sql *s);

/* A consistent copy of the whole database into a new encrypted file, while others read and write.
 * progress may be NULL. */
err_t sql_backup(struct sql *s, const char *path, const struct key *key,
                 void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                 struct diag *d) MUST_CHECK;

const struct diag *sql_diag(const struct sql *s);

#endif
