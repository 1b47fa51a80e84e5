#include "survey/source/capture/gather_private.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/crypto.h"

struct str protocol_name(enum protocol p)
{
    static const struct str names[PROTOCOLS] = {
        [PROTOCOL_dicom] = STR_INIT("dicom"), [PROTOCOL_hl7] = STR_INIT("hl7"),
        [PROTOCOL_http] = STR_INIT("http"),   [PROTOCOL_fhir] = STR_INIT("fhir"),
        [PROTOCOL_tls] = STR_INIT("tls"),     [PROTOCOL_other] = STR_INIT("other"),
    };
    return names[p];
}

static void find_names(struct gather *g)
{
    _Static_assert(FIELDS <= UINT8_MAX, "an index is a byte");
    for (size_t i = 0; i < FIELDS; i++) {
        size_t first = 0;
        while (!str_eq(field_name(first), field_name(i)))
            first++;
        g->named[i] = (uint8_t)first;
    }
}

err_t gather_new(const struct source_run *r, struct gather **ret, struct diag *d)
{
    struct gather *g = calloc(1, sizeof *g);
    if (!g)
        return E_NOMEM;
    g->run = r;
    g->arena = arena_init(SCRATCH);
    find_names(g);
    err_t e = fp_matcher_new(&g->matcher, d);
    if (e == OK)
        e = macs_init(&g->macs);
    /* So that nobody can choose addresses that fall into one chain. */
    if (e == OK)
        e = crypto_random(&g->seed, sizeof g->seed);
    if (e != OK)
        gather_free(g);
    else
        *ret = g;
    return e;
}

static void place_free(struct place *p)
{
    notes_done(&p->facts);
    free(p->fields);
    free(p->seen);
    free(p);
}

static void row_free(struct row *r)
{
    notes_done(&r->details);
    free(r->fields);
    free(r);
}

static void drop_rows(struct gather *g)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct row *r; (r = g->rows[i]);) {
            g->rows[i] = r->next;
            row_free(r);
        }
    g->n_rows = 0;
    g->last_row = NULL;
}

/* Counts are kept longer than facts that can be put and forgotten. */
static void drop_places(struct gather *g, bool counted)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct place **at = &g->places[i]; *at;) {
            struct place *p = *at;
            if (p->counted && !counted) {
                at = &p->next;
                continue;
            }
            *at = p->next;
            place_free(p);
            g->n_places--;
        }
    g->n_counted = counted ? 0 : g->n_counted;
    g->last_place = NULL;
}

void gather_trim(struct gather *g)
{
    drop_rows(g);
    if (g->n_counted >= COUNTED_MAX)
        drop_places(g, true);
    else if (g->n_places >= PLACES_MAX / 2)
        drop_places(g, false);
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    drop_rows(g);
    drop_places(g, true);
    macs_done(&g->macs);
    fp_matcher_free(g->matcher);
    arena_done(&g->arena);
    free(g);
}

void gather_forget(struct gather *g)
{
    gather_trim(g);
}

void gather_at(struct gather *g, int64_t us)
{
    g->us = us;
}

static void latch(struct gather *g, err_t e)
{
    if (g->err == OK)
        g->err = e;
}

static uint64_t mix(uint64_t h, const void *bytes)
{
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    h = (h ^ v) * 0xff51afd7ed558ccdu;
    return h ^ h >> 32;
}

static size_t bucket(const struct gather *g, const struct ip *a, const struct ip *b, uint64_t rest)
{
    uint64_t h = mix(mix(g->seed, a->b), a->b + 8);
    if (b)
        h = mix(mix(h, b->b), b->b + 8);
    return (size_t)(mix(h, &rest) % BUCKETS);
}

static bool is_place(const struct place *p, const struct ip *ip, uint16_t port)
{
    return p->port == port && ip_cmp(&p->ip, ip) == 0;
}

/* NULL when there is no memory, which is latched. The one of the last call is mostly that of the
 * next, too. */
static struct place *place(struct gather *g, const struct ip *ip, uint16_t port)
{
    struct place *p = g->last_place;
    if (!p || !is_place(p, ip, port)) {
        struct place **at = &g->places[bucket(g, ip, NULL, port)];
        for (p = *at; p && !is_place(p, ip, port);)
            p = p->next;
        if (!p)
            p = calloc(1, sizeof *p);
        if (!p) {
            latch(g, E_NOMEM);
            return NULL;
        }
        if (!p->made) {
            *p = (struct place){.next = *at, .made = true, .ip = *ip, .port = port, .dirty = true};
            *at = p;
            g->n_places++;
        }
        g->last_place = p;
    }
    p->us = g->us;
    return p;
}

static bool is_row(const struct row *r, const struct ends *e, enum protocol protocol)
{
    return r->protocol == protocol && r->ends.port == e->port &&
           ip_cmp(&r->ends.client, &e->client) == 0 && ip_cmp(&r->ends.server, &e->server) == 0;
}

