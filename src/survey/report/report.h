/* The report: what an inventory's survey says, counted once into a `struct report`, then written in
 * each format from it. Definitions of every count: docs/manual/survey-report.md. */
#ifndef LASTRA_SURVEY_REPORT_REPORT_H
#define LASTRA_SURVEY_REPORT_REPORT_H

#include "base/wr.h"
#include "survey/assess/finding.h"
#include "survey/inventory/inventory.h"

struct report_options {
    enum language language;
    bool redact;             /* no addresses, names, owners, sites: systems are numbered */
    struct str before;       /* the survey to compare with for the trend; empty: the one before */
    struct inventory *other; /* where `before` is, when in another inventory; NULL: the same */
    struct str title;        /* empty: "Survey of <owner>" */
    const char *today;
    const struct stop *stop;
};

/* Everything counted; holds no rows of systems: those are streamed from the inventory by the
 * formats. */
struct report;
err_t report_new(struct inventory *v, struct str survey, const struct report_options *o,
                 struct report **ret, struct diag *d) MUST_CHECK;
void report_free(struct report *r); /* NULL is fine */

/* One self-contained file: no script, nothing fetched, prints on A4. */
err_t report_html(struct report *r, struct wr *w, struct diag *d) MUST_CHECK;
/* docs/manual/survey-report.schema.json. */
err_t report_json(struct report *r, struct wr *w, struct diag *d) MUST_CHECK;
/* One line a system; one a finding. */
err_t report_csv(struct report *r, struct wr *w, struct diag *d) MUST_CHECK;
err_t report_csv_findings(struct report *r, struct wr *w, struct diag *d) MUST_CHECK;
/* SARIF 2.1.0. */
err_t report_sarif(struct report *r, struct wr *w, struct diag *d) MUST_CHECK;
/* A screenful for the terminal. */
err_t report_text(struct report *r, struct wr *w, struct diag *d) MUST_CHECK;
/* HTML to PDF by a browser of this machine (chromium, chromium-browser, google-chrome), headless,
 * no network. E_UNSUPPORTED: there is none. */
err_t report_pdf(const char *html_path, const char *pdf_path, struct diag *d) MUST_CHECK;

#endif
