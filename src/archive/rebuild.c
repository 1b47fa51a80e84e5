#include "archive/rebuild.h"

#include <fcntl.h>
#include <stdio.h>

#include "access/access.h"
#include "access/salvage.h"
#include "archive/archive_private.h"
#include "archive/remove.h"
#include "io/file.h"

enum { OLD_MAX = 1000, PATH_SIZE = 4096, SETTLE_MAX = 100000 };

static const char *const parts[] = {"", "-wal", "-shm"};

static bool there(int dir, const char *name)
{
    struct file_info info;
    return file_stat(dir, name, &info, NULL) == OK;
}

/* index.db becomes index.old-1.db, with what belongs to it. */
static err_t set_aside(int dir, char old[32], struct diag *d)
{
    old[0] = '\0';
    if (!there(dir, "index.db"))
        return OK;
    for (unsigned n = 1; n < OLD_MAX; n++) {
        char from[64], to[64];
        snprintf(old, 32, "index.old-%u.db", n);
        if (there(dir, old))
            continue;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            snprintf(from, sizeof from, "index.db%s", parts[i]);
            snprintf(to, sizeof to, "%s%s", old, parts[i]);
            err_t e = file_rename(dir, from, to, d);
            if (e != OK && (i == 0 || e != E_NOTFOUND))
                return e;
        }
        return dir_sync(dir, d);
    }
    return diag_set(d, E_LIMIT, "there are %d old indexes: remove some", OLD_MAX);
}

static err_t salvage(struct archive *a, const char *old, struct diag *d)
{
    char uri[PATH_SIZE];
    struct sql *from, *to;
    int n = snprintf(uri, sizeof uri, "sqlcipher:%s/%s", a->path, old);
    if (!old[0] || n < 0 || (size_t)n >= sizeof uri)
        return diag_set(d, E_NOTFOUND, "there was no index before");
    struct sql_options o = {.uri = uri, .key = &a->keys.index, .busy_ms = ARCHIVE_WAIT_MS};
    TRY(sql_open(&o, &from, d));
    o.uri = a->uri;
    err_t e = sql_open(&o, &to, d);
    if (e == OK) {
        e = access_schema(to, d);
        if (e == OK)
            e = access_salvage(from, to, d);
        sql_close(to);
    }
    sql_close(from);
    return e;
}

/* Conflicts whose UID nobody has any more take it: the one that had it was removed. */
struct widows {
    int64_t id; /* of one */
};

static err_t is_widow(void *ctx, const struct conflict *c)
{
    struct widows *w = ctx;
    if (!c->first.pack)
        w->id = c->id;
    return OK;
}

static err_t settle_widows(struct archive *a, struct diag *d)
{
    for (unsigned n = 0; n < SETTLE_MAX; n++) {
        struct widows w = {0};
        TRY(conflicts_each(a, is_widow, &w, d));
        if (!w.id)
            return OK;
        TRY(conflict_settle(a, w.id, CONFLICT_TAKE_OTHER, d));
    }
    return OK;
}

/* Removals come first, so that nothing that was removed is read back. */
static err_t settle_packs(int dir, const struct archive_options *o, uint64_t *ret, struct diag *d)
{
    int keys_dir = -1, packs_dir = -1;
    struct keys keys;
    struct packs *p;
    TRY(dir_open(dir, "keys", &keys_dir, d));
    err_t e = keys_load(keys_dir, o->passphrase, &keys, d);
    file_close(&keys_dir);
    TRY(e);
    e = dir_open(dir, "packs", &packs_dir, d);
    struct packs_options po = {.dir = packs_dir, .key = &keys.packs, .size_max = o->pack_size};
    if (e == OK)
        e = packs_open(&po, &p, d);
    if (e == OK) {
        e = packs_settle(p, ret, d);
        packs_close(p);
    }
    file_close(&packs_dir);
    keys_wipe(&keys);
    return e;
}

static err_t make_anew(const struct archive_options *o, struct rebuild_result *ret, struct diag *d)
{
    struct archive *a;
    struct archive_options work = *o;
    work.mode = ARCHIVE_WORK;
    TRY(archive_create(o->path, o->passphrase, d));
    TRY(archive_open(&work, &a, &ret->recovery, d));
    ret->registry = salvage(a, ret->old, &ret->registry_why) == OK;
    err_t e = settle_widows(a, d);
    archive_close(a);
    return e;
}

err_t archive_rebuild(const struct archive_options *o, struct rebuild_result *ret, struct diag *d)
{
    int dir = -1, lock = -1;
    *ret = (struct rebuild_result){0};
    TRY(dir_open(AT_FDCWD, o->path, &dir, d));
    /* The lock is let go before the archive opens for work and takes it itself; whoever comes in
     * between finds no index, or the new one. */
    err_t e = archive_lock(dir, &lock, d);
    if (e == OK)
        e = settle_packs(dir, o, &ret->settled, d);
    if (e == OK)
        e = set_aside(dir, ret->old, d);
    file_close(&lock);
    if (e == OK)
        e = make_anew(o, ret, d);
    file_close(&dir);
    return e;
}
