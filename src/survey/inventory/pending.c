#include "survey/inventory/pending.h"

#include <stdlib.h>

#include "base/size.h"

enum {
    SCRATCH = 1 << 20,
    FLOW_TEXTS = 4 << 20,
    FLOW_TEXTS_SOFT = 2 << 20,
    FLOW_TEXTS_HARD = 3 << 20
};

err_t pending_new(struct pending **ret)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    p->bytes = malloc(PENDING_BYTES);
    p->entries = malloc(PENDING_ENTRIES * sizeof *p->entries);
    p->slots = calloc(PENDING_SLOTS, sizeof *p->slots);
    p->flows = malloc(PENDING_FLOWS * sizeof *p->flows);
    p->flow_slots = calloc(PENDING_FLOW_SLOTS, sizeof *p->flow_slots);
    p->flow_texts = arena_init(FLOW_TEXTS);
    p->scratch = arena_init(SCRATCH);
    if (!p->bytes || !p->entries || !p->slots || !p->flows || !p->flow_slots) {
        pending_free(p);
        return E_NOMEM;
    }
    *ret = p;
    return OK;
}

void pending_free(struct pending *p)
{
    if (!p)
        return;
    arena_done(&p->flow_texts);
    arena_done(&p->scratch);
    free(p->bytes);
    free(p->entries);
    free(p->slots);
    free(p->flows);
    free(p->flow_slots);
    free(p);
}

void pending_forget(struct pending *p)
{
    if (p->n)
        memset(p->slots, 0, PENDING_SLOTS * sizeof *p->slots);
    if (p->n_flows)
        memset(p->flow_slots, 0, PENDING_FLOW_SLOTS * sizeof *p->flow_slots);
    p->n = p->used = p->n_flows = 0;
    arena_reset(&p->flow_texts);
}

err_t pending_pull(struct inventory *v, const struct run *r)
{
    struct pending *p = v->pending;
    TRY(inside_may_write(v));
    if (v->concluding)
        return inside_fail(v, E_INTERNAL, "nothing is put while a survey is concluded");
    if (p->run.id != r->id)
        TRY(pending_write(v));
    p->run = *r;
    return OK;
}

static uint32_t *slot_of(struct pending *p, const struct place *place)
{
    size_t i = str_hash(place_str(place)) % PENDING_SLOTS;
    while (p->slots[i] && place_cmp(&p->entries[p->slots[i] - 1].place, place) != 0)
        i = (i + 1) % PENDING_SLOTS;
    return &p->slots[i];
}

struct pending_entry *pending_find(struct pending *p, const struct place *place)
{
    uint32_t *slot = slot_of(p, place);
    return *slot ? &p->entries[*slot - 1] : NULL;
}

static struct pending_entry *find_or_add(struct pending *p, const struct place *place)
{
    uint32_t *slot = slot_of(p, place);
    if (!*slot) {
        p->entries[p->n] = (struct pending_entry){.place = *place};
        *slot = (uint32_t)++p->n;
    }
    return &p->entries[*slot - 1];
}

err_t pending_join(struct arena *a, struct str older, struct str newer, struct wr *w)
{
    struct evidence to, from;
    evidence_init(&to, a);
    evidence_init(&from, a);
    TRY(evidence_parse(older, &to));
    TRY(evidence_parse(newer, &from));
    TRY(evidence_merge(&to, &from));
    evidence_write(&to, w);
    return w->bad ? E_LIMIT : OK;
}

static bool is_due(const struct pending *p, const struct run *r)
{
    bool full = p->used > PENDING_BYTES - 2 * EVIDENCE_BYTES_MAX || p->n == PENDING_ENTRIES ||
                p->n_flows == PENDING_FLOWS || p->flow_texts.used > FLOW_TEXTS_HARD;
    bool due = p->used > PENDING_SOFT_BYTES || p->n > PENDING_SOFT_ENTRIES ||
               p->n_flows > PENDING_FLOWS * 3 / 4 || p->flow_texts.used > FLOW_TEXTS_SOFT;
    return full || (due && r->position != p->run.position);
}

/* Room for one more of anything, in a batch of this run. The figures that are written with the
 * batch are those of now: everything before r->position was put. */
static err_t make_room(struct inventory *v, const struct run *r)
{
    const struct pending *p = v->pending;
    bool due = p && p->run.id == r->id && is_due(p, r);
    TRY(pending_pull(v, r));
    return due ? pending_write(v) : OK;
}

