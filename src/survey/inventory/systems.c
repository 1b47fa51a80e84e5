#include "survey/inventory/systems.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/inventory/columns.h"
#include "survey/inventory/pending.h"
#include "survey/inventory/risks.h"

enum { SYSTEM_ARENA = 16 << 20 };

struct systems {
    struct inventory *v;
    int64_t survey;
    struct sql_stmt *rows, *findings;
    struct risks *risks;
    bool ready, row; /* the next row was stepped to; there is one */
};

static err_t open_all(struct systems *s)
{
    TRY(pending_write(s->v));
    TRY(columns_select(s->v, &system_columns, &s->rows));
    TRY(columns_select(s->v, &finding_columns, &s->findings));
    TRY(risks_load(s->v, &s->risks));
    sql_bind_i64(s->rows, 1, s->survey);
    return OK;
}

err_t systems_open(struct inventory *v, int64_t survey, struct systems **ret)
{
    struct systems *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    s->v = v;
    s->survey = survey;
    err_t e = open_all(s);
    if (e != OK)
        systems_close(s);
    else
        *ret = s;
    return e;
}

void systems_close(struct systems *s)
{
    if (!s)
        return;
    sql_free(s->rows);
    sql_free(s->findings);
    risks_free(s->risks);
    free(s);
}

static err_t keep_texts(const struct columns *c, void *thing, struct arena *a)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->list[i].kind != COLUMN_str)
            continue;
        struct str *text = (struct str *)(void *)((char *)thing + c->list[i].at);
        *text = arena_copy(a, *text);
        if (!text->p)
            return E_NOMEM;
    }
    return OK;
}

static err_t keep_day(int64_t us, struct arena *a, struct str *ret)
{
    char buf[DAY_SIZE];
    *ret = arena_copy(a, inside_day(us, buf));
    return ret->p ? OK : E_NOMEM;
}

static err_t read_system(struct systems *s, struct arena *a, struct system *ret)
{
    struct sql_stmt *q = s->rows;
    *ret = (struct system){0};
    if (host_parse(sql_blob(q, 1), &ret->ip) != OK)
        return inside_fail(s->v, E_DAMAGED, "an address in the inventory is damaged");
    columns_read(&system_columns, q, ret);
    ret->id = sql_i64(q, (int)(system_columns.n_keys + system_columns.n));
    TRY(keep_texts(&system_columns, ret, a));
    TRY(keep_day(sql_i64(q, 2), a, &ret->first_seen));
    TRY(keep_day(sql_i64(q, 3), a, &ret->last_seen));
    return keep_day(sql_i64(q, 4), a, &ret->changed);
}

static err_t read_finding(struct systems *s, const struct system *sys, struct arena *a,
                          struct finding *ret)
{
    *ret = (struct finding){.system = sys->id,
                            .accepted_by = STR(""),
                            .accepted_until = STR(""),
                            .accepted_why = STR("")};
    columns_read(&finding_columns, s->findings, ret);
    ret->id = sql_i64(s->findings, (int)(finding_columns.n_keys + finding_columns.n));
    TRY(keep_texts(&finding_columns, ret, a));
    risks_apply(s->risks, sys, ret);
    return OK;
}

/* Grown in the arena by doubling: the halves left behind are as much again. */
static err_t one_more(struct arena *a, struct finding **list, size_t n, size_t *cap)
{
    if (n < *cap)
        return OK;
    size_t grown = *cap ? 2 * *cap : 16;
    struct finding *more = ARENA_ARRAY(a, grown, struct finding);
    if (!more)
        return E_NOMEM;
    if (n)
        memcpy(more, *list, n * sizeof *more);
    *list = more;
    *cap = grown;
    return OK;
}

static err_t read_findings(struct systems *s, const struct system *sys, struct arena *a,
                           struct finding **ret, size_t *ret_n)
{
    struct finding *list = NULL;
    size_t n = 0, cap = 0;
    bool row = true;
    sql_bind_i64(s->findings, 1, s->survey);
    sql_bind_i64(s->findings, 2, sys->id);
    while (n < SYSTEM_FINDINGS_MAX) {
        TRY(sql_step(s->findings, &row));
        if (!row)
            break;
        TRY(one_more(a, &list, n, &cap));
        TRY(read_finding(s, sys, a, &list[n]));
        n++;
    }
    sql_reset(s->findings);
    *ret = list;
    *ret_n = n;
    return OK;
}

static err_t ready(struct systems *s)
{
    if (s->ready)
        return OK;
    TRY(sql_step(s->rows, &s->row));
    s->ready = true;
    return OK;
}

err_t systems_peek(struct systems *s, struct ip *ret_ip, bool *ret)
{
    TRY(ready(s));
    if (s->row && host_parse(sql_blob(s->rows, 1), ret_ip) != OK)
        return inside_fail(s->v, E_DAMAGED, "an address in the inventory is damaged");
    *ret = s->row;
    return OK;
}

/* The end stays: a statement that is stepped again would begin anew. */
err_t systems_next(struct systems *s, struct arena *a, struct system *ret_system,
                   struct finding **ret_findings, size_t *ret_n, bool *ret)
{
    TRY(ready(s));
    *ret = s->row;
    if (!s->row)
        return OK;
    s->ready = false;
    TRY(read_system(s, a, ret_system));
    return read_findings(s, ret_system, a, ret_findings, ret_n);
}

static err_t each_system(struct systems *s, struct arena *a,
                         err_t (*each)(void *ctx, const struct system *s, const struct finding *f,
                                       size_t n),
                         void *ctx)
{
    struct system sys;
    struct finding *findings;
    size_t n;
    bool more;
    for (;;) {
        arena_reset(a);
        TRY(systems_next(s, a, &sys, &findings, &n, &more));
        if (!more)
            return OK;
        TRY(each(ctx, &sys, findings, n));
    }
}

err_t inventory_systems(struct inventory *v, int64_t survey,
                        err_t (*each)(void *ctx, const struct system *s, const struct finding *f,
                                      size_t n),
                        void *ctx)
{
    struct systems *s;
    struct arena a = arena_init(SYSTEM_ARENA);
    v->diag.text[0] = 0;
    TRY(systems_open(v, survey, &s));
    err_t e = each_system(s, &a, each, ctx);
    systems_close(s);
    arena_done(&a);
    return e;
}
