/* lastra conflict: objects whose UID was taken by others. */
#include <stdio.h>

#include "app/ask.h"
#include "app/cmd.h"
#include "app/control.h"

enum { OPT_YES };

static const struct cmd_option settle_options[] = {
    [OPT_YES] = {.name = "yes", .letter = 'y', .help = "do not ask"},
};

static err_t print(void *ctx, const struct conflict *c)
{
    unsigned *n = ctx;
    if (!(*n)++)
        printf("%8s  %10s  %s\n", "NUMBER", "BYTES", "SOP INSTANCE");
    printf("%8lld  %10llu  %.*s%s\n", (long long)c->id, (unsigned long long)c->size,
           STR_ARG(c->sop_instance), c->first.pack ? "" : "  (the first is gone)");
    return OK;
}

static err_t list(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    unsigned n = 0;
    TRY(data_open(&data, a->args[0], DATA_LOOK, d));
    err_t e = conflicts_each(data.archive, print, &n, d);
    data_close(&data);
    if (e == OK && !n)
        printf("no conflicts\n");
    return e;
}

static err_t settle(const struct cmd_args *a, enum conflict_choice choice, const char *question,
                    const char *done, struct diag *d)
{
    struct data data;
    uint64_t id;
    char person[256];
    if (!str_to_u64(a->args[1], INT64_MAX, &id))
        return diag_set(d, E_USAGE, "\"%.*s\" is not a conflict's number", STR_ARG(a->args[1]));
    if (!cmd_flag(a, OPT_YES))
        TRY(ask_yes(question, d));
    TRY(control_open(&data, a->args[0], d));
    err_t e = control_settle(&data, (int64_t)id, choice, d);
    if (e == OK)
        e = audit_admin(data.audit, AUDIT_SOFTWARE_CONFIGURED, data_person(person, sizeof person),
                        AUDIT_NODE, a->args[1], str_z(done));
    data_close(&data);
    return e;
}

static err_t keep(const struct cmd_args *a, struct diag *d)
{
    return settle(a, CONFLICT_KEEP_FIRST, "Remove the object that was kept aside, for good?",
                  "conflict settled: the first object kept", d);
}

static err_t take(const struct cmd_args *a, struct diag *d)
{
    return settle(
        a, CONFLICT_TAKE_OTHER,
        "Put the object that was kept aside in place of the first, and remove that for good?",
        "conflict settled: the other object taken", d);
}

static const struct cmd verbs[] = {
    {.name = "list",
     .summary = "what was kept aside",
     .args = "DATA",
     .min_args = 1,
     .max_args = 1,
     .run = list},
    {.name = "keep",
     .summary = "keep the first object, remove the one kept aside",
     .args = "DATA NUMBER",
     .min_args = 2,
     .max_args = 2,
     .options = settle_options,
     .n_options = COUNT(settle_options),
     .run = keep},
    {.name = "take",
     .summary = "take the one kept aside, remove the first",
     .args = "DATA NUMBER",
     .min_args = 2,
     .max_args = 2,
     .options = settle_options,
     .n_options = COUNT(settle_options),
     .run = take},
};

const struct cmd cmd_conflict = {
    .name = "conflict",
    .summary = "list and settle objects whose UID was taken by others",
    .about = "An object that comes with the UID of another one and different bytes is kept aside: "
             "nothing is overwritten, and\nqueries give the first. Here an administrator sees and "
             "settles it.",
    .examples = "lastra conflict list /var/lib/lastra\nlastra conflict keep /var/lib/lastra 1\n",
    .verbs = verbs,
    .n_verbs = COUNT(verbs),
};
