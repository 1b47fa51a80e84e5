/* The walk over a whole chained log that proves it. */
#include "io/file.h"
#include "store/chain_file.h"

struct verify {
    struct chain_keys keys;
    int dir, tip_fd; /* -1: no tip */
    struct chain_at tip, at;
    err_t (*each)(void *ctx, uint64_t n, struct str json);
    void *ctx;
    struct chain_report *report;
};

static err_t broken(struct verify *v, struct diag *d, const char *how)
{
    v->report->bad_line = v->at.n + 1;
    return diag_set(d, E_DAMAGED, "the chained log is broken at line %llu: %s",
                    (unsigned long long)v->at.n + 1, how);
}

/* The line at the tip's number must be the one that the tip saw. */
static err_t good_line(struct verify *v, struct chain_walk *w, struct str json, struct diag *d)
{
    bool at_tip = w->at.n == v->tip.n;
    if (at_tip && memcmp(w->at.mac, v->tip.mac, DIGEST_SIZE) != 0)
        return broken(v, d, "it is not the line that was synced");
    v->at = w->at;
    v->report->lines = w->at.n;
    memcpy(v->report->last, w->at.mac, DIGEST_SIZE);
    return v->each ? v->each(v->ctx, w->at.n, json) : OK;
}

/* Somebody may be writing that very line: looked at again while nobody can. */
static err_t look_again(struct verify *v, struct chain_walk *w, struct str *ret_json,
                        enum chain_line *ret, struct diag *d)
{
    if (v->tip_fd < 0)
        return OK;
    TRY(file_lock_wait(v->tip_fd, d));
    chain_walk_again(w);
    err_t e = chain_walk_next(w, ret_json, ret, d);
    file_unlock(v->tip_fd);
    return e;
}

static err_t walk_lines(struct verify *v, struct chain_walk *w, enum chain_line *ret,
                        struct diag *d)
{
    for (;;) {
        struct str json;
        TRY(chain_walk_next(w, &json, ret, d));
        if (*ret == CHAIN_TORN || *ret == CHAIN_BAD)
            TRY(look_again(v, w, &json, ret, d));
        if (*ret != CHAIN_GOOD)
            return OK;
        TRY(good_line(v, w, json, d));
    }
}

static err_t walk_file(struct verify *v, int fd, enum chain_line *ret, struct diag *d)
{
    struct chain_walk w;
    TRY(chain_walk_init(&w, &v->keys, fd, &v->at));
    err_t e = walk_lines(v, &w, ret, d);
    chain_walk_done(&w);
    return e;
}

static err_t walk_files(struct verify *v, enum chain_line *ret, struct diag *d)
{
    *ret = CHAIN_END;
    for (;;) {
        char name[CHAIN_NAME_SIZE];
        int fd;
        chain_name(v->at.file + 1, name);
        struct diag why = {0};
        err_t e = file_open(v->dir, name, FILE_READ, &fd, &why);
        if (e != OK)
            return e == E_NOTFOUND ? OK : diag_set(d, e, "%s", why.text);
        if (*ret != CHAIN_END) {
            file_close(&fd);
            return broken(v, d, "it does not check, and more follows in the next file");
        }
        v->at.file++;
        v->at.offset = 0;
        v->report->files++;
        e = walk_file(v, fd, ret, d);
        file_close(&fd);
        TRY(e);
    }
}

static err_t verify(struct verify *v, struct diag *d)
{
    bool there = false;
    enum chain_line last;
    err_t e = file_open(v->dir, "tip", FILE_READ, &v->tip_fd, NULL);
    if (e == OK)
        e = chain_tip_read(v->tip_fd, &v->keys, &v->tip, &there, d);
    if (e != OK && e != E_NOTFOUND)
        return e;
    v->report->tip_missing = !there;
    TRY(walk_files(v, &last, d));
    if (v->at.n < v->tip.n)
        return broken(v, d,
                      last == CHAIN_END ? "lines were cut off after it was synced"
                                        : "it was synced whole and is not whole now");
    if (last == CHAIN_BAD)
        return broken(v, d, "its HMAC does not fit");
    v->report->torn = last == CHAIN_TORN;
    return OK;
}

err_t chain_verify(int dir, const struct key *key,
                   err_t (*each)(void *ctx, uint64_t n, struct str json), void *ctx,
                   struct chain_report *ret, struct diag *d)
{
    struct verify v = {.dir = dir, .tip_fd = -1, .each = each, .ctx = ctx, .report = ret};
    *ret = (struct chain_report){0};
    TRY(chain_keys_derive(key, &v.keys));
    err_t e = verify(&v, d);
    file_close(&v.tip_fd);
    explicit_bzero(&v.keys, sizeof v.keys);
    return e;
}
