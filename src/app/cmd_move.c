/* lastra move: have an application entity send what matches to another one (C-MOVE). */
#include <stdio.h>

#include "app/client_keys.h"
#include "app/pull.h"

enum { OPT_LEVEL = CLIENT_OPTIONS, OPT_MODEL, OPT_KEY, OPT_TO, OPT_QUIET };

static const struct cmd_option options[] = {
    CLIENT_ROWS,
    CLIENT_KEY_ROWS(OPT_LEVEL, OPT_MODEL, OPT_KEY),
    [OPT_TO] = {.name = "to",
                .arg = "AE",
                .help = "the application entity that shall have it (ourselves, by --aet)"},
    [OPT_QUIET] = {.name = "quiet", .letter = 'q', .help = "no progress"},
};

static err_t move(struct pull *r, struct str to, struct diag *d)
{
    const struct scu_query q = {r->keys.sop_class, r->keys.ds, 1, 0};
    const struct scu_retrieve_calls calls = {pull_progress, r};
    TRY(scu_open(&r->client.peer, r->keys.sop_class, false, &r->a, d));
    progress_start(&r->progress, STR("moving"), 0, 0, r->shown);
    err_t e = scu_move(r->a, &q, to, &calls, &r->outcome);
    progress_end(&r->progress);
    return e == OK ? OK : client_failed(r->a, e, "C-MOVE", d);
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    static const struct client_key_options where = {OPT_LEVEL, OPT_MODEL, OPT_KEY};
    struct pull r;
    TRY(pull_init(&r, a, &where, VERB_MOVE, !cmd_flag(a, OPT_QUIET), d));
    struct str to = cmd_flag(a, OPT_TO) ? cmd_text(a, OPT_TO) : r.client.peer.calling;
    err_t e = pdu_ae_ok(to) ? move(&r, to, d) : diag_set(d, E_USAGE, "--to: not an AE title");
    if (e == OK)
        e = pull_report(&r, "C-MOVE", d);
    pull_done(&r);
    return e;
}

const struct cmd cmd_move = {
    .name = "move",
    .summary = "have an application entity send objects to another",
    .args = "AE@HOST:PORT",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Sends C-MOVE and shows how it goes on. The destination must be known to the other side, "
        "which opens the association to it.",
    .examples = "lastra move ARCHIVE@127.0.0.1:11112 --to WORKSTATION -k StudyInstanceUID=1.2.3\n",
    .run = run,
};
