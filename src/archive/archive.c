#include "archive/archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/archive_private.h"
#include "archive/recover.h"
#include "archive/remove.h"
#include "io/clock.h"
#include "io/file.h"

enum {
    READERS = 16,
    CACHE = 24 << 20,
    READER_CACHE = 2 << 20,
    HEAD_MAX = 1 << 20,
    BUSY_MS = 10000,
    GATHER_MS = 100,
    QUEUE_MAX = 4096,
};

static err_t uri_of(const char *path, char **ret)
{
    return asprintf(ret, "sqlcipher:%s/index.db", path) < 0 ? E_NOMEM : OK;
}

static err_t load_keys(int dir, struct str passphrase, struct keys *ret, struct diag *d)
{
    int keys_dir;
    TRY(dir_open(dir, "keys", &keys_dir, d));
    err_t e = keys_load(keys_dir, passphrase, ret, d);
    file_close(&keys_dir);
    return e;
}

static err_t open_index(const char *uri, const struct keys *keys, size_t cache, bool read_only,
                        bool create, struct sql **ret, struct diag *d)
{
    struct sql_options o = {.uri = uri,
                            .key = &keys->index,
                            .cache = cache,
                            .read_only = read_only,
                            .create = create,
                            .busy_ms = BUSY_MS};
    err_t e = sql_open(&o, ret, d);
    return e == E_NOTFOUND ? diag_set(d, e,
                                      "there is no index in the data folder: make it anew "
                                      "from the packs with `lastra rebuild`")
                           : e;
}

/* Making. */

static err_t make_keys(int dir, struct str passphrase, struct keys *ret, struct diag *d)
{
    int keys_dir;
    TRY(dir_make(dir, "keys", &keys_dir, d));
    err_t e = keys_create(keys_dir, passphrase, d);
    if (e == OK || e == E_EXISTS)
        e = keys_load(keys_dir, passphrase, ret, d);
    file_close(&keys_dir);
    return e;
}

static err_t make_index(const char *path, const struct keys *keys, struct diag *d)
{
    char *uri;
    struct sql *s = NULL;
    TRY(uri_of(path, &uri));
    err_t e = open_index(uri, keys, 0, false, true, &s, d);
    if (e == OK)
        e = schema_prepare(s, d);
    sql_close(s);
    free(uri);
    return e;
}

static err_t no_index_yet(int dir, struct diag *d)
{
    int fd = -1;
    err_t e = file_open(dir, "index.db", FILE_READ, &fd, d);
    file_close(&fd);
    if (e == OK)
        return diag_set(d, E_EXISTS, "there is an index in this folder already");
    return e == E_NOTFOUND ? OK : e;
}

static err_t make_inside(int dir, const char *path, struct str passphrase, struct diag *d)
{
    struct keys keys;
    int packs_dir;
    TRY(no_index_yet(dir, d));
    TRY(make_keys(dir, passphrase, &keys, d));
    err_t e = dir_make(dir, "packs", &packs_dir, d);
    if (e == OK) {
        file_close(&packs_dir);
        e = make_index(path, &keys, d);
    }
    keys_wipe(&keys);
    return e == OK ? dir_sync(dir, d) : e;
}

err_t archive_create(const char *path, struct str passphrase, struct diag *d)
{
    int dir;
    TRY(dir_make(AT_FDCWD, path, &dir, d));
    err_t e = make_inside(dir, path, passphrase, d);
    file_close(&dir);
    return e;
}

/* Opening. */

static void defaults(struct archive_options *o)
{
    o->readers = o->readers ? o->readers : READERS;
    o->cache = o->cache ? o->cache : CACHE;
    o->reader_cache = o->reader_cache ? o->reader_cache : READER_CACHE;
    o->head_max = o->head_max ? o->head_max : HEAD_MAX;
    o->limits.depth = o->limits.depth ? o->limits.depth : 64;
    o->limits.elements = o->limits.elements ? o->limits.elements : 16000000;
    o->limits.value = o->limits.value ? o->limits.value : 1 << 20;
}

err_t archive_lock(int dir, int *ret_fd, struct diag *d)
{
    TRY(file_open(dir, "lock", FILE_OPEN_OR_CREATE, ret_fd, d));
    err_t e = file_lock(*ret_fd, d);
    if (e != E_BUSY)
        return e;
    file_close(ret_fd);
    return diag_set(d, e, "another process works on this data folder");
}

