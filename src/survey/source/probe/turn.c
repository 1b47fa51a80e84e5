/* Connections: whose turn it is, what happens on them, what is said. Nothing goes out that does not
 * stand in the journal before. */
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/source/probe/run.h"

static bool is_heavy(enum probe_kind k)
{
    return k == PROBE_HTTP || k == PROBE_HTTPS || k == PROBE_DICOM_TLS;
}

static unsigned port_of(const struct host_slot *h)
{
    return (unsigned)__builtin_ctzll(h->todo);
}

static const struct scope_port *next_port(const struct probing *p, unsigned slot)
{
    return &p->s->ports[port_of(&p->hosts[slot])];
}

/* Whether a host's turn may come now; else *until is brought forward to when to ask again. */
static err_t may_go(struct probing *p, unsigned slot, int64_t now, int64_t *until, bool *ret)
{
    struct host_slot *h = &p->hosts[slot];
    int64_t rest;
    *ret = false;
    if (!h->used || h->busy)
        return OK;
    if (h->ready_ms > now) {
        *until = h->ready_ms < *until ? h->ready_ms : *until;
        return OK;
    }
    switch (breakers_ask(p->breakers, &h->ip, now, &rest)) {
    case BREAKER_GO:
        *ret = !is_heavy(next_port(p, slot)->kind) || p->heavy < HEAVY_MAX;
        return OK;
    case BREAKER_REST:
        h->ready_ms = rest;
        *until = rest < *until ? rest : *until;
        return OK;
    case BREAKER_GIVEN_UP:
        *until = now; /* there may be more of it */
        return host_drop(p, slot);
    }
    return OK;
}

/* Those whose turn it is, as many as the batch has room for. */
static err_t gather(struct probing *p, int64_t now, int64_t *until)
{
    unsigned room = p->batch - reach_active(p->reach);
    p->n_group = 0;
    for (unsigned i = 0; i < p->hosts_top && p->n_group < room; i++) {
        bool go;
        TRY(may_go(p, i, now, until, &go));
        if (!go)
            continue;
        p->heavy += is_heavy(next_port(p, i)->kind);
        p->group[p->n_group++] = i;
    }
    return OK;
}

static void give_back(struct probing *p, unsigned from)
{
    for (unsigned i = from; i < p->n_group; i++)
        p->heavy -= is_heavy(next_port(p, p->group[i])->kind);
    p->n_group = from;
}

err_t turn_mark(struct probing *p)
{
    p->marked_ms = clock_ms();
    p->run.position = hosts_position(p);
    return inventory_run_mark(p->r->inventory, &p->run);
}

/* On stable storage before a packet goes out: that these endpoints had their turn, and that they
 * were connected to. */
static err_t write_down(struct probing *p)
{
    for (unsigned i = 0; i < p->n_group; i++) {
        const struct host_slot *h = &p->hosts[p->group[i]];
        const struct scope_port *port = next_port(p, p->group[i]);
        TRY(inventory_run_touch(p->r->inventory, &p->run, &h->ip, port->port));
        TRY(ledger_connect(&p->ledger, &h->ip, port));
    }
    TRY(turn_mark(p));
    return ledger_write(&p->ledger, true);
}

/* Of everything under way. Allocated when an id is first used. */
static err_t visit_at(struct probing *p, unsigned id, struct visit **ret)
{
    if (!p->visits[id])
        p->visits[id] = calloc(1, sizeof **p->visits);
    *ret = p->visits[id];
    return *ret ? OK : E_NOMEM;
}

static err_t connect_to(struct probing *p, unsigned slot)
{
    struct host_slot *h = &p->hosts[slot];
    const struct scope_port *port = next_port(p, slot);
    bool tls = port->kind == PROBE_DICOM_TLS || port->kind == PROBE_HTTPS;
    struct addr to;
    struct visit *v;
    unsigned id;
    ip_addr(&h->ip, port->port, &to);
    err_t e =
        reach_open(p->reach, &to, tls ? p->credentials : NULL, clock_deadline(p->connect_ms), &id);
    if (e == E_CLOSED) {
        p->heavy -= is_heavy(port->kind);
        return host_port_done(p, slot, port_of(h), VISIT_UNREACHABLE);
    }
    if (e == E_BUSY || e == E_NOMEM) {
        p->heavy -= is_heavy(port->kind);
        return host_port_done(p, slot, port_of(h), VISIT_OURS);
    }
    TRY(e);
    TRY(visit_at(p, id, &v));
    h->busy = true;
    visit_begin(v, slot, &h->ip, *port, &p->manner);
    return OK;
}

/* Without a rate a group is worth waiting for: what is written down costs by the group. */
static bool too_few(const struct probing *p)
{
    return p->bucket.rate == 0 && reach_active(p->reach) > 0 && p->n_group < p->batch / 2 &&
           p->n_group < p->n_hosts_used / 2;
}

err_t turn_connect(struct probing *p, int64_t *ret_until_ms)
{
    int64_t now = clock_ms();
    int64_t wait_us = bucket_wait(&p->bucket, clock_us());
    if (wait_us > 0) {
        int64_t at = now + (wait_us + 999) / 1000;
        *ret_until_ms = at < *ret_until_ms ? at : *ret_until_ms;
        return OK;
    }
    TRY(gather(p, now, ret_until_ms));
    if (p->n_group == 0 || too_few(p)) {
        give_back(p, 0);
        return OK;
    }
    give_back(p, bucket_take(&p->bucket, p->n_group, clock_us()));
    TRY(write_down(p));
    for (unsigned i = 0; i < p->n_group; i++)
        TRY(connect_to(p, p->group[i]));
    *ret_until_ms = now;
    return OK;
}

