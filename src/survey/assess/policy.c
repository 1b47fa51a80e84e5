#include "survey/assess/policy.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/size.h"
#include "base/wr.h"
#include "survey/core/input.h"

enum { ZONE_ANY = -1, ZONE_INTERNET = -2, ZONE_NONE = -3, POLICY_ARENA = 16 << 20 };

enum service {
    SERVICE_dicom,
    SERVICE_dicom_tls,
    SERVICE_hl7,
    SERVICE_hl7_tls,
    SERVICE_http,
    SERVICE_https,
    SERVICE_fhir,
    SERVICE_any,
    SERVICES
};

static const struct str service_names[SERVICES] = {
    STR_INIT("dicom"), STR_INIT("dicom-tls"), STR_INIT("hl7"),  STR_INIT("hl7-tls"),
    STR_INIT("http"),  STR_INIT("https"),     STR_INIT("fhir"), STR_INIT("any")};

struct rule {
    bool allow;
    int from, to; /* index of a zone or ZONE_* */
    uint32_t services;
    uint16_t ports[POLICY_SERVICES_MAX];
    size_t n_ports;
    unsigned line;
};

struct zone_network {
    struct network net;
    int zone;
};

struct policy {
    struct arena arena;
    const char *file;
    struct str zones[POLICY_ZONES_MAX];
    size_t n_zones;
    struct zone_network *networks;
    size_t n_networks;
    struct rule *rules;
    size_t n_rules;
    unsigned line; /* while parsing */
};

static err_t fault(const struct policy *p, struct diag *d, const char *what, struct str where)
{
    return diag_set(d, E_MALFORMED, "%s:%u: %s: %.*s", p->file, p->line, what,
                    (int)size_min(where.n, 80), where.p ? where.p : "");
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return s.n > 0 && s.n <= POLICY_NAME_MAX;
}

static int zone_index(const struct policy *p, struct str name)
{
    if (str_eq_nocase(name, STR("any")))
        return ZONE_ANY;
    if (str_eq_nocase(name, STR("internet")))
        return ZONE_INTERNET;
    for (size_t i = 0; i < p->n_zones; i++)
        if (str_eq_nocase(p->zones[i], name))
            return (int)i;
    return ZONE_NONE;
}

static err_t zone_add(struct policy *p, struct str name, int *ret, struct diag *d)
{
    int i = zone_index(p, name);
    if (!is_name(name) || i == ZONE_ANY || i == ZONE_INTERNET)
        return fault(p, d, "not a name for a zone", name);
    if (i == ZONE_NONE) {
        if (p->n_zones == POLICY_ZONES_MAX)
            return diag_set(d, E_LIMIT, "%s:%u: too many zones", p->file, p->line);
        struct str copy = arena_copy(&p->arena, name);
        if (!copy.p)
            return E_NOMEM;
        i = (int)p->n_zones;
        p->zones[p->n_zones++] = copy;
    }
    *ret = i;
    return OK;
}

/* "zone NAME = NETWORK, NETWORK" */
static err_t parse_zone(struct policy *p, struct str rest, struct diag *d)
{
    struct str name, part;
    int zone = ZONE_NONE;
    size_t equals = str_find(rest, '=');
    if (equals == rest.n)
        return fault(p, d, "a zone needs \"= NETWORK, ...\"", rest);
    name = str_trim(str_slice(rest, 0, equals));
    TRY(zone_add(p, name, &zone, d));
    rest = str_slice(rest, equals + 1, rest.n);
    while (str_split(&rest, ',', &part)) {
        struct zone_network *n = &p->networks[p->n_networks];
        if (p->n_networks == POLICY_NETWORKS_MAX)
            return diag_set(d, E_LIMIT, "%s:%u: too many networks", p->file, p->line);
        if (network_parse(str_trim(part), &n->net) != OK)
            return fault(p, d, "not a network", str_trim(part));
        n->zone = zone;
        p->n_networks++;
    }
    return OK;
}

