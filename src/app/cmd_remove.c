/* lastra remove: a study, a series or an instance, for good. */
#include <stdio.h>

#include "app/ask.h"
#include "app/cmd.h"
#include "app/control.h"
#include "app/trail.h"
#include "archive/fetch.h"
#include "dicom/tags.h"

enum { OPT_STUDY, OPT_SERIES, OPT_INSTANCE, OPT_YES, ARENA_MAX = 1 << 20 };

static const struct cmd_option options[] = {
    [OPT_STUDY] = {.name = "study", .arg = "UID", .help = "a study with everything in it"},
    [OPT_SERIES] = {.name = "series", .arg = "UID", .help = "a series"},
    [OPT_INSTANCE] = {.name = "instance", .arg = "UID", .help = "one object"},
    [OPT_YES] = {.name = "yes", .letter = 'y', .help = "do not ask"},
};

static const struct {
    enum query_level level;
    const char *name, *what;
    tag_t tag;
} levels[] = {
    [OPT_STUDY] = {QUERY_STUDY, "STUDY", "study", TAG_StudyInstanceUID},
    [OPT_SERIES] = {QUERY_SERIES, "SERIES", "series", TAG_SeriesInstanceUID},
    [OPT_INSTANCE] = {QUERY_IMAGE, "IMAGE", "object", TAG_SOPInstanceUID},
};

/* What goes, for the question and the audit trail. */
struct target {
    size_t option;
    struct str uid;
    uint64_t objects, bytes;
    char study[72], patient[72];
};

static err_t count(struct fetch *f, struct target *t)
{
    const struct fetch_item *item;
    err_t e;
    while ((e = fetch_next(f, &item)) == OK && item) {
        t->objects++;
        t->bytes += item->size;
        (void)str_to_z(str_slice(item->study, 0, sizeof t->study - 1), t->study, sizeof t->study);
        (void)str_to_z(str_slice(item->patient_id, 0, sizeof t->patient - 1), t->patient,
                       sizeof t->patient);
    }
    return e;
}

static err_t look(struct data *data, struct target *t, struct diag *d)
{
    struct arena arena __attribute__((cleanup(arena_done))) = arena_init(ARENA_MAX);
    struct query_options o = {.model = QUERY_STUDY_ROOT, .relational = true};
    struct dcm_ds *ds = dcm_ds_new(&arena);
    struct fetch *f;
    if (!ds)
        return E_NOMEM;
    TRY(dcm_ds_set(ds, TAG_QueryRetrieveLevel, VR('C', 'S'), str_z(levels[t->option].name)));
    TRY(dcm_ds_set(ds, levels[t->option].tag, VR('U', 'I'), t->uid));
    TRY(fetch_open(data->archive, &o, ds, &f, NULL, d));
    err_t e = count(f, t);
    fetch_close(f);
    TRY(e);
    return t->objects ? OK
                      : diag_set(d, E_NOTFOUND, "the archive has no %s %.*s",
                                 levels[t->option].what, STR_ARG(t->uid));
}

static err_t ask(const struct cmd_args *a, const struct target *t, struct diag *d)
{
    char question[256];
    if (cmd_flag(a, OPT_YES))
        return OK;
    snprintf(question, sizeof question, "Remove the %s %.*s, %llu objects, %.1f MB, for good?",
             levels[t->option].what, STR_ARG(t->uid), (unsigned long long)t->objects,
             (double)t->bytes / 1e6);
    return ask_yes(question, d);
}

static err_t remove_target(struct data *data, const struct target *t, struct diag *d)
{
    struct remove_counts counts;
    enum audit_kind kind = t->option == OPT_STUDY ? AUDIT_STUDY_DELETED : AUDIT_INSTANCES_DELETED;
    TRY(control_remove(data, levels[t->option].level, t->uid, &counts, d));
    printf("%llu objects removed, %.1f MB given back\n", (unsigned long long)counts.objects,
           (double)counts.bytes / 1e6);
    err_t e = trail_study(data->audit, kind, str_z(t->study), str_z(t->patient), STR(""),
                          counts.objects, "removed");
    return e == OK ? OK : diag_set(d, e, "removed, but the audit trail could not be written");
}

static err_t choose(const struct cmd_args *a, struct target *t, struct diag *d)
{
    unsigned given = 0;
    for (size_t i = OPT_STUDY; i <= OPT_INSTANCE; i++) {
        if (!cmd_flag(a, i))
            continue;
        given++;
        t->option = i;
        t->uid = cmd_text(a, i);
    }
    return given == 1 ? OK : diag_set(d, E_USAGE, "say what: --study, --series or --instance UID");
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    struct target t = {0};
    TRY(choose(a, &t, d));
    TRY(control_open(&data, a->args[0], d));
    err_t e = look(&data, &t, d);
    if (e == OK)
        e = ask(a, &t, d);
    if (e == OK)
        e = remove_target(&data, &t, d);
    data_close(&data);
    return e;
}

const struct cmd cmd_remove = {
    .name = "remove",
    .summary = "remove a study, a series or an object for good",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about = "Asks first, drops the objects' keys, gives their space back at once, and notes it in "
             "the audit trail. Where the archive is\nbeing served, the serving process does it.",
    .examples = "lastra remove /var/lib/lastra --study 1.2.840.113619.2.1\n",
    .run = run,
};
