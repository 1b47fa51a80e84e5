/* The DICOM upper layer protocol machine (PS3.8 9.2): states, events and actions under the
 * standard's own names, table 9-10 cell by cell. Pure: bytes and primitives in, bytes and
 * indications out; no socket, no clock. The side that does I/O
 *
 *   - feeds what came off the wire (ul_feed), and local primitives and timer expiry (ul_do);
 *   - sends what was written to `out`;
 *   - runs ARTIM while u->artim is set, and restarts it when u->artim_starts has moved;
 *   - closes the connection when u->close is set.
 *
 * P-DATA is passed on as it arrives: a piece of a PDV is an event as soon as it is there, as a view
 * of the input, so that a PDU of any length needs no buffer. Every other PDU is wanted whole.
 */
#ifndef LASTRA_DIMSE_UL_H
#define LASTRA_DIMSE_UL_H

#include "dimse/pdu.h"

enum ul_state {
    STA1 = 1, /* idle */
    STA2,     /* connection open, awaiting A-ASSOCIATE-RQ */
    STA3,     /* awaiting the local A-ASSOCIATE response */
    STA4,     /* awaiting the connection to open */
    STA5,     /* awaiting A-ASSOCIATE-AC or -RJ */
    STA6,     /* association established */
    STA7,     /* awaiting A-RELEASE-RP */
    STA8,     /* awaiting the local A-RELEASE response */
    STA9,     /* release collision, requestor: awaiting the local response */
    STA10,    /* release collision, acceptor: awaiting A-RELEASE-RP */
    STA11,    /* release collision, requestor: awaiting A-RELEASE-RP */
    STA12,    /* release collision, acceptor: awaiting the local response */
    STA13,    /* awaiting the connection to close */
    UL_STATES,
};

/* The events by the standard's numbers (table 9-10). */
enum ul_evt {
    EVT1 = 1, /* A-ASSOCIATE request primitive */
    EVT2,     /* transport connection confirmed */
    EVT3,     /* A-ASSOCIATE-AC PDU */
    EVT4,     /* A-ASSOCIATE-RJ PDU */
    EVT5,     /* transport connection indication */
    EVT6,     /* A-ASSOCIATE-RQ PDU */
    EVT7,     /* A-ASSOCIATE response primitive, accept */
    EVT8,     /* A-ASSOCIATE response primitive, reject */
    EVT9,     /* P-DATA request primitive */
    EVT10,    /* P-DATA-TF PDU */
    EVT11,    /* A-RELEASE request primitive */
    EVT12,    /* A-RELEASE-RQ PDU */
    EVT13,    /* A-RELEASE-RP PDU */
    EVT14,    /* A-RELEASE response primitive */
    EVT15,    /* A-ABORT request primitive */
    EVT16,    /* A-ABORT PDU */
    EVT17,    /* transport connection closed */
    EVT18,    /* ARTIM expired */
    EVT19,    /* unrecognized or invalid PDU */
    UL_EVENTS,
};

enum ul_action {
    UL_NONE, /* an empty cell: cannot happen, or a local primitive at the wrong time */
    AE_1,
    AE_2,
    AE_3,
    AE_4,
    AE_5,
    AE_6,
    AE_7,
    AE_8,
    DT_1,
    DT_2,
    AR_1,
    AR_2,
    AR_3,
    AR_4,
    AR_5,
    AR_6,
    AR_7,
    AR_8,
    AR_9,
    AR_10,
    AA_1,
    AA_2,
    AA_3,
    AA_4,
    AA_5,
    AA_6,
    AA_7,
    AA_8,
};

/* What the machine tells its user. */
enum ul_kind {
    UL_NOTHING,
    UL_ASSOCIATE_INDICATION, /* associate: what the other side asks for */
    UL_ASSOCIATE_ACCEPTED,   /* associate: the answer */
    UL_ASSOCIATE_REJECTED,   /* refusal */
    UL_REFUSED,              /* AE-6: we refused what no provider may accept; refusal */
    UL_DATA,                 /* pdv */
    UL_RELEASE_INDICATION,
    UL_RELEASE_COLLISION, /* AR-8: an indication while ours is under way */
    UL_RELEASE_CONFIRMED,
    UL_ABORTED,   /* by the other side's user; refusal */
    UL_P_ABORTED, /* by either provider; refusal. Ours when `own` */
    UL_CLOSED,    /* the connection is over: nothing left to wait for */
};

/* PS3.8 table 9-26: reasons of the service provider. */
enum ul_reason {
    UL_REASON_NONE = 0,
    UL_UNRECOGNIZED_PDU = 1,
    UL_UNEXPECTED_PDU = 2,
    UL_UNRECOGNIZED_PARAMETER = 4,
    UL_UNEXPECTED_PARAMETER = 5,
    UL_INVALID_PARAMETER = 6,
};

struct ul_event {
    enum ul_kind kind;
    const struct pdu_associate *associate; /* in the machine's arena */
    struct pdu_refusal refusal;
    bool own;
    struct pdv pdv; /* data: this piece; last: the message part ends with it */
};

struct ul {
    enum ul_state state;
    bool requestor;
    /* For the I/O side. */
    bool artim;
    unsigned artim_starts;
    bool close;
    size_t want; /* after STEP_MORE: bytes that must stand together in the input */
    /* Limits. */
    uint32_t max_pdu;       /* what we announced: a longer P-DATA-TF is an invalid PDU */
    uint32_t max_associate; /* A-ASSOCIATE PDUs, which are kept whole */
    struct arena *arena;    /* holds the associate events; owned by the caller */
    struct diag diag;       /* why a PDU was invalid */
    /* The PDU under way. */
    bool in_data, dropping;
    uint32_t pdu_left, pdv_left;
    struct pdv pdv;
};

/* A machine in Sta1. max_pdu 0: no limit. */
void ul_init(struct ul *u, bool requestor, uint32_t max_pdu, uint32_t max_associate,
             struct arena *arena);

/* Takes what it uses off the front of *in.
 * STEP_EVENT: *ret holds one; call again. STEP_MORE: nothing more to do with this input; what is
 * left of *in must stand before what comes next, u->want bytes together. STEP_DONE: Sta1, nothing
 * is read any more. STEP_FAIL: `out` is full. */
enum step ul_feed(struct ul *u, struct str *in, struct wr *out, struct ul_event *ret);

/* What local primitives carry. */
struct ul_argument {
    const struct pdu_associate *associate; /* EVT2: the request; EVT7: the answer */
    struct pdu_refusal refusal;            /* EVT8; EVT15 and EVT19: A-ABORT's reason */
};

/* A local primitive, the connection's opening and end, ARTIM's expiry, or a PDU that its reader
 * found invalid (EVT19). STEP_EVENT: *ret holds an indication. STEP_MORE: done. STEP_FAIL: not
 * possible in this state (nothing changed), or `out` is full. DT-1 and AR-7 write nothing: the
 * caller sends its P-DATA itself. arg may be NULL. */
enum step ul_do(struct ul *u, enum ul_evt event, const struct ul_argument *arg, struct wr *out,
                struct ul_event *ret);

/* Table 9-10. */
enum ul_action ul_table(enum ul_evt event, enum ul_state state);
/* "AE-6", "AA-8"; "-" for an empty cell. */
const char *ul_action_name(enum ul_action a);

#endif
