#include "survey/assess/assess.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/assess/inside.h"
#include "survey/identify/honeypot.h"

enum {
    ARENA_LIMIT = 16 << 20, /* of one host */
    FLOWS_MAX = 20000,      /* of one host */
    SERVERS_MAX = 1 << 18   /* that flows lead to; past it each host is asked for */
};

static err_t suspected(const struct look *l)
{
    const struct finding f = {
        .kind = STR("honeypot_suspected"), .severity = SEV_OF_KIND, .level = l->s->level};
    struct said words;
    said_begin(&words);
    wr_put(&words.w[LANG_en], l->s->type_why);
    honeypot_why_it(l->s->type_why, &words.w[LANG_it]);
    return look_said(l, f, &words);
}

err_t assess_system(const struct assess_options *o, struct system *s, const struct host *h,
                    struct arena *a, err_t (*each)(void *ctx, const struct finding *f), void *ctx)
{
    static err_t (*const looks[])(const struct look *l) = {
        look_at_zones, look_at_place, look_at_dicom, look_at_advisories, look_at_web, look_at_tls,
    };
    struct look l = {o, s, h, a, each, ctx};
    s->open_calling = s->open_called = s->open_query = s->open_retrieve = s->open_store = -1;
    s->open_print = s->cleartext = s->tls = s->web_open = -1;
    s->is_public = ip_is_public(&h->ip);
    s->studies = s->images = -1;
    s->clear_objects = s->clear_values = 0;
    s->clear_fields = STR("");
    if (s->type == TYPE_honeypot)
        return suspected(&l);
    for (size_t i = 0; i < COUNT(looks); i++)
        TRY(looks[i](&l));
    if (s->tls == 1 && s->cleartext < 0)
        s->cleartext = 0;
    if (s->cleartext == 1 && s->tls < 0)
        s->tls = 0;
    return OK;
}

struct work {
    struct inventory *v;
    int64_t survey;
    struct assess_options o;
    struct fp_matcher *matcher;
    struct arena arena;
    struct system systems[HOST_SYSTEMS_MAX];
    /* Servers of flows, in order; beyond the room for them, all hosts are asked. */
    struct ip *servers;
    size_t n_servers, cap_servers;
    bool too_many;
    struct flow *flows; /* of the host at hand */
    size_t n_flows, cap_flows;
    struct assess_sum sum;
};

static err_t on_run(void *ctx, const struct run_info *r)
{
    struct work *w = ctx;
    w->o.site_list = w->o.site_list || str_eq(r->source, STR("hosts"));
    return OK;
}

/* When its sources looked again at what they had looked at before, and missed it. */
static bool is_stale(const struct host *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (!h->endpoints[i].superseded)
            return false;
    return h->n > 0;
}

static err_t on_server(void *ctx, const struct flow *f)
{
    struct work *w = ctx;
    if (w->too_many || (w->n_servers && ip_cmp(&w->servers[w->n_servers - 1], &f->server) == 0))
        return OK;
    if (w->n_servers == SERVERS_MAX) {
        w->too_many = true;
        return OK;
    }
    if (w->n_servers == w->cap_servers) {
        size_t cap = w->cap_servers ? w->cap_servers * 2 : 1024;
        struct ip *grown = realloc(w->servers, cap * sizeof *grown);
        if (!grown)
            return E_NOMEM;
        w->servers = grown;
        w->cap_servers = cap;
    }
    w->servers[w->n_servers++] = f->server;
    return OK;
}

static int by_ip(const void *a, const void *b)
{
    return ip_cmp(a, b);
}

static bool has_flows(const struct work *w, const struct ip *ip)
{
    return w->too_many ||
           (w->n_servers && bsearch(ip, w->servers, w->n_servers, sizeof *ip, by_ip));
}

static err_t copy_str(struct arena *a, struct str *s)
{
    *s = arena_copy(a, *s);
    return s->p ? OK : E_NOMEM;
}

static err_t on_flow(void *ctx, const struct flow *f)
{
    struct work *w = ctx;
    if (w->n_flows == w->cap_flows) {
        size_t cap = w->cap_flows ? w->cap_flows * 2 : 64;
        struct flow *grown = cap <= 2 * FLOWS_MAX ? realloc(w->flows, cap * sizeof *grown) : NULL;
        if (!grown)
            return cap > 2 * FLOWS_MAX ? OK : E_NOMEM; /* the rest of a very busy server's */
        w->flows = grown;
        w->cap_flows = cap;
    }
    struct flow *to = &w->flows[w->n_flows];
    *to = *f;
    TRY(copy_str(&w->arena, &to->protocol));
    to->fields = str_slice(to->fields, 0, 1024);
    TRY(copy_str(&w->arena, &to->fields));
    to->details = to->client_mac = to->server_mac = to->vantage = STR("");
    w->n_flows++;
    return OK;
}

/* Flows say which fields passed in clear; an endpoint that does not say it itself learns it from
 * them. */
static err_t fields_of_flow(struct evidence *e, struct str fields)
{
    struct str part;
    uint64_t n;
    while (fields.n && str_split(&fields, ',', &part)) {
        part = str_trim(part);
        size_t gap = str_find(part, ' ');
        if (str_to_u64(str_slice(part, gap + 1, part.n), UINT32_MAX, &n) && n)
            TRY(evidence_count(e, BY_TRAFFIC, EV_clear_field, str_slice(part, 0, gap), n));
    }
    return OK;
}

