#include "archive/backup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "archive/archive_private.h"
#include "base/size.h"
#include "io/file.h"

/* What stands before a pack's records, and is written again as the pack grows. */
enum { PACK_HEADER = 4096 };

enum { COPY_BUFFER = 1 << 20, ID_TEXT = 96, SMALL_MAX = 64 << 20, PATH_SIZE = 4096 };

#define MARKER "lastra-backup"
#define INDEX_NEW "index.db.copy"

struct copy {
    const struct backup_options *o;
    struct backup_counts *counts;
    uint8_t *buf; /* COPY_BUFFER */
    int from, to; /* folders */
    struct diag *d;
};

static bool stopped(const struct copy *c)
{
    return c->o->stop && stop_is_set(c->o->stop);
}

static err_t copy_bytes(struct copy *c, int from, int to, uint64_t at, uint64_t end)
{
    while (at < end) {
        size_t n;
        if (stopped(c))
            return E_STOPPED;
        TRY(file_read_some(from, at, c->buf, size_min(COPY_BUFFER, end - at), &n, c->d));
        if (!n)
            return diag_set(c->d, E_DAMAGED, "a file became shorter while it was copied");
        TRY(file_write_at(to, at, c->buf, n, c->d));
        at += n;
        c->counts->bytes += n;
        if (c->o->progress)
            progress_add(c->o->progress, 0, n);
    }
    return OK;
}

/* Brings a file that only grows up to date: its first `again` bytes, which may have changed, and
 * what the copy lacks up to `end`. */
static err_t copy_growing(struct copy *c, const char *name, uint64_t again, uint64_t end)
{
    int from = -1, to = -1;
    uint64_t had = 0;
    err_t e = file_open(c->from, name, FILE_READ, &from, c->d);
    if (e == OK)
        e = file_open(c->to, name, FILE_OPEN_OR_CREATE, &to, c->d);
    if (e == OK)
        e = file_size(to, &had, c->d);
    if (e == OK && had > end)
        e = diag_set(c->d, E_CONFLICT, "%s in the copy is longer than the archive's own", name);
    if (e == OK && had)
        e = copy_bytes(c, from, to, 0, size_min(again, had));
    if (e == OK)
        e = copy_bytes(c, from, to, had, end);
    if (e == OK)
        e = file_sync(to, c->d);
    file_close(&from);
    file_close(&to);
    return e;
}

static err_t copy_small(struct copy *c, const char *name, mode_t mode)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(SMALL_MAX);
    TRY(file_load(c->from, name, SMALL_MAX, &w, c->d));
    return file_save(c->to, name, mode, wr_str(&w), c->d);
}

/* An archive may do without one: the defaults are in force. */
static err_t copy_conf(struct copy *c)
{
    struct file_info info;
    err_t e = file_stat(c->from, "lastra.conf", &info, NULL);
    return e == E_NOTFOUND ? OK : copy_small(c, "lastra.conf", 0600);
}

static err_t copy_entry_small(void *ctx, const char *name)
{
    struct copy *c = ctx;
    struct file_info info;
    TRY(file_stat(c->from, name, &info, c->d));
    return info.kind == FILE_IS_REGULAR ? copy_small(c, name, info.mode) : OK;
}

static err_t copy_entry_growing(void *ctx, const char *name)
{
    struct copy *c = ctx;
    struct file_info info;
    TRY(file_stat(c->from, name, &info, c->d));
    return info.kind == FILE_IS_REGULAR ? copy_growing(c, name, 0, info.size) : OK;
}

/* Every file of a folder below both; a folder that is not there is no fault. */
static err_t copy_folder(const struct copy *c, const char *name,
                         err_t (*entry)(void *ctx, const char *name))
{
    struct copy below = *c;
    struct file_info info;
    below.from = below.to = -1;
    if (file_stat(c->from, name, &info, NULL) == E_NOTFOUND)
        return OK;
    err_t e = dir_open(c->from, name, &below.from, c->d);
    if (e == OK)
        e = dir_make(c->to, name, &below.to, c->d);
    if (e == OK)
        e = dir_each(below.from, entry, &below, c->d);
    if (e == OK)
        e = dir_sync(below.to, c->d);
    file_close(&below.from);
    file_close(&below.to);
    return e;
}

