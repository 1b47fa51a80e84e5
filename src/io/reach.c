#include "io/reach.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/reach_tls.h"
#include "io/thread.h"

/* Descriptors that the rest of the process may want beside. */
enum { SPARE_FDS = 64, EVENTS = 512, READS = 8 };

/* Of no line: their tags count uses from one. */
#define STOP_TAG ((uint64_t)UINT32_MAX)

enum state { FREE, CONNECTING, SHAKING, READY, ENDED };

struct line {
    int fd;
    enum state state;
    int64_t deadline;
    struct reach_obsolete_credentials *credentials;
    struct reach_session *tls;
    unsigned next_free;
    bool stands;  /* connected, and not cut: closing it sends a segment */
    bool theirs;  /* the other side said its end */
    uint32_t use; /* counts reuses: an event of the one before is not this one's */
};

struct reach {
    int epoll;
    unsigned max, active, first_free;
    int64_t next_deadline; /* no line's is before it */
    const struct stop *stop;
    struct line *lines;
    uint8_t buf[REACH_WINDOW];
};

/* Whoever calls it. */
struct caller {
    void (*on)(void *ctx, const struct reach_event *e);
    void *ctx;
};

/* How many of them there may be. */
static unsigned raise_limit(unsigned max)
{
    struct rlimit l;
    rlim_t want = (rlim_t)max + SPARE_FDS;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= want)
        return max;
    l.rlim_cur = l.rlim_max < want ? l.rlim_max : want;
    (void)!setrlimit(RLIMIT_NOFILE, &l);
    if (l.rlim_cur >= want)
        return max;
    return l.rlim_cur > 2 * SPARE_FDS ? (unsigned)l.rlim_cur - SPARE_FDS : SPARE_FDS;
}

err_t reach_new(unsigned max, struct reach **ret, struct diag *d)
{
    if (max == 0 || max > REACH_MAX)
        return diag_set(d, E_USAGE, "connections at once: 1 to %d", REACH_MAX);
    struct reach *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    max = raise_limit(max);
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->lines = calloc(max, sizeof *r->lines);
    r->max = max;
    r->next_deadline = IO_FOREVER;
    if (r->epoll < 0 || !r->lines) {
        reach_free(r);
        return E_NOMEM;
    }
    for (unsigned i = 0; i < max; i++)
        r->lines[i] = (struct line){.fd = -1, .next_free = i + 1};
    *ret = r;
    return OK;
}

void reach_free(struct reach *r)
{
    if (!r)
        return;
    for (unsigned i = 0; r->lines && i < r->max; i++)
        if (r->lines[i].state != FREE)
            reach_close(r, i, NULL);
    if (r->epoll >= 0)
        close(r->epoll);
    free(r->lines);
    free(r);
}

unsigned reach_max(const struct reach *r)
{
    return r->max;
}

unsigned reach_active(const struct reach *r)
{
    return r->active;
}

bool reach_connected(const struct reach *r, unsigned id)
{
    return r->lines[id].state == SHAKING || r->lines[id].stands;
}

bool reach_in_use(const struct reach *r, unsigned id)
{
    return r->lines[id].state != FREE;
}

static void set_int(int fd, int level, int option, int value)
{
    (void)!setsockopt(fd, level, option, &value, sizeof value);
}

/* As few packets as it takes: acknowledgements ride on what we send, and a swallowed SYN is
 * repeated once. Nagle's algorithm may stay: nothing is sent while something is unanswered. */
static void be_modest(int fd)
{
    set_int(fd, SOL_SOCKET, SO_RCVBUF, REACH_WINDOW);
    set_int(fd, IPPROTO_TCP, TCP_SYNCNT, REACH_SYN_RETRIES);
    set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
}

static uint64_t tag(const struct reach *r, unsigned id)
{
    return (uint64_t)r->lines[id].use << 32 | id;
}

/* Edge-triggered: from connecting to the end with one call. */
static err_t watch(struct reach *r, unsigned id, int how)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                            .data.u64 = tag(r, id)};
    return epoll_ctl(r->epoll, how, r->lines[id].fd, &e) == 0 ? OK : E_NOMEM;
}

void reach_deadline(struct reach *r, unsigned id, int64_t deadline)
{
    r->lines[id].deadline = deadline;
    if (deadline < r->next_deadline)
        r->next_deadline = deadline;
}

