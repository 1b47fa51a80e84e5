/* Endpoints and flows read back. */
#include <stdlib.h>

#include "survey/inventory/pending.h"

enum { HOST_BYTES = 8 << 20, HOST_ARENA = 32 << 20, FLOW_ARENA = 8 << 20 };

struct hosts {
    struct inventory *v;
    int64_t survey;
    struct sql_stmt *rows;
    bool row;     /* one is there to be read */
    bool others;  /* the inventory has other surveys */
    size_t bytes; /* of evidence in this host */
    struct arena arena;
    struct host host;
    struct endpoint endpoints[HOST_ENDPOINTS_MAX];
};

static err_t step(struct hosts *h)
{
    return sql_step(h->rows, &h->row);
}

static err_t add_endpoint(struct hosts *h, uint16_t port)
{
    struct str bytes = sql_blob(h->rows, 3);
    if (h->host.n == HOST_ENDPOINTS_MAX || h->bytes + bytes.n > HOST_BYTES) {
        h->host.more++;
        return OK;
    }
    struct evidence *e = ARENA_NEW(&h->arena, struct evidence);
    bytes = arena_copy(&h->arena, bytes);
    if (!e || !bytes.p)
        return E_NOMEM;
    evidence_init(e, &h->arena);
    if (evidence_parse(bytes, e) != OK)
        return inside_fail(h->v, E_DAMAGED, "evidence in the inventory is damaged");
    h->bytes += bytes.n;
    int64_t first = inside_time(sql_i64(h->rows, 1));
    h->endpoints[h->host.n++] = (struct endpoint){
        port, e, first, first + inside_time(sql_i64(h->rows, 2)), sql_i64(h->rows, 4) != 0};
    return OK;
}

static err_t row_place(struct hosts *h, struct ip *ret, uint16_t *ret_port)
{
    return place_parse(sql_blob(h->rows, 0), ret, ret_port) == OK
               ? OK
               : inside_fail(h->v, E_DAMAGED, "an address in the inventory is damaged");
}

/* All rows of the next host. */
static err_t gather(struct hosts *h)
{
    struct ip ip;
    uint16_t port;
    TRY(row_place(h, &h->host.ip, &port));
    for (ip = h->host.ip; h->row && ip_cmp(&ip, &h->host.ip) == 0;) {
        TRY(add_endpoint(h, port));
        TRY(step(h));
        if (h->row)
            TRY(row_place(h, &ip, &port));
    }
    return OK;
}

static int by_port(const void *key, const void *item)
{
    return (int)*(const uint16_t *)key - (int)((const struct endpoint *)item)->port;
}

/* What other surveys saw of the host, and when first. */
static err_t look_back(struct hosts *h)
{
    struct place from = place_of(&h->host.ip, 0), to = place_of(&h->host.ip, UINT16_MAX);
    struct sql_stmt *q;
    bool row;
    if (!h->others)
        return OK;
    TRY(inside_query(h->v, Q_ENDPOINT_OTHERS, &q));
    sql_bind_i64(q, 1, h->survey);
    sql_bind_blob(q, 2, place_str(&from));
    sql_bind_blob(q, 3, place_str(&to));
    for (;;) {
        struct ip ip;
        uint16_t port;
        TRY(sql_step(q, &row));
        if (!row)
            return OK;
        if (place_parse(sql_blob(q, 0), &ip, &port) != OK)
            continue;
        struct endpoint *e =
            h->host.n ? bsearch(&port, h->endpoints, h->host.n, sizeof *h->endpoints, by_port)
                      : NULL;
        int64_t first = inside_time(sql_i64(q, 1));
        if (e && first < e->first_us)
            e->first_us = first;
    }
}

static err_t each_host(struct hosts *h, err_t (*each)(void *ctx, const struct host *h), void *ctx)
{
    TRY(step(h));
    while (h->row) {
        arena_reset(&h->arena);
        h->bytes = 0;
        h->host = (struct host){.endpoints = h->endpoints};
        TRY(gather(h));
        TRY(look_back(h));
        TRY(each(ctx, &h->host));
    }
    return OK;
}

static err_t open_hosts(struct hosts *h)
{
    struct sql_stmt *q;
    int64_t n = 0;
    bool row;
    TRY(inside_query(h->v, Q_SURVEY_COUNT, &q));
    TRY(inside_number(q, &n, &row));
    h->others = n > 1;
    TRY(sql_prepare(h->v->db,
                    STR("SELECT place,first,span,evidence,(SELECT superseded FROM run WHERE "
                        "id=endpoint.run) FROM endpoint WHERE survey=?1 ORDER BY place"),
                    &h->rows, NULL));
    sql_bind_i64(h->rows, 1, h->survey);
    return OK;
}

