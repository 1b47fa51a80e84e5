/* lastra survey report, diff, merge, accept, accepted, list, journal: what is done with a survey
 * folder once there is something in it. */
#include <stdio.h>
#include <time.h>

#include "app/client.h"
#include "app/columns.h"
#include "app/site.h"
#include "base/json.h"
#include "survey/inventory/diff.h"

enum { OUT_MAX = 64 << 20, LINE_MAX_BYTES = 4096 };

err_t survey_report(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    TRY(site_open(&s, a, INVENTORY_WORK, d));
    s.quiet = cmd_flag(a, SITE_QUIET);
    bool always = cmd_flag(a, REPORT_AGAIN) || cmd_count(a, SITE_ADVISORIES) ||
                  cmd_flag(a, SITE_POLICY) || cmd_flag(a, SITE_GEO);
    err_t e = site_survey(&s, false, d);
    if (e == OK)
        e = site_conclude(&s, always, d);
    if (e == OK)
        e = site_report(&s, !site_wants_report(a), d);
    site_close(&s);
    return e;
}

/* ---- diff ---- */

static const char *const diff_words[DIFF_COUNT] = {[DIFF_new] = "new",
                                                   [DIFF_gone] = "gone",
                                                   [DIFF_fixed] = "fixed",
                                                   [DIFF_worse] = "worse",
                                                   [DIFF_changed] = "changed"};

struct diffing {
    struct wr out;
    struct json json;
    bool as_json;
    struct diag *d;
};

static err_t print_row(void *ctx, const struct diff_row *r)
{
    struct diffing *x = ctx;
    char ip[IP_TEXT_MAX];
    const struct system *s = r->after ? r->after : r->before;
    if (x->as_json) {
        json_open_object(&x->json);
        json_member(&x->json, STR("what"), str_z(diff_words[r->what]));
        json_member(&x->json, STR("address"), ip_text(&s->ip, ip));
        json_member_u64(&x->json, STR("port"), s->port);
        json_member(&x->json, STR("type"), type_name(s->type));
        json_member(&x->json, STR("product"), s->product.name);
        json_member(&x->json, STR("finding"), r->finding);
        json_member(&x->json, STR("text"), r->text);
        json_end(&x->json);
    } else {
        wr_printf(&x->out, "%-8s %.*s:%u  ", diff_words[r->what], STR_ARG(ip_text(&s->ip, ip)),
                  s->port);
        wr_printable(&x->out, r->text);
        wr_u8(&x->out, '\n');
    }
    return x->out.n > LINE_MAX_BYTES ? client_print(&x->out, x->d) : OK;
}

static void print_sum(struct diffing *x, const struct diff_sum *s)
{
    wr_printf(&x->out, "%llu systems before, %llu now", (unsigned long long)s->systems_before,
              (unsigned long long)s->systems_after);
    for (size_t i = 0; i < DIFF_COUNT; i++)
        wr_printf(&x->out, "; %llu %s", (unsigned long long)s->counts[i], diff_words[i]);
    wr_printf(&x->out, "\nDICOM servers: %llu before, %llu now",
              (unsigned long long)s->dicom_before, (unsigned long long)s->dicom_after);
    if (s->dicom_before)
        wr_printf(&x->out, " (%+.0f %%)",
                  100.0 * ((double)s->dicom_after - (double)s->dicom_before) /
                      (double)s->dicom_before);
    wr_u8(&x->out, '\n');
}

/* The survey that stands just before another in time. */
struct older {
    int64_t of, found;
};

static err_t each_older(void *ctx, const struct survey *s)
{
    struct older *o = ctx;
    if (s->id == o->of)
        return E_STOPPED; /* the list is at its end for us */
    o->found = s->id;
    return OK;
}

static err_t find_before(struct site *s, struct inventory *other, int64_t *ret, struct diag *d)
{
    struct survey b;
    struct str name = cmd_text(s->args, DIFF_BEFORE);
    if (name.p || other != s->inventory) {
        err_t e = inventory_find(other, name, &b);
        if (e == E_NOTFOUND)
            return diag_set(d, e, "there is no survey \"%.*s\" to compare with", STR_ARG(name));
        *ret = b.id;
        return e;
    }
    struct older o = {.of = s->survey.id};
    err_t e = inventory_surveys(s->inventory, each_older, &o);
    if (e != OK && e != E_STOPPED)
        return e;
    if (!o.found)
        return diag_set(d, E_NOTFOUND,
                        "%s has no survey before \"%s\": name one with --before, or another folder "
                        "with --other",
                        s->path, s->survey.name);
    *ret = o.found;
    return OK;
}

