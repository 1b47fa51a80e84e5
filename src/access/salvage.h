/* The registry of one index carried over into another, when the index is rebuilt: peers, users,
 * settings. */
#ifndef LASTRA_ACCESS_SALVAGE_H
#define LASTRA_ACCESS_SALVAGE_H

#include "store/sql.h"

/* Copies every row of the registry's tables, in one transaction on `to`, which has the tables
 * (access_schema) and takes the rows over its own. An error of `from` (a damaged index) undoes it.
 */
err_t access_salvage(struct sql *from, struct sql *to, struct diag *d) MUST_CHECK;

#endif
