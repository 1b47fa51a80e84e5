/* One connection from its first byte to its end: TLS, association request, admission, negotiation,
 * messages. */
#ifndef LASTRA_SERVE_DIMSE_ASSOCIATION_H
#define LASTRA_SERVE_DIMSE_ASSOCIATION_H

#include "serve/dimse/server.h"

/* What the server does for one connection. */
struct reception {
    const struct server_options *options;
    const struct stop *halt; /* ends running operations, later than options->stop */
    void *ctx;
    /* The connection has asked for an association: it no longer counts as a handshake. False when
     * as many are open as there may be. */
    bool (*asked)(void *ctx);
    /* Whether an event that others can cause at will is written down; counts the rest. Strangers
     * cannot drown what registered sources do. */
    bool (*notable)(void *ctx, bool stranger, uint64_t *ret_suppressed);
};

/* Takes the connection over and returns when it is closed. */
void association_run(const struct reception *r, struct conn *c, bool tls);

/* A source that nobody registered, or an association that was not admitted: log and audit trail. */
void association_refused(const struct reception *r, enum log_id id, const struct addr *from,
                         struct str calling, const char *why);

#endif