static struct row *row(struct gather *g, const struct ends *e, enum protocol protocol)
{
    struct row *r = g->last_row;
    if (r && is_row(r, e, protocol))
        return r;
    struct row **at =
        &g->rows[bucket(g, &e->client, &e->server, (uint64_t)e->port << 8 | (unsigned)protocol)];
    for (r = *at; r && !is_row(r, e, protocol);)
        r = r->next;
    if (!r) {
        r = calloc(1, sizeof *r);
        if (!r) {
            latch(g, E_NOMEM);
            return NULL;
        }
        *r = (struct row){.next = *at, .ends = *e, .protocol = protocol};
        *at = r;
        g->n_rows++;
    }
    g->last_row = r;
    return r;
}

struct evidence *gather_scratch(struct gather *g)
{
    arena_reset(&g->arena);
    evidence_init(&g->scratch, &g->arena);
    return &g->scratch;
}

void gather_evidence(struct gather *g, const struct ip *ip, uint16_t port)
{
    err_t e = observe(g->matcher, &g->scratch);
    /* A value that its matcher could not do with is one we know less of, nothing worse. */
    if (e == E_NOMEM)
        latch(g, e);
    for (size_t i = 0; i < g->scratch.n; i++)
        if (!ev_is_raw(g->scratch.facts[i].kind))
            gather_fact(g, ip, port, g->scratch.facts[i].kind, g->scratch.facts[i].value);
}

bool gather_unseen(struct gather *g, const struct ip *ip, uint16_t port, struct str bytes)
{
    struct place *p = place(g, ip, port);
    uint64_t hash = str_hash(bytes);
    if (!p)
        return false;
    if (!p->seen)
        p->seen = calloc(SEEN, sizeof *p->seen);
    if (!p->seen)
        return true;
    for (size_t i = 0; i < SEEN; i++)
        if (p->seen[i] == hash)
            return false;
    p->seen[p->seen_at++ % SEEN] = hash;
    return true;
}

void gather_fact(struct gather *g, const struct ip *ip, uint16_t port, enum ev_kind kind,
                 struct str value)
{
    struct place *p = place(g, ip, port);
    bool fresh = false;
    if (!p)
        return;
    err_t e = ev_is_many(kind) ? notes_add(&p->facts, kind, value, 0, NOTES_MAX, &fresh)
                               : notes_set(&p->facts, kind, value, &fresh);
    if (e != OK)
        latch(g, e);
    p->dirty = p->dirty || fresh;
}

static void set_counted(struct gather *g, struct place *p)
{
    g->n_counted += !p->counted;
    p->counted = p->dirty = true;
}

void gather_count(struct gather *g, const struct ip *ip, uint16_t port, enum ev_kind kind,
                  struct str name, uint64_t n)
{
    struct place *p = place(g, ip, port);
    bool fresh;
    if (!p)
        return;
    set_counted(g, p);
    err_t e = notes_add(&p->facts, kind, name, n, NOTES_MAX, &fresh);
    if (e != OK)
        latch(g, e);
}

void gather_flow(struct gather *g, const struct ends *e, enum protocol p, uint64_t connections,
                 uint64_t bytes, uint64_t messages)
{
    struct row *r = row(g, e, p);
    if (!r)
        return;
    r->connections += connections;
    r->bytes += bytes;
    r->messages += messages;
    if (!connections)
        return;
    gather_fact(g, &e->server, e->port, EV_port_open, STR("yes"));
    gather_fact(g, &e->server, e->port, EV_protocol, protocol_name(p));
    if (p != PROTOCOL_other)
        gather_fact(g, &e->server, e->port, EV_transport,
                    p == PROTOCOL_tls ? STR("tls") : STR("clear"));
}

void gather_detail(struct gather *g, const struct ends *e, enum protocol p, struct str name)
{
    struct row *r = row(g, e, p);
    bool fresh;
    err_t err = r ? notes_add(&r->details, EV_NONE, name, 1, DETAILS_MAX, &fresh) : OK;
    if (err != OK)
        latch(g, err);
}

static void add_fields(struct gather *g, uint64_t **sum, const uint64_t counts[FIELDS])
{
    if (!*sum)
        *sum = calloc(FIELDS, sizeof **sum);
    if (!*sum) {
        latch(g, E_NOMEM);
        return;
    }
    for (size_t i = 0; i < FIELDS; i++)
        (*sum)[i] += counts[i];
}

void gather_fields(struct gather *g, const struct ends *e, enum protocol p,
                   const uint64_t counts[FIELDS])
{
    struct row *r = row(g, e, p);
    struct place *at = place(g, &e->server, e->port);
    if (!r || !at)
        return;
    set_counted(g, at);
    add_fields(g, &r->fields, counts);
    add_fields(g, &at->fields, counts);
}

void gather_object(struct gather *g, const struct ends *e)
{
    struct place *p = place(g, &e->server, e->port);
    if (!p)
        return;
    set_counted(g, p);
    p->objects++;
}

void gather_mac(struct gather *g, const struct ip *ip, struct str mac)
{
    macs_note(&g->macs, mac, ip);
}

err_t gather_error(const struct gather *g)
{
    return g->err;
}

bool gather_full(const struct gather *g)
{
    return g->n_places >= PLACES_MAX || g->n_rows >= ROWS_MAX;
}

uint64_t gather_endpoints(const struct gather *g)
{
    return g->n_endpoints;
}

uint64_t gather_flows(const struct gather *g)
{
    return g->n_flows;
}
