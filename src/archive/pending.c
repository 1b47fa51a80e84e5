#include "archive/pending.h"

#include <stdlib.h>

#include "base/size.h"
#include "dicom/uid.h"
#include "io/clock.h"

struct pending_entry {
    struct pending_entry *next;
    bool busy, stored;
    int waiting; /* threads that want it */
    int open;    /* handed over (+1) and indexed (-1), in either order */
    uint8_t digest[DIGEST_SIZE];
    size_t n;
    char uid[DCM_UID_MAX];
};

err_t pending_init(struct pending *p)
{
    *p = (struct pending){.lock = PTHREAD_MUTEX_INITIALIZER};
    return cond_init(&p->given);
}

void pending_done(struct pending *p)
{
    for (size_t i = 0; i < PENDING_BUCKETS; i++) {
        while (p->bucket[i]) {
            struct pending_entry *e = p->bucket[i];
            p->bucket[i] = e->next;
            free(e);
        }
    }
    pthread_cond_destroy(&p->given);
}

static struct pending_entry **slot(struct pending *p, struct str uid)
{
    struct pending_entry **e = &p->bucket[str_hash(uid) % PENDING_BUCKETS];
    while (*e && !str_eq(str_of((*e)->uid, (*e)->n), uid))
        e = &(*e)->next;
    return e;
}

static struct pending_entry *find_or_add(struct pending *p, struct str uid)
{
    struct pending_entry **e = slot(p, uid);
    if (!*e && (*e = calloc(1, sizeof **e))) {
        (*e)->n = size_min(uid.n, DCM_UID_MAX);
        if ((*e)->n)
            memcpy((*e)->uid, uid.p, (*e)->n);
    }
    return *e;
}

static void drop_if_over(struct pending *p, struct str uid)
{
    struct pending_entry **at = slot(p, uid), *e = *at;
    if (!e || e->busy || e->waiting || e->open)
        return;
    *at = e->next;
    free(e);
}

err_t pending_take(struct pending *p, struct str uid, int64_t deadline, bool *ret_stored,
                   uint8_t ret_digest[DIGEST_SIZE])
{
    LOCKED(&p->lock);
    struct pending_entry *e = find_or_add(p, uid);
    if (!e)
        return E_NOMEM;
    e->waiting++;
    bool in_time = true;
    while (e->busy && in_time)
        in_time = cond_wait(&p->given, &p->lock, deadline);
    e->waiting--;
    if (e->busy)
        return E_BUSY;
    e->busy = true;
    *ret_stored = e->stored && e->open > 0;
    memcpy(ret_digest, e->digest, DIGEST_SIZE);
    return OK;
}

void pending_give(struct pending *p, struct str uid, const uint8_t *digest)
{
    LOCKED(&p->lock);
    struct pending_entry *e = *slot(p, uid);
    if (!e)
        return;
    e->busy = false;
    if (digest) {
        e->open++;
        e->stored = true;
        memcpy(e->digest, digest, DIGEST_SIZE);
    }
    drop_if_over(p, uid);
    pthread_cond_broadcast(&p->given);
}

void pending_indexed(struct pending *p, struct str uid)
{
    LOCKED(&p->lock);
    struct pending_entry *e = *slot(p, uid);
    if (!e)
        return;
    e->open--;
    drop_if_over(p, uid);
}
