#include "store/chain.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "io/thread.h"
#include "store/chain_file.h"

enum { FILE_MAX = 64 << 20 };

static const char TIP_NAME[] = "tip";

/* An open log file; a sync may go on while the chain has moved to the next. */
struct log_file {
    int fd;
    unsigned users;
};

struct chain {
    int dir, tip_fd;
    uint64_t file_max;
    struct chain_keys keys;
    pthread_mutex_t lock; /* guards what follows; between processes the lock on the tip does */
    struct log_file *file;
    struct chain_at at; /* the end, as last seen */
    bool tip;           /* there is one: what is behind `at` was never synced */
};

static void file_drop(struct log_file *f)
{
    if (!f || --f->users > 0)
        return;
    file_close(&f->fd);
    free(f);
}

static err_t file_use(int dir, uint32_t number, enum file_mode mode, struct log_file **ret,
                      struct diag *d)
{
    char name[CHAIN_NAME_SIZE];
    struct log_file *f = calloc(1, sizeof *f);
    if (!f)
        return E_NOMEM;
    chain_name(number, name);
    f->users = 1;
    err_t e = file_open(dir, name, mode, &f->fd, d);
    if (e != OK)
        free(f);
    else
        *ret = f;
    return e;
}

static err_t write_line(struct chain *c, struct str json, struct diag *d)
{
    struct wr w = wr_heap(CHAIN_LINE_BYTES);
    uint8_t mac[DIGEST_SIZE];
    err_t e = chain_mac(&c->keys, &c->at, json, mac);
    wr_printf(&w, "%llu ", (unsigned long long)c->at.n + 1);
    wr_hex(&w, str_of(mac, sizeof mac));
    wr_u8(&w, ' ');
    wr_put(&w, json);
    wr_u8(&w, '\n');
    if (e == OK && w.bad)
        e = E_NOMEM;
    if (e == OK)
        e = file_write_at(c->file->fd, c->at.offset, w.p, w.n, d);
    if (e == OK) {
        c->at.n++;
        c->at.offset += w.n;
        memcpy(c->at.mac, mac, sizeof mac);
    } else if (!w.bad) {
        /* Half a line is cut by whoever comes next, if not now. */
        (void)!file_truncate(c->file->fd, c->at.offset, NULL);
    }
    wr_done(&w);
    return e;
}

/* Cuts what a crash left behind the last good line, and says so in the log. */
static err_t cut(struct chain *c, struct diag *d)
{
    uint64_t size;
    char text[64];
    TRY(file_size(c->file->fd, &size, d));
    TRY(file_truncate(c->file->fd, c->at.offset, d));
    snprintf(text, sizeof text, "{\"chain\":\"resumed\",\"cut\":%llu}",
             (unsigned long long)(size - c->at.offset));
    return write_line(c, str_z(text), d);
}

/* Moves the place behind the last good line of its file. */
static err_t follow_file(struct chain *c, enum chain_line *ret, struct diag *d)
{
    struct chain_walk w;
    struct str json;
    uint64_t size;
    *ret = CHAIN_END;
    TRY(file_size(c->file->fd, &size, d));
    if (size == c->at.offset)
        return OK;
    if (size < c->at.offset)
        return diag_set(d, E_DAMAGED, "the chained log was cut: file %u ends before line %llu",
                        (unsigned)c->at.file, (unsigned long long)c->at.n);
    TRY(chain_walk_init(&w, &c->keys, c->file->fd, &c->at));
    err_t e = OK;
    for (*ret = CHAIN_GOOD; e == OK && *ret == CHAIN_GOOD;)
        e = chain_walk_next(&w, &json, ret, d);
    c->at = w.at;
    chain_walk_done(&w);
    return e;
}

static err_t damaged(const struct chain *c, struct diag *d)
{
    return diag_set(d, E_DAMAGED, "the chained log is damaged in file %u after line %llu",
                    (unsigned)c->at.file, (unsigned long long)c->at.n);
}

/* What does not check at the very end. Behind a tip it was never synced: a crash's, and cut.
 * Without one, only part of a line is taken for that: what else is wrong may be somebody's doing,
 * and stays as it is. */
static err_t end_at(struct chain *c, enum chain_line line, struct diag *d)
{
    if (line == CHAIN_END)
        return OK;
    return line == CHAIN_TORN || c->tip ? cut(c, d) : damaged(c, d);
}

/* Goes to where the log ends now: another process may have written to it since, or died at it.
 * With both locks held. */
