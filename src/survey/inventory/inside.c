#include "survey/inventory/inside.h"

#include <stdio.h>
#include <time.h>

#include "survey/core/clean.h"

static const struct str TEXTS[Q_COUNT] = {
#define QUERY(id, text) [Q_##id] = STR_INIT(text),
#include "survey/inventory/queries.def"
#undef QUERY
};

err_t inside_query(struct inventory *v, enum query_id id, struct sql_stmt **ret)
{
    if (!v->queries[id])
        TRY(sql_prepare(v->db, TEXTS[id], &v->queries[id], NULL));
    *ret = v->queries[id];
    return OK;
}

err_t inside_number(struct sql_stmt *q, int64_t *ret, bool *ret_row)
{
    bool row;
    TRY(sql_step(q, &row));
    if (row)
        *ret = sql_i64(q, 0);
    sql_reset(q);
    *ret_row = row;
    return OK;
}

err_t inside_fail(struct inventory *v, err_t e, const char *fmt, ...)
{
    char text[sizeof v->diag.text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return diag_set(&v->diag, e, "%s", text);
}

const struct diag *inventory_diag(const struct inventory *v)
{
    return v->diag.text[0] ? &v->diag : sql_diag(v->db);
}

err_t inside_tell(const struct inventory *v, err_t e, struct diag *d)
{
    return e == OK ? OK : diag_set(d, e, "%s", diag_text(inventory_diag(v), e));
}

err_t inside_may_write(struct inventory *v)
{
    v->diag.text[0] = 0;
    return v->mode == INVENTORY_LOOK
               ? inside_fail(v, E_DENIED, "the survey folder was opened to be looked at")
               : OK;
}

err_t inside_begin(struct inventory *v)
{
    v->diag.text[0] = 0;
    return sql_begin(v->db);
}

err_t inside_end(struct inventory *v, err_t e)
{
    if (e == OK)
        e = sql_commit(v->db);
    if (e != OK)
        sql_rollback(v->db);
    return e;
}

int64_t inside_i64(uint64_t v)
{
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

int64_t inside_time(int64_t v)
{
    const int64_t most = INT64_MAX / 2;
    return v < 0 ? 0 : v > most ? most : v;
}

err_t inside_clean(struct arena *a, struct str text, size_t cap, struct str *ret)
{
    bool copied;
    TRY(clean_text(text, cap, a, ret, &copied));
    if (!ret->p)
        *ret = STR("");
    return OK;
}

struct str inside_day(int64_t us, char buf[DAY_SIZE])
{
    struct tm tm;
    time_t t = (time_t)(us / 1000000);
    if (us <= 0 || !gmtime_r(&t, &tm))
        return STR("");
    return str_of(buf, strftime(buf, DAY_SIZE, "%Y-%m-%d", &tm));
}
