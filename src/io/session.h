/* Inside of io only: one TLS connection over a `struct conn`. Records are gathered so that a large
 * write is few system calls, and read ahead so that a record is not two. */
#ifndef LASTRA_IO_SESSION_H
#define LASTRA_IO_SESSION_H

#include "io/conn.h"
#include "io/tls.h"

struct session;

/* Shakes hands; as client when tls is a client's, with `host` as the name it must have. On failure
 * the alert was sent where that costs no wait. */
err_t session_start(struct conn *c, const struct tls *tls, struct str host, int64_t deadline,
                    struct session **ret, struct diag *d) MUST_CHECK;

err_t session_read(struct session *s, void *buf, size_t n, int64_t deadline,
                   size_t *ret_n) MUST_CHECK;
err_t session_write(struct session *s, const struct str *parts, size_t n,
                    int64_t deadline) MUST_CHECK;
bool session_readable(struct session *s);
bool session_peer_cert(const struct session *s, uint8_t ret_sha256[32]);
/* The common name in it, where a trusted authority signed it. */
struct str session_peer_name(const struct session *s);

/* close_notify, if it can go without waiting. */
void session_bye(struct session *s);
void session_free(struct session *s); /* NULL is fine */

#endif
