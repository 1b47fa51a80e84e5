/* The journal's lines of a probe, gathered: many endpoints a line, each line written before what it
 * tells of is sent. */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_LEDGER_H
#define LASTRA_SURVEY_SOURCE_PROBE_LEDGER_H

#include "survey/inventory/journal.h"
#include "survey/source/probe/scope.h"

enum { LEDGER_LINE_MAX = 15000 };

struct ledger {
    struct journal *journal;
    struct wr connects, messages;
};
void ledger_init(struct ledger *l, struct journal *j);
void ledger_done(struct ledger *l);

/* A connection that is going to be made: line "connect". */
err_t ledger_connect(struct ledger *l, const struct ip *ip, const struct scope_port *p) MUST_CHECK;
/* A message that is going to be sent, and its bytes: line "sent". */
err_t ledger_message(struct ledger *l, const struct ip *ip, uint16_t port, const char *const *said,
                     unsigned n_said, size_t bytes) MUST_CHECK;
/* A host that is passed over: line "skip", at once. */
err_t ledger_skip(struct ledger *l, struct str where, const char *why) MUST_CHECK;
/* Writes the lines; synced: on stable storage too. */
err_t ledger_write(struct ledger *l, bool synced) MUST_CHECK;

#endif
