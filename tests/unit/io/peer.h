/* The two ends of a connection on loopback, for tests. */
#ifndef LASTRA_TESTS_IO_PEER_H
#define LASTRA_TESTS_IO_PEER_H

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/net.h"
#include "io/thread.h"

/* A listener on 127.0.0.1 at a free port, and the stop switch of what it accepts. */
struct host {
    struct listener *l;
    struct stop stop;
};

static inline struct host host_new(void)
{
    struct host h;
    struct diag d = {0};
    assert_ok(stop_init(&h.stop));
    err_t e = listener_open(STR("127.0.0.1"), 0, &h.l, &d);
    if (e != OK)
        fail_msg("%s", d.text);
    return h;
}

static inline void host_done(struct host *h)
{
    listener_free(h->l);
    stop_done(&h->stop);
}

static inline struct conn *host_accept(struct host *h)
{
    struct conn *c;
    size_t which;
    assert_ok(listener_accept(&h->l, 1, &h->stop, &c, &which));
    return c;
}

/* A plain socket of the test's own, so that the other end is not our code. */
static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static inline int64_t soon(void)
{
    return clock_deadline(5000);
}

#endif
