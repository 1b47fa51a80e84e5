/* Inside of io only: what tls.c made ready and session.c uses. */
#ifndef LASTRA_IO_RULES_H
#define LASTRA_IO_RULES_H

#include <gnutls/gnutls.h>
#include <stdatomic.h>

#include "io/tls.h"

struct tls {
    atomic_uint holders; /* the maker and each connection */
    bool server;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    bool has_trust, has_cert;
    bool pinned, no_name_check; /* client */
    uint8_t pin[32];
    bool (*known)(void *ctx, const uint8_t sha256[32]); /* server */
    void *ctx;
};

/* Another holder; given back by tls_free. */
struct tls *tls_hold(const struct tls *t);

#endif
