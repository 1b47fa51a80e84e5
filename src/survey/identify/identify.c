#include "survey/identify/identify.h"

#include "base/size.h"
#include "base/wr.h"
#include "survey/identify/group.h"
#include "survey/identify/honeypot.h"
#include "survey/identify/role.h"
#include "survey/identify/tally.h"

/* A host of very many ports is a honeypot or a gateway; a few clues of each must do. */
enum { PORTS_TEXT_MAX = 2000, PORTS_MANY = 64, CLUES_FEW = 16 };

/* A host in the making. */
struct host_work {
    const struct host *host;
    struct arena *arena;
    struct place *places;
    size_t n;
    struct place *own; /* the host's own facts; NULL: none */
    int groups;
};

static err_t look(struct host_work *w, struct fp_matcher *m)
{
    for (size_t i = 0; i < w->n; i++) {
        struct place *p = &w->places[i];
        p->endpoint = &w->host->endpoints[i];
        TRY(clues_init(&p->clues, w->n > PORTS_MANY ? CLUES_FEW : 2 * p->endpoint->e->n + 8,
                       w->arena));
        clues_look(&p->clues, m, p->endpoint->e, w->arena);
        judge(&p->clues, w->arena, &p->verdict);
        p->group = NO_GROUP;
    }
    return OK;
}

/* The host's own facts come first and are no endpoint. */
static void set_own_apart(struct host_work *w)
{
    if (w->n == 0 || w->places[0].endpoint->port != 0)
        return;
    w->own = w->places;
    w->places++;
    w->n--;
}

static const struct fact *host_fact(const struct host *h, enum ev_kind kind)
{
    const struct fact *best = NULL, *f;
    for (size_t i = 0; i < h->n; i++) {
        size_t at = 0;
        f = evidence_next(h->endpoints[i].e, kind, &at);
        if (f && (!best || f->by > best->by))
            best = f;
    }
    return best;
}

static struct str host_text(const struct host *h, enum ev_kind kind)
{
    const struct fact *f = host_fact(h, kind);
    return f ? f->value : STR("");
}

static struct str maker_of(const struct host *h)
{
    struct str said = host_text(h, EV_maker), mac = host_text(h, EV_mac);
    const struct fingerprint *fp = said.n ? NULL : fp_by_mac(mac);
    return fp ? fp->vendor : said;
}

static void fill_host(struct system *s, const struct host *h)
{
    static const struct {
        enum ev_kind kind;
        size_t offset;
    } t[] = {{EV_hostname, offsetof(struct system, hostname)},
             {EV_country, offsetof(struct system, country)},
             {EV_city, offsetof(struct system, city)},
             {EV_site, offsetof(struct system, site)},
             {EV_zone, offsetof(struct system, zone)},
             {EV_owner, offsetof(struct system, owner)},
             {EV_organisation, offsetof(struct system, organisation)}};
    for (size_t i = 0; i < COUNT(t); i++)
        *(struct str *)(void *)((char *)s + t[i].offset) = host_text(h, t[i].kind);
    s->maker = maker_of(h);
    s->ip = h->ip;
    s->open_calling = s->open_called = s->open_query = s->open_retrieve = -1;
    s->open_store = s->open_print = s->cleartext = s->tls = s->web_open = s->is_public = -1;
    s->studies = s->images = -1;
}

static const char *protocol_name(const struct clues *c)
{
    bool tls = c->spoken & SPOKEN_tls;
    if (c->spoken & SPOKEN_dicom)
        return tls ? "dicom-tls" : "dicom";
    if (c->spoken & SPOKEN_hl7)
        return tls ? "hl7-tls" : "hl7";
    if (c->spoken & SPOKEN_fhir)
        return "fhir";
    if (c->spoken & SPOKEN_http)
        return tls ? "https" : "http";
    if (c->spoken & SPOKEN_caller)
        return "dicom-client";
    return tls ? "tls" : "tcp";
}

static void add_port(struct wr *w, const struct place *p)
{
    wr_printf(w, "%s%u/%s", w->n ? " " : "", p->endpoint->port, protocol_name(&p->clues));
}

/* The endpoint that tells most. */
static unsigned telling(const struct place *p)
{
    const struct verdict *v = &p->verdict;
    unsigned dicom = p->clues.spoken & SPOKEN_dicom ? 2 : 0;
    return 10 * v->points + 4 * (v->toolkit.name.n > 0) + 3 * (v->vendor.vendor.n > 0) + dicom +
           (v->type != TYPE_none);
}

static enum verification level_of(const struct system *s, const struct clues *c)
{
    enum { MEDICAL = SPOKEN_dicom | SPOKEN_hl7 | SPOKEN_fhir | SPOKEN_http | SPOKEN_caller };
    if (s->product.name.n && s->product.version.n && !s->product.said)
        return VER_version;
    if (s->product.name.n)
        return VER_product;
    if (c->spoken & MEDICAL)
        return VER_protocol;
    return c->spoken & SPOKEN_open ? VER_port : VER_none;
}

static void take_verdict(struct system *s, const struct verdict *v)
{
    s->type = v->type;
    s->type_conf = v->type_conf;
    s->type_why = v->type_why;
    s->product = v->product;
    s->toolkit = v->toolkit;
    s->vendor = v->vendor;
}

