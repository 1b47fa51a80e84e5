/* Scanning packs, and removal: what works on records rather than on objects' bytes. */
#include <stdlib.h>

#include "io/clock.h"
#include "io/file.h"
#include "store/pack_set.h"

/* Opens the secret; one that does not open may just be being removed, and is looked at again. */
static err_t open_leader(const struct pack *k, struct pack_item *item)
{
    struct leader *l = &item->leader;
    err_t e = l->removed ? OK : leader_open(&k->keys, item->bytes, l);
    if (e != E_DAMAGED)
        return e;
    TRY(file_read_at(k->fd, item->at, item->bytes, LEADER_SIZE, NULL));
    TRY(leader_read(&k->keys, item->at, item->bytes, l));
    return l->removed ? OK : leader_open(&k->keys, item->bytes, l);
}

/* What does not hold is told as damaged; what cannot be told now (no memory) is an error, since
 * whoever scans would take the record for lost. */
static err_t describe(const struct pack *k, struct pack_item *item, struct pack_record *ret)
{
    *ret = (struct pack_record){.info.place = {k->number, item->at}, .info.end = item->end};
    if (!item->whole) {
        ret->error = E_DAMAGED;
        return OK;
    }
    struct leader *l = &item->leader;
    err_t e = open_leader(k, item);
    leader_info(l, k->number, &ret->info);
    ret->tombstone = l->kind == RECORD_TOMBSTONE;
    if (ret->tombstone && e == OK)
        ret->removed = l->target;
    ret->live = !ret->tombstone && !l->removed && e == OK;
    ret->error = e;
    if (!ret->tombstone)
        key_wipe(&l->key);
    return e == E_DAMAGED ? OK : e;
}

static err_t walk(struct pack_walk *w, const struct pack *k,
                  err_t (*each)(void *ctx, const struct pack_record *r), void *ctx, struct diag *d)
{
    for (;;) {
        bool more;
        struct pack_item item;
        struct pack_record record;
        TRY(pack_walk_next(w, &item, &more, d));
        if (!more)
            return OK;
        TRY(describe(k, &item, &record));
        TRY(each(ctx, &record));
    }
}

static uint64_t end_now(struct packs *p, const struct pack *k)
{
    LOCKED(&p->lock);
    return k->end;
}

err_t pack_scan(struct packs *p, uint32_t pack, uint64_t from,
                err_t (*each)(void *ctx, const struct pack_record *r), void *ctx, uint64_t *ret_end,
                struct diag *d)
{
    struct pack *k;
    struct pack_walk w;
    TRY(pack_use(p, pack, &k, d));
    uint64_t end = end_now(p, k);
    err_t e = pack_walk_init(&w, k->fd, &k->keys, from, end);
    if (e == OK) {
        e = walk(&w, k, each, ctx, d);
        pack_walk_done(&w);
    }
    pack_unuse(p, k);
    if (e == OK)
        *ret_end = end;
    return e;
}

/* Zeroes the key and gives the bytes back. The leader itself stays: it says how long the hole is.
 */
static err_t drop(struct pack *k, const struct leader *l, struct diag *d)
{
    static const uint8_t zeros[LEADER_SECRET_SIZE];
    uint64_t body = l->offset + LEADER_SIZE, n = record_size(l->head_size, l->size) - LEADER_SIZE;
    TRY(file_write_at(k->fd, l->offset + LEADER_SECRET, zeros, sizeof zeros, d));
    if (n > 0)
        TRY(file_punch(k->fd, body, n, d));
    return file_sync(k->fd, d);
}

/* The leader of an object that can be removed or was. */
static err_t read_target(struct packs *p, struct pack *k, uint64_t offset, struct leader *ret,
                         struct diag *d)
{
    uint8_t bytes[LEADER_SIZE];
    uint64_t end = end_now(p, k);
    if (offset < PACK_RECORDS_AT || offset % RECORD_ALIGN || offset >= end)
        return diag_set(d, E_NOTFOUND, "there is no object at %llu in pack %u",
                        (unsigned long long)offset, (unsigned)k->number);
    TRY(file_read_at(k->fd, offset, bytes, LEADER_SIZE, d));
    if (leader_read(&k->keys, offset, bytes, ret) != OK ||
        record_size(ret->head_size, ret->size) > end - offset)
        return diag_set(d, E_DAMAGED, "the object at %llu in pack %u is damaged in its leader",
                        (unsigned long long)offset, (unsigned)k->number);
    if (ret->kind != RECORD_OBJECT)
        return diag_set(d, E_NOTFOUND, "there is no object at %llu in pack %u",
                        (unsigned long long)offset, (unsigned)k->number);
    return OK;
}

