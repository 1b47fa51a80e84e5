/* An association over a connection, both roles, as straight-line blocking calls: the state machine
 * of dimse/ul.h, the codecs of dimse/pdu.h and dimse/command.h, a connection and deadlines put
 * together. One thread owns an association.
 *
 * Acceptor:   assoc_receive -> look at assoc_request() -> assoc_accept or assoc_reject ->
 * assoc_next ... Requestor:  assoc_open -> assoc_send ... assoc_next -> assoc_release Any failure
 * of a call after which the association cannot go on has already sent the A-ABORT that PS3.8 asks
 * for, with its source and reason; the caller frees.
 */
#ifndef LASTRA_ASSOC_ASSOC_H
#define LASTRA_ASSOC_ASSOC_H

#include "dicom/dataset.h"
#include "dimse/command.h"
#include "dimse/pdu.h"
#include "io/net.h"

struct assoc;

/* Times and sizes, each an option. */
struct assoc_limits {
    int64_t artim_ms; /* PS3.8 9.1.5; 30 s */
    int64_t idle_ms;  /* between messages; 10 min */
    int64_t dimse_ms; /* within a message, and for a response; 60 s */
    uint32_t max_pdu; /* what we receive; 128 KiB: from 4 KiB to 1 MiB */
    uint16_t max_ops; /* operations outstanding that we invoke or perform; 1 is synchronous, 0 no
                         limit */
};
#define ASSOC_LIMITS_DEFAULT ((struct assoc_limits){30000, 600000, 60000, 131072, 1})

/* The acceptor's side: waits for A-ASSOCIATE-RQ (ARTIM). Takes the connection over, also on
 * failure. */
err_t assoc_receive(struct conn *c, const struct assoc_limits *l, struct assoc **ret,
                    struct diag *d) MUST_CHECK;

/* What was asked for (acceptor) or answered (requestor); valid as long as the association. */
const struct pdu_associate *assoc_request(const struct assoc *a);
const struct pdu_associate *assoc_answer(const struct assoc *a);

/* Sends A-ASSOCIATE-AC. `answer` says for each context of the request: result, transfer syntax, and
 * the negotiated items. AE titles, maximum length, and (where left empty) application context,
 * implementation and asynchronous window are filled in. */
err_t assoc_accept(struct assoc *a, const struct pdu_associate *answer) MUST_CHECK;

/* Sends A-ASSOCIATE-RJ (PS3.8 9.3.4) and waits at most ARTIM for the other side to close. */
void assoc_reject(struct assoc *a, uint8_t result, uint8_t source, uint8_t reason);

/* The requestor's side: connects, proposes, waits. E_REJECTED (for good) or E_BUSY (for
 * now) with the reason in words in d. */
err_t assoc_open(struct str host, uint16_t port, const struct tls *tls,
                 const struct pdu_associate *rq, const struct assoc_limits *l,
                 const struct stop *stop, struct assoc **ret, struct diag *d) MUST_CHECK;

/* An accepted context by id; NULL when there is none. */
struct assoc_context {
    uint8_t id;
    struct str abstract_syntax, transfer_syntax;
    bool scu, scp; /* the requestor's roles as negotiated (PS3.7 D.3.3.4); default SCU */
};
const struct assoc_context *assoc_context(const struct assoc *a, uint8_t id);
/* How many operations the side that invokes may have outstanding (PS3.7 D.3.3.3): as requestor what
 * was negotiated for invoking, as acceptor (C-STORE of a C-GET) for performing. 1 when nothing was
 * negotiated; 0: no limit. */
uint16_t assoc_window(const struct assoc *a);

/* The first accepted context for an abstract syntax (and transfer syntax, unless empty). */
const struct assoc_context *assoc_context_for(const struct assoc *a, struct str abstract,
                                              struct str transfer);
/* By place, 0 .. until NULL. */
const struct assoc_context *assoc_context_at(const struct assoc *a, size_t i);

/* The next message's command set. OK: *ret is filled (views into the association, valid until the
 * next assoc_next), and if ret->has_data the data set is read with assoc_data*; what is left of it
 * is skipped by the next call. A C-CANCEL-RQ is a message like any other here; one that
 * assoc_cancelled saw is not given again.
 * E_CLOSED: released by the other side and answered: a good end. E_REJECTED: aborted by the other
 * side. E_IO: the connection was lost without release or abort. E_TIMEOUT, E_PROTOCOL, E_STOPPED:
 * aborted by us. deadline 0: the idle option. */
err_t assoc_next(struct assoc *a, int64_t deadline, struct dimse_command *ret) MUST_CHECK;

/* The next piece of the message's data set, as it comes off the wire: a view into the receive
 * buffer, valid until the next call. */
err_t assoc_data(struct assoc *a, struct str *ret_piece, bool *ret_last) MUST_CHECK;
/* The whole data set in the arena, at most max bytes: E_LIMIT past it (the rest is skipped). */
err_t assoc_data_all(struct assoc *a, size_t max, struct arena *arena, struct str *ret) MUST_CHECK;
err_t assoc_data_skip(struct assoc *a) MUST_CHECK;

/* Sends a command set; cmd->has_data says whether assoc_send_data follows. Small messages leave in
 * one write: nothing is sent before the message is complete or enough has come together. Large
 * pieces are written from where they stand. cmd->context is not used. E_USAGE: no such context. */
err_t assoc_send(struct assoc *a, uint8_t context, const struct dimse_command *cmd) MUST_CHECK;
err_t assoc_send_data(struct assoc *a, struct str piece, bool last) MUST_CHECK;

/* Without waiting: has a C-CANCEL-RQ for this message id come? Other messages stay queued for
 * assoc_next (bounded); an abort or a lost peer is an error here too. */
err_t assoc_cancelled(struct assoc *a, uint16_t message_id, bool *ret) MUST_CHECK;

/* Whether bytes are waiting that assoc_next could use. */
bool assoc_readable(struct assoc *a);

/* A-RELEASE and its answer, then close. Messages that still come are dropped. The association is
 * only good for assoc_free afterwards. */
err_t assoc_release(struct assoc *a) MUST_CHECK;
/* A-ABORT, source 0 (service user). Waits a moment for the other side to close. */
void assoc_abort(struct assoc *a);
/* Closes what is still open (an established association is aborted first). NULL is fine. */
void assoc_free(struct assoc *a);

/* Whether we asked for it. */
bool assoc_is_requestor(const struct assoc *a);

/* Whether the association is established: messages may be sent. */
bool assoc_is_open(const struct assoc *a);

/* Requests so far that were answered with a failure by assoc_next itself, since their command set
 * held what no service may see (dimse_command_parse, `refuse`). */
uint64_t assoc_refused(const struct assoc *a);

struct conn *assoc_conn(struct assoc *a);
/* What went wrong, in words, after a failure. */
const struct diag *assoc_diag(const struct assoc *a);

#endif
