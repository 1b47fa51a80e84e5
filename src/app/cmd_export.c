/* lastra export: studies as files with a DICOMDIR. */
#include <stdio.h>

#include "app/cmd.h"
#include "app/data.h"
#include "app/trail.h"
#include "archive/export.h"
#include "base/json.h"

enum { OPT_STUDY, OPT_SERIES, OPT_PATIENT, OPT_ALL, OPT_JSON };

static const struct cmd_option options[] = {
    [OPT_STUDY] = {.name = "study",
                   .arg = "UID",
                   .type = CMD_LIST,
                   .help = "a study; may be given again"},
    [OPT_SERIES] = {.name = "series", .arg = "UID", .help = "of the one study, this series only"},
    [OPT_PATIENT] = {.name = "patient",
                     .arg = "ID",
                     .type = CMD_LIST,
                     .help = "all studies of a Patient ID; may be given again"},
    [OPT_ALL] = {.name = "all", .help = "everything"},
    [OPT_JSON] = {.name = "json", .help = "write the result as JSON"},
};

struct export_run {
    const struct cmd_args *args;
    struct data data;
    struct progress progress;
    uint64_t untrailed;
};

static void done(void *ctx, struct str study, struct str patient_id, uint64_t objects)
{
    struct export_run *r = ctx;
    if (trail_study(r->data.audit, AUDIT_EXPORT, study, patient_id, r->args->args[1], objects,
                    "exported") != OK)
        r->untrailed++;
}

static void say(void *ctx, struct str sop_instance, err_t why, const char *text)
{
    struct export_run *r = ctx;
    (void)why;
    progress_note(&r->progress, "not written: %.*s: %s", STR_ARG(sop_instance), text);
}

static void print_counts(const struct cmd_args *a, const struct export_counts *c)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(4096);
    struct json j = json_of(&w);
    if (!cmd_flag(a, OPT_JSON)) {
        printf("%llu patients, %llu studies, %llu series, %llu objects, %.1f MB\n",
               (unsigned long long)c->patients, (unsigned long long)c->studies,
               (unsigned long long)c->series, (unsigned long long)c->objects,
               (double)c->bytes / 1e6);
        return;
    }
    json_open_object(&j);
    json_member_u64(&j, STR("patients"), c->patients);
    json_member_u64(&j, STR("studies"), c->studies);
    json_member_u64(&j, STR("series"), c->series);
    json_member_u64(&j, STR("objects"), c->objects);
    json_member_u64(&j, STR("bytes"), c->bytes);
    json_member_u64(&j, STR("failed"), c->failed);
    json_end(&j);
    printf("%.*s\n", STR_ARG(wr_str(&w)));
}

static err_t check(const struct cmd_args *a, struct diag *d)
{
    size_t studies = cmd_count(a, OPT_STUDY), patients = cmd_count(a, OPT_PATIENT);
    bool all = cmd_flag(a, OPT_ALL);
    if ((studies != 0) + (patients != 0) + all != 1)
        return diag_set(d, E_USAGE, "say what: --study UID, --patient ID, or --all");
    if (cmd_flag(a, OPT_SERIES) && studies != 1)
        return diag_set(d, E_USAGE, "--series goes with one --study");
    return OK;
}

static err_t export(struct export_run *r, struct diag *d)
{
    const struct cmd_args *a = r->args;
    struct str studies[CMD_LIST_MAX], patients[CMD_LIST_MAX];
    struct export_options o = {
        .studies = studies,
        .n_studies = cmd_count(a, OPT_STUDY),
        .patients = patients,
        .n_patients = cmd_count(a, OPT_PATIENT),
        .series = cmd_text(a, OPT_SERIES),
        .stop = a->stop,
        .progress = &r->progress,
        .done = done,
        .say = say,
        .ctx = r,
    };
    struct export_counts counts;
    for (size_t i = 0; i < o.n_studies; i++)
        studies[i] = cmd_at(a, OPT_STUDY, i);
    for (size_t i = 0; i < o.n_patients; i++)
        patients[i] = cmd_at(a, OPT_PATIENT, i);
    progress_start(&r->progress, STR("export"), 0, 0, true);
    err_t e = export_to(r->data.archive, a->args[1].p, &o, &counts, d);
    progress_end(&r->progress);
    TRY(e);
    print_counts(a, &counts);
    if (r->untrailed)
        return diag_set(d, E_IO, "events are missing in the audit trail");
    return counts.failed ? diag_set(d, E_DAMAGED, "%llu objects were not written",
                                    (unsigned long long)counts.failed)
                         : OK;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct export_run r = {.args = a};
    TRY(check(a, d));
    TRY(data_open(&r.data, a->args[0], DATA_LOOK, d));
    err_t e = export(&r, d);
    data_close(&r.data);
    return e;
}

const struct cmd cmd_export = {
    .name = "export",
    .summary = "write studies as files with a DICOMDIR",
    .args = "DATA DIR",
    .min_args = 2,
    .max_args = 2,
    .options = options,
    .n_options = COUNT(options),
    .about = "Writes PT000001/ST000001/SE000001/IM000001 and so on under DIR, a new or empty "
             "folder, with a DICOMDIR: what DICOM\nmedia look like. Data sets are as they were "
             "received. Works beside a running server.",
    .examples = "lastra export /var/lib/lastra --study 1.2.840.113619.2.1 /media/usb/study\n"
                "lastra export /var/lib/lastra --all /mnt/copy\n",
    .run = run,
};
