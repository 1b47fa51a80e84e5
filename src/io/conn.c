#include "io/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/session.h"
#include "io/thread.h"

enum { PARTS = 64, DRAIN_MAX = 1 << 20 };

static err_t err_of(int en)
{
    switch (en) {
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
    case ETIMEDOUT: /* the system gave the peer up: keepalive, unanswered bytes */
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNABORTED:
        return E_CLOSED;
    case ENOMEM:
    case ENOBUFS:
        return E_NOMEM;
    default:
        return E_IO;
    }
}

static void set_int(int fd, int level, int option, int value)
{
    /* A transport that lacks one of them still carries bytes. */
    (void)!setsockopt(fd, level, option, &value, sizeof value);
}

void net_options(int fd)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, NET_KEEPALIVE_IDLE_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, NET_KEEPALIVE_INTERVAL_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, NET_KEEPALIVE_COUNT);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, NET_USER_TIMEOUT_MS);
}

void addr_unmap(struct addr *a)
{
    struct sockaddr_in6 six;
    memcpy(&six, &a->sa, sizeof six);
    if (six.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        return;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = six.sin6_port};
    memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, 4);
    memset(&a->sa, 0, sizeof a->sa);
    memcpy(&a->sa, &four, sizeof four);
    a->n = sizeof four;
}

static uint16_t local_port(int fd)
{
    struct addr a = {.n = sizeof a.sa};
    if (getsockname(fd, (struct sockaddr *)&a.sa, &a.n) != 0)
        return 0;
    addr_unmap(&a);
    if (a.sa.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&a.sa)->sin_port);
    return a.sa.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a.sa)->sin6_port) : 0;
}

err_t conn_new(int fd, const struct addr *peer, const struct stop *stop, struct conn **ret)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return E_NOMEM;
    }
    c->fd = fd;
    atomic_init(&c->cut, false);
    c->stop = stop;
    c->peer = *peer;
    addr_unmap(&c->peer);
    c->local_port = local_port(fd);
    *ret = c;
    return OK;
}

err_t net_wait(int fd, short events, int64_t deadline, const struct stop *stop)
{
    struct pollfd p[2] = {{.fd = fd, .events = events},
                          {.fd = stop ? stop->fd : -1, .events = POLLIN}};
    for (;;) {
        int left = clock_left(deadline);
        int n = poll(p, 2, left);
        if (n < 0 && errno != EINTR)
            return errno == ENOMEM ? E_NOMEM : E_IO;
        if (stop_is_set(stop))
            return E_STOPPED;
        if (n > 0 && p[0].revents)
            return OK;
        if (left == 0)
            return E_TIMEOUT;
    }
}

err_t conn_wait(struct conn *c, short events, int64_t deadline)
{
    err_t e = net_wait(c->fd, events, deadline, c->stop);
    return atomic_load_explicit(&c->cut, memory_order_relaxed) ? E_CLOSED : e;
}

err_t conn_recv_now(struct conn *c, void *buf, size_t n, size_t *ret_n)
{
    if (atomic_load_explicit(&c->cut, memory_order_relaxed))
        return E_CLOSED;
    for (;;) {
        ssize_t got = recv(c->fd, buf, n, MSG_DONTWAIT);
        if (got > 0) {
            *ret_n = (size_t)got;
            return OK;
        }
        if (got == 0)
            return E_CLOSED;
        if (errno == EINTR)
            continue;
        *ret_n = 0;
        return errno == EAGAIN || errno == EWOULDBLOCK ? OK : err_of(errno);
    }
}

err_t conn_send_now(struct conn *c, struct msghdr *m, int flags, size_t *ret_n)
{
    if (atomic_load_explicit(&c->cut, memory_order_relaxed))
        return E_CLOSED;
    for (;;) {
        ssize_t put = sendmsg(c->fd, m, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put >= 0) {
            *ret_n = (size_t)put;
            return OK;
        }
        if (errno == EINTR)
            continue;
        *ret_n = 0;
        return errno == EAGAIN || errno == EWOULDBLOCK ? OK : err_of(errno);
    }
}

/* Passes n bytes over in the vector: whole parts first. */
static void advance(struct msghdr *m, size_t n)
{
    while (m->msg_iovlen > 0 && n >= m->msg_iov->iov_len) {
        n -= m->msg_iov->iov_len;
        m->msg_iov++;
        m->msg_iovlen--;
    }
    if (n > 0) {
        m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
        m->msg_iov->iov_len -= n;
    }
}