static err_t run_diff(struct site *s, struct inventory *other, struct diag *d)
{
    struct diffing x = {.out = wr_heap(OUT_MAX), .as_json = cmd_flag(s->args, DIFF_JSON), .d = d};
    struct diff_sum sum = {0};
    int64_t before = 0;
    x.json = json_of(&x.out);
    err_t e =
        s->survey.concluded
            ? find_before(s, other, &before, d)
            : diag_set(d, E_NOTFOUND,
                       "survey %s has no conclusions yet: `lastra survey report %s` draws them",
                       s->survey.name, s->path);
    if (e == OK && x.as_json)
        json_open_array(&x.json);
    if (e == OK)
        e = diff_surveys(other, before, s->inventory, s->survey.id, print_row, &x, &sum, d);
    if (e == OK && x.as_json) {
        json_end(&x.json);
        wr_u8(&x.out, '\n');
    } else if (e == OK) {
        print_sum(&x, &sum);
    }
    if (e == OK)
        e = client_print(&x.out, d);
    wr_done(&x.out);
    return e;
}

/* Looking only, but for conclusions that are not drawn yet. */
err_t survey_diff(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    struct inventory *other = NULL;
    struct str path = cmd_text(a, DIFF_OTHER);
    TRY(site_open(&s, a, INVENTORY_LOOK, d));
    err_t e = site_survey(&s, false, d);
    if (e == OK && path.p)
        e = site_other(path, &other, d);
    if (e == OK)
        e = run_diff(&s, other ? other : s.inventory, d);
    inventory_close(other);
    site_close(&s);
    return e;
}

/* ---- merge ---- */

static err_t merge_one(struct site *s, struct str path, struct diag *d)
{
    struct inventory *from;
    struct survey other;
    TRY(site_other(path, &from, d));
    err_t e = inventory_find(from, cmd_text(s->args, MERGE_FROM), &other);
    if (e == E_NOTFOUND)
        diag_set(d, e, "%s: there is no such survey in it", path.p);
    if (e == OK && !s->survey.id)
        e = inventory_survey(s->inventory,
                             s->args->values[MERGE_SURVEY].n ? cmd_text(s->args, MERGE_SURVEY)
                                                             : str_z(other.name),
                             &s->survey, d);
    if (e == OK)
        e = inventory_merge(s->inventory, s->survey.id, from, other.id, d);
    inventory_close(from);
    if (e == OK)
        e = SITE_NOTE(s, "merged", STR("from"), path);
    return e;
}

err_t survey_merge(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    err_t e = OK;
    TRY(site_open(&s, a, INVENTORY_CREATE, d));
    for (size_t i = 1; e == OK && i < a->n_args; i++)
        e = merge_one(&s, a->args[i], d);
    if (e == OK)
        printf("%zu joined to survey %s; `lastra survey report %s` draws the conclusions\n",
               a->n_args - 1, s.survey.name, s.path);
    site_close(&s);
    return e;
}

/* ---- accepted risks ---- */

static err_t withdraw(struct site *s, struct diag *d)
{
    uint64_t id = cmd_number(s->args, ACCEPT_WITHDRAW, 0);
    err_t e = inventory_unaccept(s->inventory, (int64_t)id);
    if (e == E_NOTFOUND)
        return diag_set(d, e,
                        "there is no accepted risk %llu; `lastra survey accepted %s` shows them",
                        (unsigned long long)id, s->path);
    TRY(e);
    return SITE_NOTE(s, "risk withdrawn", STR("id"), cmd_text(s->args, ACCEPT_WITHDRAW));
}

static err_t accept_risk(struct site *s, struct diag *d)
{
    const struct cmd_args *a = s->args;
    int64_t id;
    struct risk r = {.kind = a->n_args > 1 ? a->args[1] : (struct str){0},
                     .cve = cmd_text(a, ACCEPT_CVE),
                     .where = cmd_text(a, ACCEPT_WHERE),
                     .owner = cmd_text(a, ACCEPT_OWNER),
                     .why = cmd_text(a, ACCEPT_WHY),
                     .until = cmd_text(a, ACCEPT_UNTIL)};
    if (!r.kind.n || !r.owner.n || !r.why.n || !r.until.n)
        return diag_set(d, E_USAGE, "an accepted risk needs its KIND, --owner, --why and --until");
    if (!finding_by_name(r.kind))
        return diag_set(d, E_USAGE, "there is no finding \"%.*s\"; reports and --json name them",
                        STR_ARG(r.kind));
    TRY(inventory_accept(s->inventory, &r, &id, d));
    printf("accepted as %lld until %.*s\n", (long long)id, STR_ARG(r.until));
    return SITE_NOTE(s, "risk accepted", STR("kind"), r.kind, STR("where"), r.where, STR("owner"),
                     r.owner, STR("until"), r.until);
}

