#include "survey/report/report.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/report/clean.h"
#include "survey/report/counts.h"
#include "survey/report/words.h"

enum { ARENA_MAX = 16 << 20, NOTE_MAX = 4096 };

static err_t take_notes(struct report *r)
{
    static const char *const names[NOTES] = {"owner",   "scope",  "permission",
                                             "vantage", "policy", "geo"};
    for (size_t i = 0; i < NOTES; i++) {
        char buf[NOTE_MAX];
        struct wr w = wr_fixed(buf, sizeof buf);
        err_t e = inventory_note_get(r->v, r->survey.id, str_z(names[i]), &w);
        if (e != OK && e != E_NOTFOUND && e != E_LIMIT)
            return e;
        r->notes[i] = arena_copy(&r->arena, e == E_NOTFOUND ? STR("") : wr_str(&w));
        if (!r->notes[i].p)
            return E_NOMEM;
    }
    return OK;
}

struct finding_before {
    const struct survey *now;
    struct survey *ret;
    bool found, any;
};

/* Oldest first: the last one that fits stays. */
static err_t is_before(void *ctx, const struct survey *s)
{
    struct finding_before *f = ctx;
    if (s->concluded && (f->any || (s->id != f->now->id && s->began_us < f->now->began_us))) {
        *f->ret = *s;
        f->found = true;
    }
    return OK;
}

static err_t find_before(struct report *r, const struct report_options *o, struct diag *d)
{
    r->before_in = o->other ? o->other : r->v;
    if (o->before.n) {
        err_t e = inventory_find(r->before_in, o->before, &r->before);
        if (e != OK)
            return diag_set(d, e, "no survey named %.*s to compare with", STR_ARG(o->before));
        if (!r->before.concluded)
            return diag_set(d, E_USAGE, "survey %.*s is not concluded: assess it first",
                            STR_ARG(o->before));
        r->has_before = true;
        return OK;
    }
    struct finding_before f = {&r->survey, &r->before, false, o->other && o->other != r->v};
    TRY(inventory_surveys(r->before_in, is_before, &f));
    r->has_before = f.found;
    return OK;
}

static err_t make_room(struct report *r)
{
    struct tally *const tallies[] = {&r->countries, &r->sites,  &r->zones, &r->products,
                                     &r->toolkits,  &r->fields, &r->cves};
    for (size_t i = 0; i < COUNT(tallies); i++)
        TRY(tally_init(tallies[i], &r->arena));
    r->n_kinds = finding_count() + 1;
    r->kinds = ARENA_ARRAY(&r->arena, r->n_kinds, struct kind_row);
    r->order = ARENA_ARRAY(&r->arena, r->n_kinds, size_t);
    r->violations = ARENA_ARRAY(&r->arena, VIOLATION_ROWS, struct violation);
    r->ranks = ARENA_ARRAY(&r->arena, INVENTORY_ROWS, struct rank);
    r->runs = ARENA_ARRAY(&r->arena, RUNS_MAX, struct run_row);
    r->risks = ARENA_ARRAY(&r->arena, RISKS_MAX, struct risk_row);
    if (!r->kinds || !r->order || !r->violations || !r->ranks || !r->runs || !r->risks)
        return E_NOMEM;
    for (size_t i = 0; i + 1 < r->n_kinds; i++)
        r->kinds[i].kind = finding_at(i);
    return OK;
}

static err_t make_title(struct report *r, const struct report_options *o)
{
    char buf[NOTE_MAX];
    struct wr w = wr_fixed(buf, sizeof buf);
    if (o->title.n) {
        wr_put(&w, o->title);
    } else {
        wr_put(&w, word(r->language, W_title));
        if (!r->redact && r->notes[NOTE_owner].n) {
            wr_put(&w, STR(": "));
            wr_put(&w, str_slice(r->notes[NOTE_owner], 0, CLEAN_MAX));
        }
    }
    r->title = arena_copy(&r->arena, wr_str(&w));
    return r->title.p ? OK : E_NOMEM;
}

static err_t set_up(struct report *r, struct str survey, const struct report_options *o,
                    struct diag *d)
{
    char iso[NUMBER_MAX];
    err_t e = inventory_find(r->v, survey, &r->survey);
    if (e == E_NOTFOUND)
        return diag_set(d, e,
                        survey.n ? "no survey of that name" : "the inventory holds no survey");
    TRY(e);
    struct str today = o->today ? str_z(o->today) : date_iso(clock_wall_us(), iso);
    r->today = arena_copy(&r->arena, today);
    TRY(r->today.p ? OK : E_NOMEM);
    TRY(take_notes(r));
    TRY(make_title(r, o));
    TRY(make_room(r));
    return find_before(r, o, d);
}

static err_t fill(struct report *r, struct diag *d)
{
    TRY(count_systems(r));
    TRY(count_sources(r));
    TRY(count_risks(r));
    TRY(count_trend(r, d));
    /* A journal that is damaged is something to report, not a reason to report nothing. */
    struct diag ignored;
    r->journal_state = journal_verify(r->v, &r->journal, &ignored);
    return OK;
}

err_t report_new(struct inventory *v, struct str survey, const struct report_options *o,
                 struct report **ret, struct diag *d)
{
    struct report *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->v = v;
    r->language = o->language;
    r->redact = o->redact;
    r->stop = o->stop;
    r->arena = arena_init(ARENA_MAX);
    err_t e = set_up(r, survey, o, d);
    if (e == OK)
        e = fill(r, d);
    if (e != OK) {
        report_free(r);
        return e;
    }
    *ret = r;
    return OK;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    free(r->addresses);
    arena_done(&r->arena);
    free(r);
}
