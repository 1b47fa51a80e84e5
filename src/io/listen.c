#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/conn.h"
#include "io/resolve.h"
#include "io/thread.h"

enum { RESOLVE_MS = 10000, SHORTAGE_MS = 50, SHORTAGE_TRIES = 20 };

/* A name can have several addresses, as localhost has 127.0.0.1 and ::1: one socket each. */
struct listener {
    int fds[RESOLVE_MAX];
    size_t n;
    uint16_t port;
    unsigned turn; /* where the next look for a ready socket begins, so that none starves */
};

void listener_free(struct listener *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        close(l->fds[i]);
    free(l);
}

uint16_t listener_port(const struct listener *l)
{
    return l->port;
}

static void set_port(struct addr *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
    else if (a->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
}

static uint16_t bound_port(int fd)
{
    struct addr a = {.n = sizeof a.sa};
    if (getsockname(fd, (struct sockaddr *)&a.sa, &a.n) != 0)
        return 0;
    return ntohs(a.sa.ss_family == AF_INET ? ((struct sockaddr_in *)&a.sa)->sin_port
                                           : ((struct sockaddr_in6 *)&a.sa)->sin6_port);
}

/* -1, and errno, when it cannot be. */
static int open_one(const struct addr *a)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    const int yes = 1;
    (void)!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (a->sa.ss_family == AF_INET6) /* IPv4 has a socket of its own */
        (void)!setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    net_options(fd);
    if (bind(fd, (const struct sockaddr *)&a->sa, a->n) == 0 && listen(fd, NET_BACKLOG) == 0)
        return fd;
    int en = errno;
    close(fd);
    errno = en;
    return -1;
}

static err_t err_of(int en)
{
    switch (en) {
    case EADDRINUSE:
        return E_BUSY;
    case EACCES:
    case EPERM:
        return E_DENIED;
    case EADDRNOTAVAIL:
        return E_NOTFOUND;
    default:
        return E_IO;
    }
}

static err_t fail(const struct addr *a, int en, struct diag *d)
{
    char text[ADDR_TEXT_MAX];
    const char *why = strerrordesc_np(en);
    return diag_set(d, err_of(en), "cannot listen on %.*s: %s", STR_ARG(addr_text(a, text)),
                    why ? why : "unknown error");
}

/* A machine without IPv6 still resolves ::1; that address is passed over if another one serves. */
static bool is_absent(int en)
{
    return en == EAFNOSUPPORT || en == EADDRNOTAVAIL;
}

static err_t open_all(struct listener *l, struct addrs *all, struct diag *d)
{
    err_t e = diag_set(d, E_NOTFOUND, "no address to listen on");
    for (size_t i = 0; i < all->n; i++) {
        if (l->n > 0)
            set_port(&all->a[i], l->port);
        int fd = open_one(&all->a[i]);
        if (fd < 0) {
            e = fail(&all->a[i], errno, d);
            if (!is_absent(errno))
                return e;
            continue;
        }
        l->fds[l->n++] = fd;
        l->port = bound_port(fd);
    }
    return l->n > 0 ? OK : e;
}

err_t listener_open(struct str host, uint16_t port, struct listener **ret, struct diag *d)
{
    struct addrs all;
    TRY(resolve(host, port, true, clock_deadline(RESOLVE_MS), NULL, &all, d));
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return E_NOMEM;
    err_t e = open_all(l, &all, d);
    if (e != OK) {
        listener_free(l);
        return e;
    }
    *ret = l;
    return OK;
}

/* The sockets of all listeners as one list, with whose they are. */
struct watch {
    struct pollfd fds[NET_LISTENERS_MAX * RESOLVE_MAX + 1];
    size_t owner[NET_LISTENERS_MAX * RESOLVE_MAX];
    size_t n;
};

static void watch_all(struct watch *w, struct listener *const *l, size_t n, const struct stop *stop)
{
    w->n = 0;
    for (size_t i = 0; i < size_min(n, NET_LISTENERS_MAX); i++)
        for (size_t k = 0; k < l[i]->n; k++) {
            w->owner[w->n] = i;
            w->fds[w->n++] = (struct pollfd){.fd = l[i]->fds[k], .events = POLLIN};
        }
    w->fds[w->n] = (struct pollfd){.fd = stop ? stop->fd : -1, .events = POLLIN};
}

enum accepted { GOT_ONE, GOT_NONE, GOT_SHORTAGE };

static enum accepted accept_one(int fd, struct addr *peer, int *ret_fd)
{
    peer->n = sizeof peer->sa;
    int got = accept4(fd, (struct sockaddr *)&peer->sa, &peer->n, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (got >= 0) {
        *ret_fd = got;
        return GOT_ONE;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return GOT_SHORTAGE;
    default: /* gone again, or the network's errors, which accept(2) hands on: the next one, then */
        return GOT_NONE;
    }
}

/* From the first ready socket at or after the turn. */
static enum accepted accept_ready(struct watch *w, unsigned *turn, struct addr *peer, int *ret_fd,
                                  size_t *ret_which)
{
    enum accepted result = GOT_NONE;
    for (size_t i = 0; i < w->n && result == GOT_NONE; i++) {
        size_t at = (*turn + i) % w->n;
        if (!w->fds[at].revents)
            continue;
        result = accept_one(w->fds[at].fd, peer, ret_fd);
        *ret_which = w->owner[at];
        if (result == GOT_ONE)
            *turn = (unsigned)((at + 1) % w->n);
    }
    return result;
}

err_t listener_accept(struct listener *const *l, size_t n, const struct stop *stop,
                      struct conn **ret, size_t *ret_which)
{
    struct watch w;
    struct addr peer = {.n = 0};
    int fd = -1;
    watch_all(&w, l, n, stop);
    for (unsigned shortages = 0; shortages < SHORTAGE_TRIES;) {
        if (poll(w.fds, w.n + 1, -1) < 0 && errno != EINTR)
            return E_IO;
        if (stop_is_set(stop))
            return E_STOPPED;
        switch (accept_ready(&w, &l[0]->turn, &peer, &fd, ret_which)) {
        case GOT_ONE:
            return conn_new(fd, &peer, stop, ret);
        case GOT_NONE:
            continue;
        case GOT_SHORTAGE:
            /* The connection stays in the backlog and poll would return at once: wait for others
             * to close theirs. */
            shortages++;
            err_t e = net_wait(-1, 0, clock_deadline(SHORTAGE_MS), stop);
            if (e != E_TIMEOUT)
                return e;
        }
    }
    return E_BUSY;
}
