/* The minimal lower layer protocol (HL7 v2 appendix C; IHE ITI TF-2 C.2.1): <VT> message <FS><CR>.
 * Bytes in, messages out; no I/O. */
#ifndef LASTRA_HL7_MLLP_H
#define LASTRA_HL7_MLLP_H

#include "base/err.h"
#include "base/wr.h"

enum { MLLP_MESSAGE_MAX = 16 << 20 };

/* Takes messages out of a stream that comes in any pieces. What is not framed is passed over and
 * counted; a message past `max` is passed over. */
struct mllp {
    struct wr message; /* heap: what came of the message so far */
    size_t max;
    uint64_t stray;    /* bytes outside frames */
    uint64_t too_long; /* messages passed over */
    bool inside, fs, skipping;
};
void mllp_init(struct mllp *m, size_t max); /* 0: MLLP_MESSAGE_MAX */
void mllp_done(struct mllp *m);
/* STEP_EVENT: *ret is a whole message, valid until the next call; STEP_MORE: *in is used up. Never
 * fails but for memory (STEP_FAIL). */
enum step mllp_feed(struct mllp *m, struct str *in, struct str *ret);

#endif
