/* lastra manual: the manual pages, generated from the command tables. */
#include <fcntl.h>
#include <stdio.h>

#include "app/help.h"
#include "io/file.h"

enum { OPT_DIR, OPT_MARKDOWN, OPT_CONFORMANCE, OPT_SURVEY, PAGE_MAX = 1 << 20 };

static const struct cmd_option options[] = {
    [OPT_DIR] = {.name = "dir", .arg = "DIR", .help = "write every page into this folder"},
    [OPT_MARKDOWN] = {.name = "markdown", .help = "all commands as one page in Markdown"},
    [OPT_CONFORMANCE] = {.name = "conformance",
                         .help = "the DICOM conformance statement in Markdown"},
    [OPT_SURVEY] = {.name = "survey", .help = "the survey's tables in Markdown"},
};

static err_t save_page(int dir, const struct cmd *c, struct diag *d)
{
    char name[80];
    snprintf(name, sizeof name, "lastra%s%s.1", c ? "-" : "", c ? c->name : "");
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(PAGE_MAX);
    manual_page(&w, c);
    TRY(wr_flush(&w));
    return file_save(dir, name, 0644, wr_str(&w), d);
}

static err_t save_pages(struct str path, struct diag *d)
{
    int dir = -1;
    TRY(dir_make(AT_FDCWD, path.p, &dir, d));
    err_t e = save_page(dir, NULL, d);
    for (size_t i = 0; e == OK && cmd_all(i); i++)
        e = save_page(dir, cmd_all(i), d);
    file_close(&dir);
    return e;
}

static err_t find(struct str word, const struct cmd **ret, struct diag *d)
{
    for (size_t i = 0; cmd_all(i); i++)
        if (str_eq(str_z(cmd_all(i)->name), word)) {
            *ret = cmd_all(i);
            return OK;
        }
    return diag_set(d, E_USAGE, "there is no command \"%.*s\"", STR_ARG(word));
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    const struct cmd *c = NULL;
    if (a->n_args)
        TRY(find(a->args[0], &c, d));
    if (cmd_flag(a, OPT_DIR))
        return save_pages(cmd_text(a, OPT_DIR), d);
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(PAGE_MAX);
    if (cmd_flag(a, OPT_MARKDOWN))
        manual_markdown(&w);
    else if (cmd_flag(a, OPT_CONFORMANCE))
        conformance_markdown(&w);
    else if (cmd_flag(a, OPT_SURVEY))
        survey_markdown(&w);
    else
        manual_page(&w, c);
    TRY(wr_flush(&w));
    fwrite(w.p, 1, w.n, stdout);
    return OK;
}

const struct cmd cmd_manual = {
    .name = "manual",
    .summary = "write the manual pages",
    .args = "[COMMAND]",
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .run = run,
};
