/* lastra backup, lastra restore. */
#include <stdio.h>

#include "app/cmd.h"
#include "app/data.h"
#include "archive/backup.h"

enum { OPT_WITHOUT_KEYS };

static const struct cmd_option options[] = {
    [OPT_WITHOUT_KEYS] = {.name = "without-keys",
                          .help = "leave the keys out; the backup is worth nothing without them"},
};

static err_t backup(const struct cmd_args *a, struct data *data, struct diag *d)
{
    struct progress progress;
    struct backup_counts counts;
    char person[256];
    struct backup_options o = {
        .stop = a->stop, .progress = &progress, .without_keys = cmd_flag(a, OPT_WITHOUT_KEYS)};
    progress_start(&progress, STR("backup"), 0, 0, true);
    err_t e = archive_backup(data->archive, a->args[1].p, &o, &counts, d);
    progress_end(&progress);
    TRY(e);
    printf("%llu packs, %.1f MB copied\n", (unsigned long long)counts.packs,
           (double)counts.bytes / 1e6);
    if (o.without_keys)
        printf("without keys: keep a copy of %s/keys elsewhere\n", data->path);
    return audit_admin(data->audit, AUDIT_SOFTWARE_CONFIGURED, data_person(person, sizeof person),
                       AUDIT_NODE, a->args[1],
                       o.without_keys ? STR("backup made without keys")
                                      : STR("backup made with keys"));
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    TRY(data_open(&data, a->args[0], DATA_LOOK, d));
    err_t e = backup(a, &data, d);
    data_close(&data);
    return e;
}

const struct cmd cmd_backup = {
    .name = "backup",
    .summary = "copy the whole archive, consistent, while it serves",
    .args = "DATA DIR",
    .min_args = 2,
    .max_args = 2,
    .options = options,
    .n_options = COUNT(options),
    .about = "DIR is a new or empty folder, or holds an earlier backup of this archive: then only "
             "what is new is copied, and objects\nthat were removed since lose their keys in the "
             "copy too. The copy is encrypted as the archive is; with the keys in it, keep\nit as "
             "safe as the archive.",
    .examples = "lastra backup /var/lib/lastra /mnt/backup/lastra\n",
    .run = run,
};