static err_t open_packs(struct archive *a, struct diag *d)
{
    TRY(dir_open(a->dir, "packs", &a->packs_dir, d));
    struct packs_options o = {.dir = a->packs_dir,
                              .key = &a->keys.packs,
                              .size_max = a->o.pack_size,
                              .reserve = a->o.reserve,
                              .read_only = a->o.mode == ARCHIVE_LOOK};
    return packs_open(&o, &a->packs, d);
}

static err_t start_committer(struct archive *a, struct diag *d)
{
    TRY(open_index(a->uri, &a->keys, 0, false, false, &a->checkpointer, d));
    struct batch_options o = {.db = a->writer,
                              .checkpointer = a->checkpointer,
                              .queue_max = QUEUE_MAX,
                              .gather_ms = GATHER_MS};
    return batch_new(&o, &a->batch, d);
}

static err_t open_for_work(struct archive *a, struct archive_recovery *recovery, struct diag *d)
{
    TRY(archive_lock(a->dir, &a->lock_fd, d));
    TRY(open_index(a->uri, &a->keys, a->o.cache, false, false, &a->writer, d));
    TRY(schema_prepare(a->writer, d));
    TRY(open_packs(a, d));
    TRY(rows_new(a->writer, a->packs, &a->rows, d));
    memcpy(a->seed, rows_seed(a->rows), sizeof a->seed);
    TRY(archive_recover(a, recovery, d));
    return start_committer(a, d);
}

static err_t open_for_looking(struct archive *a, struct diag *d)
{
    struct sql *s = NULL;
    TRY(open_packs(a, d));
    err_t e = open_index(a->uri, &a->keys, 0, true, false, &s, d);
    if (e == OK)
        e = schema_check(s, d);
    if (e == OK)
        e = schema_seed(s, a->seed, d);
    sql_close(s);
    return e;
}

static err_t open_all(struct archive *a, struct archive_recovery *recovery, struct diag *d)
{
    if (!(a->path = strdup(a->o.path)))
        return E_NOMEM;
    TRY(uri_of(a->path, &a->uri));
    TRY(dir_open(AT_FDCWD, a->path, &a->dir, d));
    TRY(load_keys(a->dir, a->o.passphrase, &a->keys, d));
    a->o.path = a->path;
    a->o.passphrase = str_of(NULL, 0);
    TRY(terms_init(&a->terms));
    TRY(pending_init(&a->pending));
    TRY(a->o.mode == ARCHIVE_WORK ? open_for_work(a, recovery, d) : open_for_looking(a, d));
    struct sql_options o = {.uri = a->uri,
                            .key = &a->keys.index,
                            .cache = a->o.reader_cache,
                            .read_only = true,
                            .busy_ms = BUSY_MS};
    TRY(pool_init(&a->pool, &o, a->o.readers));
    return a->o.mode == ARCHIVE_WORK ? removal_finish(a, d) : OK;
}

