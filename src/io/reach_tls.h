/* Inside of io only: the client's side of TLS on a non-blocking descriptor, for io/reach. */
#ifndef LASTRA_IO_REACH_TLS_H
#define LASTRA_IO_REACH_TLS_H

#include <gnutls/gnutls.h>

#include "base/wr.h"
#include "io/reach.h"

enum { REACH_CIPHER_MAX = 64, REACH_FAILED_MAX = 80 };

struct reach_session {
    gnutls_session_t tls;
    int fd;
    struct wr out; /* records that were not sent: a flight goes in one write */
    bool shaken;
    bool end; /* the transport's */
    bool cut;
    bool dry; /* the last read found nothing more */
    char cipher[REACH_CIPHER_MAX], failed[REACH_FAILED_MAX];
};

err_t reach_session_new(int fd, struct reach_obsolete_credentials *c,
                        struct reach_session **ret) MUST_CHECK;
void reach_session_free(struct reach_session *s); /* NULL is fine */
/* DONE: shaken; MORE: wait; FAIL: s->failed says why. */
enum step reach_session_shake(struct reach_session *s);
/* Decrypted bytes into buf: *ret_n of them. MORE: none now; DONE: the end; FAIL: broken. EVENT: n.
 */
enum step reach_session_read(struct reach_session *s, void *buf, size_t n, size_t *ret_n);
err_t reach_session_write(struct reach_session *s, struct str bytes) MUST_CHECK;
void reach_session_bye(struct reach_session *s);
void reach_session_facts(const struct reach_session *s, struct reach_tls *ret);

#endif
