#include "survey/source/probe/gate.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/size.h"
#include "survey/identify/fingerprint.h"

#define RECOGNISED "recognised as a device that is never probed"

struct entry {
    struct ip ip;
    const char *why;
};

struct gate {
    const struct scope *scope;
    struct entry *list;
    size_t n, cap;
};

/* Types that stand by a patient or hold one's blood. */
static bool is_fragile(enum sys_type t)
{
    return t == TYPE_patient_monitor || t == TYPE_infusion_pump || t == TYPE_ecg ||
           t == TYPE_other_device;
}

/* Words of a site's own list, beginnings in English and Italian. */
static const struct str words[] = {
    STR_INIT("monitor"),  STR_INIT("pump"),     STR_INIT("pompa"),   STR_INIT("pompe"),
    STR_INIT("infusion"), STR_INIT("ventilat"), STR_INIT("respira"), STR_INIT("defibril"),
    STR_INIT("dialy"),    STR_INIT("dialis"),   STR_INIT("analyz"),  STR_INIT("analys"),
    STR_INIT("analizz"),  STR_INIT("ecg"),      STR_INIT("anaesth"), STR_INIT("anesthe"),
    STR_INIT("anestes"),  STR_INIT("telemetr"),
};

static bool role_is_fragile(struct str role)
{
    if (is_fragile(type_by_name(role)))
        return true;
    for (size_t w = 0; w < COUNT(words); w++)
        for (size_t i = 0; i + words[w].n <= role.n; i++)
            if (str_eq_nocase(str_slice(role, i, words[w].n), words[w]))
                return true;
    return false;
}

static const char *by_match(struct str value)
{
    const struct fingerprint *fp = fingerprint_by_id(str_slice(value, 0, str_find(value, ' ')));
    return fp && is_fragile(fp->type) ? RECOGNISED : NULL;
}

static const char *why_not(const struct gate *g, const struct fact *f)
{
    switch (f->kind) {
    case EV_never_probe:
        return "on the inventory's do-not-probe list";
    case EV_mac:
        if (scope_mac_forbidden(g->scope, f->value))
            return "hardware address that the scope forbids";
        return fp_never_probe_mac(f->value) ? "hardware address of a maker of fragile devices"
                                            : NULL;
    case EV_hostname:
        return scope_name_forbidden(g->scope, f->value) ? "name that the scope forbids" : NULL;
    case EV_role:
        return role_is_fragile(f->value) ? "by the site's own list a device that is never probed"
                                         : NULL;
    case EV_match:
        return by_match(f->value);
    default:
        return NULL;
    }
}

static err_t add(struct gate *g, const struct ip *ip, const char *why)
{
    const char *ignored;
    if (!scope_allows(g->scope, ip, &ignored))
        return OK;
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 256;
        struct entry *list = cap > GATE_MAX ? NULL : realloc(g->list, cap * sizeof *list);
        if (!list)
            return cap > GATE_MAX ? E_LIMIT : E_NOMEM;
        g->list = list;
        g->cap = cap;
    }
    g->list[g->n++] = (struct entry){*ip, why};
    return OK;
}

static err_t on_host(void *ctx, const struct host *h)
{
    struct gate *g = ctx;
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < h->endpoints[i].e->n; k++) {
            const char *why = why_not(g, &h->endpoints[i].e->facts[k]);
            if (why)
                return add(g, &h->ip, why);
        }
    return OK;
}

static err_t on_system(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    (void)f;
    (void)n;
    return is_fragile(s->type) ? add(ctx, &s->ip, RECOGNISED) : OK;
}

/* Surveys are few; they are listed before they are read, for one statement runs at a time. */
struct survey_list {
    int64_t ids[1024];
    size_t n;
};

static err_t on_survey(void *ctx, const struct survey *s)
{
    struct survey_list *l = ctx;
    if (l->n == COUNT(l->ids))
        return E_LIMIT;
    l->ids[l->n++] = s->id;
    return OK;
}

static int order(const void *a, const void *b)
{
    return ip_cmp(&((const struct entry *)a)->ip, &((const struct entry *)b)->ip);
}

/* Each host once: several surveys and several facts may tell of it. */
static void tidy(struct gate *g)
{
    size_t kept = 0;
    if (g->n)
        qsort(g->list, g->n, sizeof *g->list, order);
    for (size_t i = 0; i < g->n; i++)
        if (kept == 0 || ip_cmp(&g->list[kept - 1].ip, &g->list[i].ip) != 0)
            g->list[kept++] = g->list[i];
    g->n = kept;
}

static err_t fill(struct gate *g, struct inventory *v)
{
    struct survey_list surveys = {.n = 0};
    TRY(inventory_surveys(v, on_survey, &surveys));
    for (size_t i = 0; i < surveys.n; i++) {
        TRY(inventory_hosts(v, surveys.ids[i], on_host, g));
        TRY(inventory_systems(v, surveys.ids[i], on_system, g));
        tidy(g);
    }
    return OK;
}

err_t gate_new(struct inventory *v, const struct scope *s, struct gate **ret, struct diag *d)
{
    struct gate *g = calloc(1, sizeof *g);
    if (!g)
        return E_NOMEM;
    g->scope = s;
    err_t e = fill(g, v);
    if (e == OK) {
        *ret = g;
        return OK;
    }
    gate_free(g);
    return e == E_LIMIT ? diag_set(d, e,
                                   "more than %d hosts of the scope are on do-not-probe lists: "
                                   "split the scope",
                                   GATE_MAX)
                        : e;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    free(g->list);
    free(g);
}

const char *gate_forbids(const struct gate *g, const struct ip *ip)
{
    const struct entry key = {.ip = *ip};
    const struct entry *found = g->n ? bsearch(&key, g->list, g->n, sizeof *g->list, order) : NULL;
    return found ? found->why : NULL;
}

const char *gate_recognises(const struct gate *g, struct fp_matcher *m, const struct evidence *e)
{
    struct fp_match found[16];
    const char *why = NULL;
    for (size_t i = 0; i < e->n && !why; i++) {
        size_t n = fp_match_fact(m, &e->facts[i], e->arena, found, COUNT(found));
        why = why_not(g, &e->facts[i]);
        for (size_t k = 0; k < n && !why; k++)
            why = is_fragile(found[k].fp->type) ? RECOGNISED : NULL;
    }
    return why;
}

size_t gate_count(const struct gate *g)
{
    return g->n;
}
