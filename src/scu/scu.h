/* What a client needs to reach another application entity, and the small use cases: opening an
 * association, C-ECHO, waiting for a response. */
#ifndef LASTRA_SCU_SCU_H
#define LASTRA_SCU_SCU_H

#include "assoc/assoc.h"

/* The other side, and who we are to it. */
struct scu_peer {
    struct str host;
    uint16_t port;
    struct str called, calling; /* AE titles */
    const struct tls *tls;      /* NULL: cleartext */
    struct assoc_limits limits;
    const struct stop *stop;
};

/* "AET@HOST:PORT", "AET@[::1]:PORT": called, host and port as views of the text. E_USAGE says what
 * is wrong with it. */
err_t scu_peer_parse(struct str text, struct scu_peer *ret, struct diag *d) MUST_CHECK;

/* Proposes one abstract syntax with the uncompressed transfer syntaxes. relational (for C-FIND,
 * C-MOVE, C-GET): asks for relational queries by extended negotiation. E_UNSUPPORTED, released,
 * when the context was not accepted. */
err_t scu_open(const struct scu_peer *p, struct str abstract, bool relational, struct assoc **ret,
               struct diag *d) MUST_CHECK;

/* Connects with this proposal; AE titles from the peer. */
err_t scu_open_with(const struct scu_peer *p, struct pdu_associate *rq, struct assoc **ret,
                    struct diag *d) MUST_CHECK;

/* Waits for the response to a message; other messages are E_PROTOCOL and abort. */
err_t scu_response(struct assoc *a, uint16_t field, uint16_t message_id,
                   struct dimse_command *ret) MUST_CHECK;

/* C-ECHO on an open association (PS3.7 9.1.5); the status of the response. */
err_t scu_echo(struct assoc *a, uint16_t message_id, uint16_t *ret_status) MUST_CHECK;

#endif