static err_t send_vector(struct conn *c, struct iovec *v, size_t n, int flags, int64_t deadline)
{
    struct msghdr m = {.msg_iov = v, .msg_iovlen = n};
    advance(&m, 0); /* empty parts at the front */
    while (m.msg_iovlen > 0) {
        size_t put;
        TRY(conn_send_now(c, &m, flags, &put));
        if (put == 0)
            TRY(conn_wait(c, POLLOUT, deadline));
        advance(&m, put);
    }
    return OK;
}

static err_t send_parts(struct conn *c, const struct str *parts, size_t n, int64_t deadline)
{
    struct iovec v[PARTS];
    while (n > 0) {
        size_t k = size_min(n, PARTS);
        for (size_t i = 0; i < k; i++)
            v[i] = (struct iovec){(char *)(uintptr_t)parts[i].p, parts[i].n};
        TRY(send_vector(c, v, k, n > k ? MSG_MORE : 0, deadline));
        parts += k;
        n -= k;
    }
    return OK;
}

err_t conn_send_all(struct conn *c, struct str s, int64_t deadline)
{
    return send_parts(c, &s, 1, deadline);
}

err_t conn_read(struct conn *c, void *buf, size_t n, int64_t deadline, size_t *ret_n)
{
    if (c->tls) {
        TRY(session_read(c->tls, buf, n, deadline, ret_n));
        c->in += *ret_n;
        return OK;
    }
    for (;;) {
        size_t got;
        TRY(conn_recv_now(c, buf, n, &got));
        if (got > 0) {
            c->in += got;
            *ret_n = got;
            return OK;
        }
        TRY(conn_wait(c, POLLIN, deadline));
    }
}

err_t conn_write(struct conn *c, struct str s, int64_t deadline)
{
    return conn_writev(c, &s, 1, deadline);
}

err_t conn_writev(struct conn *c, const struct str *parts, size_t n, int64_t deadline)
{
    TRY(c->tls ? session_write(c->tls, parts, n, deadline) : send_parts(c, parts, n, deadline));
    for (size_t i = 0; i < n; i++)
        c->out += parts[i].n;
    return OK;
}

bool conn_readable(struct conn *c)
{
    if (c->tls)
        return session_readable(c->tls);
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

const struct addr *conn_peer(const struct conn *c)
{
    return &c->peer;
}

uint16_t conn_local_port(const struct conn *c)
{
    return c->local_port;
}

bool conn_peer_cert(const struct conn *c, uint8_t ret_sha256[32])
{
    return c->tls && session_peer_cert(c->tls, ret_sha256);
}

void conn_set_stop(struct conn *c, const struct stop *stop)
{
    c->stop = stop;
}

struct str conn_peer_name(const struct conn *c)
{
    return c->tls ? session_peer_name(c->tls) : STR("");
}

bool conn_is_tls(const struct conn *c)
{
    return c->tls != NULL;
}

uint64_t conn_bytes_in(const struct conn *c)
{
    return c->in;
}

uint64_t conn_bytes_out(const struct conn *c)
{
    return c->out;
}

err_t conn_tls_accept(struct conn *c, const struct tls *tls, int64_t deadline, struct diag *d)
{
    return session_start(c, tls, STR(""), deadline, &c->tls, d);
}

void conn_cut(struct conn *c)
{
    atomic_store(&c->cut, true);
    shutdown(c->fd, SHUT_RDWR);
}

/* Bytes that came and were not read would turn the close into a reset, and the reset can overtake
 * our last words on their way. */
static void drain(int fd)
{
    char buf[4096];
    for (size_t n = 0; n < DRAIN_MAX;) {
        ssize_t got = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
        if (got <= 0)
            return;
        n += (size_t)got;
    }
}

void conn_free(struct conn *c)
{
    if (!c)
        return;
    if (c->tls)
        session_bye(c->tls);
    session_free(c->tls);
    shutdown(c->fd, SHUT_WR);
    drain(c->fd);
    close(c->fd);
    free(c);
}

void conn_drop(struct conn *c)
{
    if (!c)
        return;
    session_free(c->tls);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)!setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    free(c);
}
