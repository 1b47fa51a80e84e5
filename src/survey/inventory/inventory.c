/* The folder: made, locked, its key loaded, its database opened. */
#include "survey/inventory/inventory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/file.h"
#include "survey/inventory/inside.h"
#include "survey/inventory/pending.h"
#include "survey/inventory/schema.h"

enum {
    PATH_SIZE = 4096,
    CACHE_WORK = 8 << 20,
    CACHE_LOOK = 8 << 20,
    WAIT_MS = 10000,
    VALUE_MAX = 1 << 20
};

static const char DB_NAME[] = "inventory.db";
static const char KEYS_NAME[] = "keys";
static const char LOCK_NAME[] = "lock";

/* What a folder of ours may hold before there is an inventory in it. */
static err_t is_ours(void *ctx, const char *name)
{
    static const char *const names[] = {KEYS_NAME,     LOCK_NAME,  "journal", "advisories",
                                        "policy.conf", "geo.mmdb", DB_NAME};
    (void)ctx;
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return OK;
    return E_EXISTS;
}

static bool has(int dir, const char *name)
{
    struct file_info info;
    return file_stat(dir, name, &info, NULL) == OK;
}

/* Nothing is made in a folder that is something else's: a home, an archive's data. */
static err_t refuse_strange(int dir, const char *path, struct diag *d)
{
    err_t e = dir_each(dir, is_ours, NULL, d);
    if (e != E_EXISTS)
        return e;
    return diag_set(d, E_DENIED, "%s is no survey folder and not empty: name another", path);
}

static err_t open_folder(struct inventory *v, const char *path, struct diag *d)
{
    if (v->mode == INVENTORY_CREATE) {
        TRY(dir_make(AT_FDCWD, path, &v->dir, d));
    } else {
        err_t e = dir_open(AT_FDCWD, path, &v->dir, d);
        if (e == E_NOTFOUND)
            return diag_set(d, e, "there is no survey folder at %s", path);
        TRY(e);
    }
    if (has(v->dir, DB_NAME))
        return OK;
    if (v->mode != INVENTORY_CREATE)
        return diag_set(d, E_NOTFOUND, "%s is no survey folder: it has no %s", path, DB_NAME);
    return refuse_strange(v->dir, path, d);
}

static err_t lock_folder(struct inventory *v, const char *path, struct diag *d)
{
    if (v->mode == INVENTORY_LOOK)
        return OK;
    TRY(file_open(v->dir, LOCK_NAME, FILE_OPEN_OR_CREATE, &v->lock_fd, d));
    err_t e = file_lock(v->lock_fd, d);
    return e == E_BUSY ? diag_set(d, e, "another process works in %s", path) : e;
}

/* A new key for a new folder only: beside a database that another key made it would hide the loss.
 */
static err_t load_keys(struct inventory *v, const char *path, struct str passphrase, struct diag *d)
{
    int dir = -1;
    bool fresh = v->mode == INVENTORY_CREATE && !has(v->dir, DB_NAME);
    err_t e = fresh ? dir_make(v->dir, KEYS_NAME, &dir, d) : dir_open(v->dir, KEYS_NAME, &dir, d);
    if (e == OK)
        e = keys_load(dir, passphrase, &v->keys, d);
    if (e == E_NOTFOUND && fresh) {
        e = keys_create(dir, passphrase, d);
        if (e == OK)
            e = keys_load(dir, passphrase, &v->keys, d);
    } else if (e == E_NOTFOUND) {
        diag_set(d, e, "the key of %s is not there: %s/keys must be put back from its copy", path,
                 path);
    }
    file_close(&dir);
    return e;
}

static err_t open_db(struct inventory *v, const char *path, bool *ret_created, struct diag *d)
{
    char uri[PATH_SIZE];
    bool look = v->mode == INVENTORY_LOOK;
    bool fresh = v->mode == INVENTORY_CREATE && !has(v->dir, DB_NAME);
    int n = snprintf(uri, sizeof uri, "sqlcipher:%s/%s", path, DB_NAME);
    if (n < 0 || (size_t)n >= sizeof uri)
        return diag_set(d, E_LIMIT, "the folder's name is too long");
    const struct sql_options o = {.uri = uri,
                                  .key = &v->keys.index,
                                  .cache = look ? CACHE_LOOK : CACHE_WORK,
                                  .read_only = look,
                                  .create = fresh,
                                  .busy_ms = WAIT_MS,
                                  .value_max = VALUE_MAX};
    TRY(sql_open(&o, &v->db, d));
    *ret_created = fresh;
    return OK;
}

/* Looking, everything is read as it stands at this moment, whatever is written meanwhile. */
static err_t prepare_look(struct inventory *v, bool *ret_old, struct diag *d)
{
    TRY(inside_tell(v, sql_begin(v->db), d));
    return tables_check(v->db, ret_old, d);
}

/* A commit is on the disk when it returns: a mark promises that. */
static err_t prepare_work(struct inventory *v, struct diag *d)
{
    TRY(schema_update(v->db, d));
    TRY(sql_exec(v->db, "PRAGMA synchronous=FULL", d));
    TRY(dir_sync(v->dir, d));
    return pending_new(&v->pending);
}

static err_t open_all(struct inventory *v, const char *path, struct str passphrase,
                      bool *ret_created, bool *ret_old, struct diag *d)
{
    TRY(open_folder(v, path, d));
    TRY(lock_folder(v, path, d));
    TRY(load_keys(v, path, passphrase, d));
    TRY(open_db(v, path, ret_created, d));
    return v->mode == INVENTORY_LOOK ? prepare_look(v, ret_old, d) : prepare_work(v, d);
}

static err_t open_once(const char *path, enum inventory_mode mode, struct str passphrase,
                       struct inventory **ret, bool *ret_created, bool *ret_old, struct diag *d)
{
    struct inventory *v = calloc(1, sizeof *v);
    if (!v)
        return E_NOMEM;
    v->dir = v->lock_fd = -1;
    v->mode = mode;
    err_t e = open_all(v, path, passphrase, ret_created, ret_old, d);
    if (e != OK || *ret_old)
        inventory_close(v);
    else
        *ret = v;
    return e;
}

/* An older version's inventory is brought up to date by whoever comes first, even to look. */
err_t inventory_open(const char *path, enum inventory_mode mode, struct str passphrase,
                     struct inventory **ret, bool *ret_created, struct diag *d)
{
    bool created = false, old = false;
    TRY(open_once(path, mode, passphrase, ret, &created, &old, d));
    if (old) {
        struct inventory *worker;
        bool unused;
        old = false;
        TRY(open_once(path, INVENTORY_WORK, passphrase, &worker, &unused, &old, d));
        inventory_close(worker);
        TRY(open_once(path, mode, passphrase, ret, &created, &old, d));
    }
    if (ret_created)
        *ret_created = created;
    return OK;
}

void inventory_close(struct inventory *v)
{
    if (!v)
        return;
    if (v->db)
        inventory_conclude_cancel(v);
    pending_free(v->pending);
    for (size_t i = 0; i < Q_COUNT; i++)
        sql_free(v->queries[i]);
    sql_close(v->db);
    keys_wipe(&v->keys);
    file_close(&v->lock_fd);
    file_close(&v->dir);
    free(v);
}

int inventory_dir(const struct inventory *v)
{
    return v->dir;
}

const struct key *inventory_chain_key(const struct inventory *v)
{
    return &v->keys.chain;
}