err_t survey_accept(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    TRY(site_open(&s, a, INVENTORY_WORK, d));
    err_t e = cmd_flag(a, ACCEPT_WITHDRAW) ? withdraw(&s, d) : accept_risk(&s, d);
    site_close(&s);
    return e;
}

struct listing {
    struct columns columns;
    struct wr out;
    struct json json;
    bool as_json;
};

static err_t risk_row(void *ctx, const struct risk *r)
{
    struct listing *l = ctx;
    char id[24];
    struct wr w = wr_fixed(id, sizeof id);
    wr_printf(&w, "%lld", (long long)r->id);
    const struct str cells[] = {wr_str(&w), r->kind, r->cve, r->where, r->owner, r->until, r->why};
    return columns_add(&l->columns, cells, &l->out);
}

err_t survey_accepted(const struct cmd_args *a, struct diag *d)
{
    static const struct str heads[] = {STR_INIT("id"),    STR_INIT("finding"), STR_INIT("cve"),
                                       STR_INIT("where"), STR_INIT("owner"),   STR_INIT("until"),
                                       STR_INIT("why")};
    struct site s;
    struct listing l = {.out = wr_heap(OUT_MAX)};
    TRY(site_open(&s, a, INVENTORY_LOOK, d));
    err_t e = columns_begin(&l.columns, heads, COUNT(heads));
    if (e == OK)
        e = inventory_risks(s.inventory, risk_row, &l);
    if (e == OK) {
        columns_end(&l.columns, &l.out);
        e = client_print(&l.out, d);
    }
    columns_done(&l.columns);
    wr_done(&l.out);
    site_close(&s);
    return e;
}

/* ---- list ---- */

static struct str date_text(int64_t us, char *buf, size_t cap)
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm;
    gmtime_r(&t, &tm);
    return us ? str_of(buf, strftime(buf, cap, "%Y-%m-%d %H:%M", &tm)) : STR("");
}

static err_t survey_row(void *ctx, const struct survey *s)
{
    struct listing *l = ctx;
    char began[24], changed[24];
    if (l->as_json) {
        json_open_object(&l->json);
        json_member(&l->json, STR("name"), str_z(s->name));
        json_member(&l->json, STR("began"), date_text(s->began_us, began, sizeof began));
        json_member(&l->json, STR("changed"), date_text(s->changed_us, changed, sizeof changed));
        json_member_bool(&l->json, STR("concluded"), s->concluded);
        json_end(&l->json);
        return OK;
    }
    const struct str cells[] = {str_z(s->name), date_text(s->began_us, began, sizeof began),
                                date_text(s->changed_us, changed, sizeof changed),
                                s->concluded ? STR("yes") : STR("no")};
    return columns_add(&l->columns, cells, &l->out);
}

static err_t list_all(struct site *s, struct listing *l, struct diag *d)
{
    static const struct str heads[] = {STR_INIT("survey"), STR_INIT("began"), STR_INIT("changed"),
                                       STR_INIT("concluded")};
    l->json = json_of(&l->out);
    if (l->as_json)
        json_open_array(&l->json);
    else
        TRY(columns_begin(&l->columns, heads, COUNT(heads)));
    TRY(inventory_surveys(s->inventory, survey_row, l));
    if (l->as_json) {
        json_end(&l->json);
        wr_u8(&l->out, '\n');
    } else {
        columns_end(&l->columns, &l->out);
    }
    return client_print(&l->out, d);
}

err_t survey_list(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    struct listing l = {.out = wr_heap(OUT_MAX), .as_json = cmd_flag(a, LIST_JSON)};
    TRY(site_open(&s, a, INVENTORY_LOOK, d));
    err_t e = list_all(&s, &l, d);
    columns_done(&l.columns);
    wr_done(&l.out);
    site_close(&s);
    return e;
}

/* ---- journal ---- */

err_t survey_journal(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    struct chain_report r = {0};
    TRY(site_open(&s, a, INVENTORY_LOOK, d));
    err_t e = journal_verify(s.inventory, &r, d);
    if (e == E_DAMAGED && r.bad_line) {
        struct diag why = *d;
        diag_set(d, e, "the journal was changed or damaged at line %llu: %s",
                 (unsigned long long)r.bad_line, diag_text(&why, e));
    }
    if (e == OK)
        printf("whole: %llu lines\n", (unsigned long long)r.lines);
    if (e == OK && r.torn)
        puts("the last line was cut off by a crash before it was on stable storage");
    if (e == OK && r.tip_missing)
        puts("journal/tip is missing: lines cut off at the end would not show");
    site_close(&s);
    return e;
}
