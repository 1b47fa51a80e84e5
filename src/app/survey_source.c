/* lastra survey import, capture, hosts, probe: evidence into a survey folder, then its conclusions,
 * then the report that was asked for. What was taken is kept whatever happens afterwards. */
#include <fcntl.h>
#include <stdio.h>

#include "app/site.h"
#include "io/file.h"
#include "survey/source/probe/probe.h"
#include "survey/source/source.h"

enum { NOTES_SHOWN = 20 };

/* One command's work. */
struct job {
    struct site site;
    struct source_run run;
    struct source_sum sum;
    unsigned notes;
};

static void note(void *ctx, const char *text)
{
    struct job *j = ctx;
    if (j->notes++ < NOTES_SHOWN)
        progress_note(&j->site.progress, "%s", text);
    else if (j->notes == NOTES_SHOWN + 1)
        progress_note(&j->site.progress, "more of the like are counted, not shown");
}

/* Before anything is made for them. */
static err_t inputs_are_there(const struct cmd_args *a, struct diag *d)
{
    struct file_info info;
    for (size_t i = 1; i < a->n_args; i++)
        if (!str_eq(a->args[i], STR("-")))
            TRY(file_stat(AT_FDCWD, a->args[i].p, &info, d));
    return OK;
}

static err_t job_open(struct job *j, const struct cmd_args *a, struct diag *d)
{
    *j = (struct job){0};
    TRY(inputs_are_there(a, d));
    TRY(site_open(&j->site, a, INVENTORY_CREATE, d));
    j->site.quiet = cmd_flag(a, SITE_QUIET);
    err_t e = site_survey(&j->site, true, d);
    if (e != OK) {
        site_close(&j->site);
        return e;
    }
    j->run = (struct source_run){.inventory = j->site.inventory,
                                 .journal = j->site.journal,
                                 .survey = j->site.survey,
                                 .shards = 1,
                                 .stop = a->stop,
                                 .progress = &j->site.progress,
                                 .note = note,
                                 .ctx = j};
    return OK;
}

static void add_sum(struct source_sum *to, const struct source_sum *from)
{
    to->records += from->records;
    to->bad += from->bad;
    to->endpoints += from->endpoints;
    to->flows += from->flows;
    to->stopped |= from->stopped;
}

static err_t note_begun(struct job *j, const char *source)
{
    TRY(SITE_NOTE(&j->site, "begin", STR("source"), str_z(source), STR("input"), str_z(j->run.what),
                  STR("survey"), str_z(j->site.survey.name)));
    return journal_sync(j->site.journal);
}

/* Takes one input, with a progress line over it. */
static err_t take(struct job *j, const char *source,
                  err_t (*read)(const struct source_run *r, struct source_sum *ret, struct diag *d),
                  struct diag *d)
{
    struct source_sum sum = {0};
    TRY(note_begun(j, source));
    progress_start(&j->site.progress, str_z(source), 0, 0, !j->site.quiet);
    err_t e = read(&j->run, &sum, d);
    progress_end(&j->site.progress);
    add_sum(&j->sum, &sum);
    if (sum.resumed && !j->site.quiet)
        fprintf(stderr, "%s: went on where it was broken off\n", j->run.what);
    return e;
}

/* A source that was stopped leaves what it has; conclusions can wait. */
static err_t finish(struct job *j, err_t e, struct diag *d)
{
    if (e == OK && j->sum.stopped)
        e = diag_set(d, E_STOPPED,
                     "stopped; the same command with --survey %s goes on where it was",
                     j->site.survey.name);
    if (e == OK && !j->site.quiet)
        fprintf(stderr, "%llu records, %llu malformed; %llu endpoints, %llu flows\n",
                (unsigned long long)j->sum.records, (unsigned long long)j->sum.bad,
                (unsigned long long)j->sum.endpoints, (unsigned long long)j->sum.flows);
    if (e == OK)
        e = site_conclude(&j->site, true, d);
    if (e == OK)
        e = site_report(&j->site, true, d);
    site_close(&j->site);
    return e;
}

static err_t each_input(struct job *j, const char *source,
                        err_t (*read)(const struct source_run *, struct source_sum *,
                                      struct diag *),
                        struct diag *d)
{
    err_t e = OK;
    for (size_t i = 1; e == OK && i < j->site.args->n_args && !j->sum.stopped; i++) {
        j->run.what = j->site.args->args[i].p;
        e = take(j, source, read, d);
    }
    return e;
}

err_t survey_import(const struct cmd_args *a, struct diag *d)
{
    struct job j;
    unsigned shard, shards;
    TRY(site_shard(cmd_text(a, IMPORT_SHARD), &shard, &shards, d));
    TRY(job_open(&j, a, d));
    j.run.shard = shard;
    j.run.shards = shards;
    j.run.format = cmd_text(a, IMPORT_FORMAT);
    return finish(&j, each_input(&j, "import", source_import, d), d);
}

err_t survey_hosts(const struct cmd_args *a, struct diag *d)
{
    struct job j;
    TRY(job_open(&j, a, d));
    return finish(&j, each_input(&j, "hosts", source_hosts, d), d);
}

