/* docs/manual/survey-tables.md: what the survey's own tables say. */
#include "app/help.h"
#include "survey/assess/finding.h"
#include "survey/core/evidence.h"
#include "survey/source/import/importer.h"
#include "survey/source/probe/scope.h"

static void put_importers(struct wr *w)
{
    wr_put(w, STR("| `--format` | what it reads |\n|---|---|\n"));
    for (size_t i = 0; importer_at(i); i++)
        wr_printf(w, "| `%s` | %s |\n", importer_at(i)->name, importer_at(i)->about);
}

static void put_facts(struct wr *w)
{
    wr_put(w, STR("| fact | what it is |\n|---|---|\n"));
    for (unsigned k = 1; k < EV_KINDS; k++) {
        struct str name = ev_name((enum ev_kind)k);
        if (name.n && !ev_is_raw((enum ev_kind)k))
            wr_printf(w, "| `%.*s` | %.*s |\n", STR_ARG(name), STR_ARG(ev_help((enum ev_kind)k)));
    }
}

void survey_markdown(struct wr *w)
{
    wr_put(w, STR("# The survey's tables\n\nWritten by the program from its own tables (`lastra "
                  "manual --survey`).\n\n## The scope file\n\n"));
    scope_markdown(w);
    wr_put(w, STR("\n## Exports that can be imported\n\n"));
    put_importers(w);
    wr_put(w, STR("\n## Facts\n\nWhat the inventory keeps of an endpoint, and what a CSV may name "
                  "as its columns. Facts of the host itself stand at port 0.\n\n"));
    put_facts(w);
    wr_put(w, STR("\n## Findings\n\n"));
    finding_markdown(w);
}
