/* What C-GET and C-MOVE share (PS3.4 C.4.2, C.4.3): the set of objects, pending answers, cancel,
 * the final answer. They differ in where an object goes. */
#ifndef LASTRA_SERVE_DIMSE_RETRIEVE_H
#define LASTRA_SERVE_DIMSE_RETRIEVE_H

#include "serve/dimse/outlet.h"
#include "serve/dimse/service.h"

struct retrieve {
    struct session *session;
    const struct dimse_command *rq;
    struct fetch *fetch;
    struct suboperations sub;
    struct feed feed;
    int64_t next_pending_ms;
    int64_t begun_us;
};

/* Reads the identifier and finds the objects. *ret_go false: it was refused and answered.
 * destination: who gets them, for the audit trail. */
err_t retrieve_begin(struct retrieve *r, struct session *s, const struct dimse_command *rq,
                     const struct service *service, bool *ret_go) MUST_CHECK;

/* Who takes part, for the audit trail: third is who asked for it where that is somebody else. */
void retrieve_trail(struct retrieve *r, const struct audit_participant *destination,
                    const struct audit_participant *third);

/* Sends each object by `send`, with pending answers between them, until the end or a cancel. `send`
 * counts what it does in r->sub; its error ends the retrieve and the association. */
err_t retrieve_each(struct retrieve *r, err_t (*send)(void *ctx, struct feed *f),
                    void *ctx) MUST_CHECK;

/* The final answer. why: what the Error Comment says of failures; when
 * empty, why the first failed. */
err_t retrieve_finish(struct retrieve *r, struct str why) MUST_CHECK;

void retrieve_done(struct retrieve *r);

/* The relational retrieval byte of extended negotiation (PS3.4 C.5.2.1.1, C.5.3.1.1). */
size_t retrieve_extended(struct str asked, uint8_t *ret);

#endif