err_t archive_open(const struct archive_options *o, struct archive **ret,
                   struct archive_recovery *ret_recovery, struct diag *d)
{
    struct archive_recovery recovery = {0};
    struct archive *a = calloc(1, sizeof *a);
    if (!a)
        return E_NOMEM;
    *a = (struct archive){
        .o = *o, .dir = -1, .packs_dir = -1, .lock_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    defaults(&a->o);
    err_t e = open_all(a, &recovery, d);
    if (e != OK) {
        archive_close(a);
        return e;
    }
    if (ret_recovery)
        *ret_recovery = recovery;
    *ret = a;
    return OK;
}

void archive_close(struct archive *a)
{
    if (!a)
        return;
    batch_free(a->batch);
    rows_free(a->rows);
    pool_done(&a->pool);
    sql_close(a->checkpointer);
    sql_close(a->writer);
    packs_close(a->packs);
    terms_done(&a->terms);
    pending_done(&a->pending);
    keys_wipe(&a->keys);
    file_close(&a->packs_dir);
    file_close(&a->lock_fd);
    file_close(&a->dir);
    free(a->uri);
    free(a->path);
    free(a);
}

/* Use. */

int archive_dir(const struct archive *a)
{
    return a->dir;
}

struct packs *archive_packs(struct archive *a)
{
    return a->packs;
}

const struct keys *archive_keys(const struct archive *a)
{
    return &a->keys;
}

const struct archive_options *archive_get_options(const struct archive *a)
{
    return &a->o;
}

err_t archive_barrier(struct archive *a)
{
    return a->batch ? batch_barrier(a->batch, clock_deadline(ARCHIVE_WAIT_MS)) : OK;
}

err_t archive_settle(struct archive *a, struct diag *d)
{
    err_t e = archive_barrier(a);
    if (e == OK || e == E_STOPPED)
        return e;
    return diag_set(d, E_INDEX, "the index is behind the packs: %s", err_text(e));
}

err_t archive_reader(struct archive *a, int64_t deadline, struct reader **ret)
{
    return pool_take(&a->pool, deadline, ret);
}

err_t archive_read_begin(struct archive *a, int64_t deadline, struct sql **ret)
{
    struct reader *r;
    TRY(pool_take(&a->pool, deadline, &r));
    *ret = r->db;
    return OK;
}

void archive_read_end(struct archive *a, struct sql *s)
{
    struct reader *r = pool_of(&a->pool, s);
    if (r)
        pool_give(&a->pool, r);
}

struct write_call {
    struct archive *a;
    err_t (*write)(void *ctx, struct sql *s, struct diag *d);
    void *ctx;
    struct diag *d;
};

static err_t run_write(struct sql *db, void *arg)
{
    struct write_call *call = arg;
    /* It may touch any row, and the transaction may be taken back and run again. */
    rows_forget(call->a->rows);
    return call->write(call->ctx, db, call->d);
}

err_t archive_write(struct archive *a, err_t (*write)(void *ctx, struct sql *s, struct diag *d),
                    void *ctx, struct diag *d)
{
    if (!a->batch)
        return diag_set(d, E_DENIED, "the data folder is open for looking only");
    struct write_call call = {a, write, ctx, d};
    return batch_call(a->batch, run_write, &call, clock_deadline(ARCHIVE_WAIT_MS));
}

err_t archive_find_instance(struct archive *a, struct str uid, struct instance_place *ret)
{
    struct reader *r;
    err_t e = OK;
    TRY(pool_take(&a->pool, clock_deadline(ARCHIVE_WAIT_MS), &r));
    if (!r->find)
        e = sql_prepare(r->db, str_z(rows_find_sql), &r->find, NULL);
    if (e == OK)
        e = rows_find(r->find, a->seed, uid, ret);
    pool_give(&a->pool, r);
    return e;
}

void archive_note_unindexed(struct archive *a, const struct diag *why)
{
    LOCKED(&a->lock);
    a->unindexed++;
    a->unindexed_why = *why;
}

err_t archive_index_open(const char *path, struct str passphrase, bool read_only, struct sql **ret,
                         struct diag *d)
{
    struct keys keys;
    int dir;
    char *uri;
    TRY(dir_open(AT_FDCWD, path, &dir, d));
    err_t e = load_keys(dir, passphrase, &keys, d);
    file_close(&dir);
    TRY(e);
    if ((e = uri_of(path, &uri)) == OK) {
        e = open_index(uri, &keys, 0, read_only, false, ret, d);
        free(uri);
    }
    keys_wipe(&keys);
    return e;
}

/* Figures. */

static err_t count(struct sql *s, const char *text, uint64_t *ret, int n)
{
    struct sql_stmt *q;
    bool row;
    TRY(sql_prepare(s, str_z(text), &q, NULL));
    err_t e = sql_step(q, &row);
    for (int i = 0; e == OK && row && i < n; i++)
        ret[i] = (uint64_t)sql_i64(q, i);
    sql_free(q);
    return e;
}

static err_t counts(struct sql *s, struct archive_state *ret)
{
    uint64_t of_packs[2];
    TRY(count(s, "SELECT count(*) FROM patient", &ret->patients, 1));
    TRY(count(s, "SELECT count(*) FROM study", &ret->studies, 1));
    TRY(count(s, "SELECT count(*) FROM study WHERE flags <> 0", &ret->flagged_studies, 1));
    TRY(count(s, "SELECT count(*) FROM series", &ret->series, 1));
    TRY(count(s, "SELECT count(*) FROM conflict", &ret->conflicts, 1));
    TRY(count(s, "SELECT coalesce(sum(instances), 0), coalesce(sum(bytes), 0) FROM pack", of_packs,
              2));
    ret->instances = of_packs[0];
    ret->bytes = of_packs[1];
    return OK;
}

err_t archive_get_state(struct archive *a, struct archive_state *ret)
{
    struct sql *s;
    *ret = (struct archive_state){0};
    TRY(archive_read_begin(a, clock_deadline(ARCHIVE_WAIT_MS), &s));
    err_t e = counts(s, ret);
    archive_read_end(a, s);
    if (!a->batch)
        return e;
    struct batch_state b = batch_state(a->batch);
    LOCKED(&a->lock);
    ret->pending = b.submitted - b.ended;
    ret->unindexed = a->unindexed;
    ret->index_failed = b.behind != OK || a->unindexed;
    ret->index_text = b.behind != OK ? b.reason : a->unindexed_why;
    return e;
}