/* --- the packs --- */

struct pack_copy {
    struct copy *c;
    bool tombstones; /* there are some in what was copied now */
    struct packs *source;
};

static err_t is_tombstone(void *ctx, const struct pack_record *r)
{
    *(bool *)ctx |= r->tombstone;
    return OK;
}

static err_t copy_pack(void *ctx, const struct pack_summary *s)
{
    struct pack_copy *p = ctx;
    char name[32];
    struct file_info had = {0};
    uint64_t end;
    snprintf(name, sizeof name, "%08u.pack", s->pack);
    err_t e = file_stat(p->c->to, name, &had, NULL);
    if (e != OK && e != E_NOTFOUND)
        return e;
    p->c->counts->packs++;
    TRY(copy_growing(p->c, name, PACK_HEADER, s->end));
    if (!had.size || had.size >= s->end)
        return OK;
    return pack_scan(p->source, s->pack, had.size, is_tombstone, &p->tombstones, &end, p->c->d);
}

/* The copy's objects that the archive has removed since lose their keys too. */
static err_t settle(struct copy *c, const struct key *key)
{
    struct packs *p;
    struct packs_options o = {.dir = c->to, .key = key};
    TRY(packs_open(&o, &p, c->d));
    err_t e = packs_settle(p, &c->counts->removed, c->d);
    /* Opening has carried out those that stand behind the last mark. */
    c->counts->removed += packs_repair(p).removals;
    packs_close(p);
    return e;
}

/* The packs are looked at afresh: what the index's copy names is in them now. */
static err_t copy_packs(struct archive *a, const struct copy *whole)
{
    struct copy c = *whole;
    struct pack_copy p = {.c = &c};
    struct packs_options o = {.dir = a->packs_dir, .key = &a->keys.packs, .read_only = true};
    c.from = a->packs_dir;
    c.to = -1;
    TRY(dir_make(whole->to, "packs", &c.to, c.d));
    err_t e = packs_open(&o, &p.source, c.d);
    if (e == OK)
        e = packs_each(p.source, copy_pack, &p);
    packs_close(p.source);
    if (e == OK)
        e = dir_sync(c.to, c.d);
    if (e == OK && p.tombstones)
        e = settle(&c, &a->keys.packs);
    file_close(&c.to);
    return e;
}

/* --- the whole --- */

static err_t id_of(const struct archive *a, char ret[ID_TEXT])
{
    uint8_t mac[DIGEST_SIZE];
    TRY(crypto_hmac(&a->keys.chain, STR("backup"), mac));
    struct wr w = wr_fixed(ret, ID_TEXT - 1);
    wr_put(&w, STR("lastra backup 1\narchive "));
    wr_hex(&w, str_of(mac, 16));
    wr_u8(&w, '\n');
    ret[w.n] = '\0';
    return OK;
}

static err_t is_entry(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return E_EXISTS;
}

/* The folder is new, empty, or this archive's own backup. */
static err_t check_marker(struct archive *a, struct copy *c, const char *folder)
{
    char id[ID_TEXT];
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(ID_TEXT);
    TRY(id_of(a, id));
    err_t e = file_load(c->to, MARKER, ID_TEXT, &w, NULL);
    if (e == OK && str_eq(wr_str(&w), str_z(id)))
        return OK;
    if (e == OK)
        return diag_set(c->d, E_CONFLICT, "%s holds a backup of another archive", folder);
    if (dir_each(c->to, is_entry, NULL, NULL) == E_EXISTS)
        return diag_set(c->d, E_CONFLICT, "%s is not empty and holds no backup", folder);
    return file_save(c->to, MARKER, 0600, str_z(id), c->d);
}

