#include "store/sql.h"

#include "base/size.h"
#include "store/sql_engine.h"

static const struct sql_engine *const ENGINES[] = {&sql_engine_sqlcipher};

static const struct sql_engine *engine_of(struct str uri, struct str *ret_rest)
{
    size_t colon = str_find(uri, ':');
    for (size_t i = 0; i < COUNT(ENGINES); i++) {
        if (!str_eq(str_slice(uri, 0, colon), str_z(ENGINES[i]->scheme)) || colon == uri.n)
            continue;
        *ret_rest = str_slice(uri, colon + 1, uri.n);
        return ENGINES[i];
    }
    return NULL;
}

err_t sql_open(const struct sql_options *o, struct sql **ret, struct diag *d)
{
    struct str rest;
    struct sql *s;
    const struct sql_engine *e = engine_of(str_z(o->uri), &rest);
    if (!e)
        return diag_set(d, E_UNSUPPORTED, "no index engine is named by %s", o->uri);
    TRY(e->open(o, rest.p, &s, d));
    s->engine = e;
    s->read_only = o->read_only;
    *ret = s;
    return OK;
}

void sql_close(struct sql *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SQL_FIXED_COUNT; i++)
        sql_free(s->fixed[i]);
    s->engine->close(s);
}

err_t sql_exec(struct sql *s, const char *text, struct diag *d)
{
    err_t e = s->engine->exec(s, text);
    return e == OK ? OK : diag_set(d, e, "%s", s->diag.text);
}

err_t sql_prepare(struct sql *s, struct str text, struct sql_stmt **ret, struct diag *d)
{
    struct sql_stmt *q;
    err_t e = s->engine->prepare(s, text, &q);
    if (e != OK)
        return diag_set(d, e, "%s", s->diag.text);
    q->sql = s;
    *ret = q;
    return OK;
}

void sql_free(struct sql_stmt *q)
{
    if (q)
        q->sql->engine->free(q);
}

static void latch(struct sql_stmt *q, err_t e)
{
    if (q->error == OK)
        q->error = e;
}

void sql_bind_i64(struct sql_stmt *q, int i, int64_t v)
{
    latch(q, q->sql->engine->bind_i64(q, i, v));
}

void sql_bind_text(struct sql_stmt *q, int i, struct str s)
{
    latch(q, q->sql->engine->bind_text(q, i, s.p ? s : str_of("", 0)));
}

void sql_bind_blob(struct sql_stmt *q, int i, struct str s)
{
    latch(q, q->sql->engine->bind_blob(q, i, s.p ? s : str_of("", 0)));
}

void sql_bind_null(struct sql_stmt *q, int i)
{
    latch(q, q->sql->engine->bind_null(q, i));
}

err_t sql_step(struct sql_stmt *q, bool *ret_row)
{
    err_t e = q->error;
    if (e == OK)
        e = q->sql->engine->step(q, ret_row);
    if (e != OK || !*ret_row)
        sql_reset(q);
    return e;
}

err_t sql_run(struct sql_stmt *q)
{
    for (bool row = true; row;)
        TRY(sql_step(q, &row));
    return OK;
}

void sql_reset(struct sql_stmt *q)
{
    q->error = OK;
    q->sql->engine->reset(q);
}

int64_t sql_i64(struct sql_stmt *q, int col)
{
    return q->sql->engine->i64(q, col);
}

struct str sql_text(struct sql_stmt *q, int col)
{
    return q->sql->engine->text(q, col);
}

struct str sql_blob(struct sql_stmt *q, int col)
{
    return q->sql->engine->blob(q, col);
}

bool sql_is_null(struct sql_stmt *q, int col)
{
    return q->sql->engine->is_null(q, col);
}

static err_t run_fixed(struct sql *s, enum sql_fixed which)
{
    if (!s->fixed[which])
        TRY(sql_prepare(s, str_z(s->engine->fixed[which]), &s->fixed[which], NULL));
    return sql_run(s->fixed[which]);
}

err_t sql_begin(struct sql *s)
{
    return run_fixed(s, s->read_only ? SQL_BEGIN_READ : SQL_BEGIN_WRITE);
}

err_t sql_commit(struct sql *s)
{
    return run_fixed(s, SQL_COMMIT);
}

void sql_rollback(struct sql *s)
{
    /* The engine may have rolled back by itself (disk full); then there is nothing to undo. The
     * reason of the failure that led here is kept. */
    struct diag reason = s->diag;
    (void)!run_fixed(s, SQL_ROLLBACK);
    s->diag = reason;
}

err_t sql_savepoint(struct sql *s)
{
    return run_fixed(s, SQL_SAVEPOINT);
}

err_t sql_release(struct sql *s)
{
    return run_fixed(s, SQL_RELEASE);
}

void sql_rollback_to(struct sql *s)
{
    struct diag reason = s->diag;
    if (run_fixed(s, SQL_ROLLBACK_TO) == OK)
        (void)!run_fixed(s, SQL_RELEASE);
    s->diag = reason;
}

int64_t sql_last_id(struct sql *s)
{
    return s->engine->last_id(s);
}

int64_t sql_changes(struct sql *s)
{
    return s->engine->changes(s);
}

err_t sql_checkpoint(struct sql *s, bool full, uint64_t *ret_left)
{
    return s->engine->checkpoint(s, full, ret_left);
}

uint64_t sql_log_pages(const struct sql *s)
{
    return s->engine->log_pages(s);
}

void sql_interrupt(struct sql *s)
{
    s->engine->interrupt(s);
}

err_t sql_backup(struct sql *s, const char *path, const struct key *key,
                 void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                 struct diag *d)
{
    return s->engine->backup(s, path, key, progress, ctx, d);
}

const struct diag *sql_diag(const struct sql *s)
{
    return &s->diag;
}
