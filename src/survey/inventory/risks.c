#include "survey/inventory/risks.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/core/clean.h"

enum { RISKS_ARENA = 8 << 20, KIND_MAX = 64, CVE_MAX = 32, PERSON_MAX = 128, WHY_MAX = 512 };

/* Where a risk is accepted. */
struct where {
    bool everywhere, one_port;
    struct network network;
    uint16_t port;
};

struct accepted {
    struct str kind, cve, owner, why, until;
    struct where where;
};

struct risks {
    struct arena arena;
    struct accepted *list;
    size_t n, cap;
};

static bool parse_port(struct str text, uint16_t *ret)
{
    uint64_t n;
    if (!str_to_u64(text, UINT16_MAX, &n) || n == 0)
        return false;
    *ret = (uint16_t)n;
    return true;
}

/* "10.0.0.7:104" and "[fd00::1]:104" into their parts; false when there is no port. */
static bool split_port(struct str text, struct str *ret_host, struct str *ret_port)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct str host = str_slice(text, 0, colon - 1);
    bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (!bracketed && str_find(host, ':') < host.n)
        return false;
    *ret_host = host;
    *ret_port = str_slice(text, colon, text.n);
    return true;
}

static err_t where_parse(struct str text, struct where *ret)
{
    struct where w = {.everywhere = text.n == 0};
    struct str host = text, port;
    struct ip ip;
    if (w.everywhere) {
        *ret = w;
        return OK;
    }
    w.one_port = split_port(text, &host, &port);
    if (w.one_port && !parse_port(port, &w.port))
        return E_MALFORMED;
    if (ip_parse(host, &ip) == OK) {
        memcpy(w.network.bytes, ip.b, sizeof ip.b);
        w.network.bits = 128;
    } else if (w.one_port || network_parse(host, &w.network) != OK) {
        return E_MALFORMED;
    }
    *ret = w;
    return OK;
}

static bool covers(const struct accepted *r, const struct system *s, const struct finding *f)
{
    if (!str_eq(r->kind, f->kind) || (r->cve.n && !str_eq_nocase(r->cve, f->cve)))
        return false;
    if (r->where.everywhere)
        return true;
    uint16_t port = f->port ? f->port : s->port;
    return ip_in(&r->where.network, &s->ip) && (!r->where.one_port || r->where.port == port);
}

void risks_apply(const struct risks *r, const struct system *s, struct finding *f)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct accepted *a = &r->list[i];
        if (!covers(a, s, f) || str_cmp(a->until, f->accepted_until) <= 0)
            continue;
        f->accepted_by = a->owner;
        f->accepted_until = a->until;
        f->accepted_why = a->why;
    }
}

static err_t keep(struct arena *a, struct str text, struct str *ret)
{
    *ret = arena_copy(a, str_slice(text, 0, WHY_MAX));
    return ret->p ? OK : E_NOMEM;
}

static err_t load_row(struct risks *r, struct sql_stmt *q)
{
    if (r->n == r->cap)
        return OK;
    struct accepted *a = &r->list[r->n];
    if (where_parse(sql_text(q, 2), &a->where) != OK)
        return OK;
    TRY(keep(&r->arena, sql_text(q, 0), &a->kind));
    TRY(keep(&r->arena, sql_text(q, 1), &a->cve));
    TRY(keep(&r->arena, sql_text(q, 3), &a->owner));
    TRY(keep(&r->arena, sql_text(q, 4), &a->why));
    TRY(keep(&r->arena, sql_text(q, 5), &a->until));
    r->n++;
    return OK;
}

static err_t load_rows(struct risks *r, struct sql_stmt *q)
{
    for (;;) {
        bool row;
        TRY(sql_step(q, &row));
        if (!row)
            return OK;
        TRY(load_row(r, q));
    }
}

static err_t count_risks(struct inventory *v, size_t *ret)
{
    struct sql_stmt *q;
    int64_t n = 0;
    bool row;
    TRY(inside_query(v, Q_RISK_COUNT, &q));
    TRY(inside_number(q, &n, &row));
    *ret = n > RISKS_MAX ? RISKS_MAX : (size_t)n;
    return OK;
}

static err_t load_current(struct inventory *v, struct risks *r)
{
    char today[DAY_SIZE];
    struct sql_stmt *q;
    TRY(count_risks(v, &r->cap));
    r->list = calloc(r->cap ? r->cap : 1, sizeof *r->list);
    if (!r->list)
        return E_NOMEM;
    TRY(sql_prepare(v->db,
                    STR("SELECT kind,cve,place,owner,why,until FROM risk WHERE until>=?1 "
                        "ORDER BY id"),
                    &q, NULL));
    sql_bind_text(q, 1, inside_day(clock_wall_us(), today));
    err_t e = load_rows(r, q);
    sql_free(q);
    return e;
}

