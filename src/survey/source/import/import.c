#include "survey/source/source.h"

#include <stdio.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/source/import/pipe.h"

#define IMPORTER(word) extern const struct importer importer_##word;
#include "survey/source/import/importers.def"
#undef IMPORTER

static const struct importer *const importers[] = {
#define IMPORTER(word) &importer_##word,
#include "survey/source/import/importers.def"
#undef IMPORTER
};

enum { SURE_ENOUGH = 30, LABEL_MAX = 400 };

const struct importer *importer_at(size_t i)
{
    return i < COUNT(importers) ? importers[i] : NULL;
}

static const struct importer *by_name(struct str name)
{
    for (size_t i = 0; i < COUNT(importers); i++)
        if (str_eq(str_z(importers[i]->name), name))
            return importers[i];
    return NULL;
}

static const struct importer *by_looks(struct str head)
{
    const struct importer *best = NULL;
    unsigned sure = SURE_ENOUGH - 1;
    for (size_t i = 0; i < COUNT(importers); i++) {
        unsigned n = importers[i]->looks ? importers[i]->looks(head) : 0;
        if (n > sure) {
            sure = n;
            best = importers[i];
        }
    }
    return best;
}

static void list_names(struct wr *w)
{
    for (size_t i = 0; i < COUNT(importers); i++)
        wr_printf(w, "%s%s", i ? ", " : "", importers[i]->name);
    wr_u8(w, '\0');
}

static err_t choose(struct str format, struct str head, const struct importer **ret, struct diag *d)
{
    char names[160];
    struct wr w = wr_fixed(names, sizeof names);
    const struct importer *imp = format.n ? by_name(format) : by_looks(head);
    list_names(&w);
    if (!imp && format.n)
        return diag_set(d, E_USAGE, "there is no format %.*s; there are %s", STR_ARG(format),
                        names);
    if (!imp)
        return diag_set(d, E_UNSUPPORTED,
                        "this looks like none of the formats (%s): name one with --format", names);
    *ret = imp;
    return OK;
}

/* Standard input is never the same twice: its label is of its time. */
static struct str label_of(const struct importer *imp, const struct input *in, bool is_stdin,
                           char buf[LABEL_MAX])
{
    struct str label = input_label(in);
    if (is_stdin)
        snprintf(buf, LABEL_MAX, "%s: %.*s at %lld", imp->name, STR_ARG(label),
                 (long long)clock_wall_us());
    else
        snprintf(buf, LABEL_MAX, "%s: %.*s", imp->name, STR_ARG(label));
    return str_z(buf);
}

static err_t begin(const struct source_run *r, const char *source, struct str label,
                   struct run *ret, struct diag *d)
{
    char shard[32] = "";
    if (r->shards > 1)
        snprintf(shard, sizeof shard, "%u/%u", r->shard + 1, r->shards);
    TRY(inventory_run_begin(r->inventory, r->survey.id, str_z(source), label, str_z(shard), ret,
                            d));
    if (!r->journal)
        return OK;
    struct str pairs[] = {STR("source"), str_z(source),        STR("input"),   label,
                          STR("shard"),  str_z(shard),         STR("resumed"), STR("no"),
                          STR("survey"), str_z(r->survey.name)};
    if (ret->resumed)
        pairs[7] = STR("yes");
    return journal_note(r->journal, "run", pairs, COUNT(pairs));
}

static err_t finish(const struct source_run *r, const struct run *run, err_t e, bool stopped,
                    struct diag *d)
{
    char note[160];
    snprintf(note, sizeof note, "%llu records, %llu malformed", (unsigned long long)run->records,
             (unsigned long long)run->bad);
    err_t marked = e == OK && !stopped ? inventory_run_end(r->inventory, run, str_z(note))
                                       : inventory_run_mark(r->inventory, run);
    if (e != OK)
        return e;
    return marked == OK
               ? OK
               : diag_set(d, marked, "%s", diag_text(inventory_diag(r->inventory), marked));
}

static err_t read_input(const struct source_run *r, const char *source, struct str format,
                        struct input *in, struct source_sum *ret, struct diag *d)
{
    char label[LABEL_MAX];
    const struct importer *imp = NULL;
    struct str head;
    struct run run;
    TRY(input_block(in, &head, d));
    TRY(choose(format, head, &imp, d));
    bool by_line = imp->by_line && imp->by_line(head);
    input_unread(in, head);
    bool is_stdin = str_eq(str_z(r->what), STR("-"));
    TRY(begin(r, source, label_of(imp, in, is_stdin, label), &run, d));
    ret->resumed = run.resumed;
    if (r->progress)
        progress_totals(r->progress, 0, input_size(in));
    err_t e = pipe_run(r, imp, by_line, in, &run, ret, d);
    return finish(r, &run, e, ret->stopped, d);
}

/* Which of several inputs it was. */
static err_t with_its_name(const struct source_run *r, err_t e, struct diag *d)
{
    struct diag why = *d;
    if (e == OK || !why.text[0] || str_starts(str_z(why.text), str_z(r->what)))
        return e;
    return diag_set(d, e, "%s: %s", r->what, why.text);
}

static err_t read_source(const struct source_run *r, const char *source, struct str format,
                         struct source_sum *ret, struct diag *d)
{
    struct input *in;
    *ret = (struct source_sum){0};
    TRY(input_open(r->what, &in, d));
    input_set_stop(in, r->stop);
    err_t e = read_input(r, source, format, in, ret, d);
    input_close(in);
    return with_its_name(r, e, d);
}

err_t source_import(const struct source_run *r, struct source_sum *ret, struct diag *d)
{
    return read_source(r, "import", r->format, ret, d);
}

err_t source_hosts(const struct source_run *r, struct source_sum *ret, struct diag *d)
{
    return read_source(r, "hosts", STR("hosts"), ret, d);
}
