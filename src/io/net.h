/* Stream connections: TCP, with or without TLS. Every wait has a deadline (io/clock.h) and ends
 * early when the stop switch is set (E_STOPPED). A connection belongs to one thread; only net_cut
 * may come from another. */
#ifndef LASTRA_IO_NET_H
#define LASTRA_IO_NET_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

/* A half-open peer is noticed by keepalive after KEEPALIVE_IDLE_S + COUNT * INTERVAL_S, or, with
 * our bytes unanswered, after USER_TIMEOUT_MS, whatever the caller's deadline. */
enum {
    NET_BACKLOG = 1024,
    NET_KEEPALIVE_IDLE_S = 60,
    NET_KEEPALIVE_INTERVAL_S = 15,
    NET_KEEPALIVE_COUNT = 4,
    NET_USER_TIMEOUT_MS = 120000
};

struct tls;  /* io/tls.h: certificates and rules for one side */
struct stop; /* io/thread.h */

/* An IP address and port. */
struct addr {
    struct sockaddr_storage sa;
    socklen_t n;
};

enum { ADDR_TEXT_MAX = 64 };

/* "10.0.0.7:104", "[::1]:104" into buf; returns a view of it. */
struct str addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);
bool addr_is_loopback(const struct addr *a);
/* RFC 1918, RFC 4193, link-local or loopback; IPv4-mapped addresses count as IPv4. */
bool addr_is_private(const struct addr *a);

/* A network such as 10.1.0.0/16, fd00::/8 or a single address. */
struct network {
    uint8_t bytes[16]; /* IPv4 as IPv4-mapped */
    unsigned bits;     /* of 128 */
};
err_t network_parse(struct str text, struct network *ret) MUST_CHECK;
bool network_has(const struct network *n, const struct addr *a);
bool network_is_private(const struct network *n);

/* A listening socket. host may be empty for all addresses; port 0 takes a free one. */
struct listener;
err_t listener_open(struct str host, uint16_t port, struct listener **ret,
                    struct diag *d) MUST_CHECK;
uint16_t listener_port(const struct listener *l);
void listener_free(struct listener *l);

struct conn;

/* Waits for a connection on any of the listeners (at most NET_LISTENERS_MAX). E_STOPPED when the
 * switch is set. ret_which is the listener's index. The new connection is clear; TLS begins with
 * conn_tls_accept, on the thread that will own it. While descriptors or memory are short it waits a
 * little and tries again: E_BUSY after a second of that, so that the caller can say so once. */
enum { NET_LISTENERS_MAX = 16 };
err_t listener_accept(struct listener *const *l, size_t n, const struct stop *stop,
                      struct conn **ret, size_t *ret_which) MUST_CHECK;

/* Connects (each address of the name in turn) and shakes hands where tls is not NULL (the
 * certificate must fit `host`, or the pinned one in tls). E_NOTFOUND: no such host; E_CLOSED:
 * refused; E_DENIED: the certificate is not the one it must be. stop may be NULL. */
err_t conn_connect(struct str host, uint16_t port, const struct tls *tls, int64_t deadline,
                   const struct stop *stop, struct conn **ret, struct diag *d) MUST_CHECK;

/* The server's side of the handshake. A failed one has sent what TLS sends and the caller frees. */
err_t conn_tls_accept(struct conn *c, const struct tls *tls, int64_t deadline,
                      struct diag *d) MUST_CHECK;

/* At least one byte, at most n. E_CLOSED at the other side's end. The deadline and the stop switch
 * bound the wait: what is already there is given even past them. */
err_t conn_read(struct conn *c, void *buf, size_t n, int64_t deadline, size_t *ret_n) MUST_CHECK;

/* All of it, in as few system calls as it takes. */
err_t conn_write(struct conn *c, struct str s, int64_t deadline) MUST_CHECK;
err_t conn_writev(struct conn *c, const struct str *parts, size_t n, int64_t deadline) MUST_CHECK;

/* Whether a read would give something at once (bytes, the end, or an error). */
bool conn_readable(struct conn *c);

/* The other side's address; this side's port. */
const struct addr *conn_peer(const struct conn *c);
uint16_t conn_local_port(const struct conn *c);

/* SHA-256 of the other side's certificate (DER), when TLS and it gave one that the rules accepted.
 */
bool conn_peer_cert(const struct conn *c, uint8_t ret_sha256[32]);
/* The common name in that certificate when one of the trusted authorities signed it; empty
 * otherwise. A view as long as the connection. */
struct str conn_peer_name(const struct conn *c);
bool conn_is_tls(const struct conn *c);

/* Bytes so far, for limits and figures. */
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);

/* The switch that ends this connection's waits from now on, in place of that of listener_accept or
 * conn_connect. By the owner: a server stops idle connections at once and lets running operations
 * end. */
void conn_set_stop(struct conn *c, const struct stop *stop);

/* Wakes the owner from any wait with E_CLOSED. From any thread. */
void conn_cut(struct conn *c);

/* Closes (TLS: with close_notify where it costs no wait) and frees; NULL is fine. */
void conn_free(struct conn *c);
/* Closes at once with a reset, nothing more sent: what a stranger gets. */
void conn_drop(struct conn *c);

#endif
