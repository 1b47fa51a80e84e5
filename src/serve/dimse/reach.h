/* Reaching a move destination: where the registry says it is, over TLS where it says so, and then
 * only if it shows a certificate that the registry has for it. */
#ifndef LASTRA_SERVE_DIMSE_REACH_H
#define LASTRA_SERVE_DIMSE_REACH_H

#include "access/peer.h"
#include "serve/dimse/session.h"

/* Opens an association with these contexts. E_UNSUPPORTED: over TLS, and we have no certificate. */
err_t reach_destination(const struct session *s, const struct peer *destination,
                 const struct pdu_associate *contexts, struct assoc **ret,
                 struct diag *d) MUST_CHECK;

#endif
