#include "assess_host.h"

#include "base/size.h"

#include <stdio.h>

struct made *made_new(const struct advisories *a, const char *ip)
{
    struct made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->arena = arena_init(8 << 20);
    m->host.endpoints = m->points;
    assert_ok(ip_parse(str_z(ip), &m->host.ip));
    m->system = (struct system){.ip = m->host.ip,
                                .type = TYPE_pacs,
                                .ports = STR(""),
                                .type_why = STR("test"),
                                .level = VER_product};
    m->o = (struct assess_options){.advisories = a, .today = "2026-11-22"};
    return m;
}

void made_free(struct made *m)
{
    arena_done(&m->arena);
    free(m);
}

static struct endpoint *point(struct made *m, uint16_t port)
{
    for (size_t i = 0; i < m->host.n; i++)
        if (m->points[i].port == port)
            return &m->points[i];
    assert_true(m->host.n < POINTS_MAX);
    struct endpoint *p = &m->points[m->host.n++];
    struct evidence *e = ARENA_NEW(&m->arena, struct evidence);
    char ports[128];
    assert_non_null(e);
    evidence_init(e, &m->arena);
    *p = (struct endpoint){.port = port, .e = e};
    if (!port)
        return p;
    m->system.port = m->system.port ? m->system.port : port;
    int n = snprintf(ports, sizeof ports, "%.*s%s%u/x", STR_ARG(m->system.ports),
                     m->system.ports.n ? " " : "", port);
    m->system.ports = arena_copy(&m->arena, str_of(ports, (size_t)n));
    return p;
}

void made_fact(struct made *m, uint16_t port, enum ev_by by, enum ev_kind kind, const char *value)
{
    assert_ok(evidence_keep(point(m, port)->e, by, kind, str_z(value)));
}

/* Numbers and names stay; what is said of them does not. */
static void says_it_in_italian(const struct finding *f)
{
    static const char *const english[] = {" the ",   " was ",  "port ",     " its ",  " and ",
                                          " search", "known ", "affected ", " worst", "reached"};
    if (str_eq(f->evidence, f->evidence_it) && !str_eq(f->kind, STR("honeypot_suspected")))
        fail_msg("in both languages alike: %.*s", STR_ARG(f->evidence));
    bool quotes = str_eq(f->kind, STR("never_probe")); /* what somebody wrote in a list */
    for (size_t i = 0; i < COUNT(english) && !quotes; i++)
        for (size_t k = 0; k < f->evidence_it.n; k++)
            if (str_starts(str_slice(f->evidence_it, k, SIZE_MAX), str_z(english[i])))
                fail_msg("English in \"%.*s\"", STR_ARG(f->evidence_it));
}

err_t made_on_finding(void *ctx, const struct finding *f)
{
    struct made *m = ctx;
    assert_true(m->n < FOUND_MAX);
    assert_non_null(finding_by_name(f->kind));
    assert_true(f->evidence.n > 0 && f->evidence_it.n > 0);
    says_it_in_italian(f);
    m->found[m->n++] = *f;
    return OK;
}

void made_assess(struct made *m)
{
    m->n = 0;
    assert_ok(assess_system(&m->o, &m->system, &m->host, &m->arena, made_on_finding, m));
}

size_t made_count(const struct made *m, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += str_eq(m->found[i].kind, str_z(kind));
    return n;
}

const struct finding *made_first(const struct made *m, const char *kind)
{
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(m->found[i].kind, str_z(kind)))
            return &m->found[i];
    fail_msg("no finding %s", kind);
    return NULL;
}
