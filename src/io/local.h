/* A local socket between processes of one account on one machine: whole messages, one question and
 * one answer. The other side must be root or run under our own user id, else it is cut without a
 * byte. */
#ifndef LASTRA_IO_LOCAL_H
#define LASTRA_IO_LOCAL_H

#include "base/err.h"
#include "base/str.h"

struct stop; /* io/thread.h */

enum { LOCAL_MESSAGE_MAX = 8192 };

/* Makes the socket (0600) in a directory, in place of one that a dead process left. The caller
 * holds whatever lock says that there is no other. */
err_t local_listen(int dir, const char *name, int *ret_fd, struct diag *d) MUST_CHECK;

/* Waits for the next one. E_STOPPED; E_DENIED for one who may not (already cut). */
err_t local_accept(int listener, const struct stop *stop, int *ret_fd) MUST_CHECK;

/* E_NOTFOUND: there is no socket, or nobody listens. */
err_t local_connect(int dir, const char *name, int *ret_fd, struct diag *d) MUST_CHECK;

/* One message, at most LOCAL_MESSAGE_MAX bytes. recv: E_CLOSED at the end, E_TIMEOUT,
 * E_LIMIT for a longer one. */
err_t local_send(int fd, struct str message) MUST_CHECK;
err_t local_recv(int fd, char buf[LOCAL_MESSAGE_MAX], int64_t deadline, struct str *ret) MUST_CHECK;

#endif