err_t pack_drop(struct packs *p, const struct pack_tombstone *t, bool *ret_removed, struct diag *d)
{
    struct pack *k;
    struct leader l;
    TRY(pack_use(p, t->target.pack, &k, d));
    err_t e = read_target(p, k, t->target.offset, &l, d);
    bool same = e == OK && memcmp(l.object_id, t->object_id, OBJECT_ID_SIZE) == 0;
    *ret_removed = same && !l.removed;
    if (*ret_removed)
        e = drop(k, &l, d);
    pack_unuse(p, k);
    return e;
}

static err_t write_tombstone(struct packs *p, struct pack *k, const struct leader *target,
                             uint32_t target_pack, struct diag *d)
{
    struct leader l = {.kind = RECORD_TOMBSTONE,
                       .offset = k->end,
                       .received_us = clock_wall_us(),
                       .target = {target_pack, target->offset}};
    uint8_t bytes[LEADER_SIZE];
    memcpy(l.object_id, target->object_id, OBJECT_ID_SIZE);
    TRY(leader_write(&k->keys, &l, bytes));
    /* Not asked for room first: removal must go on when the disk is full. */
    TRY(file_write_at(k->fd, k->end, bytes, sizeof bytes, d));
    TRY(pack_mark(p, k, d));
    return file_sync(k->fd, d);
}

/* The lease lasts until the removal is carried out, so that no mark passes an open tombstone. */
static err_t remove_object(struct packs *p, struct pack *k, const struct leader *l, struct diag *d)
{
    struct pack *grave;
    TRY(pack_lease(p, &grave, d));
    err_t e = write_tombstone(p, grave, l, k->number, d);
    if (e != OK) {
        pack_cut(p, grave, true);
        pack_release(p, grave, grave->end);
        return e;
    }
    e = drop(k, l, d);
    grave->unsettled |= e != OK;
    pack_release(p, grave, grave->end + LEADER_SIZE);
    return e;
}

err_t pack_remove(struct packs *p, struct pack_place at, struct diag *d)
{
    struct pack *k;
    struct leader l;
    if (p->o.read_only)
        return diag_set(d, E_DENIED, "the packs are open for reading only");
    TRY(pack_use(p, at.pack, &k, d));
    err_t e = read_target(p, k, at.offset, &l, d);
    if (e == OK && !l.removed)
        e = remove_object(p, k, &l, d);
    pack_unuse(p, k);
    return e;
}

struct settle {
    struct packs *p;
    uint64_t removed;
    struct diag *d;
};

static err_t settle_record(void *ctx, const struct pack_record *r)
{
    struct settle *s = ctx;
    struct pack_tombstone t = {.target = r->removed};
    if (!r->tombstone || r->error != OK)
        return OK;
    memcpy(t.object_id, r->info.object_id, OBJECT_ID_SIZE);
    bool removed;
    err_t e = pack_drop(s->p, &t, &removed, s->d);
    if (e == E_NOTFOUND || e == E_DAMAGED)
        return OK;
    s->removed += e == OK && removed;
    return e;
}

static err_t settle_pack(void *ctx, const struct pack_summary *sum)
{
    struct settle *s = ctx;
    uint64_t end;
    return pack_scan(s->p, sum->pack, 0, settle_record, s, &end, s->d);
}

err_t packs_settle(struct packs *p, uint64_t *ret_removed, struct diag *d)
{
    struct settle s = {.p = p, .d = d};
    if (p->o.read_only)
        return diag_set(d, E_DENIED, "the packs are open for reading only");
    TRY(packs_each(p, settle_pack, &s));
    *ret_removed = s.removed;
    return OK;
}