static err_t parse_service(struct policy *p, struct rule *r, struct str s, struct diag *d)
{
    uint64_t port;
    for (size_t i = 0; i < SERVICES; i++)
        if (str_eq_nocase(s, service_names[i])) {
            r->services |= 1u << i;
            return OK;
        }
    if (!str_to_u64(s, 65535, &port) || port == 0)
        return fault(p, d, "not a service or port", s);
    if (r->n_ports == POLICY_SERVICES_MAX)
        return diag_set(d, E_LIMIT, "%s:%u: too many ports", p->file, p->line);
    r->ports[r->n_ports++] = (uint16_t)port;
    return OK;
}

static size_t find_text(struct str s, struct str what)
{
    for (size_t i = 0; i + what.n <= s.n; i++)
        if (str_eq(str_slice(s, i, what.n), what))
            return i;
    return s.n;
}

/* "FROM -> TO : SERVICE, SERVICE" */
static err_t parse_rule(struct policy *p, struct str rest, bool allow, struct diag *d)
{
    size_t arrow = find_text(rest, STR("->")), colon = str_find(rest, ':');
    if (arrow == rest.n || colon == rest.n || colon < arrow)
        return fault(p, d, "a rule is \"FROM -> TO : SERVICE, ...\"", rest);
    if (p->n_rules == POLICY_RULES_MAX)
        return diag_set(d, E_LIMIT, "%s:%u: too many rules", p->file, p->line);
    struct str from = str_trim(str_slice(rest, 0, arrow)), part;
    struct str to = str_trim(str_slice(rest, arrow + 2, colon - arrow - 2));
    struct str services = str_slice(rest, colon + 1, rest.n);
    struct rule r = {allow, zone_index(p, from), zone_index(p, to), .line = p->line};
    if (r.from == ZONE_NONE)
        return fault(p, d, "no zone line before this names it", from);
    if (r.to == ZONE_NONE)
        return fault(p, d, "no zone line before this names it", to);
    while (str_split(&services, ',', &part))
        TRY(parse_service(p, &r, str_trim(part), d));
    p->rules[p->n_rules++] = r;
    return OK;
}

static bool take_word(struct str *s, struct str word)
{
    if (s->n <= word.n || !str_eq_nocase(str_slice(*s, 0, word.n), word) ||
        (s->p[word.n] != ' ' && s->p[word.n] != '\t'))
        return false;
    *s = str_trim(str_slice(*s, word.n, s->n));
    return true;
}

static err_t parse_line(struct policy *p, struct str line, struct diag *d)
{
    line = str_trim(str_slice(line, 0, str_find(line, '#')));
    if (!line.n)
        return OK;
    if (take_word(&line, STR("zone")))
        return parse_zone(p, line, d);
    if (take_word(&line, STR("allow")))
        return parse_rule(p, line, true, d);
    if (take_word(&line, STR("deny")))
        return parse_rule(p, line, false, d);
    return fault(p, d, "a line begins with zone, allow or deny", line);
}

/* The longest prefix first; equal ones beside each other. */
static int by_prefix(const void *a, const void *b)
{
    const struct zone_network *x = a, *y = b;
    if (x->net.bits != y->net.bits)
        return x->net.bits < y->net.bits ? 1 : -1;
    return memcmp(x->net.bytes, y->net.bytes, sizeof x->net.bytes);
}

static err_t order(struct policy *p, struct diag *d)
{
    qsort(p->networks, p->n_networks, sizeof *p->networks, by_prefix);
    for (size_t i = 1; i < p->n_networks; i++) {
        const struct zone_network *a = &p->networks[i - 1], *b = &p->networks[i];
        if (by_prefix(a, b) == 0 && a->zone != b->zone)
            return diag_set(d, E_MALFORMED, "%s: the zones %.*s and %.*s name the same network",
                            p->file, STR_ARG(p->zones[a->zone]), STR_ARG(p->zones[b->zone]));
    }
    return OK;
}