err_t risks_load(struct inventory *v, struct risks **ret)
{
    struct risks *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->arena = arena_init(RISKS_ARENA);
    err_t e = load_current(v, r);
    if (e != OK)
        risks_free(r);
    else
        *ret = r;
    return e;
}

void risks_free(struct risks *r)
{
    if (!r)
        return;
    arena_done(&r->arena);
    free(r->list);
    free(r);
}

static bool is_day(struct str s)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t y, m, d;
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !str_to_u64(str_slice(s, 0, 4), 9999, &y) ||
        !str_to_u64(str_slice(s, 5, 2), 12, &m) || !str_to_u64(str_slice(s, 8, 2), 31, &d))
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m > 0 && d > 0 && d <= days[m - 1] && (m != 2 || d < 29 || leap);
}

static bool is_line(struct str s, size_t max)
{
    return s.n <= max && (s.n == 0 || clean_is(s));
}

static err_t check_risk(const struct risk *r, struct diag *d)
{
    struct where unused;
    if (!r->kind.n || !is_line(r->kind, KIND_MAX) || !is_line(r->cve, CVE_MAX))
        return diag_set(d, E_USAGE, "an accepted risk names a kind of finding, and may name a CVE");
    if (!r->owner.n || !is_line(r->owner, PERSON_MAX))
        return diag_set(d, E_USAGE, "an accepted risk has an owner: a name of at most %d bytes",
                        PERSON_MAX);
    if (!is_line(r->why, WHY_MAX))
        return diag_set(d, E_USAGE, "why the risk is accepted: one line of at most %d bytes",
                        WHY_MAX);
    if (!is_day(r->until))
        return diag_set(d, E_USAGE, "\"%.*s\": an accepted risk ends on a day, YYYY-MM-DD",
                        STR_ARG(r->until));
    if (!is_line(r->where, IP_TEXT_MAX + 8) || where_parse(r->where, &unused) != OK)
        return diag_set(d, E_USAGE, "\"%.*s\" is no address, address:port or network",
                        STR_ARG(r->where));
    return OK;
}

static err_t add_risk(struct inventory *v, const struct risk *r, int64_t *ret_id)
{
    struct sql_stmt *q;
    size_t n;
    TRY(inside_may_write(v));
    TRY(count_risks(v, &n));
    if (n >= RISKS_MAX)
        return inside_fail(v, E_LIMIT, "an inventory holds at most %d accepted risks", RISKS_MAX);
    TRY(inside_query(v, Q_RISK_ADD, &q));
    sql_bind_text(q, 1, r->kind);
    sql_bind_text(q, 2, r->cve);
    sql_bind_text(q, 3, r->where);
    sql_bind_text(q, 4, r->owner);
    sql_bind_text(q, 5, r->why);
    sql_bind_text(q, 6, r->until);
    TRY(sql_run(q));
    *ret_id = sql_last_id(v->db);
    return OK;
}

err_t inventory_accept(struct inventory *v, const struct risk *r, int64_t *ret_id, struct diag *d)
{
    int64_t id = 0;
    TRY(check_risk(r, d));
    TRY(inside_tell(v, add_risk(v, r, &id), d));
    if (ret_id)
        *ret_id = id;
    return OK;
}

err_t inventory_unaccept(struct inventory *v, int64_t id)
{
    struct sql_stmt *q;
    TRY(inside_may_write(v));
    TRY(inside_query(v, Q_RISK_DROP, &q));
    sql_bind_i64(q, 1, id);
    TRY(sql_run(q));
    return sql_changes(v->db) ? OK : inside_fail(v, E_NOTFOUND, "there is no such accepted risk");
}

err_t inventory_risks(struct inventory *v, err_t (*each)(void *ctx, const struct risk *r),
                      void *ctx)
{
    struct sql_stmt *q;
    bool row;
    v->diag.text[0] = 0;
    TRY(sql_prepare(v->db,
                    STR("SELECT id,kind,cve,place,owner,why,until FROM risk ORDER BY until,id"), &q,
                    NULL));
    err_t e;
    while ((e = sql_step(q, &row)) == OK && row) {
        struct risk r = {.id = sql_i64(q, 0),
                         .kind = sql_text(q, 1),
                         .cve = sql_text(q, 2),
                         .where = sql_text(q, 3),
                         .owner = sql_text(q, 4),
                         .why = sql_text(q, 5),
                         .until = sql_text(q, 6)};
        e = each(ctx, &r);
        if (e != OK)
            break;
    }
    sql_free(q);
    return e;
}
