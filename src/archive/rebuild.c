#include "archive/rebuild.h"

#include <fcntl.h>
#include <stdio.h>

#include "access/access.h"
#include "access/salvage.h"
#include "archive/archive_private.h"
#include "archive/remove.h"
#include "base/size.h"
#include "io/file.h"

enum { OLD_MAX = 1000, PATH_SIZE = 4096, SETTLE_MAX = 100000 };

/* While the index is made anew it names the old one, so that a rebuild that was cut short (or ran
 * out of disk) leaves no index without peers that looks like a whole one. */
#define NOTE "rebuild.old"

/* In the order in which they are set aside: once the first name is free, all are. */
static const char *const parts[] = {"-wal", "-shm", ""};

static bool there(int dir, const char *name)
{
    struct file_info info;
    return file_stat(dir, name, &info, NULL) == OK;
}

static err_t pick_name(int dir, char old[32], struct diag *d)
{
    for (unsigned n = 1; n < OLD_MAX; n++) {
        snprintf(old, 32, "index.old-%u.db", n);
        if (!there(dir, old))
            return OK;
    }
    return diag_set(d, E_LIMIT, "there are %d old indexes: remove some", OLD_MAX);
}

static err_t load_note(int dir, char old[32], struct diag *d)
{
    struct wr w = wr_fixed(old, 31);
    memset(old, 0, 32);
    TRY(file_load(dir, NOTE, 31, &w, d));
    return str_starts(wr_str(&w), STR("index.old-")) && !memchr(old, '/', w.n)
               ? OK
               : diag_set(d, E_DAMAGED, NOTE " does not name an index");
}

/* index.db becomes index.old-1.db, with what belongs to it. */
static err_t move_parts(int dir, const char *old, struct diag *d)
{
    for (size_t i = 0; i < COUNT(parts); i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "index.db%s", parts[i]);
        snprintf(to, sizeof to, "%s%s", old, parts[i]);
        err_t e = file_rename(dir, from, to, d);
        if (e != OK && e != E_NOTFOUND)
            return e;
    }
    return dir_sync(dir, d);
}

static err_t drop_parts(int dir, struct diag *d)
{
    for (size_t i = 0; i < COUNT(parts); i++) {
        char name[64];
        snprintf(name, sizeof name, "index.db%s", parts[i]);
        err_t e = file_remove(dir, name, d);
        if (e != OK && e != E_NOTFOUND)
            return e;
    }
    return OK;
}

static err_t set_aside(int dir, char old[32], struct diag *d)
{
    err_t e = load_note(dir, old, d);
    if (e == OK)
        return there(dir, old) ? drop_parts(dir, d) : move_parts(dir, old, d);
    if (e != E_NOTFOUND)
        return e;
    old[0] = '\0';
    if (!there(dir, "index.db"))
        return OK;
    TRY(pick_name(dir, old, d));
    TRY(file_save(dir, NOTE, 0600, str_z(old), d));
    return move_parts(dir, old, d);
}

err_t archive_check_rebuilt(int dir, struct diag *d)
{
    if (!there(dir, NOTE))
        return OK;
    return diag_set(d, E_INDEX,
                    "a rebuild of the index was cut short: `lastra rebuild` does it again");
}

static err_t open_old(struct archive *a, const char *old, struct sql **ret, struct diag *d)
{
    char uri[PATH_SIZE];
    int n = snprintf(uri, sizeof uri, "sqlcipher:%s/%s", a->path, old);
    if (!old[0] || n < 0 || (size_t)n >= sizeof uri)
        return diag_set(d, E_NOTFOUND, "there was no index before");
    struct sql_options o = {.uri = uri, .key = &a->keys.index, .busy_ms = ARCHIVE_WAIT_MS};
    return sql_open(&o, ret, d);
}

static err_t copy_registry(struct archive *a, struct sql *from, struct diag *d)
{
    struct sql *to;
    struct sql_options o = {.uri = a->uri, .key = &a->keys.index, .busy_ms = ARCHIVE_WAIT_MS};
    TRY(sql_open(&o, &to, d));
    err_t e = access_schema(to, d);
    if (e == OK)
        e = access_salvage(from, to, d);
    sql_close(to);
    return e;
}

static err_t salvage(struct archive *a, const char *old, struct diag *d)
{
    struct sql *from;
    TRY(open_old(a, old, &from, d));
    err_t e = copy_registry(a, from, d);
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

/* An old index that does not hold, or is none (E_INDEX: it lacks a table), is gone without.
 * Anything else may be better the next time, and peers are not to be lost over it. */
static err_t bring_registry(struct archive *a, struct rebuild_result *ret, struct diag *d)
{
    err_t e = salvage(a, ret->old, &ret->registry_why);
    ret->registry = e == OK;
    if (e == OK || e == E_NOTFOUND || e == E_DAMAGED || e == E_INDEX)
        return OK;
    return diag_set(d, e, "peers and users cannot be taken along: %s; without %s it goes on alone",
                    diag_text(&ret->registry_why, e), ret->old);
}

static err_t make_anew(const struct archive_options *o, struct rebuild_result *ret, struct diag *d)
{
    struct archive *a;
    struct archive_options work = *o;
    work.mode = ARCHIVE_WORK;
    TRY(archive_create(o->path, o->passphrase, d));
    TRY(archive_open(&work, &a, &ret->recovery, d));
    err_t e = bring_registry(a, ret, d);
    if (e == OK)
        e = settle_widows(a, d);
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
    if (e == OK && ret->old[0])
        e = file_remove(dir, NOTE, d);
    if (e == OK)
        e = dir_sync(dir, d);
    file_close(&dir);
    return e;
}
