#include "store/pack_set.h"

#include <stdlib.h>

#include "io/clock.h"
#include "io/file.h"

enum { MARK_EVERY = 64 << 20, STEP_MIN = 1 << 20, STEP_MAX = 64 << 20 };

err_t packs_add(struct packs *p, struct pack *k)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct pack **list = realloc(p->list, cap * sizeof(struct pack *));
        if (!list)
            return E_NOMEM;
        p->list = list;
        p->cap = cap;
    }
    size_t i = p->n++;
    for (; i > 0 && p->list[i - 1]->number > k->number; i--)
        p->list[i] = p->list[i - 1];
    p->list[i] = k;
    if (p->first_open > i)
        p->first_open = i;
    if (k->number >= p->next)
        p->next = k->number + 1;
    return OK;
}

/* Index of the first pack of that number or a higher one. */
static size_t lower_bound(const struct packs *p, uint32_t number)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (p->list[mid]->number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Closes the descriptor that was idle longest. */
static void close_idle(struct packs *p)
{
    struct pack *oldest = NULL;
    for (size_t i = 0; i < p->n; i++) {
        struct pack *k = p->list[i];
        if (k->fd >= 0 && k->users == 0 && (!oldest || k->used < oldest->used))
            oldest = k;
    }
    if (!oldest)
        return;
    file_close(&oldest->fd);
    p->fds--;
}

static err_t open_locked(struct packs *p, struct pack *k, struct diag *d)
{
    if (!k->keyed)
        TRY(pack_keys_derive(&p->key, k->number, &k->keys));
    k->keyed = true;
    if (k->fd < 0) {
        char name[PACK_NAME_SIZE];
        if (p->fds >= FDS_MAX)
            close_idle(p);
        pack_name(k->number, name);
        TRY(file_open(p->o.dir, name, p->o.read_only ? FILE_READ : FILE_WRITE, &k->fd, d));
        p->fds++;
    }
    k->users++;
    k->used = ++p->tick;
    return OK;
}

err_t pack_use(struct packs *p, uint32_t number, struct pack **ret, struct diag *d)
{
    LOCKED(&p->lock);
    size_t i = lower_bound(p, number);
    struct pack *k = i < p->n ? p->list[i] : NULL;
    if (!k || k->number != number)
        return diag_set(d, E_NOTFOUND, "there is no pack %u", (unsigned)number);
    TRY(open_locked(p, k, d));
    *ret = k;
    return OK;
}

void pack_unuse(struct packs *p, struct pack *k)
{
    LOCKED(&p->lock);
    k->users--;
}

static bool may_append(const struct pack *k)
{
    return !k->closed && !k->damaged && !k->failed;
}

static err_t lease_locked(struct packs *p, struct pack *k, struct pack **ret, struct diag *d)
{
    TRY(open_locked(p, k, d));
    k->leased = true;
    p->leases++;
    *ret = k;
    return OK;
}

/* The lowest free one: few packs are filled one after the other. */
static struct pack *lowest_free(struct packs *p)
{
    while (p->first_open < p->n && !may_append(p->list[p->first_open]))
        p->first_open++;
    for (size_t i = p->first_open; i < p->n; i++)
        if (may_append(p->list[i]) && !p->list[i]->leased)
            return p->list[i];
    return NULL;
}

static err_t make_file(struct packs *p, uint32_t number, struct diag *d)
{
    char name[PACK_NAME_SIZE];
    int fd;
    pack_name(number, name);
    TRY(file_open(p->o.dir, name, FILE_CREATE, &fd, d));
    err_t e = pack_header_write(fd, &p->header_key, number, d);
    file_close(&fd);
    if (e == OK)
        e = dir_sync(p->o.dir, d);
    if (e != OK && file_remove(p->o.dir, name, NULL) != OK)
        return e; /* an empty pack stays: the next start takes it up */
    return e;
}

/* Its place among the leases is taken; the lock is not held, since making a file waits for the
 * disk. */
static err_t make_pack(struct packs *p, uint32_t number, struct pack **ret, struct diag *d)
{
    struct pack *k = calloc(1, sizeof *k);
    if (!k)
        return E_NOMEM;
    *k = (struct pack){.number = number,
                       .fd = -1,
                       .end = PACK_RECORDS_AT,
                       .reserved = PACK_RECORDS_AT,
                       .marked = PACK_RECORDS_AT,
                       .leased = true};
    err_t e = make_file(p, number, d);
    LOCKED(&p->lock);
    if (e == OK)
        e = open_locked(p, k, d);
    if (e == OK)
        e = packs_add(p, k);
    if (e == OK) {
        *ret = k;
        return OK;
    }
    if (k->fd >= 0)
        p->fds--;
    file_close(&k->fd);
    free(k);
    p->leases--;
    pthread_cond_signal(&p->freed);
    return e;
}

/* Takes a free pack, or the right to make one (*ret_number), or neither. */
static err_t lease_try(struct packs *p, struct pack **ret, uint32_t *ret_number, struct diag *d)
{
    struct pack *k = lowest_free(p);
    if (k)
        return lease_locked(p, k, ret, d);
    if (p->leases >= p->o.open_max)
        return OK;
    if (p->next > 99999999)
        return diag_set(d, E_LIMIT, "the archive has as many packs as their names can count");
    p->leases++;
    *ret_number = p->next++;
    return OK;
}

err_t pack_lease(struct packs *p, struct pack **ret, struct diag *d)
{
    if (p->o.read_only)
        return diag_set(d, E_DENIED, "the packs are open for reading only");
    int64_t deadline = clock_deadline(p->o.lease_wait_ms);
    struct pack *k = NULL;
    uint32_t number = 0;
    pthread_mutex_lock(&p->lock);
    err_t e = lease_try(p, &k, &number, d);
    for (bool more = true; e == OK && !k && !number && more;) {
        more = cond_wait(&p->freed, &p->lock, deadline);
        e = lease_try(p, &k, &number, d);
    }
    pthread_mutex_unlock(&p->lock);
    TRY(e);
    if (number)
        return make_pack(p, number, ret, d);
    if (!k)
        return diag_set(d, E_BUSY, "all %u packs are being written to", (unsigned)p->o.open_max);
    *ret = k;
    return OK;
}

err_t pack_finish(struct packs *p, struct pack *k, uint64_t end, struct diag *d)
{
    if (k->unsettled || k->failed || k->damaged || (k->marked == end && k->reserved <= end))
        return OK;
    TRY(file_truncate(k->fd, end, d));
    k->reserved = end;
    TRY(pack_mark_write(k->fd, &p->header_key, k->number, end, d));
    TRY(file_sync(k->fd, d));
    k->marked = end;
    return OK;
}

void pack_release(struct packs *p, struct pack *k, uint64_t end)
{
    bool full = end >= p->o.size_max;
    /* If this fails, the next start looks through the pack: no harm. */
    if (full && pack_finish(p, k, end, NULL) != OK)
        k->marked = 0;
    LOCKED(&p->lock);
    k->end = end;
    k->closed |= full;
    k->leased = false;
    k->users--;
    p->leases--;
    pthread_cond_signal(&p->freed);
}

err_t pack_room(struct packs *p, struct pack *k, uint64_t upto, struct diag *d)
{
    if (upto <= k->reserved)
        return OK;
    /* As much again as there is, within bounds: a small archive stays small on disk. */
    uint64_t have = k->reserved, step = have;
    step = step < STEP_MIN ? STEP_MIN : step > STEP_MAX ? STEP_MAX : step;
    uint64_t want = have + step < upto ? upto : have + step, free_bytes, total;
    TRY(file_space(k->fd, &free_bytes, &total, d));
    if (free_bytes < want - have + p->o.reserve)
        want = upto;
    if (free_bytes < want - have + p->o.reserve)
        return diag_set(d, E_NOSPACE,
                        "the disk with the packs is full: %llu MiB are free and %llu are "
                        "to stay so; make room or lower the reserve",
                        (unsigned long long)free_bytes >> 20,
                        (unsigned long long)p->o.reserve >> 20);
    err_t e = file_reserve(k->fd, have, want - have, d);
    if (e == E_NOSPACE && want > upto) {
        want = upto;
        e = file_reserve(k->fd, have, want - have, d);
    }
    TRY(e);
    k->reserved = want;
    return OK;
}

static void set_failed(struct packs *p, struct pack *k)
{
    LOCKED(&p->lock);
    k->failed = true;
}

void pack_cut(struct packs *p, struct pack *k, bool sure)
{
    err_t e = file_truncate(k->fd, k->end, NULL);
    k->reserved = k->end;
    if (e == OK && sure)
        e = file_sync(k->fd, NULL);
    if (e != OK)
        set_failed(p, k);
}

err_t pack_mark(struct packs *p, struct pack *k, struct diag *d)
{
    if (k->unsettled || k->end - k->marked < MARK_EVERY)
        return OK;
    TRY(pack_mark_write(k->fd, &p->header_key, k->number, k->end, d));
    k->marked = k->end;
    return OK;
}

uint8_t *packs_buf_get(struct packs *p)
{
    {
        LOCKED(&p->lock);
        if (p->n_bufs > 0)
            return p->bufs[--p->n_bufs];
    }
    return malloc(WRITE_BUF);
}

void packs_buf_put(struct packs *p, uint8_t *buf)
{
    if (!buf)
        return;
    {
        LOCKED(&p->lock);
        if (p->n_bufs < BUFS_KEPT) {
            p->bufs[p->n_bufs++] = buf;
            return;
        }
    }
    free(buf);
}

static void free_set(struct packs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        file_close(&p->list[i]->fd);
        explicit_bzero(&p->list[i]->keys, sizeof p->list[i]->keys);
        free(p->list[i]);
    }
    while (p->n_bufs > 0)
        free(p->bufs[--p->n_bufs]);
    free(p->list);
    file_close(&p->lock_fd);
    key_wipe(&p->key);
    key_wipe(&p->header_key);
    pthread_cond_destroy(&p->freed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void options_default(struct packs_options *o)
{
    if (!o->size_max)
        o->size_max = 1 << 30;
    if (!o->open_max)
        o->open_max = 64;
    if (!o->lease_wait_ms)
        o->lease_wait_ms = 30000;
}

/* Somebody else's repair would cut what we are writing. */
static err_t lock_folder(struct packs *p, struct diag *d)
{
    TRY(file_open(p->o.dir, "lock", FILE_OPEN_OR_CREATE, &p->lock_fd, d));
    err_t e = file_lock(p->lock_fd, d);
    return e == E_BUSY ? diag_set(d, e, "the packs are in use by another process") : e;
}

err_t packs_open(const struct packs_options *o, struct packs **ret, struct diag *d)
{
    struct packs *p = calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    p->o = *o;
    p->key = *o->key;
    p->o.key = &p->key;
    p->next = 1;
    p->lock_fd = -1;
    options_default(&p->o);
    pthread_mutex_init(&p->lock, NULL);
    err_t e = cond_init(&p->freed);
    if (e != OK) {
        pthread_mutex_destroy(&p->lock);
        free(p);
        return e;
    }
    e = crypto_derive(&p->key, STR("pack headers"), &p->header_key);
    if (e == OK && !o->read_only)
        e = lock_folder(p, d);
    if (e == OK)
        e = packs_load(p, d);
    if (e != OK) {
        free_set(p);
        return e;
    }
    *ret = p;
    return OK;
}

void packs_close(struct packs *p)
{
    if (!p)
        return;
    /* If one fails, the next start looks through that pack: no harm. */
    for (size_t i = 0; i < p->n && !p->o.read_only; i++) {
        struct pack *k = p->list[i];
        if (k->marked == k->end && k->reserved <= k->end)
            continue;
        if (pack_use(p, k->number, &k, NULL) == OK && pack_finish(p, k, k->end, NULL) != OK)
            k->marked = 0;
    }
    free_set(p);
}

struct packs_repair packs_repair(const struct packs *p)
{
    return p->repair;
}

static bool next_summary(struct packs *p, uint32_t from, struct pack_summary *ret)
{
    LOCKED(&p->lock);
    size_t i = lower_bound(p, from);
    if (i == p->n)
        return false;
    const struct pack *k = p->list[i];
    *ret = (struct pack_summary){k->number, k->end, k->closed, k->damaged};
    return true;
}

err_t packs_each(struct packs *p, err_t (*each)(void *ctx, const struct pack_summary *s), void *ctx)
{
    /* By number and without the lock during the call: the callback may take its time. */
    struct pack_summary s = {0};
    while (next_summary(p, s.pack + 1, &s))
        TRY(each(ctx, &s));
    return OK;
}
