#include "survey/report/json_systems.h"

#include "base/size.h"
#include "survey/report/json_text.h"

static void ternary(struct json *j, const char *name, int8_t v)
{
    if (v < 0)
        member_none(j, name);
    else
        member_bool(j, name, v == 1);
}

static void count(struct json *j, const char *name, int64_t n)
{
    if (n < 0)
        member_none(j, name);
    else
        member_u64(j, name, (uint64_t)n);
}

static void put_answer(struct walk *walk, struct json *j, const char *name, const struct system *s,
                       const struct answer *a)
{
    member_object(j, name);
    member_text(j, "vendor", name_safe(walk->r, s, a->vendor));
    member_text(j, "name", name_safe(walk->r, s, a->name));
    member_text(j, "version", name_safe(walk->r, s, a->version));
    member_text(j, "confidence", confidence_name(a->conf));
    member_text(j, "why", walk->r->redact ? STR("") : a->why);
    json_end(j);
}

void json_cves(struct json *j, const struct finding *f)
{
    struct str rest = f->cves.n ? f->cves : f->cve, one;
    member_array(j, "cves");
    while (rest.n && str_split(&rest, ' ', &one))
        json_clean(j, one);
    json_end(j);
}

static void put_finding(struct walk *walk, struct json *j, const struct system *s,
                        const struct finding *f)
{
    bool hide = walk->r->redact;
    json_open_object(j);
    member_text(j, "finding", f->kind);
    member_text(j, "severity", severity_name(f->severity));
    member_text(j, "verification", verification_name(f->level));
    member_u64(j, "port", f->port);
    member_text(j, "evidence", hide ? STR("") : f->evidence);
    member_text(j, "evidence_it", hide ? STR("") : f->evidence_it);
    if (f->state != STATE_none) {
        member_text(j, "cve", f->cve);
        json_cves(j, f);
        member_text(j, "advisory", f->advisory);
        member_text(j, "match", state_name(f->state));
        member_text(j, "component", name_safe(walk->r, s, f->component));
        json_key(j, STR("cvss"));
        if (f->cvss < 0)
            json_none(j);
        else
            json_double(j, f->cvss / 10.0);
        member_text(j, "cvss_source", f->cvss_source);
        member_bool(j, "exploited", f->exploited);
    }
    if (f->accepted_until.n) {
        member_object(j, "accepted");
        member_text(j, "by", hide ? STR("") : f->accepted_by);
        member_text(j, "until", f->accepted_until);
        member_text(j, "why", hide ? STR("") : f->accepted_why);
        json_end(j);
    }
    json_end(j);
}

static void put_openness(struct json *j, const struct system *s)
{
    ternary(j, "any_calling_ae", s->open_calling);
    ternary(j, "any_called_ae", s->open_called);
    ternary(j, "query_open", s->open_query);
    ternary(j, "retrieve_open", s->open_retrieve);
    ternary(j, "store_open", s->open_store);
    ternary(j, "print_open", s->open_print);
    ternary(j, "web_without_signin", s->web_open);
    ternary(j, "cleartext", s->cleartext);
    ternary(j, "tls", s->tls);
    ternary(j, "public", s->is_public);
    count(j, "studies", s->studies);
    count(j, "images", s->images);
    member_u64(j, "clear_objects", s->clear_objects);
    member_u64(j, "clear_values", s->clear_values);
    member_text(j, "clear_fields", s->clear_fields);
}

static void put_host(struct walk *walk, struct json *j, const struct system *s)
{
    const struct {
        const char *name;
        struct str text;
    } secrets[] = {{"hostname", s->hostname}, {"city", s->city},
                   {"site", s->site},         {"zone", s->zone},
                   {"owner", s->owner},       {"organisation", s->organisation}};
    for (size_t i = 0; i < COUNT(secrets); i++)
        member_text(j, secrets[i].name, walk->r->redact ? STR("") : secrets[i].text);
    member_text(j, "country", s->country);
    member_text(j, "maker", name_safe(walk->r, s, s->maker));
    member_text(j, "first_seen", s->first_seen);
    member_text(j, "last_seen", s->last_seen);
    member_text(j, "changed", s->changed);
    member_bool(j, "stale", s->stale);
}

static err_t put_system(struct walk *walk, const struct system *s, const struct finding *f,
                        size_t n)
{
    struct json *j = walk->ctx;
    char number[NAME_MAX_TEXT], ip[IP_TEXT_MAX];
    json_open_object(j);
    member_text(j, "number", name_number(walk->seq, number));
    member_text(j, "address", walk->r->redact ? STR("") : ip_text(&s->ip, ip));
    member_u64(j, "port", s->port);
    member_text(j, "ports", s->ports);
    member_text(j, "type", type_name(s->type));
    member_text(j, "type_confidence", confidence_name(s->type_conf));
    member_text(j, "type_why", walk->r->redact ? STR("") : s->type_why);
    put_answer(walk, j, "product", s, &s->product);
    put_answer(walk, j, "toolkit", s, &s->toolkit);
    put_answer(walk, j, "vendor", s, &s->vendor);
    member_text(j, "verification", verification_name(s->level));
    put_openness(j, s);
    put_host(walk, j, s);
    member_array(j, "findings");
    for (size_t i = 0; i < n; i++)
        put_finding(walk, j, s, &f[i]);
    json_end(j);
    json_end(j);
    return OK;
}

err_t json_systems(struct report *r, struct json *j)
{
    member_array(j, "systems");
    struct walk walk = {.r = r, .w = j->w, .each = put_system, .ctx = j};
    TRY(walk_systems(&walk));
    json_end(j);
    return OK;
}
