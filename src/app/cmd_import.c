/* lastra import: folders, files, DICOMDIR media, zip and tar archives into an archive. */
#include <stdio.h>
#include <stdlib.h>

#include "app/cmd.h"
#include "app/data.h"
#include "app/trail.h"
#include "archive/import.h"
#include "base/json.h"

enum { OPT_THREADS, OPT_AFRESH, OPT_QUIET, OPT_JSON, STUDIES_MAX = 4096 };

static const struct cmd_option options[] = {
    [OPT_THREADS] = {.name = "jobs",
                     .letter = 'j',
                     .arg = "N",
                     .type = CMD_NUMBER,
                     .min = 1,
                     .max = 32,
                     .help = "files taken at the same time (4)"},
    [OPT_AFRESH] = {.name = "afresh", .help = "do not go on where an earlier import stopped"},
    [OPT_QUIET] = {.name = "quiet", .letter = 'q', .help = "name no file that was not taken"},
    [OPT_JSON] = {.name = "json", .help = "write the result as JSON"},
};

/* Studies that came, for the audit trail: one event each. */
struct study {
    char uid[72], patient[72];
    uint64_t instances;
};

struct import_run {
    const struct cmd_args *args;
    struct data data;
    struct progress progress;
    struct study *studies;
    size_t n;
    uint64_t untrailed; /* events that could not be written */
};

static void write_out(struct import_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct study *s = &r->studies[i];
        if (trail_study(r->data.audit, AUDIT_IMPORT, str_z(s->uid), str_z(s->patient),
                        r->args->args[1], s->instances, "imported") != OK)
            r->untrailed++;
    }
    r->n = 0;
}

static void taken(void *ctx, const struct ingest_result *result)
{
    struct import_run *r = ctx;
    size_t i = 0;
    while (i < r->n && !str_eq(str_z(r->studies[i].uid), result->study))
        i++;
    if (i == STUDIES_MAX) {
        write_out(r);
        i = 0;
    }
    if (i == r->n) {
        r->studies[i].instances = 0;
        (void)str_to_z(str_slice(result->study, 0, sizeof r->studies[i].uid - 1), r->studies[i].uid,
                       sizeof r->studies[i].uid);
        (void)str_to_z(str_slice(result->patient_id, 0, sizeof r->studies[i].patient - 1),
                       r->studies[i].patient, sizeof r->studies[i].patient);
        r->n++;
    }
    r->studies[i].instances++;
}

static void say(void *ctx, const char *label, err_t why, const char *text)
{
    struct import_run *r = ctx;
    (void)why;
    if (!cmd_flag(r->args, OPT_QUIET))
        progress_note(&r->progress, "not taken: %s: %s", label, text);
}

static void print_json(const struct import_counts *c)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(4096);
    struct json j = json_of(&w);
    json_open_object(&j);
    json_member_u64(&j, STR("taken"), c->taken);
    json_member_u64(&j, STR("same"), c->same);
    json_member_u64(&j, STR("conflicts"), c->conflicts);
    json_member_u64(&j, STR("before"), c->before);
    json_member_u64(&j, STR("other"), c->other);
    json_member_u64(&j, STR("failed"), c->failed);
    json_member_u64(&j, STR("bytes"), c->bytes);
    json_end(&j);
    printf("%.*s\n", STR_ARG(wr_str(&w)));
}

static void print_line(uint64_t n, const char *what)
{
    if (n)
        printf("%12llu  %s\n", (unsigned long long)n, what);
}

static void print_counts(const struct import_counts *c)
{
    printf("%12llu  objects taken\n", (unsigned long long)c->taken);
    print_line(c->same, "were there already, byte for byte");
    print_line(c->conflicts,
               "kept aside: their UID is there with other contents (lastra conflict)");
    print_line(c->before, "taken by an earlier import that was broken off");
    print_line(c->other, "files that are not DICOM objects");
    print_line(c->failed, "not taken");
}

static err_t import_all(struct import_run *r, struct import_counts *counts, struct diag *d)
{
    struct import_options o = {
        .stop = r->args->stop,
        .progress = &r->progress,
        .limits = UNPACK_LIMITS_DEFAULT,
        .threads = (unsigned)cmd_number(r->args, OPT_THREADS, 0),
        .afresh = cmd_flag(r->args, OPT_AFRESH),
        .taken = taken,
        .say = say,
        .ctx = r,
    };
    for (size_t i = 1; i < r->args->n_args; i++)
        TRY(import_path(r->data.archive, r->args->args[i].p, &o, counts, d));
    return OK;
}

static err_t import(struct import_run *r, struct diag *d)
{
    struct import_counts counts = {0};
    if (!(r->studies = calloc(STUDIES_MAX, sizeof *r->studies)))
        return E_NOMEM;
    progress_start(&r->progress, STR("import"), 0, 0, true);
    err_t e = import_all(r, &counts, d);
    progress_end(&r->progress);
    write_out(r);
    free(r->studies);
    if (cmd_flag(r->args, OPT_JSON))
        print_json(&counts);
    else
        print_counts(&counts);
    if (e == E_STOPPED)
        return diag_set(d, e, "stopped; the same command goes on where it was");
    if (e == OK && r->untrailed)
        return diag_set(d, E_IO, "%llu events are missing in the audit trail",
                        (unsigned long long)r->untrailed);
    if (e == OK && counts.failed)
        return diag_set(d, E_MALFORMED, "%llu files were not taken",
                        (unsigned long long)counts.failed);
    return e;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct import_run r = {.args = a};
    TRY(data_open(&r.data, a->args[0], DATA_WORK, d));
    err_t e = import(&r, d);
    data_close(&r.data);
    return e;
}

const struct cmd cmd_import = {
    .name = "import",
    .summary = "bring in folders, files, DICOMDIR media, zip and tar archives",
    .args = "DATA PATH...",
    .min_args = 2,
    .max_args = 1000,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Takes every DICOM object below each PATH. A file that is not taken is named with the "
        "reason. An import that was broken off\ngoes on where it stopped when the same command is "
        "given again. The archive must not be served meanwhile: to a\nrunning archive, use `lastra "
        "send`.",
    .examples = "lastra import /var/lib/lastra /media/cdrom\n"
                "lastra import /var/lib/lastra old-pacs.tar.gz studies/\n",
    .run = run,
};