/* The system of the places of a group, and of the host's own facts when they are its. */
static err_t conclude(struct host_work *w, int group, bool with_own, struct system *ret)
{
    struct clues all;
    struct verdict v;
    char text[PORTS_TEXT_MAX];
    struct wr ports = wr_fixed(text, sizeof(text));
    const struct place *most = NULL;
    TRY(clues_init(&all, CLUES_MAX, w->arena));
    for (size_t i = 0; i < w->n; i++) {
        const struct place *p = &w->places[i];
        if (p->group != group)
            continue;
        clues_join(&all, &p->clues);
        add_port(&ports, p);
        if (!most || telling(p) > telling(most))
            most = p;
    }
    if (with_own) {
        clues_join(&all, &w->own->clues);
        if (w->own->clues.spoken & SPOKEN_caller)
            add_port(&ports, w->own);
    }
    judge(&all, w->arena, &v);
    *ret = (struct system){0};
    fill_host(ret, w->host);
    take_verdict(ret, &v);
    ret->port = most ? most->endpoint->port : 0;
    ret->ports = arena_copy(w->arena, wr_str(&ports));
    ret->level = level_of(ret, &all);
    return ret->ports.p ? OK : E_NOMEM;
}

/* Whether the host's own facts make it a device or system whatever its ports say. */
static bool own_is_medical(const struct host_work *w)
{
    return w->own && (w->own->verdict.type != TYPE_none ||
                      (w->own->clues.role && role_type(w->own->clues.role->value) != TYPE_none));
}

/* All that answers on a device belongs to it. */
static void take_all(struct host_work *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->places[i].clues.spoken)
            w->places[i].group = 0;
    w->groups = 1;
}

/* One thing by the site's own word, and nothing that answers there has a name of its own. */
static bool is_one_by_site(const struct host_work *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->places[i].verdict.best)
            return false;
    return w->own && w->own->clues.role && role_type(w->own->clues.role->value) != TYPE_none;
}

/* Of several systems the host's own facts are the one's whose type they tell; else nobody's. */
static int owner_of_own(const struct host_work *w)
{
    int found = NO_GROUP;
    if (!w->own)
        return NO_GROUP;
    if (w->groups == 1)
        return 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct place *p = &w->places[i];
        bool same = p->group != NO_GROUP && p->verdict.type == w->own->verdict.type;
        if (same && found != NO_GROUP && found != p->group)
            return NO_GROUP;
        if (same)
            found = p->group;
    }
    return found;
}

/* One system whatever it pretends to be; what it pretends stays in the product, if it is the
 * honeypot's own name. */
static err_t conclude_honeypot(struct host_work *w, unsigned points, struct str why,
                               struct system *ret)
{
    for (size_t i = 0; i < w->n; i++)
        w->places[i].group = w->places[i].verdict.type != TYPE_none ? 0 : NO_GROUP;
    TRY(conclude(w, 0, w->own != NULL, ret));
    for (size_t i = 0; i < w->n; i++) {
        const struct verdict *v = &w->places[i].verdict;
        if (v->best && v->best->role == ROLE_honeypot && v->product.name.n)
            ret->product = v->product;
    }
    const struct str name = ret->product.name;
    bool own_name = false;
    for (size_t i = 0; i < fingerprint_count() && name.n && !own_name; i++)
        own_name =
            fingerprint_at(i)->role == ROLE_honeypot && str_eq(fingerprint_at(i)->product, name);
    if (!own_name) {
        ret->product = (struct answer){0};
        ret->vendor = (struct answer){0};
    }
    ret->type = TYPE_honeypot;
    ret->type_conf = tally_confidence(points);
    ret->type_why = arena_copy(w->arena, why);
    if (ret->level > VER_product)
        ret->level = VER_product;
    if (!own_name && ret->level > VER_protocol)
        ret->level = VER_protocol;
    return ret->type_why.p ? OK : E_NOMEM;
}

static err_t conclude_all(struct host_work *w, struct system *ret, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    w->groups = group_places(w->places, w->n);
    if ((w->groups == 0 && own_is_medical(w)) || (w->groups > 1 && is_one_by_site(w)))
        take_all(w);
    int own = owner_of_own(w);
    for (int g = 0; g < w->groups && n < cap; g++) {
        TRY(conclude(w, g, g == own, &ret[n]));
        n += ret[n].type != TYPE_none;
    }
    *ret_n = n;
    return OK;
}

/* A site knows its own gateways and test machines: against its word only sure signs stand. */
static bool is_honeypot(const struct host_work *w, unsigned points)
{
    for (size_t i = 0; i < w->n && points < POINTS_high; i++)
        if (w->places[i].clues.role && role_type(w->places[i].clues.role->value) != TYPE_none)
            return false;
    return points >= POINTS_medium;
}

err_t identify_host(struct fp_matcher *m, const struct host *h, struct arena *a, struct system *ret,
                    size_t cap, size_t *ret_n)
{
    struct host_work w = {.host = h, .arena = a, .n = h->n};
    char text[WHY_MAX];
    struct wr why = wr_fixed(text, sizeof(text));
    w.places = ARENA_ARRAY(a, h->n, struct place);
    if (!w.places)
        return E_NOMEM;
    TRY(look(&w, m));
    unsigned points = honeypot_points(w.places, w.n, &why);
    bool honeypot = is_honeypot(&w, points);
    set_own_apart(&w);
    if (honeypot && cap > 0) {
        TRY(conclude_honeypot(&w, points, wr_str(&why), ret));
        *ret_n = 1;
        return OK;
    }
    return conclude_all(&w, ret, cap, ret_n);
}

int identify_owner(const struct system *systems, size_t n, uint16_t port)
{
    for (size_t i = 0; i < n; i++) {
        struct str ports = systems[i].ports, one;
        while (ports.n && str_split(&ports, ' ', &one)) {
            uint64_t number;
            if (str_to_u64(str_slice(one, 0, str_find(one, '/')), UINT16_MAX, &number) &&
                number == port)
                return (int)i;
        }
    }
    return -1;
}
