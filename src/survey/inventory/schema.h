/* The inventory's tables and their versions. The whole is described in docs/formats.md, "Survey
 * folder". */
#ifndef LASTRA_SURVEY_INVENTORY_SCHEMA_H
#define LASTRA_SURVEY_INVENTORY_SCHEMA_H

#include "store/sql.h"

/* Makes the tables, or brings those of an older version up to date, in one transaction.
 * E_UNSUPPORTED: a newer version's; E_DENIED: not an inventory. */
err_t schema_update(struct sql *db, struct diag *d) MUST_CHECK;

/* What stands there, without changing anything. *ret_old: an older version's, or nothing yet. */
err_t tables_check(struct sql *db, bool *ret_old, struct diag *d) MUST_CHECK;

#endif
