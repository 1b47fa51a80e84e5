/* Segmentation: who reached a system from which zone, held against the policy. A capture shows
 * clients by address; a probe stands in the zone that it was made from. */
#include "base/size.h"
#include "survey/assess/inside.h"

enum { BREACHES_MAX = 32 };

/* One zone that reached one service against the policy. */
struct breach {
    struct str from, service;
    uint16_t port;
    unsigned line;
    uint64_t clients, connections;
    struct ip client; /* one of them */
};

struct breaches {
    struct breach at[BREACHES_MAX];
    size_t n;
};

static struct str zone_of_host(const struct assess_options *o, const struct host *h)
{
    struct str zone = policy_zone(o->policy, &h->ip);
    for (size_t i = 0; i < h->n && (!zone.n || str_eq(zone, STR("internet"))); i++) {
        struct str said = evidence_get(h->endpoints[i].e, EV_zone);
        if (policy_has_zone(o->policy, said))
            return said;
    }
    return zone;
}

/* FHIR goes over HTTPS: a rule for either lets it pass. */
static bool allowed(const struct policy *p, struct str from, struct str to, struct str service,
                    uint16_t port, unsigned *ret_line)
{
    if (policy_allows(p, from, to, service, port, ret_line))
        return true;
    unsigned other;
    return str_eq(service, STR("fhir")) && policy_allows(p, from, to, STR("https"), port, &other);
}

static void say_clients(struct said *words, const struct breach *b)
{
    char ip[IP_TEXT_MAX];
    say(words, ": %llu connections of %llu clients such as %.*s",
        ": %llu connessioni di %llu client come %.*s", (unsigned long long)b->connections,
        (unsigned long long)b->clients, STR_ARG(ip_text(&b->client, ip)));
}

static err_t tell(const struct look *l, const struct breach *b, struct str to)
{
    struct said words;
    struct finding f = {.kind = STR("segmentation_violation"),
                        .severity = str_eq(b->from, STR("internet")) ? SEV_critical : SEV_OF_KIND,
                        .level = VER_protocol,
                        .port = b->port};
    said_begin(&words);
    if (b->clients)
        say(&words, "zone %.*s", "la zona %.*s", STR_ARG(b->from));
    else
        say(&words, "our probe in zone %.*s", "la nostra sonda nella zona %.*s", STR_ARG(b->from));
    if (b->service.n)
        say(&words, " reached %.*s on", " ha raggiunto %.*s sulla", STR_ARG(b->service));
    else
        say(&words, " reached", " ha raggiunto la");
    say(&words, " port %u in zone %.*s", " porta %u nella zona %.*s", b->port, STR_ARG(to));
    if (b->clients)
        say_clients(&words, b);
    if (b->line)
        say(&words, "; line %u of the policy denies it", "; la riga %u della politica lo vieta",
            b->line);
    else
        say(&words, "; no rule of the policy allows it",
            "; nessuna regola della politica lo permette");
    return look_said(l, f, &words);
}

static bool has_spoken(const struct evidence *e)
{
    return service_of(e).n || has(e, EV_port_open) || has(e, EV_transport);
}

static err_t probed_from(const struct look *l, const struct endpoint *p, struct str from,
                         struct str to)
{
    struct breach b = {.from = from, .service = service_of(p->e), .port = p->port};
    if (!policy_has_zone(l->o->policy, from) ||
        allowed(l->o->policy, from, to, b.service, p->port, &b.line))
        return OK;
    return tell(l, &b, to);
}

err_t look_at_zones(const struct look *l)
{
    const struct endpoint *p;
    const struct fact *f;
    struct str to = l->o->policy ? zone_of_host(l->o, l->h) : STR("");
    if (!to.n)
        return OK;
    for (size_t i = 0; (p = look_next(l, &i));) {
        if (!said_by(p->e, BY_PROBE) || !has_spoken(p->e))
            continue;
        size_t k = 0, n = 0;
        for (; (f = evidence_next(p->e, EV_reached_from, &k)); n++)
            TRY(probed_from(l, p, f->value, to));
        if (!n && l->o->vantage.n)
            TRY(probed_from(l, p, l->o->vantage, to));
    }
    return OK;
}

/* What a flow spoke, by the capture or by what is known of the endpoint. */
static struct str flow_service(const struct flow *f, const struct host *h)
{
    static const struct str clear[][2] = {{STR_INIT("dicom"), STR_INIT("dicom-tls")},
                                          {STR_INIT("hl7"), STR_INIT("hl7-tls")},
                                          {STR_INIT("http"), STR_INIT("https")},
                                          {STR_INIT("fhir"), STR_INIT("fhir")}};
    for (size_t i = 0; i < COUNT(clear); i++)
        if (str_eq(f->protocol, clear[i][0]))
            return clear[i][f->clear ? 0 : 1];
    for (size_t i = 0; i < h->n; i++)
        if (h->endpoints[i].port == f->port)
            return service_of(h->endpoints[i].e);
    return STR("");
}

/* Encrypted and of a kind that is not known: allowed where any encrypted service is. */
static bool flow_allowed(const struct policy *p, const struct breach *b, struct str to,
                         unsigned *ret_line)
{
    static const struct str kinds[] = {STR_INIT("https"), STR_INIT("dicom-tls"),
                                       STR_INIT("hl7-tls")};
    if (allowed(p, b->from, to, b->service, b->port, ret_line))
        return true;
    unsigned line;
    for (size_t i = 0; i < COUNT(kinds) && !b->service.n; i++)
        if (policy_allows(p, b->from, to, kinds[i], b->port, &line))
            return true;
    return false;
}

static void add_breach(struct breaches *all, const struct breach *b, const struct flow *f)
{
    for (size_t i = 0; i < all->n; i++) {
        struct breach *x = &all->at[i];
        if (x->port != b->port || !str_eq(x->from, b->from) || !str_eq(x->service, b->service))
            continue;
        x->clients += ip_cmp(&x->client, &f->client) != 0;
        x->client = f->client;
        x->connections += f->connections;
        return;
    }
    if (all->n == BREACHES_MAX)
        return;
    all->at[all->n] = *b;
    all->at[all->n].clients = 1;
    all->at[all->n].client = f->client;
    all->at[all->n++].connections = f->connections;
}

static bool is_owner(const struct look *l, uint16_t port)
{
    const struct endpoint *p;
    for (size_t i = 0; (p = look_next(l, &i));)
        if (p->port == port)
            return true;
    return false;
}

err_t assess_flows(const struct assess_options *o, const struct system *s, const struct host *h,
                   const struct flow *flows, size_t n, struct arena *a,
                   err_t (*each)(void *ctx, const struct finding *f), void *ctx)
{
    struct system copy = *s;
    struct look l = {o, &copy, h, a, each, ctx};
    struct breaches all = {.n = 0};
    struct str to = o->policy ? zone_of_host(o, h) : STR("");
    for (size_t i = 0; i < n && to.n; i++) {
        const struct flow *f = &flows[i];
        struct breach b = {.from = policy_zone(o->policy, &f->client),
                           .service = flow_service(f, h),
                           .port = f->port};
        if (!b.from.n || !is_owner(&l, f->port) || flow_allowed(o->policy, &b, to, &b.line))
            continue;
        if (!b.service.n)
            b.service = f->protocol;
        add_breach(&all, &b, f);
    }
    for (size_t i = 0; i < all.n; i++)
        TRY(tell(&l, &all.at[i], to));
    return OK;
}