static err_t follow(struct chain *c, struct diag *d)
{
    for (;;) {
        enum chain_line line;
        struct log_file *next;
        TRY(follow_file(c, &line, d));
        err_t e = file_use(c->dir, c->at.file + 1, FILE_WRITE, &next, NULL);
        if (e == E_NOTFOUND)
            return end_at(c, line, d);
        TRY(e);
        file_drop(c->file);
        c->file = next;
        if (line != CHAIN_END)
            return damaged(c, d);
        c->at.file++;
        c->at.offset = 0;
    }
}

/* The next file, once this one is full; what stands before it must be there first. */
static err_t rotate(struct chain *c, struct diag *d)
{
    struct log_file *next;
    if (c->at.offset < c->file_max)
        return OK;
    TRY(file_sync(c->file->fd, d));
    TRY(file_use(c->dir, c->at.file + 1, FILE_CREATE, &next, d));
    file_drop(c->file);
    c->file = next;
    c->at.file++;
    c->at.offset = 0;
    return dir_sync(c->dir, d);
}

static err_t add_locked(struct chain *c, struct str json)
{
    TRY(file_lock_wait(c->tip_fd, NULL));
    err_t e = follow(c, NULL);
    if (e == OK)
        e = rotate(c, NULL);
    if (e == OK)
        e = write_line(c, json, NULL);
    file_unlock(c->tip_fd);
    return e;
}

err_t chain_add(struct chain *c, struct str json)
{
    if (json.n > CHAIN_LINE_MAX)
        return E_LIMIT;
    if (str_find(json, '\n') < json.n || str_find(json, 0) < json.n)
        return E_USAGE;
    LOCKED(&c->lock);
    return add_locked(c, json);
}

/* The tip only moves forward: another process may have got further. */
static err_t move_tip(struct chain *c, const struct chain_at *at)
{
    struct chain_at old;
    bool there;
    TRY(file_lock_wait(c->tip_fd, NULL));
    err_t e = chain_tip_read(c->tip_fd, &c->keys, &old, &there, NULL);
    if (e == OK && (!there || old.n < at->n))
        e = chain_tip_write(c->tip_fd, &c->keys, at, NULL);
    file_unlock(c->tip_fd);
    return e;
}

err_t chain_sync(struct chain *c)
{
    pthread_mutex_lock(&c->lock);
    struct chain_at at = c->at;
    struct log_file *f = c->file;
    f->users++;
    pthread_mutex_unlock(&c->lock);
    err_t e = file_sync(f->fd, NULL);
    LOCKED(&c->lock);
    file_drop(f);
    if (e == OK)
        e = move_tip(c, &at);
    c->tip |= e == OK;
    return e;
}

static void chain_free(struct chain *c)
{
    file_drop(c->file);
    file_close(&c->tip_fd);
    explicit_bzero(&c->keys, sizeof c->keys);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* The first file, made if there is none; a tip without its file means that the log is gone. */
static err_t open_file(struct chain *c, struct diag *d)
{
    err_t e = file_use(c->dir, c->at.file, c->tip ? FILE_WRITE : FILE_OPEN_OR_CREATE, &c->file, d);
    if (e == E_NOTFOUND)
        return diag_set(d, E_DAMAGED, "the chained log's file %u is missing: line %llu stood there",
                        (unsigned)c->at.file, (unsigned long long)c->at.n);
    TRY(e);
    return c->tip ? OK : dir_sync(c->dir, d);
}

static err_t start(struct chain *c, struct diag *d)
{
    c->at.file = 1;
    TRY(chain_tip_read(c->tip_fd, &c->keys, &c->at, &c->tip, d));
    TRY(open_file(c, d));
    return follow(c, d);
}

static err_t open_locked(struct chain *c, struct diag *d)
{
    TRY(file_open(c->dir, TIP_NAME, FILE_OPEN_OR_CREATE, &c->tip_fd, d));
    TRY(file_lock_wait(c->tip_fd, d));
    err_t e = start(c, d);
    file_unlock(c->tip_fd);
    return e;
}

err_t chain_open(int dir, const struct key *key, uint64_t file_max, struct chain **ret,
                 struct diag *d)
{
    struct chain *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    c->dir = dir;
    c->tip_fd = -1;
    c->file_max = file_max ? file_max : FILE_MAX;
    pthread_mutex_init(&c->lock, NULL);
    err_t e = chain_keys_derive(key, &c->keys);
    if (e == OK)
        e = open_locked(c, d);
    if (e != OK) {
        chain_free(c);
        return e;
    }
    *ret = c;
    return OK;
}

void chain_close(struct chain *c)
{
    if (!c)
        return;
    (void)!chain_sync(c);
    chain_free(c);
}