static enum meeting meeting_of(const struct host_slot *h, enum visit_outcome o)
{
    switch (o) {
    case VISIT_RESET:
        return MET_RESET;
    case VISIT_SILENT:
    case VISIT_UNREACHABLE:
        return h->answered ? MET_SILENCE : MET_NOBODY;
    case VISIT_NONE:
    case VISIT_OPEN:
    case VISIT_REFUSED:
    case VISIT_OURS:
    case VISIT_STOPPED:
        break;
    }
    return MET_ANSWER;
}

static err_t tell_breaker(struct probing *p, const struct host_slot *h, enum visit_outcome o)
{
    char text[IP_TEXT_MAX], note[128];
    if (o == VISIT_OURS || o == VISIT_STOPPED ||
        !breakers_tell(p->breakers, &h->ip, meeting_of(h, o), clock_ms()))
        return OK;
    struct str subnet = subnet_text(&h->ip, text);
    p->sum.broken_subnets++;
    struct wr w = wr_fixed(note, sizeof note - 1);
    wr_printf(&w, "%.*s given up: it stopped answering", STR_ARG(subnet));
    note[w.n] = 0;
    if (p->r->note)
        p->r->note(p->r->ctx, note);
    return ledger_skip(&p->ledger, subnet, "given up: it stopped answering");
}

static err_t put_facts(struct probing *p, struct visit *v, unsigned id)
{
    if (v->outcome != VISIT_OPEN && v->outcome != VISIT_RESET)
        return OK;
    evidence_init(&p->evidence, &v->arena);
    TRY(visit_facts(v, p->reach, id, &p->evidence));
    TRY(observe(p->matcher, &p->evidence));
    p->hosts[v->host].never = gate_recognises(p->gate, p->matcher, &p->evidence);
    p->sum.sum.endpoints++;
    if (p->r->vantage.n && v->outcome == VISIT_OPEN)
        TRY(evidence_add(&p->evidence, BY_PROBE, EV_reached_from, p->r->vantage));
    return inventory_put(p->r->inventory, &p->run, &v->ip, v->port.port, &p->evidence,
                         clock_wall_us());
}

static unsigned port_index(const struct probing *p, uint16_t port)
{
    unsigned i = 0;
    while (p->s->ports[i].port != port)
        i++;
    return i;
}

/* Facts first: some of them are the connection's. */
static err_t finish(struct probing *p, unsigned id)
{
    struct visit *v = p->visits[id];
    struct reach_cost cost;
    err_t e = put_facts(p, v, id);
    reach_close(p->reach, id, &cost);
    visit_close(v);
    p->heavy -= is_heavy(v->port.kind);
    p->sum.packets_out += cost.packets;
    p->sum.bytes_out += cost.bytes;
    p->run.packets += cost.packets;
    p->run.bytes_out += cost.bytes;
    TRY(e);
    unsigned port = port_index(p, v->port.port);
    TRY(tell_breaker(p, &p->hosts[v->host], v->outcome));
    if (p->hosts[v->host].never)
        TRY(host_leave(p, v->host, port));
    return host_port_done(p, v->host, port, v->outcome);
}

void turn_event(void *ctx, const struct reach_event *e)
{
    struct probing *p = ctx;
    struct visit *v = p->visits[e->id];
    uint32_t ms;
    visit_event(v, p->reach, e, &p->times, &ms);
    if (ms)
        reach_deadline(p->reach, e->id, clock_deadline(ms));
    if ((v->closing || v->out.n) && !v->pending) {
        v->pending = true;
        p->pending[p->n_pending++] = e->id;
    }
}

static err_t write_messages(struct probing *p)
{
    for (unsigned i = 0; i < p->n_pending; i++) {
        struct visit *v = p->visits[p->pending[i]];
        struct talk *t = &v->machine.talk;
        if (v->out.n)
            TRY(ledger_message(&p->ledger, &v->ip, v->port.port, t->said, t->n_said, v->out.n));
        t->n_said = 0;
    }
    return ledger_write(&p->ledger, false);
}

err_t turn_flush(struct probing *p)
{
    TRY(write_messages(p));
    for (unsigned i = 0; i < p->n_pending; i++) {
        unsigned id = p->pending[i];
        struct visit *v = p->visits[id];
        v->pending = false;
        if (v->out.n) {
            v->bytes_out += v->out.n;
            v->machine.talk.bytes_out += (uint32_t)v->out.n;
            /* Gone meanwhile: its event follows. */
            (void)!reach_send(p->reach, id, wr_str(&v->out));
            wr_clear(&v->out);
        }
        if (v->closing)
            TRY(finish(p, id));
    }
    p->n_pending = 0;
    return OK;
}

err_t turn_stop(struct probing *p)
{
    for (unsigned i = 0; i < p->batch; i++) {
        struct visit *v = p->visits[i];
        if (!v || !p->hosts[v->host].busy || v->pending || !reach_in_use(p->reach, i))
            continue;
        visit_stop(v);
        v->pending = true;
        p->pending[p->n_pending++] = i;
    }
    return turn_flush(p);
}
