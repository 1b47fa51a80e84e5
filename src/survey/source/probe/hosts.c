/* Hosts under way: taken from the order one after another, passed over where no packet may go. */
#include "base/size.h"
#include "io/clock.h"
#include "survey/source/probe/run.h"

/* Places of the order that are looked at in one go: others may be passed over, millions of them. */
enum { LOOK_MAX = 16384 };

static void count_done(struct probing *p, uint64_t ports)
{
    p->sum.done += ports;
    progress_add(p->r->progress, ports, 0);
}

static err_t skip_host(struct probing *p, const struct ip *ip, const char *why)
{
    char text[IP_TEXT_MAX];
    p->sum.skipped += p->s->n_ports;
    progress_add(p->r->progress, p->s->n_ports, 0);
    return ledger_skip(&p->ledger, ip_text(ip, text), why);
}

/* Ports that have not had their connection yet; only a run that is taken up again can have any. */
static err_t ports_left(struct probing *p, const struct ip *ip, uint64_t *ret)
{
    uint64_t todo = 0;
    for (size_t i = 0; i < p->s->n_ports; i++) {
        bool had = false;
        if (p->run.resumed)
            TRY(inventory_has(p->r->inventory, &p->run, ip, p->s->ports[i].port, &had));
        todo |= had ? 0 : (uint64_t)1 << i;
    }
    *ret = todo;
    return OK;
}

static unsigned free_slot(const struct probing *p)
{
    unsigned i = 0;
    while (p->hosts[i].used)
        i++;
    return i;
}

static err_t take(struct probing *p, uint64_t place)
{
    struct ip ip = scope_host_at(p->s, order_at(&p->order, place));
    const char *why;
    uint64_t todo;
    if (p->r->shards > 1 && ip_shard(&ip, p->r->shards) != p->r->shard)
        return OK;
    /* Excluded networks stand in the plan, not address by address. */
    if (!scope_allows(p->s, &ip, &why))
        return OK;
    why = gate_forbids(p->gate, &ip);
    if (why)
        return skip_host(p, &ip, why);
    TRY(ports_left(p, &ip, &todo));
    count_done(p, p->s->n_ports - (unsigned)__builtin_popcountll(todo));
    if (todo == 0)
        return OK;
    unsigned slot = free_slot(p);
    p->hosts[slot] = (struct host_slot){.ip = ip, .place = place, .todo = todo, .used = true};
    p->n_hosts_used++;
    p->hosts_top = slot + 1 > p->hosts_top ? slot + 1 : p->hosts_top;
    return OK;
}

err_t hosts_fill(struct probing *p)
{
    /* At a rate, few hosts are enough to keep it; more would only be forgotten by a power cut. */
    unsigned most = (unsigned)size_min(HOSTS_MAX, (size_t)p->batch * 2);
    p->hungry = false;
    for (unsigned looked = 0; looked < LOOK_MAX; looked++) {
        if (p->n_hosts_used == most || p->next_place == p->n_hosts)
            return OK;
        TRY(take(p, p->next_place));
        p->next_place++;
    }
    p->hungry = true;
    return OK;
}

uint64_t hosts_position(const struct probing *p)
{
    uint64_t least = p->next_place;
    for (unsigned i = 0; i < p->hosts_top; i++)
        if (p->hosts[i].used && p->hosts[i].place < least)
            least = p->hosts[i].place;
    return least;
}

/* Ports that were closed are told of hosts that have an open one; of the rest there are figures. */
static err_t put_closed(struct probing *p, const struct host_slot *h)
{
    for (size_t i = 0; i < p->s->n_ports; i++) {
        struct str text = visit_refused_text((enum visit_outcome)h->outcomes[i]);
        if (text.n == 0 || h->outcomes[i] == VISIT_RESET)
            continue;
        p->evidence.n = 0;
        TRY(evidence_add(&p->evidence, BY_PROBE, EV_refused, text));
        TRY(inventory_put(p->r->inventory, &p->run, &h->ip, p->s->ports[i].port, &p->evidence,
                          clock_wall_us()));
    }
    return OK;
}

static err_t host_over(struct probing *p, unsigned slot)
{
    struct host_slot *h = &p->hosts[slot];
    err_t e = h->any_open ? put_closed(p, h) : OK;
    h->used = false;
    p->n_hosts_used--;
    while (p->hosts_top > 0 && !p->hosts[p->hosts_top - 1].used)
        p->hosts_top--;
    return e;
}

err_t host_port_done(struct probing *p, unsigned slot, unsigned port, enum visit_outcome outcome)
{
    struct host_slot *h = &p->hosts[slot];
    bool open = outcome == VISIT_OPEN || outcome == VISIT_RESET;
    h->todo &= ~((uint64_t)1 << port);
    h->outcomes[port] = (uint8_t)outcome;
    h->busy = false;
    h->any_open |= open;
    h->answered |= open || outcome == VISIT_REFUSED;
    h->ready_ms = p->pause_ms ? clock_deadline(p->pause_ms) : 0;
    p->sum.open += open;
    p->sum.refused += outcome == VISIT_REFUSED;
    p->sum.sum.bad += outcome == VISIT_OURS;
    p->sum.silent += outcome == VISIT_SILENT || outcome == VISIT_UNREACHABLE;
    count_done(p, 1);
    p->run.records++;
    return h->todo == 0 ? host_over(p, slot) : OK;
}

err_t host_leave(struct probing *p, unsigned slot, unsigned port)
{
    struct host_slot *h = &p->hosts[slot];
    char text[IP_TEXT_MAX];
    uint64_t rest = h->todo & ~((uint64_t)1 << port);
    unsigned left = (unsigned)__builtin_popcountll(rest);
    if (left == 0)
        return OK;
    h->todo &= ~rest;
    p->sum.skipped += left;
    progress_add(p->r->progress, left, 0);
    return ledger_skip(&p->ledger, ip_text(&h->ip, text), h->never);
}

err_t host_drop(struct probing *p, unsigned slot)
{
    unsigned left = (unsigned)__builtin_popcountll(p->hosts[slot].todo);
    p->sum.skipped += left;
    progress_add(p->r->progress, left, 0);
    return host_over(p, slot);
}
