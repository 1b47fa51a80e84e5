/* Conclusions written: systems and findings, all in one transaction. */
#include "io/clock.h"
#include "survey/inventory/columns.h"
#include "survey/inventory/pending.h"

static err_t run_for(struct inventory *v, enum query_id id, int64_t survey)
{
    struct sql_stmt *q;
    TRY(inside_query(v, id, &q));
    sql_bind_i64(q, 1, survey);
    return sql_run(q);
}

static err_t drop(struct inventory *v, int64_t survey)
{
    TRY(columns_insert(v, &system_columns, &v->put_system));
    TRY(columns_insert(v, &finding_columns, &v->put_finding));
    TRY(run_for(v, Q_FINDINGS_DROP, survey));
    return run_for(v, Q_SYSTEMS_DROP, survey);
}

err_t inventory_conclude_begin(struct inventory *v, int64_t survey)
{
    TRY(inside_may_write(v));
    if (v->concluding)
        return inside_fail(v, E_INTERNAL, "a survey is being concluded already");
    TRY(pending_write(v));
    TRY(inside_begin(v));
    v->concluding = survey;
    err_t e = drop(v, survey);
    if (e != OK)
        inventory_conclude_cancel(v);
    return e;
}

static void let_go(struct inventory *v)
{
    sql_free(v->put_system);
    sql_free(v->put_finding);
    v->put_system = v->put_finding = NULL;
    v->concluding = 0;
}

void inventory_conclude_cancel(struct inventory *v)
{
    if (!v->concluding)
        return;
    let_go(v);
    sql_rollback(v->db);
}

err_t inventory_conclude_end(struct inventory *v, struct diag *d)
{
    struct sql_stmt *q;
    if (!v->concluding)
        return diag_set(d, E_INTERNAL, "no survey is being concluded");
    err_t e = inside_query(v, Q_SURVEY_CONCLUDE, &q);
    if (e == OK) {
        sql_bind_i64(q, 1, v->concluding);
        sql_bind_i64(q, 2, clock_wall_us());
        e = sql_run(q);
    }
    let_go(v);
    return inside_tell(v, inside_end(v, e), d);
}

/* What the endpoints of a system tell of it. */
struct sight {
    int64_t first_us, last_us;
    bool here,
        stale; /* seen in this survey at all; only by runs that a later one took the place of */
};

/* Whether "4242/dicom 8042/http" names the port. */
static bool names_port(struct str ports, uint16_t port)
{
    struct str word;
    while (ports.p && str_split(&ports, ' ', &word)) {
        uint64_t n;
        if (str_to_u64(str_slice(word, 0, str_find(word, '/')), UINT16_MAX, &n) && n == port)
            return true;
    }
    return false;
}

static void see(struct sight *s, const struct inventory *v, struct sql_stmt *q)
{
    int64_t first = inside_time(sql_i64(q, 1)), last = first + inside_time(sql_i64(q, 2));
    if (!s->first_us || first < s->first_us)
        s->first_us = first;
    if (last > s->last_us)
        s->last_us = last;
    if (sql_i64(q, 3) != v->concluding)
        return;
    s->stale = (s->stale || !s->here) && sql_i64(q, 4) != 0;
    s->here = true;
}

static err_t look(struct inventory *v, const struct system *sys, struct sight *ret)
{
    struct place from = place_of(&sys->ip, 0), to = place_of(&sys->ip, UINT16_MAX);
    struct sql_stmt *q;
    struct ip ip;
    uint16_t port;
    bool row;
    *ret = (struct sight){0};
    TRY(inside_query(v, Q_ENDPOINT_SEEN, &q));
    sql_bind_blob(q, 1, place_str(&from));
    sql_bind_blob(q, 2, place_str(&to));
    for (;;) {
        TRY(sql_step(q, &row));
        if (!row)
            return OK;
        if (place_parse(sql_blob(q, 0), &ip, &port) == OK &&
            (port == sys->port || names_port(sys->ports, port)))
            see(ret, v, q);
    }
}

static err_t insert_system(struct inventory *v, const struct system *s, const struct place *host,
                           const struct sight *sight)
{
    struct sql_stmt *q = v->put_system;
    struct system row = *s;
    row.stale = s->stale || (sight->here && sight->stale);
    sql_bind_i64(q, 1, v->concluding);
    sql_bind_blob(q, 2, place_str(host));
    sql_bind_i64(q, 3, sight->first_us);
    sql_bind_i64(q, 4, sight->last_us);
    sql_bind_i64(q, 5, 0);
    columns_bind(&system_columns, q, &row);
    return sql_run(q);
}

/* When an earlier survey last concluded something else of it. */
static err_t set_changed(struct inventory *v, const struct system *s, const struct place *host,
                         int64_t id)
{
    struct sql_stmt *q;
    int64_t changed = 0;
    bool row;
    TRY(inside_query(v, Q_SYSTEM_CHANGED, &q));
    sql_bind_i64(q, 1, v->concluding);
    sql_bind_blob(q, 2, place_str(host));
    sql_bind_text(q, 3, type_name(s->type));
    sql_bind_i64(q, 4, id);
    TRY(inside_number(q, &changed, &row));
    if (!changed)
        return OK;
    TRY(inside_query(v, Q_SYSTEM_SET_CHANGED, &q));
    sql_bind_i64(q, 1, id);
    sql_bind_i64(q, 2, changed);
    return sql_run(q);
}

err_t inventory_put_system(struct inventory *v, struct system *s)
{
    struct place host = host_of(&s->ip);
    struct sight sight;
    if (!v->concluding)
        return inside_fail(v, E_INTERNAL, "a system outside a conclusion");
    TRY(look(v, s, &sight));
    TRY(insert_system(v, s, &host, &sight));
    int64_t id = sql_last_id(v->db);
    TRY(set_changed(v, s, &host, id));
    s->id = id;
    return OK;
}

err_t inventory_put_finding(struct inventory *v, const struct finding *f)
{
    struct sql_stmt *q = v->put_finding;
    if (!v->concluding)
        return inside_fail(v, E_INTERNAL, "a finding outside a conclusion");
    sql_bind_i64(q, 1, v->concluding);
    sql_bind_i64(q, 2, f->system);
    columns_bind(&finding_columns, q, f);
    return sql_run(q);
}
