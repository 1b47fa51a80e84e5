#include <stdlib.h>
#include <time.h>

#include "base/size.h"
#include "survey/report/clean.h"
#include "survey/report/counts.h"
#include "survey/report/words.h"

static struct str keep(struct report *r, struct str s)
{
    struct str copy = arena_copy(&r->arena, str_slice(s, 0, CLEAN_MAX));
    return copy.p ? copy : STR("");
}

/* ---- the trend: earlier surveys, oldest first, the last of them this one */

struct earlier {
    struct report *r;
    struct survey surveys[POINTS_MAX];
    size_t n;
};

static err_t collect(void *ctx, const struct survey *s)
{
    struct earlier *e = ctx;
    const struct survey *now = &e->r->survey;
    if (s->id != now->id && (!s->concluded || s->began_us >= now->began_us))
        return OK;
    if (e->n == POINTS_MAX) {
        memmove(e->surveys, e->surveys + 1, (POINTS_MAX - 1) * sizeof *e->surveys);
        e->n--;
    }
    e->surveys[e->n++] = *s;
    return OK;
}

struct pointing {
    struct report *r;
    struct point *point;
};

static err_t point_one(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    struct pointing *p = ctx;
    if (p->r->stop && stop_is_set(p->r->stop))
        return E_STOPPED;
    uint8_t marks[COUNTERS];
    if (s->type == TYPE_honeypot)
        return OK;
    system_marks(p->r, s, f, n, marks);
    p->point->systems++;
    p->point->dicom += marks[N_dicom];
    p->point->open += marks[N_open];
    p->point->vulnerable += marks[N_strict];
    return OK;
}

static err_t add_point(struct report *r, struct inventory *v, const struct survey *s)
{
    char buf[NAME_MAX_TEXT], iso[NUMBER_MAX];
    struct point *point = &r->points[r->n_points];
    *point = (struct point){
        keep(r, name_survey(r, s, buf)), keep(r, date_iso(s->began_us, iso)), 0, 0, 0, 0};
    TRY(inventory_systems(v, s->id, point_one, &(struct pointing){r, point}));
    r->n_points++;
    return OK;
}

err_t count_trend(struct report *r, struct diag *d)
{
    struct earlier e = {.r = r};
    TRY(inventory_surveys(r->v, collect, &e));
    if (r->has_before && r->before_in != r->v)
        TRY(add_point(r, r->before_in, &r->before));
    for (size_t i = 0; i < e.n && r->n_points < POINTS_MAX; i++)
        TRY(add_point(r, r->v, &e.surveys[i]));
    if (!r->has_before)
        return OK;
    return diff_surveys(r->before_in, r->before.id, r->v, r->survey.id, NULL, NULL, &r->diff, d);
}

/* ---- sources: runs, flows, who told of what */

static err_t add_run(void *ctx, const struct run_info *info)
{
    struct report *r = ctx;
    r->runs_all++;
    if (r->n_runs == RUNS_MAX)
        return OK;
    struct run_row *row = &r->runs[r->n_runs++];
    *row = (struct run_row){.source = keep(r, info->source),
                            .shard = keep(r, info->shard),
                            .began_us = info->began_us,
                            .ended_us = info->ended_us,
                            .records = info->run.records,
                            .bad = info->run.bad,
                            .packets = info->run.packets,
                            .bytes_out = info->run.bytes_out,
                            .finished = info->ended_us > 0};
    if (!r->redact) {
        row->input = keep(r, info->input);
        row->note = keep(r, info->note);
    }
    return OK;
}

static err_t add_flow(void *ctx, const struct flow *f)
{
    static const struct {
        const char *protocol;
        enum flow_kind kind;
    } kinds[] = {
        {"dicom", FLOW_dicom}, {"hl7", FLOW_hl7}, {"http", FLOW_http}, {"fhir", FLOW_fhir}};
    struct report *r = ctx;
    enum flow_kind kind = FLOW_other;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_eq(f->protocol, str_z(kinds[i].protocol)))
            kind = kinds[i].kind;
    r->flows[kind][f->clear]++;
    r->flows_all++;
    return OK;
}

struct comparing {
    struct report *r;
    size_t at; /* in the sorted addresses of hosts with systems */
};

static err_t compare_host(void *ctx, const struct host *h)
{
    struct comparing *c = ctx;
    struct report *r = c->r;
    if (r->stop && stop_is_set(r->stop))
        return E_STOPPED;
    unsigned set = 0;
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < h->endpoints[i].e->n; k++) {
            enum ev_by by = h->endpoints[i].e->facts[k].by;
            set |= by > BY_NOBODY && by < BY_COUNT ? 1U << (by - 1) : 0;
        }
    for (unsigned by = 1; by < BY_COUNT; by++)
        r->by_source[by] |= (set & 1U << (by - 1)) != 0;
    if (set == 1U << (BY_SITE - 1))
        r->compared.site_unseen++;
    while (c->at < r->n_addresses && ip_cmp(&r->addresses[c->at], &h->ip) < 0)
        c->at++;
    if (c->at < r->n_addresses && ip_cmp(&r->addresses[c->at], &h->ip) == 0) {
        r->compared.hosts[set]++;
        r->compared.looked++;
    }
    return OK;
}

err_t count_sources(struct report *r)
{
    TRY(inventory_runs(r->v, r->survey.id, add_run, r));
    TRY(inventory_flows(r->v, r->survey.id, add_flow, r));
    struct comparing c = {r, 0};
    TRY(inventory_hosts(r->v, r->survey.id, compare_host, &c));
    /* Only this pass needs them. */
    free(r->addresses);
    r->addresses = NULL;
    r->n_addresses = r->cap_addresses = 0;
    return OK;
}

/* ---- accepted risks */

static err_t add_risk(void *ctx, const struct risk *risk)
{
    struct report *r = ctx;
    bool expired = str_cmp(risk->until, r->today) < 0;
    r->risks_all++;
    r->risks_expired += expired;
    if (r->n_risks == RISKS_MAX)
        return OK;
    struct risk_row *row = &r->risks[r->n_risks++];
    *row = (struct risk_row){.kind = keep(r, risk->kind),
                             .cve = keep(r, risk->cve),
                             .until = keep(r, risk->until),
                             .expired = expired};
    if (!r->redact) {
        row->where = keep(r, risk->where);
        row->owner = keep(r, risk->owner);
        row->why = keep(r, risk->why);
    }
    return OK;
}

err_t count_risks(struct report *r)
{
    return inventory_risks(r->v, add_risk, r);
}