static err_t fields_from_flows(const struct work *w, const struct host *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct endpoint *p = &h->endpoints[i];
        if (has(p->e, EV_clear_field))
            continue;
        for (size_t k = 0; k < w->n_flows; k++)
            if (w->flows[k].port == p->port && w->flows[k].clear)
                TRY(fields_of_flow(p->e, w->flows[k].fields));
    }
    return OK;
}

/* The finding of a system that stands in the inventory already. */
static err_t on_finding(void *ctx, const struct finding *f)
{
    struct work *w = ctx;
    w->sum.findings++;
    return inventory_put_finding(w->v, f);
}

/* A system is put before its findings, which need its id, and its openness is known only after
 * them: so they wait. */
struct waiting {
    struct finding *at;
    size_t n, cap;
};

static err_t on_waiting(void *ctx, const struct finding *f)
{
    struct waiting *t = ctx;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 32;
        struct finding *grown = realloc(t->at, cap * sizeof *grown);
        if (!grown)
            return E_NOMEM;
        t->at = grown;
        t->cap = cap;
    }
    t->at[t->n++] = *f;
    return OK;
}

static err_t put_waiting(struct work *w, const struct system *s, struct waiting *t)
{
    for (size_t i = 0; i < t->n; i++) {
        t->at[i].system = s->id;
        TRY(on_finding(w, &t->at[i]));
    }
    return OK;
}

/* What the policy and the country database know of the host. */
static err_t place_system(struct work *w, struct system *s, const struct host *h)
{
    char country[3];
    if (!s->country.n && geo_country(w->o.geo, &h->ip, country)) {
        s->country = arena_copy(&w->arena, str_z(country));
        if (!s->country.p)
            return E_NOMEM;
    }
    if (w->o.policy && !s->zone.n) {
        struct str zone = policy_zone(w->o.policy, &h->ip);
        s->zone = str_eq(zone, STR("internet")) ? STR("") : zone;
    }
    s->stale = is_stale(h);
    return OK;
}

static err_t conclude_system(struct work *w, struct system *s, const struct host *h,
                             struct waiting *t)
{
    t->n = 0;
    TRY(place_system(w, s, h));
    TRY(assess_system(&w->o, s, h, &w->arena, on_waiting, t));
    if (s->type != TYPE_honeypot && w->n_flows)
        TRY(assess_flows(&w->o, s, h, w->flows, w->n_flows, &w->arena, on_waiting, t));
    TRY(inventory_put_system(w->v, s));
    w->sum.systems++;
    return put_waiting(w, s, t);
}

static err_t conclude_host(struct work *w, const struct host *h, struct waiting *t)
{
    size_t n;
    TRY(identify_host(w->matcher, h, &w->arena, w->systems, HOST_SYSTEMS_MAX, &n));
    if (!n)
        return OK;
    w->n_flows = 0;
    if (has_flows(w, &h->ip)) {
        TRY(inventory_flows_to(w->v, w->survey, &h->ip, on_flow, w));
        TRY(fields_from_flows(w, h));
    }
    for (size_t i = 0; i < n; i++)
        TRY(conclude_system(w, &w->systems[i], h, t));
    return OK;
}

static err_t on_host(void *ctx, const struct host *h)
{
    struct work *w = ctx;
    struct waiting t = {0};
    if (w->o.stop && stop_is_set(w->o.stop))
        return E_STOPPED;
    w->sum.hosts++;
    if (w->o.progress && w->sum.hosts % 64 == 0)
        progress_add(w->o.progress, 64, 0);
    err_t e = conclude_host(w, h, &t);
    free(t.at);
    arena_reset(&w->arena);
    return e;
}

static err_t conclude(struct work *w, struct diag *d)
{
    TRY(inventory_conclude_begin(w->v, w->survey));
    err_t e = inventory_hosts(w->v, w->survey, on_host, w);
    if (e == OK)
        return inventory_conclude_end(w->v, d);
    inventory_conclude_cancel(w->v);
    return e;
}

static err_t prepare(struct work *w, struct wr *vantage, struct diag *d)
{
    TRY(fp_matcher_new(&w->matcher, d));
    TRY(inventory_runs(w->v, w->survey, on_run, w));
    TRY(inventory_flows(w->v, w->survey, on_server, w));
    if (w->o.vantage.n)
        return OK;
    TRY(inventory_note_get(w->v, w->survey, STR("vantage"), vantage));
    w->o.vantage = wr_str(vantage);
    return OK;
}

err_t assess_survey(struct inventory *v, int64_t survey, const struct assess_options *o,
                    struct assess_sum *ret, struct diag *d)
{
    struct work *w = calloc(1, sizeof *w);
    struct wr vantage __attribute__((cleanup(wr_done))) = wr_heap(256);
    if (!w)
        return E_NOMEM;
    w->v = v;
    w->survey = survey;
    w->o = *o;
    w->arena = arena_init(ARENA_LIMIT);
    err_t e = prepare(w, &vantage, d);
    if (e == OK)
        e = conclude(w, d);
    if (e == OK)
        *ret = w->sum;
    else if (d && !d->text[0])
        (void)diag_set(d, e, "%s", inventory_diag(v)->text);
    fp_matcher_free(w->matcher);
    arena_done(&w->arena);
    free(w->servers);
    free(w->flows);
    free(w);
    return e;
}
