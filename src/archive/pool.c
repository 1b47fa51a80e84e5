#include "archive/pool.h"

#include "base/size.h"

err_t pool_init(struct pool *p, const struct sql_options *options, size_t max)
{
    *p = (struct pool){
        .options = *options, .max = size_min(max, POOL_MAX), .lock = PTHREAD_MUTEX_INITIALIZER};
    return cond_init(&p->given);
}

void pool_done(struct pool *p)
{
    for (size_t i = 0; i < p->n; i++) {
        sql_free(p->at[i].find);
        sql_close(p->at[i].db);
    }
    p->n = 0;
    if (p->max)
        pthread_cond_destroy(&p->given);
    p->max = 0;
}

/* The free one that was used last has the warmest cache: the first in the array. */
static struct reader *idle(struct pool *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->at[i].busy)
            return &p->at[i];
    return NULL;
}

/* With the lock held: opening takes a millisecond and happens a few times. */
static err_t add(struct pool *p, struct reader **ret)
{
    struct reader *r = &p->at[p->n];
    *r = (struct reader){0};
    TRY(sql_open(&p->options, &r->db, NULL));
    p->n++;
    *ret = r;
    return OK;
}

err_t pool_take(struct pool *p, int64_t deadline, struct reader **ret)
{
    LOCKED(&p->lock);
    struct reader *r;
    while (!(r = idle(p)) && p->n == p->max)
        if (!cond_wait(&p->given, &p->lock, deadline))
            return E_BUSY;
    if (!r)
        TRY(add(p, &r));
    r->busy = true;
    *ret = r;
    return OK;
}

void pool_give(struct pool *p, struct reader *r)
{
    LOCKED(&p->lock);
    r->busy = false;
    pthread_cond_signal(&p->given);
}

struct reader *pool_of(struct pool *p, const struct sql *db)
{
    LOCKED(&p->lock);
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].db == db)
            return &p->at[i];
    return NULL;
}
