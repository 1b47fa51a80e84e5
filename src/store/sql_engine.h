/* What an index engine gives to sql.c. Internal to `store`: everybody else includes sql.h. A new
 * engine is one file that ends in a const struct sql_engine, one word in sql.c's list, and one in
 * meson.build; the shared engine tests (tests/unit/store/test_sql.c) then run on it.
 *
 * An engine's own connection and statement begin with the struct sql and struct sql_stmt here.
 */
#ifndef LASTRA_STORE_SQL_ENGINE_H
#define LASTRA_STORE_SQL_ENGINE_H

#include "store/sql.h"

/* Transaction statements; their text differs between engines. */
enum sql_fixed {
    SQL_BEGIN_WRITE,
    SQL_BEGIN_READ,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_ROLLBACK_TO,
    SQL_FIXED_COUNT,
};

struct sql_engine {
    const char *scheme; /* before the colon of the URI */
    const char *fixed[SQL_FIXED_COUNT];
    /* rest: the URI after the colon. The engine sets only its own parts of what it returns. */
    err_t (*open)(const struct sql_options *o, const char *rest, struct sql **ret, struct diag *d);
    void (*close)(struct sql *s);
    /* Errors of these go into s->diag. */
    err_t (*exec)(struct sql *s, const char *text);
    err_t (*prepare)(struct sql *s, struct str text, struct sql_stmt **ret);
    void (*free)(struct sql_stmt *q);
    err_t (*bind_i64)(struct sql_stmt *q, int i, int64_t v);
    err_t (*bind_text)(struct sql_stmt *q, int i, struct str v);
    err_t (*bind_blob)(struct sql_stmt *q, int i, struct str v);
    err_t (*bind_null)(struct sql_stmt *q, int i);
    err_t (*step)(struct sql_stmt *q, bool *ret_row);
    void (*reset)(struct sql_stmt *q);
    int64_t (*i64)(struct sql_stmt *q, int col);
    struct str (*text)(struct sql_stmt *q, int col);
    struct str (*blob)(struct sql_stmt *q, int col);
    bool (*is_null)(struct sql_stmt *q, int col);
    int64_t (*last_id)(struct sql *s);
    int64_t (*changes)(struct sql *s);
    err_t (*checkpoint)(struct sql *s, bool full, uint64_t *ret_left);
    uint64_t (*log_pages)(const struct sql *s);
    void (*interrupt)(struct sql *s); /* from any thread */
    err_t (*backup)(struct sql *s, const char *path, const struct key *key,
                    void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                    struct diag *d);
};

struct sql {
    const struct sql_engine *engine;
    struct diag diag; /* of the last failure */
    bool read_only;
    struct sql_stmt *fixed[SQL_FIXED_COUNT]; /* prepared when first used */
};

struct sql_stmt {
    struct sql *sql;
    err_t error; /* of a bind, until the next step */
};

extern const struct sql_engine sql_engine_sqlcipher;

#endif
