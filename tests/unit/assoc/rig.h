/* Two ends of a connection on this machine for the tests of assoc: ours and the other side's, which
 * is either an association too, on a thread of its own, or bytes written by hand. */
#ifndef LASTRA_TESTS_ASSOC_RIG_H
#define LASTRA_TESTS_ASSOC_RIG_H

#include "assoc/assoc.h"
#include "dicom/uid.h"
#include "io/clock.h"
#include "io/thread.h"
#include "unit.h"

#define CT UID_CTImageStorage

/* A listening socket, and a connection to it from this very thread. */
struct rig {
    struct listener *listener;
    uint16_t port;
    struct conn *raw;    /* the other side's end, by hand */
    struct assoc *assoc; /* ours */
    struct thread *thread;
    struct diag diag;
};

void rig_open(struct rig *r);
void rig_close(struct rig *r);

/* The next connection to the listener. */
struct conn *rig_accept(struct rig *r);

/* Limits with which a test that waits for a timeout is quick. */
struct assoc_limits rig_limits(void);

/* Connects by hand, sends an A-ASSOCIATE-RQ for Verification (context 1) and CT storage (context
 * 3), and receives and accepts it as an association. */
void rig_established(struct rig *r, const struct assoc_limits *l);
/* Only the connection by hand, and the accepted end of it. */
struct conn *rig_raw(struct rig *r);

/* Bytes to and from the other side's end. */
void raw_send(struct rig *r, struct str s);
void raw_expect(struct rig *r, struct str s);
/* Reads until the connection ends or the time is over; how much there was. */
size_t raw_drain(struct rig *r, uint8_t *buf, size_t cap);
/* The other side's end goes away. */
void raw_close(struct rig *r);

/* A P-DATA-TF of one PDV. */
struct str raw_data(struct wr *w, uint8_t context, bool command, bool last, struct str data);
/* A command set in such a PDU. */
struct str raw_command(struct wr *w, uint8_t context, const struct dimse_command *c);

/* The request and answer that the tests negotiate: Verification on 1, CT on 3. */
struct pdu_associate rig_request(void);
/* Accepts every context with its first transfer syntax, and roles as asked. */
err_t rig_accept_all(struct assoc *a) MUST_CHECK;

/* An association from this thread to one that `serve` runs with on another. */
void rig_pair(struct rig *r, const struct assoc_limits *ours, const struct pdu_associate *rq,
              const struct assoc_limits *theirs, void (*serve)(struct assoc *a, void *ctx),
              void *ctx);

#endif
