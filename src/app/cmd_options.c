/* lastra options: what can be set in lastra.conf, and what is in force. */
#include <fcntl.h>
#include <stdio.h>

#include "app/cmd.h"
#include "app/options.h"
#include "io/file.h"

enum { OPT_MARKDOWN };

static const struct cmd_option options[] = {
    [OPT_MARKDOWN] = {.name = "markdown", .help = "the manual's page of all options"},
};

static err_t load(struct str path, struct options *o, struct diag *d)
{
    int dir = -1;
    TRY(dir_open(AT_FDCWD, path.p, &dir, d));
    err_t e = options_load(o, dir, d);
    file_close(&dir);
    return e;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct options o;
    options_init(&o);
    if (a->n_args)
        TRY(load(a->args[0], &o, d));
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(OPTIONS_FILE_MAX);
    if (cmd_flag(a, OPT_MARKDOWN))
        options_markdown(&w);
    else
        options_write(&o, &w);
    TRY(wr_flush(&w));
    fwrite(w.p, 1, w.n, stdout);
    return OK;
}

const struct cmd cmd_options = {
    .name = "options",
    .summary = "list the options of lastra.conf",
    .args = "[DATA]",
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about = "Prints a lastra.conf: every option with its help and range, and the value that is in "
             "force in the\narchive DATA, or the default where no archive is named.",
    .examples = "lastra options\nlastra options /var/lib/lastra\n",
    .run = run,
};
