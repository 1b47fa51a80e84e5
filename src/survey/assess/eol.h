/* What its maker no longer supports: data/eol.tsv. */
#ifndef LASTRA_SURVEY_ASSESS_EOL_H
#define LASTRA_SURVEY_ASSESS_EOL_H

#include "survey/assess/names.h"

struct eol_row {
    struct str vendor, product, range, since, source;
};

struct eol;
err_t eol_new(const struct names *n, struct eol **ret, struct diag *d) MUST_CHECK;
void eol_free(struct eol *e); /* NULL is fine */

/* The row that a product falls under on a day (YYYY-MM-DD); NULL. A version that is needed and not
 * read gives none. */
const struct eol_row *eol_product(const struct eol *e, struct str vendor, struct str product,
                                  struct str version, struct str today);
/* The same for an operating system as it was seen ("Windows 7", "Microsoft Windows Server 2008 R2
 * SP1"). Guesses ("7 or 8", "7|8.1") and editions with longer support give none. */
const struct eol_row *eol_system(const struct eol *e, struct str os, struct str today);

#endif
