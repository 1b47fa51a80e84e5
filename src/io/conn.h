/* Inside of io only: a connection's parts, shared by the files that make one (listen.c, connect.c),
 * move its bytes (conn.c) and cover them with TLS (session.c). */
#ifndef LASTRA_IO_CONN_H
#define LASTRA_IO_CONN_H

#include <stdatomic.h>

#include "io/net.h"

struct session; /* io/session.h */

struct conn {
    int fd;
    atomic_bool cut; /* the one field that another thread writes */
    const struct stop *stop;
    struct addr peer;
    uint16_t local_port;
    uint64_t in, out;
    struct session *tls; /* NULL: clear */
};

/* Takes the descriptor over, also on failure. */
err_t conn_new(int fd, const struct addr *peer, const struct stop *stop,
               struct conn **ret) MUST_CHECK;

/* TCP_NODELAY, keepalive and the limit on unanswered bytes; a listening socket's connections
 * inherit them. */
void net_options(int fd);

/* An IPv4-mapped address becomes the IPv4 address that it is. */
void addr_unmap(struct addr *a);

/* Waits until fd (-1: none) is ready for `events` (an error counts as ready). E_TIMEOUT,
 * E_STOPPED. stop may be NULL. */
err_t net_wait(int fd, short events, int64_t deadline, const struct stop *stop) MUST_CHECK;

/* The same for a connection; E_CLOSED once cut. */
err_t conn_wait(struct conn *c, short events, int64_t deadline) MUST_CHECK;

/* One receive or send that does not wait; *ret_n is 0 when it would have to. The other side's end
 * is E_CLOSED. */
err_t conn_recv_now(struct conn *c, void *buf, size_t n, size_t *ret_n) MUST_CHECK;
err_t conn_send_now(struct conn *c, struct msghdr *m, int flags, size_t *ret_n) MUST_CHECK;
/* All of it, in the clear. */
err_t conn_send_all(struct conn *c, struct str s, int64_t deadline) MUST_CHECK;

#endif