static err_t copy_index(struct archive *a, struct copy *c, const char *folder)
{
    char path[PATH_SIZE];
    struct sql *db;
    int n = snprintf(path, sizeof path, "%s/" INDEX_NEW, folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return diag_set(c->d, E_LIMIT, "the folder's path is too long");
    err_t e = file_remove(c->to, INDEX_NEW, NULL);
    if (e != OK && e != E_NOTFOUND)
        return e;
    struct sql_options o = {
        .uri = a->uri, .key = &a->keys.index, .read_only = true, .busy_ms = ARCHIVE_WAIT_MS};
    TRY(sql_open(&o, &db, c->d));
    e = sql_backup(db, path, &a->keys.index, NULL, NULL, c->d);
    sql_close(db);
    TRY(e);
    TRY(file_rename(c->to, INDEX_NEW, "index.db", c->d));
    return dir_sync(c->to, c->d);
}

static err_t copy_all(struct archive *a, struct copy *c, const char *folder)
{
    TRY(check_marker(a, c, folder));
    TRY(copy_index(a, c, folder));
    TRY(copy_packs(a, c));
    TRY(copy_folder(c, "audit", copy_entry_growing));
    TRY(copy_conf(c));
    if (!c->o->without_keys)
        TRY(copy_folder(c, "keys", copy_entry_small));
    return dir_sync(c->to, c->d);
}

err_t archive_backup(struct archive *a, const char *folder, const struct backup_options *o,
                     struct backup_counts *ret, struct diag *d)
{
    struct copy c = {.o = o, .counts = ret, .from = a->dir, .to = -1, .d = d};
    *ret = (struct backup_counts){0};
    TRY(archive_settle(a, d));
    if (!(c.buf = malloc(COPY_BUFFER)))
        return E_NOMEM;
    err_t e = dir_make(AT_FDCWD, folder, &c.to, d);
    if (e == OK)
        e = copy_all(a, &c, folder);
    file_close(&c.to);
    free(c.buf);
    return e;
}

static err_t not_keys(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "keys") == 0 ? OK : E_EXISTS;
}

static err_t copy_index_back(struct copy *c)
{
    struct file_info info;
    TRY(file_stat(c->from, "index.db", &info, c->d));
    return copy_growing(c, "index.db", 0, info.size);
}

static err_t copy_back(struct copy *c, const char *folder, const char *path)
{
    struct file_info info;
    if (file_stat(c->from, MARKER, &info, NULL) != OK)
        return diag_set(c->d, E_NOTFOUND, "%s holds no backup", folder);
    if (dir_each(c->to, not_keys, NULL, NULL) == E_EXISTS)
        return diag_set(c->d, E_EXISTS, "%s is not empty; name a new folder", path);
    if (file_stat(c->from, "keys", &info, NULL) != OK &&
        file_stat(c->to, "keys", &info, NULL) != OK)
        return diag_set(c->d, E_MISSING,
                        "the backup was made without keys: put the archive's keys/ into %s first",
                        path);
    TRY(copy_folder(c, "keys", copy_entry_small));
    TRY(copy_folder(c, "packs", copy_entry_growing));
    TRY(copy_folder(c, "audit", copy_entry_growing));
    TRY(copy_conf(c));
    TRY(copy_index_back(c));
    return dir_sync(c->to, c->d);
}

err_t archive_restore(const char *folder, const char *path, const struct backup_options *o,
                      struct backup_counts *ret, struct diag *d)
{
    struct copy c = {.o = o, .counts = ret, .from = -1, .to = -1, .d = d};
    *ret = (struct backup_counts){0};
    if (!(c.buf = malloc(COPY_BUFFER)))
        return E_NOMEM;
    err_t e = dir_open(AT_FDCWD, folder, &c.from, d);
    if (e == OK)
        e = dir_make(AT_FDCWD, path, &c.to, d);
    if (e == OK)
        e = copy_back(&c, folder, path);
    file_close(&c.from);
    file_close(&c.to);
    free(c.buf);
    return e;
}