static err_t capture_file(const struct source_run *r, struct source_sum *ret, struct diag *d)
{
    return source_capture(r, false, ret, d);
}

static err_t capture_interface(const struct source_run *r, struct source_sum *ret, struct diag *d)
{
    return source_capture(r, true, ret, d);
}

err_t survey_capture(const struct cmd_args *a, struct diag *d)
{
    struct job j;
    struct str interface = cmd_text(a, CAPTURE_INTERFACE);
    if (!interface.p == (a->n_args == 1))
        return diag_set(d, E_USAGE, "lastra survey capture: name files, or one --interface");
    TRY(job_open(&j, a, d));
    j.run.vantage = cmd_text(a, CAPTURE_FROM);
    j.run.limit = cmd_number(a, CAPTURE_FOR, 0);
    j.run.what = interface.p;
    err_t e = interface.p ? take(&j, "capture", capture_interface, d)
                          : each_input(&j, "capture", capture_file, d);
    /* A live capture has no end of its own: the one that is given from outside is its end. */
    if (interface.p)
        j.sum.stopped = false;
    return finish(&j, e, d);
}

/* What the options say of a probe; the scope says the rest. */
static struct probe_options probe_options(const struct cmd_args *a, const struct scope *scope)
{
    return (struct probe_options){
        .scope = scope,
        .surface = cmd_flag(a, PROBE_SURFACE),
        .count = cmd_flag(a, PROBE_COUNT),
        .ae_title = cmd_text(a, PROBE_AET).p,
        .called = cmd_text(a, PROBE_CALLED).p,
        .rate = (uint32_t)cmd_number(a, PROBE_RATE, 0),
        .unlimited = cmd_flag(a, PROBE_UNLIMITED),
        .stop_file = cmd_text(a, PROBE_STOP_FILE).p,
    };
}

static err_t show_plan(struct job *j, const struct probe_options *o, struct diag *d)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(16 << 20);
    TRY(probe_plan(&j->run, o, &w, d));
    TRY(wr_flush(&w));
    return fwrite(w.p, 1, w.n, stdout) == w.n ? OK : E_IO;
}

/* For the report's chapter on the method. */
static err_t note_permission(struct job *j, const struct scope *scope)
{
    struct inventory *v = j->site.inventory;
    int64_t id = j->site.survey.id;
    struct str from = cmd_text(j->site.args, PROBE_FROM);
    TRY(inventory_note(v, id, STR("owner"), str_z(scope->owner)));
    TRY(inventory_note(v, id, STR("permission"), str_z(scope->permission)));
    TRY(inventory_note(v, id, STR("scope"), str_z(j->run.what)));
    if (from.n)
        TRY(inventory_note(v, id, STR("vantage"), from));
    return OK;
}

static err_t probe(struct job *j, const struct probe_options *o, struct diag *d)
{
    struct probe_sum sum = {0};
    TRY(note_permission(j, o->scope));
    TRY(note_begun(j, "probe"));
    progress_start(&j->site.progress, STR("probe"), 0, 0, !j->site.quiet);
    err_t e = probe_run(&j->run, o, &sum, d);
    double seconds = progress_sum(&j->site.progress).seconds;
    progress_end(&j->site.progress);
    add_sum(&j->sum, &sum.sum);
    if (!j->site.quiet)
        fprintf(stderr,
                "%llu of %llu endpoints done: %llu open, %llu closed, %llu silent, %llu passed "
                "over; %llu packets, %llu bytes sent in %.2f s\n",
                (unsigned long long)sum.done, (unsigned long long)sum.planned,
                (unsigned long long)sum.open, (unsigned long long)sum.refused,
                (unsigned long long)sum.silent, (unsigned long long)sum.skipped,
                (unsigned long long)sum.packets_out, (unsigned long long)sum.bytes_out, seconds);
    return e;
}

static err_t probe_scope(const struct cmd_args *a, const struct scope *scope, struct diag *d)
{
    struct job j;
    unsigned shard, shards;
    TRY(site_shard(cmd_text(a, PROBE_SHARD), &shard, &shards, d));
    TRY(job_open(&j, a, d));
    j.run.shard = shard;
    j.run.shards = shards;
    j.run.vantage = cmd_text(a, PROBE_FROM);
    j.run.what = cmd_text(a, PROBE_SCOPE).p;
    struct probe_options o = probe_options(a, scope);
    if (!cmd_flag(a, PROBE_DRY_RUN))
        return finish(&j, probe(&j, &o, d), d);
    err_t e = show_plan(&j, &o, d);
    site_close(&j.site);
    return e;
}

err_t survey_probe(const struct cmd_args *a, struct diag *d)
{
    struct scope *scope;
    char today[11];
    struct str path = cmd_text(a, PROBE_SCOPE);
    if (!path.p)
        return diag_set(d, E_USAGE,
                        "lastra survey probe: nothing is sent without --scope FILE, which names "
                        "the networks, their owner and who allowed it");
    site_today(today);
    TRY(scope_load(path.p, today, &scope, d));
    err_t e = probe_scope(a, scope, d);
    scope_free(scope);
    return e;
}
