/* The answer to an association request (PS3.7 annex D, PS3.8 7.1.1): a pure function of what is
 * asked, what the peer may do and what the services offer. */
#ifndef LASTRA_SERVE_DIMSE_NEGOTIATE_H
#define LASTRA_SERVE_DIMSE_NEGOTIATE_H

#include "base/arena.h"
#include "dimse/pdu.h"

struct negotiate_rules {
    uint32_t grants;     /* bits of enum grant */
    uint32_t max_pdu;    /* what we receive */
    size_t contexts;     /* accepted at most */
    uint16_t operations; /* outstanding at most, either way */
};

/* Fills the answer for assoc_accept; arrays in the arena, texts are views of the request. Each
 * context has a result: accepted; user rejection where the peer lacks the grant or there are too
 * many; abstract or transfer syntax not supported. E_NOMEM. */
err_t negotiate(const struct pdu_associate *rq, const struct negotiate_rules *rules,
                struct arena *a, struct pdu_associate *ret) MUST_CHECK;

/* Whether byte `at` of the extended negotiation of a SOP class was asked for and agreed to. */
bool negotiated(const struct pdu_associate *answer, struct str sop_class, size_t at);

#endif
