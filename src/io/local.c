#include "io/local.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/conn.h"
#include "io/file.h"
#include "io/thread.h"

enum { BACKLOG = 8, SHORTAGE_MS = 50 };

/* A path short enough for a socket address, however long the directory's own is. */
static err_t address_of(int dir, const char *name, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", dir, name);
    return n > 0 && (size_t)n < sizeof ret->sun_path ? OK : E_LIMIT;
}

static err_t new_socket(int *ret_fd, struct diag *d)
{
    *ret_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return *ret_fd >= 0 ? OK : diag_set(d, E_IO, "cannot make a socket: %s", strerror(errno));
}

err_t local_listen(int dir, const char *name, int *ret_fd, struct diag *d)
{
    struct sockaddr_un a;
    int fd = -1;
    TRY(address_of(dir, name, &a));
    err_t e = file_remove(dir, name, NULL);
    if (e != OK && e != E_NOTFOUND)
        return diag_set(d, e, "cannot replace %s", name);
    TRY(new_socket(&fd, d));
    /* Nobody can connect before listen, so that the mode is set in time; umask would be every
     * thread's. */
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || fchmodat(dir, name, 0600, 0) != 0 ||
        listen(fd, BACKLOG) != 0) {
        e = diag_set(d, E_IO, "cannot listen on %s: %s", name, strerror(errno));
        file_close(&fd);
        return e;
    }
    *ret_fd = fd;
    return OK;
}

static bool is_ours(int fd)
{
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
           (who.uid == 0 || who.uid == geteuid());
}

/* The next connection, whoever it is. Out of descriptors or memory it waits for some, rather than
 * spin at a socket that stays ready. */
static err_t accept_any(int listener, const struct stop *stop, int *ret_fd)
{
    for (;;) {
        TRY(net_wait(listener, POLLIN, IO_FOREVER, stop));
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            *ret_fd = fd;
            return OK;
        }
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
            return E_IO;
        err_t e = net_wait(-1, 0, clock_deadline(SHORTAGE_MS), stop);
        if (e != E_TIMEOUT)
            return e;
    }
}

err_t local_accept(int listener, const struct stop *stop, int *ret_fd)
{
    int fd = -1;
    TRY(accept_any(listener, stop, &fd));
    if (!is_ours(fd)) {
        file_close(&fd);
        return E_DENIED;
    }
    *ret_fd = fd;
    return OK;
}

err_t local_connect(int dir, const char *name, int *ret_fd, struct diag *d)
{
    struct sockaddr_un a;
    int fd = -1;
    TRY(address_of(dir, name, &a));
    TRY(new_socket(&fd, d));
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        err_t e = errno == EACCES || errno == EPERM ? E_DENIED : E_NOTFOUND;
        e = diag_set(d, e, "cannot reach the serving process: %s", strerror(errno));
        file_close(&fd);
        return e;
    }
    *ret_fd = fd;
    return OK;
}

err_t local_send(int fd, struct str message)
{
    if (message.n > LOCAL_MESSAGE_MAX)
        return E_LIMIT;
    ssize_t n = send(fd, message.p, message.n, MSG_NOSIGNAL);
    return n == (ssize_t)message.n ? OK : E_CLOSED;
}

err_t local_recv(int fd, char buf[LOCAL_MESSAGE_MAX], int64_t deadline, struct str *ret)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready;
    while ((ready = poll(&p, 1, clock_left(deadline))) < 0)
        if (errno != EINTR)
            return E_IO;
    if (!ready)
        return E_TIMEOUT;
    ssize_t n = recv(fd, buf, LOCAL_MESSAGE_MAX, MSG_TRUNC); /* its true length */
    if (n <= 0)
        return E_CLOSED;
    if (n > LOCAL_MESSAGE_MAX)
        return E_LIMIT;
    *ret = str_of(buf, (size_t)n);
    return OK;
}