static err_t parse_text(struct policy *p, struct str text, struct diag *d)
{
    struct str line;
    if (text.n > POLICY_TEXT_MAX)
        return diag_set(d, E_LIMIT, "%s: larger than a policy may be", p->file);
    p->networks = ARENA_ARRAY(&p->arena, POLICY_NETWORKS_MAX, struct zone_network);
    p->rules = ARENA_ARRAY(&p->arena, POLICY_RULES_MAX, struct rule);
    if (!p->networks || !p->rules)
        return E_NOMEM;
    while (str_split(&text, '\n', &line)) {
        p->line++;
        TRY(parse_line(p, line, d));
    }
    return order(p, d);
}

err_t policy_parse(struct str text, const char *file, struct policy **ret, struct diag *d)
{
    struct policy *p = calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    p->arena = arena_init(POLICY_ARENA);
    p->file = file;
    err_t e = parse_text(p, text, d);
    p->file = NULL;
    if (e != OK) {
        policy_free(p);
        return e;
    }
    *ret = p;
    return OK;
}

static err_t read_all(struct input *in, struct wr *w, struct diag *d)
{
    struct str block;
    do {
        TRY(input_block(in, &block, d));
        wr_put(w, block);
    } while (block.n && !w->bad);
    return w->bad ? diag_set(d, E_LIMIT, "larger than a policy may be") : OK;
}

err_t policy_load(const char *path, struct policy **ret, struct diag *d)
{
    struct input *in;
    TRY(input_open(path, &in, d));
    struct wr w = wr_heap(POLICY_TEXT_MAX);
    err_t e = read_all(in, &w, d);
    if (e == OK)
        e = policy_parse(wr_str(&w), path, ret, d);
    wr_done(&w);
    input_close(in);
    return e;
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    arena_done(&p->arena);
    free(p);
}

static void mask(uint8_t b[16], unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits > i * 8 ? size_min(bits - i * 8, 8) : 0;
        b[i] &= (uint8_t)(0xFF00u >> keep);
    }
}

/* Among the networks of one prefix length, from i on: found by halves. */
static const struct zone_network *find_prefix(const struct policy *p, size_t low, size_t high,
                                              const struct ip *ip)
{
    struct zone_network key = {.net = {.bits = p->networks[low].net.bits}};
    memcpy(key.net.bytes, ip->b, sizeof key.net.bytes);
    mask(key.net.bytes, key.net.bits);
    return bsearch(&key, p->networks + low, high - low, sizeof key, by_prefix);
}

struct str policy_zone(const struct policy *p, const struct ip *ip)
{
    for (size_t i = 0, end; i < p->n_networks; i = end) {
        size_t low = i, high = p->n_networks;
        while (low < high) { /* where this length ends */
            size_t mid = low + (high - low) / 2;
            if (p->networks[mid].net.bits == p->networks[i].net.bits)
                low = mid + 1;
            else
                high = mid;
        }
        end = low;
        const struct zone_network *n = find_prefix(p, i, end, ip);
        if (n)
            return p->zones[n->zone];
    }
    return ip_is_public(ip) ? STR("internet") : STR("");
}

bool policy_has_zone(const struct policy *p, struct str zone)
{
    return zone.n && zone_index(p, zone) != ZONE_NONE;
}

static bool zone_fits(int rule, int zone)
{
    return rule == ZONE_ANY || rule == zone;
}

static bool service_fits(const struct rule *r, struct str service, uint16_t port)
{
    if (r->services & 1u << SERVICE_any)
        return true;
    for (size_t i = 0; i < SERVICE_any; i++)
        if (r->services & 1u << i && str_eq_nocase(service, service_names[i]))
            return true;
    for (size_t i = 0; i < r->n_ports; i++)
        if (r->ports[i] == port)
            return true;
    return false;
}

bool policy_allows(const struct policy *p, struct str from, struct str to, struct str service,
                   uint16_t port, unsigned *ret_line)
{
    int zf = zone_index(p, from), zt = zone_index(p, to);
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *r = &p->rules[i];
        if (!zone_fits(r->from, zf) || !zone_fits(r->to, zt) || !service_fits(r, service, port))
            continue;
        *ret_line = r->line;
        return r->allow;
    }
    *ret_line = 0;
    return zf == zt && zf >= 0;
}
