/* lastra verify: every record, chunk and row against each other. */
#include <stdio.h>

#include "app/cmd.h"
#include "app/data.h"
#include "archive/verify.h"
#include "base/json.h"

enum { OPT_QUICK, OPT_JSON };

static const struct cmd_option options[] = {
    [OPT_QUICK] = {.name = "quick",
                   .help = "records and rows only, not every byte of every object"},
    [OPT_JSON] = {.name = "json", .help = "write the result as JSON"},
};

static void say(void *ctx, const char *text)
{
    progress_note(ctx, "%s", text);
}

static void print_json(const struct verify_counts *c)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(4096);
    struct json j = json_of(&w);
    json_open_object(&j);
    json_member_u64(&j, STR("packs"), c->packs);
    json_member_u64(&j, STR("records"), c->records);
    json_member_u64(&j, STR("bytes"), c->bytes);
    json_member_u64(&j, STR("whole"), c->whole);
    json_member_u64(&j, STR("conflicts"), c->conflicts);
    json_member_u64(&j, STR("removed"), c->removed);
    json_member_u64(&j, STR("damaged"), c->damaged);
    json_member_u64(&j, STR("unindexed"), c->unindexed);
    json_member_u64(&j, STR("missing"), c->missing);
    json_member_u64(&j, STR("miscounted"), c->miscounted);
    json_end(&j);
    printf("%.*s\n", STR_ARG(wr_str(&w)));
}

static void print_counts(const struct verify_counts *c)
{
    const struct {
        uint64_t n;
        const char *what;
    } lines[] = {
        {c->whole, "objects whole"},
        {c->conflicts, "of these kept aside as conflicts"},
        {c->removed, "records of removed objects"},
        {c->damaged, "records or objects DAMAGED"},
        {c->unindexed, "objects that the index does not have (lastra rebuild)"},
        {c->missing, "rows of the index without their object"},
        {c->miscounted, "studies or series with wrong counts"},
    };
    printf("%llu packs, %llu records, %.1f MB\n", (unsigned long long)c->packs,
           (unsigned long long)c->records, (double)c->bytes / 1e6);
    for (size_t i = 0; i < COUNT(lines); i++)
        if (lines[i].n || i == 0)
            printf("%12llu  %s\n", (unsigned long long)lines[i].n, lines[i].what);
}

static err_t verify(const struct cmd_args *a, struct data *data, struct diag *d)
{
    struct progress progress;
    struct verify_counts counts;
    struct archive_state state;
    struct verify_options o = {.stop = a->stop,
                               .progress = &progress,
                               .quick = cmd_flag(a, OPT_QUICK),
                               .say = say,
                               .ctx = &progress};
    TRY(archive_get_state(data->archive, &state));
    progress_start(&progress, STR("verify"), state.instances + state.conflicts, state.bytes, true);
    err_t e = archive_verify(data->archive, &o, &counts, d);
    progress_end(&progress);
    TRY(e);
    if (cmd_flag(a, OPT_JSON))
        print_json(&counts);
    else
        print_counts(&counts);
    return verify_faults(&counts)
               ? diag_set(d, E_DAMAGED, "%llu faults: see the manual, \"Backup and recovery\"",
                          (unsigned long long)verify_faults(&counts))
               : OK;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct data data;
    TRY(data_open(&data, a->args[0], DATA_LOOK, d));
    err_t e = verify(a, &data, d);
    data_close(&data);
    return e;
}

const struct cmd cmd_verify = {
    .name = "verify",
    .summary = "check every record, chunk and row against each other",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Reads everything, changes nothing, works beside a running server. Each fault is named "
        "with its place; the exit\nstatus is 0 only when there is none.",
    .examples = "lastra verify /var/lib/lastra\nlastra verify /var/lib/lastra --quick --json\n",
    .run = run,
};
