/* Connections for reading the index: a capped number, made when first wanted, each used by one
 * thread at a time and kept with its page cache and compiled statements. */
#ifndef LASTRA_ARCHIVE_POOL_H
#define LASTRA_ARCHIVE_POOL_H

#include "io/thread.h"
#include "store/sql.h"

enum { POOL_MAX = 64 };

struct reader {
    struct sql *db;
    struct sql_stmt *find; /* rows_find_sql, when it was wanted once */
    bool busy;
};

struct pool {
    struct sql_options options;
    size_t max;
    lock_t lock; /* guards busy and n */
    pthread_cond_t given;
    size_t n;
    struct reader at[POOL_MAX];
};

/* options.uri and .key must outlive it. */
err_t pool_init(struct pool *p, const struct sql_options *options, size_t max) MUST_CHECK;
void pool_done(struct pool *p);

/* E_BUSY at the deadline. */
err_t pool_take(struct pool *p, int64_t deadline, struct reader **ret) MUST_CHECK;
void pool_give(struct pool *p, struct reader *r);

/* The reader whose connection this is. */
struct reader *pool_of(struct pool *p, const struct sql *db);

#endif
