/* The journal: every packet that was sent and every conclusion, in a hash-chained file
 * (store/chain.h) under SITE/journal. One JSON object a line:
 * {"t":"2026-11-22T10:00:00Z","what":"connect",...}. */
#ifndef LASTRA_SURVEY_INVENTORY_JOURNAL_H
#define LASTRA_SURVEY_INVENTORY_JOURNAL_H

#include "store/chain.h"
#include "survey/inventory/inventory.h"

struct journal;

err_t journal_open(struct inventory *v, struct journal **ret, struct diag *d) MUST_CHECK;
void journal_close(struct journal *j); /* syncs; NULL is fine */

/* A line: what ("run", "plan", "connect", "sent", "skip", "stop", "concluded", "report", ...) and
 * particulars as pairs of name and value (an even number of views). From any thread. */
err_t journal_note(struct journal *j, const char *what, const struct str *pairs,
                   size_t n) MUST_CHECK;
/* Everything so far on stable storage: before the first packet to a host, and at the end. */
err_t journal_sync(struct journal *j) MUST_CHECK;

/* Proves it whole: as `lastra audit verify`. */
err_t journal_verify(struct inventory *v, struct chain_report *ret, struct diag *d) MUST_CHECK;

#endif
