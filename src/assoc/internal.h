/* What the files of this layer share: the association itself, and the wire underneath it (wire.c).
 */
#ifndef LASTRA_ASSOC_INTERNAL_H
#define LASTRA_ASSOC_INTERNAL_H

#include "assoc/assoc.h"
#include "dimse/ul.h"
#include "io/clock.h"

enum {
    /* An A-ASSOCIATE PDU is kept whole: 128 contexts with 30 transfer syntaxes each fit. */
    ASSOCIATE_MAX = 256 * 1024,
    ASSOC_ARENA_MAX = 2 * 1024 * 1024,
    /* The receive buffer: small until bulk data comes, and again after a second without any. */
    BUFFER_SMALL = 4 * 1024,
    BUFFER_LARGE = 128 * 1024,
    SHRINK_AFTER_MS = 1000,
    /* A peer must bring this much within dimse_ms, or it is as good as stuck. */
    PROGRESS = 16 * 1024,
    COMMAND_MAX = 16 * 1024,
    /* Data is put together up to here before it is sent; larger pieces are not copied. */
    HOLD_MAX = 16 * 1024,
    /* Where the other side sets no limit, and the least it may set. */
    PEER_PDU_DEFAULT = 256 * 1024,
    PEER_PDU_MIN = 256,
    QUEUE_MAX = 8,
    CANCELS_MAX = 8,
    ABORT_LINGER_MS = 3000,
    /* What is read and thrown away of a peer that goes on after its abort. */
    LINGER_BYTES_MAX = 4 * 1024 * 1024,
};

/* A command set that came while another message was being worked on. */
struct queued {
    struct wr bytes;
    uint8_t context;
};

struct assoc {
    struct conn *conn;
    struct assoc_limits limits;
    struct ul ul;
    struct arena arena; /* request, answer and contexts: as long as the association */
    const struct pdu_associate *request, *answer;
    struct assoc_context *contexts;
    size_t n_contexts;
    uint8_t by_id[256]; /* place in contexts + 1 */
    err_t dead;         /* why nothing more can be done */
    struct diag diag;
    /* Receiving (wire.c). */
    uint8_t *buf;
    size_t cap, from, to;
    int64_t pace_until;
    uint64_t pace_bytes;
    struct wr out; /* PDUs that the machine wrote */
    /* Messages (message.c). */
    struct wr incoming; /* the command set being put together */
    uint8_t incoming_context;
    struct wr current; /* the one given out last */
    uint16_t current_id;
    bool stream_data; /* the stream stands in a data set */
    bool mine;        /* ... which is that of the message given out last */
    uint8_t data_context;
    struct queued queue[QUEUE_MAX];
    size_t n_queue;
    uint16_t cancels[CANCELS_MAX];
    size_t n_cancels;
    bool release_asked;
    uint64_t refused;
    /* Sending (send.c). */
    struct wr send;
    bool sending; /* a command is out whose data set is not complete */
    uint8_t send_context;
    size_t send_pdu; /* where the open P-DATA-TF begins in `send` */
};

struct assoc *assoc_new(struct conn *c, bool requestor, const struct assoc_limits *l);

/* Feeds the machine until it has an event, reading as needed, and sends what it writes. Before a
 * message has begun the wait ends at the deadline; within one, when the peer makes no progress.
 * Losing the connection, a timeout and the stop switch end the association (wire_lost, wire_abort).
 */
err_t wire_event(struct assoc *a, int64_t deadline, struct ul_event *ret) MUST_CHECK;
/* The same for as long as it needs no wait; *ret_any is false when it would. */
err_t wire_poll(struct assoc *a, struct ul_event *ret, bool *ret_any) MUST_CHECK;

/* A local primitive: what it makes the machine write is sent. E_USAGE: not in this state. */
err_t wire_do(struct assoc *a, enum ul_evt event, const struct ul_argument *arg,
              struct ul_event *ret) MUST_CHECK;

/* Ends the association: A-ABORT by the user (EVT15) or for an invalid PDU (EVT19 with a reason), a
 * wait for the other side to close, and this error from now on. Returns it. */
err_t wire_abort(struct assoc *a, enum ul_evt event, enum ul_reason reason, err_t why);
/* Without a word: the connection is gone or useless. */
err_t wire_lost(struct assoc *a, err_t why);
/* After a write failed: whether the other side had said why, by an A-ABORT, before it closed; the
 * association is over then. */
bool wire_farewell(struct assoc *a);
/* After the last PDU (Sta13): waits for the other side to close, at most so long, then closes. */
void wire_linger(struct assoc *a, int64_t ms);
/* An abort that the machine told of. */
err_t wire_aborted(struct assoc *a, const struct ul_event *e);

/* Takes the negotiated contexts from request and answer. E_PROTOCOL: a maximum length with which
 * nothing can be sent. */
err_t assoc_establish(struct assoc *a) MUST_CHECK;

#endif
