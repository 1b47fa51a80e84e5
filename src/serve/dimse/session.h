/* One admitted association, as the services see it. One thread owns it. */
#ifndef LASTRA_SERVE_DIMSE_SESSION_H
#define LASTRA_SERVE_DIMSE_SESSION_H

#include "archive/ingest.h"
#include "serve/dimse/server.h"
#include "serve/dimse/trail.h"

enum { SESSION_ARENA = 64 << 20 };

struct session {
    const struct server_options *options;
    const struct stop *halt; /* ends running operations, later than options->stop */
    struct assoc *assoc;
    struct visit *visit;
    const struct pdu_associate *answer; /* what was negotiated */
    char peer[AET_MAX + 1];             /* calling AE title, of a registered peer */
    char address[ADDR_TEXT_MAX];        /* where it comes from, for the log */
    char participant_address[ADDR_TEXT_MAX];
    struct arena arena;    /* of the message under way */
    struct wr out;         /* data sets of responses, before they are sent */
    struct ingest *in;     /* made by the first C-STORE */
    struct trail received; /* what came, for the audit trail */
    uint64_t objects_in, objects_out, queries, failed;
};

/* Moves a request's texts into the session's arena: they hold for the whole operation then, also
 * when other messages are read on the way. E_NOMEM. */
err_t session_keep(struct session *s, struct dimse_command *rq) MUST_CHECK;

/* Sends the response to a request, without data set; comment may be empty and is cut to what an
 * Error Comment holds. What is left of the request's data set is skipped first. */
err_t session_answer(struct session *s, const struct dimse_command *rq, uint16_t status,
                     struct str comment) MUST_CHECK;

/* The same for an error of ours: its status in this service's terms, its words, and a line in the
 * log. */
err_t session_refuse(struct session *s, const struct dimse_command *rq, err_t e,
                     const struct diag *d) MUST_CHECK;

/* The same, with the element at fault (PS3.7 C.4); 0: not known. The data set has been read. */
err_t session_refuse_element(struct session *s, const struct dimse_command *rq, err_t e,
                             tag_t offending, const struct diag *d) MUST_CHECK;

/* Reads the whole data set of a request (deflated or not) as a data set in the session's arena.
 * E_LIMIT, E_MALFORMED: it is refused by session_refuse, the association goes on. What else comes
 * ends it: see session_is_over. */
err_t session_identifier(struct session *s, const struct dimse_command *rq, struct dcm_ds **ret,
                         struct str *ret_bytes, struct diag *d) MUST_CHECK;

/* The response to a request with a data set, in the context's transfer syntax. */
err_t session_answer_with(struct session *s, const struct dimse_command *rq,
                          const struct dimse_command *rsp, const struct dcm_ds *ds) MUST_CHECK;

/* Whether the association cannot go on. */
bool session_is_over(const struct session *s);

/* The peer as an audit participant. */
struct audit_participant session_participant(struct session *s, enum audit_role role,
                                             bool requestor);

#endif
