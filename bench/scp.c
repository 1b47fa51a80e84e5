/* A DICOM acceptor that does nothing but answer association requests and releases, as fast as one
 * thread can, on every loopback address at once: what the survey and nmap are measured against.
 *
 *     scp PORT...        listens on 0.0.0.0 of each port until it is killed; prints "ready"
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dimse/pdu.h"

enum { BUFFER = 65536, EVENTS = 256, ARENA = 1 << 20, BACKLOG = 4096, LISTENERS_MAX = 64 };

struct server {
    int epoll;
    int listeners[LISTENERS_MAX];
    int n_listeners;
    struct arena arena;
};

static void watch(struct server *s, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
        abort();
}

static bool is_listener(const struct server *s, int fd)
{
    for (int i = 0; i < s->n_listeners; i++) {
        if (s->listeners[i] == fd)
            return true;
    }
    return false;
}

static void accept_all(struct server *s, int listener)
{
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(s, fd);
    }
}

/* The request's contexts, all accepted, under DCMTK's name. */
static void answer(struct server *s, struct str payload, struct wr *w)
{
    struct pdu_associate rq, ac;
    struct diag d;
    arena_reset(&s->arena);
    if (pdu_associate_parse(payload, PDU_ASSOCIATE_RQ, &s->arena, &rq, &d) != OK)
        return;
    ac = rq;
    for (size_t i = 0; i < ac.n_contexts; i++) {
        ac.contexts[i].result = PDU_ACCEPTED;
        ac.contexts[i].n_transfers = 1;
    }
    ac.max_pdu = 16384;
    ac.implementation_uid = STR("1.2.276.0.7230010.3.0.3.6.7");
    ac.implementation_version = STR("OFFIS_DCMTK_367");
    ac.n_roles = ac.n_extended = ac.n_common = 0;
    ac.has_ops = false;
    ac.identity_type = 0;
    pdu_associate_write(&ac, PDU_ASSOCIATE_AC, w);
}

/* One PDU comes in one piece on loopback; whatever else ends the connection. */
static bool serve(struct server *s, int fd)
{
    uint8_t in[BUFFER], out[BUFFER];
    struct wr w = wr_fixed(out, sizeof out);
    ssize_t n = read(fd, in, sizeof in);
    if (n < PDU_HEADER)
        return n < 0 && errno == EAGAIN;
    if (in[0] == PDU_ASSOCIATE_RQ)
        answer(s, str_of(in + PDU_HEADER, (size_t)n - PDU_HEADER), &w);
    else if (in[0] == PDU_RELEASE_RQ)
        pdu_release_write(PDU_RELEASE_RP, &w);
    return w.n && write(fd, out, w.n) == (ssize_t)w.n;
}

static int listen_on(uint16_t port)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, BACKLOG) != 0) {
        perror("scp: bind");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct server s = {.epoll = epoll_create1(EPOLL_CLOEXEC), .arena = arena_init(ARENA)};
    struct rlimit files = {65536, 65536};
    struct epoll_event events[EVENTS];
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        perror("scp: note: few descriptors");
    for (int i = 1; i < argc && s.n_listeners < LISTENERS_MAX; i++) {
        uint64_t port;
        if (!str_to_u64(str_z(argv[i]), 65535, &port))
            return 2;
        s.listeners[s.n_listeners] = listen_on((uint16_t)port);
        watch(&s, s.listeners[s.n_listeners++]);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(s.epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (is_listener(&s, fd))
                accept_all(&s, fd);
            else if (!serve(&s, fd))
                close(fd);
        }
    }
}