err_t reach_open(struct reach *r, const struct addr *to, struct reach_obsolete_credentials *tls,
                 int64_t deadline, unsigned *ret_id)
{
    unsigned id = r->first_free;
    if (id == r->max)
        return E_BUSY;
    struct line *l = &r->lines[id];
    l->fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return errno == EMFILE || errno == ENFILE ? E_BUSY : E_NOMEM;
    be_modest(l->fd);
    r->first_free = l->next_free;
    r->active++;
    l->use++;
    l->state = CONNECTING;
    l->credentials = tls;
    reach_deadline(r, id, deadline);
    /* A failure that shows at once is met again as the socket's error, with the event. */
    int rc = connect(l->fd, (const struct sockaddr *)&to->sa, to->n), en = errno;
    err_t e = watch(r, id, EPOLL_CTL_ADD);
    if (e == OK && rc != 0 && en != EINPROGRESS && en != EINTR && en != ECONNREFUSED)
        e = en == EADDRNOTAVAIL || en == ENOMEM || en == ENOBUFS ? E_NOMEM : E_CLOSED;
    if (e == OK)
        *ret_id = id;
    else
        reach_close(r, id, NULL);
    return e;
}

struct reach_cost reach_cost(const struct reach *r, unsigned id)
{
    struct tcp_info i = {0};
    socklen_t n = sizeof i;
    if (r->lines[id].fd < 0 || getsockopt(r->lines[id].fd, IPPROTO_TCP, TCP_INFO, &i, &n) != 0)
        return (struct reach_cost){0};
    return (struct reach_cost){i.tcpi_segs_out, i.tcpi_bytes_sent};
}

void reach_close(struct reach *r, unsigned id, struct reach_cost *ret_cost)
{
    struct line *l = &r->lines[id];
    if (l->state == FREE)
        return;
    if (l->tls && l->state == READY)
        reach_session_bye(l->tls);
    if (ret_cost) {
        *ret_cost = reach_cost(r, id);
        /* What goes out with the descriptor: our end, and our answer to the other side's. */
        ret_cost->packets += !l->stands ? 0 : l->theirs ? 1 : 2;
    }
    reach_session_free(l->tls);
    close(l->fd);
    *l = (struct line){.fd = -1, .use = l->use, .next_free = r->first_free};
    r->first_free = id;
    r->active--;
}

err_t reach_send(struct reach *r, unsigned id, struct str s)
{
    struct line *l = &r->lines[id];
    if (l->state != READY && l->state != ENDED)
        return E_CLOSED;
    if (l->tls)
        return reach_session_write(l->tls, s);
    ssize_t sent = send(l->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)s.n)
        return OK;
    return sent < 0 && errno != EAGAIN ? E_CLOSED : E_LIMIT;
}

struct reach_tls reach_tls(struct reach *r, unsigned id)
{
    struct reach_tls facts = {0};
    if (r->lines[id].tls)
        reach_session_facts(r->lines[id].tls, &facts);
    return facts;
}

static enum reach_what what_of(int en, bool open)
{
    switch (en) {
    case ECONNREFUSED:
        return REACH_REFUSED;
    case ECONNRESET:
    case EPIPE:
        /* Before the connection stood, a reset is how it is refused. */
        return open ? REACH_RESET : REACH_REFUSED;
    case ETIMEDOUT:
        return open ? REACH_RESET : REACH_LATE;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case EACCES:
    case EPERM:
        return REACH_OURS;
    default:
        return REACH_UNREACHABLE;
    }
}

static void tell(const struct caller *c, unsigned id, enum reach_what what, struct str bytes)
{
    c->on(c->ctx, &(struct reach_event){.id = id, .what = what, .bytes = bytes});
}

static int socket_error(int fd)
{
    int en = 0;
    socklen_t n = sizeof en;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &en, &n) == 0 ? en : errno;
}

/* The end is told once; what comes behind it is no event. */
static void ended(struct reach *r, unsigned id, enum reach_what what, const struct caller *c)
{
    struct line *l = &r->lines[id];
    l->state = ENDED;
    l->stands &= what != REACH_RESET;
    l->theirs = what == REACH_END;
    tell(c, id, what, STR(""));
}

static void shake(struct reach *r, unsigned id, const struct caller *c)
{
    struct line *l = &r->lines[id];
    enum step s = reach_session_shake(l->tls);
    if (s == STEP_MORE)
        return;
    if (s == STEP_FAIL) {
        ended(r, id, REACH_NO_TLS, c);
        return;
    }
    l->state = READY;
    tell(c, id, REACH_OPEN, STR(""));
}

static void opened(struct reach *r, unsigned id, const struct caller *c)
{
    struct line *l = &r->lines[id];
    err_t e = OK;
    l->state = READY;
    l->stands = true;
    if (l->credentials) {
        l->state = SHAKING;
        e = reach_session_new(l->fd, l->credentials, &l->tls);
    }
    if (e != OK) {
        ended(r, id, REACH_OURS, c);
        return;
    }
    tell(c, id, l->state == SHAKING ? REACH_CONNECTED : REACH_OPEN, STR(""));
    if (l->state == SHAKING)
        shake(r, id, c);
}

/* Told, and then wiped: it may be a patient's. */
static void tell_bytes(struct reach *r, unsigned id, size_t n, const struct caller *c)
{
    tell(c, id, REACH_BYTES, str_of(r->buf, n));
    explicit_bzero(r->buf, n);
}

