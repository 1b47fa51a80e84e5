/* lastra rebuild: the index anew, from packs and keys. */
#include <stdio.h>

#include "app/cmd.h"
#include "app/data.h"
#include "archive/rebuild.h"
#include "io/progress.h"

static err_t trail(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    char person[256];
    TRY(data_open(&data, a->args[0], DATA_REGISTRY, d));
    err_t e =
        audit_admin(data.audit, AUDIT_SOFTWARE_CONFIGURED, data_person(person, sizeof person),
                    AUDIT_NODE, str_z(data.options.ae_title), STR("index rebuilt from the packs"));
    data_close(&data);
    return e;
}

static void print_result(const struct rebuild_result *r)
{
    printf("%llu objects in the index\n", (unsigned long long)r->recovery.replayed);
    if (r->recovery.damaged)
        printf("%llu records could not be read; `lastra verify` names them\n",
               (unsigned long long)r->recovery.damaged);
    if (r->registry)
        printf("peers and users came along from the old index\n");
    else
        printf("peers and users did NOT come along (%s): register them again with lastra peer add "
               "and lastra user add\n",
               diag_text(&r->registry_why, E_INDEX));
    if (r->old[0])
        printf("the old index is %s in the data folder; remove it when all is well\n", r->old);
}

static err_t rebuild(struct data *data, struct rebuild_result *r, struct diag *d)
{
    struct progress progress;
    struct archive_options o = data_archive_options(data, ARCHIVE_WORK);
    o.progress = &progress;
    progress_start(&progress, STR("rebuild"), 0, 0, true);
    err_t e = archive_rebuild(&o, r, d);
    progress_end(&progress);
    return e;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    struct rebuild_result r;
    TRY(data_open(&data, a->args[0], DATA_KEYS, d));
    err_t e = rebuild(&data, &r, d);
    data_close(&data);
    TRY(e);
    print_result(&r);
    return trail(a, d);
}

const struct cmd cmd_rebuild = {
    .name = "rebuild",
    .summary = "make the index anew from packs and keys",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .about = "For an index that is lost or damaged. The old one is kept beside the new one under "
             "another name, and peers and\nusers are taken from it where it can still be read. The "
             "archive must not be served meanwhile.",
    .examples = "lastra rebuild /var/lib/lastra\n",
    .run = run,
};
