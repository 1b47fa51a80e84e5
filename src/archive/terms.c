#include "archive/terms.h"

#include <stdlib.h>

enum { PAGE = 256 };

err_t terms_init(struct terms *t)
{
    *t = (struct terms){.lock = PTHREAD_MUTEX_INITIALIZER,
                        .page = calloc(TERMS_MAX / PAGE, sizeof *t->page)};
    return t->page ? OK : E_NOMEM;
}

void terms_done(struct terms *t)
{
    for (size_t i = 0; t->page && i < TERMS_MAX / PAGE; i++) {
        for (size_t k = 0; t->page[i] && k < PAGE; k++)
            free((char *)(uintptr_t)t->page[i][k].p);
        free(t->page[i]);
    }
    free(t->page);
    t->page = NULL;
}

static bool known(struct terms *t, int64_t id, struct str *ret)
{
    LOCKED(&t->lock);
    struct str *page = t->page[id / PAGE];
    if (!page || !page[id % PAGE].p)
        return false;
    *ret = page[id % PAGE];
    return true;
}

static err_t keep(struct terms *t, int64_t id, struct str text, struct str *ret)
{
    LOCKED(&t->lock);
    struct str **page = &t->page[id / PAGE];
    if (!*page && !(*page = calloc(PAGE, sizeof **page)))
        return E_NOMEM;
    struct str *at = &(*page)[id % PAGE];
    if (!at->p) {
        char *copy = malloc(text.n + 1);
        if (!copy)
            return E_NOMEM;
        if (text.n)
            memcpy(copy, text.p, text.n);
        *at = str_of(copy, text.n);
    }
    *ret = *at;
    return OK;
}

err_t terms_text(struct terms *t, struct sql *db, int64_t id, struct str *ret)
{
    struct sql_stmt *q;
    bool row;
    *ret = str_of("", 0);
    if (id <= 0 || id >= TERMS_MAX || known(t, id, ret))
        return OK;
    TRY(sql_prepare(db, STR("SELECT value FROM term WHERE id = ?1"), &q, NULL));
    sql_bind_i64(q, 1, id);
    err_t e = sql_step(q, &row);
    if (e == OK && row)
        e = keep(t, id, sql_text(q, 0), ret);
    sql_free(q);
    return e;
}
