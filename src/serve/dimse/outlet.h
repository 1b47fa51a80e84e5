/* Objects to one association, as C-STORE sub-operations of a C-GET or C-MOVE (PS3.4 C.4.2.2):
 * several outstanding where the other side agreed to that, each accounted for when its response
 * comes. */
#ifndef LASTRA_SERVE_DIMSE_OUTLET_H
#define LASTRA_SERVE_DIMSE_OUTLET_H

#include "serve/dimse/feed.h"
#include "serve/dimse/session.h"

enum { OUTLET_FAILED_UIDS = 60000 }; /* bytes of the Failed SOP Instance UID List */

/* The counts of a retrieve, over all its outlets. */
struct suboperations {
    uint64_t remaining, completed, failed, warning;
    struct wr failed_uids; /* parted by backslashes; cut where it is full */
    struct trail sent;     /* for the audit trail */
    bool cancelled;
    struct diag why; /* of the first that failed */
};

struct outlet_waiting {
    uint16_t message_id;
    struct feed_item item;
};

struct outlet {
    struct session *session;
    struct suboperations *sub;
    struct assoc *to; /* the session's own for C-GET */
    const struct dimse_command *rq;
    const struct scu_origin *origin; /* C-MOVE */
    uint16_t next_id;
    size_t window, n;
    struct outlet_waiting *waiting; /* `window` of them */
};

/* rq, origin, sub, to: the caller's. */
err_t outlet_init(struct outlet *o, struct session *s, struct suboperations *sub, struct assoc *to,
                  const struct dimse_command *rq, const struct scu_origin *origin) MUST_CHECK;
void outlet_done(struct outlet *o);

/* Sends one, after waiting for a response where the window is full. An object that cannot be sent
 * is counted as failed, and OK. An error: `to` is over. */
err_t outlet_send(struct outlet *o, struct feed *f) MUST_CHECK;
/* Waits for what is outstanding. */
err_t outlet_settle(struct outlet *o) MUST_CHECK;
/* Takes what is outstanding as failed: the association is over. */
void outlet_give_up(struct outlet *o);

/* Counts one object that could not be sent. */
void suboperation_failed(struct session *s, struct suboperations *sub, const struct feed_item *item,
                         const char *why);

#endif
