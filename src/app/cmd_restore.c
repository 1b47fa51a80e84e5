/* lastra restore: an archive back from its backup. */
#include <stdio.h>

#include "app/cmd.h"
#include "app/data.h"
#include "archive/backup.h"

static err_t copy(const struct cmd_args *a, struct backup_counts *ret, struct diag *d)
{
    struct progress progress;
    struct backup_options o = {.stop = a->stop, .progress = &progress};
    progress_start(&progress, STR("restore"), 0, 0, true);
    err_t e = archive_restore(a->args[0].p, a->args[1].p, &o, ret, d);
    progress_end(&progress);
    return e;
}

/* Opening replays what the packs hold beyond the index's copy. */
static err_t open_once(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    char person[256];
    TRY(data_open(&data, a->args[1], DATA_WORK, d));
    printf("%llu objects were newer than the index and are in it now\n",
           (unsigned long long)data.recovery.replayed);
    err_t e = audit_admin(data.audit, AUDIT_SOFTWARE_CONFIGURED, data_person(person, sizeof person),
                          AUDIT_NODE, a->args[0], STR("archive restored from a backup"));
    data_close(&data);
    return e;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct backup_counts counts;
    TRY(copy(a, &counts, d));
    printf("%.1f MB copied\n", (double)counts.bytes / 1e6);
    return open_once(a, d);
}

const struct cmd cmd_restore = {
    .name = "restore",
    .summary = "bring an archive back from its backup",
    .args = "BACKUP DATA",
    .min_args = 2,
    .max_args = 2,
    .about = "DATA is a new or empty folder; for a backup without keys it holds the archive's "
             "keys/ and nothing else.",
    .examples = "lastra restore /mnt/backup/lastra /var/lib/lastra\n",
    .run = run,
};