/* In place of what was pending for the endpoint; the bytes of before are forgotten with the batch.
 */
static err_t join_entry(struct pending *p, struct pending_entry *n, const struct wr *fresh,
                        int64_t when_us)
{
    size_t at = p->used + fresh->n;
    struct wr w = wr_fixed(p->bytes + at, PENDING_BYTES - at);
    struct str there = str_of(p->bytes + n->at, n->n);
    bool newer = when_us >= n->last_us;
    arena_reset(&p->scratch);
    TRY(pending_join(&p->scratch, newer ? there : wr_str(fresh), newer ? wr_str(fresh) : there,
                     &w));
    n->at = (uint32_t)at;
    n->n = (uint32_t)w.n;
    p->used = at + w.n;
    return OK;
}

static void widen(struct pending_entry *n, int64_t when_us)
{
    n->first_us = when_us < n->first_us ? when_us : n->first_us;
    n->last_us = when_us > n->last_us ? when_us : n->last_us;
}

err_t inventory_put(struct inventory *v, struct run *r, const struct ip *ip, uint16_t port,
                    const struct evidence *e, int64_t when_us)
{
    TRY(make_room(v, r));
    struct pending *p = v->pending;
    struct place place = place_of(ip, port);
    struct wr w = wr_fixed(p->bytes + p->used, EVIDENCE_BYTES_MAX);
    evidence_write(e, &w);
    if (w.bad)
        return inside_fail(v, E_LIMIT, "evidence of one endpoint is too large");
    struct pending_entry *n = find_or_add(p, &place);
    if (n->put) {
        TRY(join_entry(p, n, &w, when_us));
        widen(n, when_us);
        return OK;
    }
    n->put = true;
    n->first_us = n->last_us = when_us;
    n->at = (uint32_t)p->used;
    n->n = (uint32_t)w.n;
    p->used += w.n;
    return OK;
}

err_t inventory_run_touch(struct inventory *v, struct run *r, const struct ip *ip, uint16_t port)
{
    struct place place = place_of(ip, port);
    TRY(make_room(v, r));
    find_or_add(v->pending, &place)->touched = true;
    return OK;
}

static bool same_flow(const struct flow *a, const struct flow *b)
{
    return ip_cmp(&a->client, &b->client) == 0 && ip_cmp(&a->server, &b->server) == 0 &&
           a->port == b->port && a->clear == b->clear && str_eq(a->protocol, b->protocol) &&
           str_eq(a->vantage, b->vantage);
}

static uint16_t *flow_slot(struct pending *p, const struct flow *f)
{
    size_t i = (str_hash(str_of(f->client.b, sizeof f->client.b)) ^
                str_hash(str_of(f->server.b, sizeof f->server.b)) * 31 ^ f->port) %
               PENDING_FLOW_SLOTS;
    while (p->flow_slots[i] && !same_flow(&p->flows[p->flow_slots[i] - 1], f))
        i = (i + 1) % PENDING_FLOW_SLOTS;
    return &p->flow_slots[i];
}

/* A copy with texts of its own, clean. */
static err_t keep_flow(struct arena *a, const struct flow *f, struct flow *ret)
{
    struct flow kept = *f;
    struct str *const texts[] = {&kept.protocol, &kept.vantage,    &kept.fields,
                                 &kept.details,  &kept.client_mac, &kept.server_mac};
    static const size_t caps[] = {32, 64, FLOW_TEXT_MAX, FLOW_TEXT_MAX, 32, 32};
    for (size_t i = 0; i < COUNT(texts); i++) {
        TRY(inside_clean(a, *texts[i], caps[i], texts[i]));
        *texts[i] = arena_copy(a, *texts[i]);
        if (!texts[i]->p)
            return E_NOMEM;
    }
    *ret = kept;
    return OK;
}

err_t inventory_put_flow(struct inventory *v, struct run *r, const struct flow *f)
{
    struct flow kept;
    TRY(make_room(v, r));
    struct pending *p = v->pending;
    TRY(keep_flow(&p->flow_texts, f, &kept));
    uint16_t *slot = flow_slot(p, &kept);
    if (*slot)
        return flow_add(&p->flow_texts, &p->flows[*slot - 1], &kept);
    p->flows[p->n_flows] = kept;
    *slot = (uint16_t)++p->n_flows;
    return OK;
}