err_t inventory_hosts(struct inventory *v, int64_t survey,
                      err_t (*each)(void *ctx, const struct host *h), void *ctx)
{
    v->diag.text[0] = 0;
    TRY(pending_write(v));
    struct hosts *h = calloc(1, sizeof *h);
    if (!h)
        return E_NOMEM;
    h->v = v;
    h->survey = survey;
    h->arena = arena_init(HOST_ARENA);
    err_t e = open_hosts(h);
    if (e == OK)
        e = each_host(h, each, ctx);
    sql_free(h->rows);
    arena_done(&h->arena);
    free(h);
    return e;
}

/* Flows, one for all runs. */
struct flows {
    struct inventory *v;
    struct sql_stmt *rows;
    struct arena arena;
    struct flow flow;
    bool any;
};

static err_t copy_texts(struct arena *a, struct flow *f)
{
    struct str *const texts[] = {&f->protocol, &f->vantage,    &f->fields,
                                 &f->details,  &f->client_mac, &f->server_mac};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = arena_copy(a, str_slice(*texts[i], 0, FLOW_TEXT_MAX));
        if (!texts[i]->p)
            return E_NOMEM;
    }
    return OK;
}

static err_t flow_row(struct flows *s, struct flow *ret)
{
    struct sql_stmt *q = s->rows;
    *ret = (struct flow){.protocol = sql_text(q, 2),
                         .clear = sql_i64(q, 3) != 0,
                         .vantage = sql_text(q, 4),
                         .connections = (uint64_t)sql_i64(q, 5),
                         .bytes = (uint64_t)sql_i64(q, 6),
                         .messages = (uint64_t)sql_i64(q, 7),
                         .fields = sql_text(q, 8),
                         .details = sql_text(q, 9),
                         .client_mac = sql_text(q, 10),
                         .server_mac = sql_text(q, 11)};
    if (place_parse(sql_blob(q, 0), &ret->server, &ret->port) != OK ||
        host_parse(sql_blob(q, 1), &ret->client) != OK)
        return inside_fail(s->v, E_DAMAGED, "an address in the inventory is damaged");
    return OK;
}

static bool same_key(const struct flow *a, const struct flow *b)
{
    return ip_cmp(&a->server, &b->server) == 0 && ip_cmp(&a->client, &b->client) == 0 &&
           a->port == b->port && a->clear == b->clear && str_eq(a->protocol, b->protocol) &&
           str_eq(a->vantage, b->vantage);
}

/* The next row: added to the flow at hand, or the flow at hand is told and it begins another. */
static err_t take_flow(struct flows *s, err_t (*each)(void *ctx, const struct flow *f), void *ctx)
{
    struct flow f;
    TRY(flow_row(s, &f));
    if (s->any && same_key(&s->flow, &f)) {
        TRY(copy_texts(&s->arena, &f));
        return flow_add(&s->arena, &s->flow, &f);
    }
    if (s->any)
        TRY(each(ctx, &s->flow));
    arena_reset(&s->arena);
    TRY(copy_texts(&s->arena, &f));
    s->flow = f;
    s->any = true;
    return OK;
}

static err_t each_flow(struct flows *s, err_t (*each)(void *ctx, const struct flow *f), void *ctx)
{
    for (;;) {
        bool row;
        TRY(sql_step(s->rows, &row));
        if (!row)
            return s->any ? each(ctx, &s->flow) : OK;
        TRY(take_flow(s, each, ctx));
    }
}

err_t inventory_flows(struct inventory *v, int64_t survey,
                      err_t (*each)(void *ctx, const struct flow *f), void *ctx)
{
    struct flows s = {.v = v, .arena = arena_init(FLOW_ARENA)};
    v->diag.text[0] = 0;
    TRY(pending_write(v));
    TRY(sql_prepare(v->db,
                    STR("SELECT server,client,protocol,clear,vantage,connections,bytes,messages,"
                        "fields,details,client_mac,server_mac FROM flow WHERE survey=?1 "
                        "ORDER BY server,client,protocol,clear,vantage,run"),
                    &s.rows, NULL));
    sql_bind_i64(s.rows, 1, survey);
    err_t e = each_flow(&s, each, ctx);
    sql_free(s.rows);
    arena_done(&s.arena);
    return e;
}

err_t inventory_flows_to(struct inventory *v, int64_t survey, const struct ip *server,
                         err_t (*each)(void *ctx, const struct flow *f), void *ctx)
{
    struct flows s = {.v = v, .arena = arena_init(FLOW_ARENA)};
    struct place first = place_of(server, 0), last = place_of(server, UINT16_MAX);
    TRY(sql_prepare(v->db,
                    STR("SELECT server,client,protocol,clear,vantage,connections,bytes,messages,"
                        "fields,details,client_mac,server_mac FROM flow WHERE survey=?1 "
                        "AND server BETWEEN ?2 AND ?3 "
                        "ORDER BY server,client,protocol,clear,vantage,run"),
                    &s.rows, NULL));
    sql_bind_i64(s.rows, 1, survey);
    sql_bind_blob(s.rows, 2, place_str(&first));
    sql_bind_blob(s.rows, 3, place_str(&last));
    err_t e = each_flow(&s, each, ctx);
    sql_free(s.rows);
    arena_done(&s.arena);
    return e;
}
