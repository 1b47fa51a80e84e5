/* TLS rules for one side, over GnuTLS: TLS 1.2 and 1.3 with the suites of the DICOM BCP 195
 * profiles (PS3.15 B.12, RFC 8996 and 9325): ECDHE with AES-GCM or ChaCha20-Poly1305. No
 * renegotiation, no compression, no downgrade. */
#ifndef LASTRA_IO_TLS_H
#define LASTRA_IO_TLS_H

#include "base/err.h"
#include "base/str.h"

struct tls;

/* Paths, from the user or the configuration (links are followed). */
struct tls_files {
    const char *cert;  /* PEM chain of this side; NULL for a client without one */
    const char *key;   /* PEM private key */
    const char *trust; /* PEM authorities; NULL: none, every certificate must be pinned */
    uint8_t pin[32];   /* client: SHA-256 of the server certificate (DER) it must have */
    bool pinned;
    bool no_name_check; /* client: the chain must hold but the host's name need not be in it */
};

/* A server asks every client for a certificate and requires one that `trust` signed or that `known`
 * recognises (a self-made certificate registered by fingerprint). known may be NULL; it is called
 * from connection threads. */
err_t tls_server(const struct tls_files *f, bool (*known)(void *ctx, const uint8_t sha256[32]),
                 void *ctx, struct tls **ret, struct diag *d) MUST_CHECK;
err_t tls_client(const struct tls_files *f, struct tls **ret, struct diag *d) MUST_CHECK;
/* Connections that were made with it keep what they need, so that it can be replaced under them.
 * NULL is fine. */
void tls_free(struct tls *t);

#endif