/* A short read has emptied the socket, but for an end that was announced; an endless sender is left
 * for the next round, which the others come before. */
static void read_clear(struct reach *r, unsigned id, bool to_end, const struct caller *c)
{
    uint32_t use = r->lines[id].use;
    for (unsigned i = 0; i < READS; i++) {
        ssize_t got = recv(r->lines[id].fd, r->buf, sizeof r->buf, MSG_DONTWAIT);
        if (got == 0)
            ended(r, id, REACH_END, c);
        else if (got < 0 && errno != EAGAIN && errno != EINTR)
            ended(r, id, what_of(errno, true), c);
        else if (got > 0)
            tell_bytes(r, id, (size_t)got, c);
        bool emptied = got < (ssize_t)sizeof r->buf && !(to_end && got > 0);
        if (emptied || r->lines[id].use != use || r->lines[id].state != READY)
            return;
    }
    (void)!watch(r, id, EPOLL_CTL_MOD);
}

static void read_tls(struct reach *r, unsigned id, const struct caller *c)
{
    uint32_t use = r->lines[id].use;
    for (unsigned i = 0; i < READS; i++) {
        size_t n = 0;
        switch (reach_session_read(r->lines[id].tls, r->buf, sizeof r->buf, &n)) {
        case STEP_EVENT:
            tell_bytes(r, id, n, c);
            break;
        case STEP_DONE:
            ended(r, id, REACH_END, c);
            return;
        case STEP_FAIL:
            ended(r, id, REACH_RESET, c);
            return;
        case STEP_MORE:
            return;
        }
        /* A record may hold more than one read, and the callback may have closed. */
        if (r->lines[id].state != READY || r->lines[id].use != use)
            return;
    }
    (void)!watch(r, id, EPOLL_CTL_MOD);
}

static void connected(struct reach *r, unsigned id, uint32_t events, const struct caller *c)
{
    int en = events & (EPOLLERR | EPOLLHUP) ? socket_error(r->lines[id].fd) : 0;
    if (en)
        ended(r, id, what_of(en, false), c);
    else
        opened(r, id, c);
}

static void read_some(struct reach *r, unsigned id, uint32_t events, const struct caller *c)
{
    if (r->lines[id].tls)
        read_tls(r, id, c);
    else
        read_clear(r, id, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR), c);
}

/* What came with the connection, or with the last of the handshake, has no event of its own. */
static void handle(struct reach *r, const struct epoll_event *e, const struct caller *c)
{
    unsigned id = (unsigned)(e->data.u64 & UINT32_MAX);
    struct line *l = &r->lines[id];
    if (l->use != e->data.u64 >> 32)
        return;
    if (l->state == CONNECTING)
        connected(r, id, e->events, c);
    else if (l->state == SHAKING)
        shake(r, id, c);
    bool more = l->tls || e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (l->state == READY && l->use == e->data.u64 >> 32 && more)
        read_some(r, id, e->events, c);
}

/* Looks at all of them only when the earliest can be due. */
static void tell_late(struct reach *r, const struct caller *c)
{
    int64_t now = clock_ms(), next = IO_FOREVER;
    if (now < r->next_deadline)
        return;
    r->next_deadline = IO_FOREVER;
    for (unsigned i = 0; i < r->max; i++) {
        struct line *l = &r->lines[i];
        if (l->state == FREE)
            continue;
        if (l->deadline <= now) {
            l->deadline = IO_FOREVER;
            tell(c, i, REACH_LATE, STR(""));
        }
        if (l->state != FREE && l->deadline < next)
            next = l->deadline;
    }
    if (next < r->next_deadline)
        r->next_deadline = next;
}

/* The switch wakes the wait like everything else. */
static err_t watch_stop(struct reach *r, const struct stop *stop)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = STOP_TAG};
    if (!stop || r->stop == stop)
        return OK;
    if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, stop->fd, &e) != 0 && errno != EEXIST)
        return E_NOMEM;
    r->stop = stop;
    return OK;
}

err_t reach_wait(struct reach *r, int64_t until, const struct stop *stop,
                 void (*on)(void *ctx, const struct reach_event *e), void *ctx)
{
    struct epoll_event events[EVENTS];
    const struct caller c = {on, ctx};
    TRY(watch_stop(r, stop));
    if (stop && stop_is_set(stop))
        return E_STOPPED;
    int64_t end = until < r->next_deadline ? until : r->next_deadline;
    int n = epoll_wait(r->epoll, events, EVENTS, clock_left(end));
    if (n < 0 && errno != EINTR)
        return E_IO;
    for (int i = 0; i < n; i++)
        if (events[i].data.u64 != STOP_TAG)
            handle(r, &events[i], &c);
    tell_late(r, &c);
    return stop && stop_is_set(stop) ? E_STOPPED : OK;
}
