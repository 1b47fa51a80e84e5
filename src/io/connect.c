#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/conn.h"
#include "io/resolve.h"
#include "io/session.h"

static err_t err_of(int en)
{
    switch (en) {
    case ETIMEDOUT:
        return E_TIMEOUT;
    case EACCES:
    case EPERM:
        return E_DENIED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return E_NOMEM;
    default:
        return E_CLOSED;
    }
}

static err_t fail(const struct addr *a, int en, struct diag *d)
{
    char text[ADDR_TEXT_MAX];
    const char *why = strerrordesc_np(en);
    return diag_set(d, err_of(en), "cannot connect to %.*s: %s", STR_ARG(addr_text(a, text)),
                    why ? why : "unknown error");
}

static err_t await_connection(int fd, const struct addr *a, int64_t deadline,
                              const struct stop *stop, struct diag *d)
{
    int en = 0;
    socklen_t n = sizeof en;
    err_t e = net_wait(fd, POLLOUT, deadline, stop);
    if (e == E_TIMEOUT)
        return fail(a, ETIMEDOUT, d);
    TRY(e);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &en, &n) != 0)
        en = errno;
    return en == 0 ? OK : fail(a, en, d);
}

static err_t connect_one(const struct addr *a, int64_t deadline, const struct stop *stop,
                         struct conn **ret, struct diag *d)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(a, errno, d);
    net_options(fd);
    err_t e = OK;
    if (connect(fd, (const struct sockaddr *)&a->sa, a->n) != 0)
        e = errno == EINPROGRESS || errno == EINTR ? await_connection(fd, a, deadline, stop, d)
                                                   : fail(a, errno, d);
    if (e != OK) {
        close(fd);
        return e;
    }
    return conn_new(fd, a, stop, ret);
}

/* An address that swallows packets shall not eat the time of those after it. */
static int64_t share(int64_t deadline, size_t addresses_left)
{
    if (deadline == IO_FOREVER || addresses_left <= 1)
        return deadline;
    return clock_deadline(clock_left(deadline) / (int64_t)addresses_left);
}

static err_t connect_any(const struct addrs *all, int64_t deadline, const struct stop *stop,
                         struct conn **ret, struct diag *d)
{
    err_t e = E_NOTFOUND;
    for (size_t i = 0; i < all->n; i++) {
        e = connect_one(&all->a[i], share(deadline, all->n - i), stop, ret, d);
        if (e == OK || e == E_STOPPED)
            return e;
    }
    return e;
}

err_t conn_connect(struct str host, uint16_t port, const struct tls *tls, int64_t deadline,
                   const struct stop *stop, struct conn **ret, struct diag *d)
{
    struct addrs all;
    struct conn *c;
    TRY(resolve(host, port, false, deadline, stop, &all, d));
    TRY(connect_any(&all, deadline, stop, &c, d));
    err_t e = tls ? session_start(c, tls, host, deadline, &c->tls, d) : OK;
    if (e != OK) {
        conn_free(c);
        return e;
    }
    *ret = c;
    return OK;
}
