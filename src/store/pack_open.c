/* Opening a set: which packs there are, where each ends, and what a crash left to be done. */
#include <stdlib.h>

#include "io/file.h"
#include "store/pack_set.h"

/* What is gathered over all packs. */
struct load {
    struct packs *p;
    struct pack_tombstone *tombstones;
    size_t n_tombstones;
    uint32_t foreign; /* packs with bytes of which neither header nor any record checks */
};

static err_t add_name(void *ctx, const char *name)
{
    struct load *l = ctx;
    uint32_t number;
    if (!pack_name_read(name, &number))
        return OK;
    struct pack *k = calloc(1, sizeof *k);
    if (!k)
        return E_NOMEM;
    *k = (struct pack){.number = number, .fd = -1};
    err_t e = packs_add(l->p, k);
    if (e != OK)
        free(k);
    return e;
}

static err_t keep_tombstones(struct load *l, struct pack_found *f)
{
    if (f->n_tombstones == 0)
        return OK;
    size_t n = l->n_tombstones + f->n_tombstones;
    struct pack_tombstone *all = realloc(l->tombstones, n * sizeof *all);
    if (all) {
        memcpy(all + l->n_tombstones, f->tombstones, f->n_tombstones * sizeof *all);
        l->tombstones = all;
        l->n_tombstones = n;
    }
    free(f->tombstones);
    return all ? OK : E_NOMEM;
}

/* Cuts what is torn, and syncs: what the last run wrote may still be on its way to the disk, and is
 * about to be answered for. */
static err_t repair_file(struct load *l, struct pack *k, uint64_t size, struct diag *d)
{
    if (l->p->o.read_only || k->damaged)
        return OK;
    if (k->end != size)
        TRY(file_truncate(k->fd, k->end, d));
    return file_sync(k->fd, d);
}

static err_t look_through(struct load *l, struct pack *k, uint64_t from, uint64_t size,
                          struct diag *d)
{
    struct pack_found f;
    TRY(pack_find_end(k->fd, &k->keys, from, size, &f, d));
    TRY(keep_tombstones(l, &f));
    struct packs_repair *r = &l->p->repair;
    r->unclean++;
    r->torn += f.torn > 0 && !k->damaged;
    r->torn_bytes += k->damaged ? 0 : f.torn;
    r->damaged += k->damaged || f.damaged;
    l->foreign += k->damaged && f.whole == 0;
    k->end = f.end;
    return repair_file(l, k, size, d);
}

static err_t look_at(struct load *l, struct pack *k, struct diag *d)
{
    struct pack_header h;
    uint64_t size;
    TRY(file_size(k->fd, &size, d));
    TRY(pack_header_read(k->fd, size, &l->p->header_key, k->number, &h, d));
    k->damaged = h.damaged;
    k->marked = h.marked;
    if (h.fresh) {
        k->end = k->marked = PACK_RECORDS_AT;
        if (!l->p->o.read_only)
            TRY(pack_header_write(k->fd, &l->p->header_key, k->number, d));
    } else if (h.marked == size && !h.damaged) {
        k->end = size;
    } else {
        TRY(look_through(l, k, h.marked, size, d));
    }
    k->reserved = k->end;
    k->closed = k->end >= l->p->o.size_max;
    return OK;
}

static err_t look_at_all(struct load *l, struct diag *d)
{
    struct packs *p = l->p;
    for (size_t i = 0; i < p->n; i++) {
        struct pack *k;
        TRY(pack_use(p, p->list[i]->number, &k, d));
        err_t e = look_at(l, k, d);
        pack_unuse(p, k);
        TRY(e);
    }
    p->repair.packs = (uint32_t)p->n;
    /* One damaged header is an accident; when nothing at all checks, the key is another. */
    if (p->n > 0 && l->foreign == p->n)
        return diag_set(d, E_DENIED, "the packs were written with another master key");
    return OK;
}

/* Marks move past the tombstones only when all are carried out. */
static err_t settle(struct load *l, struct diag *d)
{
    struct packs *p = l->p;
    bool all = true;
    for (size_t i = 0; i < l->n_tombstones; i++) {
        bool removed = false;
        err_t e = pack_drop(p, &l->tombstones[i], &removed, d);
        all &= e == OK || e == E_NOTFOUND;
        p->repair.removals += removed;
    }
    for (size_t i = 0; i < p->n; i++) {
        struct pack *k = p->list[i];
        if (k->marked == k->end)
            continue;
        k->unsettled = !all;
        TRY(pack_use(p, k->number, &k, d));
        /* If this fails, the next start looks through the pack again: no harm. */
        if (pack_finish(p, k, k->end, NULL) != OK)
            k->marked = 0;
        pack_unuse(p, k);
    }
    return OK;
}

err_t packs_load(struct packs *p, struct diag *d)
{
    struct load l = {.p = p};
    err_t e = dir_each(p->o.dir, add_name, &l, d);
    if (e == OK)
        e = look_at_all(&l, d);
    if (e == OK && !p->o.read_only)
        e = settle(&l, d);
    free(l.tombstones);
    return e;
}
