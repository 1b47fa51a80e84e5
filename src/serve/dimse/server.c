#include "serve/dimse/server.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "serve/dimse/association.h"
#include "serve/dimse/throttle.h"

enum { CREW_SPARE = 64, LAST_WORDS_MS = 5000 };

struct server {
    struct server_options o;
    struct listener *listeners[NET_LISTENERS_MAX];
    struct crew *crew;
    struct stop halt;
    lock_t lock;                     /* guards what follows */
    struct visitor *oldest, *newest; /* connections that have not asked for an association */
    size_t handshakes, associations;
    struct throttle strangers, registered;
};

/* A connection, from accept to its end. */
struct visitor {
    struct server *server;
    struct conn *conn;
    bool tls;
    struct stop cut; /* ends its waits as long as it has not asked for an association */
    enum { VISITOR_ASKING, VISITOR_CUT, VISITOR_ASSOCIATED, VISITOR_TOO_MANY } state;
    struct visitor *older, *newer;
};

/* With the lock held. */
static void join(struct server *s, struct visitor *v)
{
    v->older = s->newest;
    if (s->newest)
        s->newest->newer = v;
    else
        s->oldest = v;
    s->newest = v;
    s->handshakes++;
}

/* With the lock held; v is among those that have not asked. */
static void part(struct server *s, struct visitor *v)
{
    *(v->older ? &v->older->newer : &s->oldest) = v->newer;
    *(v->newer ? &v->newer->older : &s->newest) = v->older;
    v->older = v->newer = NULL;
    s->handshakes--;
}

/* With the lock held: the oldest one makes room. */
static void cut_oldest(struct server *s)
{
    struct visitor *v = s->oldest;
    part(s, v);
    v->state = VISITOR_CUT;
    stop_set(&v->cut);
}

static bool asked(void *ctx)
{
    struct visitor *v = ctx;
    struct server *s = v->server;
    LOCKED(&s->lock);
    if (v->state == VISITOR_ASKING)
        part(s, v);
    v->state = s->associations < s->o.associations ? VISITOR_ASSOCIATED : VISITOR_TOO_MANY;
    if (v->state == VISITOR_TOO_MANY)
        return false;
    s->associations++;
    conn_set_stop(v->conn, &s->halt);
    return true;
}

static bool notable(void *ctx, bool stranger, uint64_t *ret_suppressed)
{
    struct server *s = ((struct visitor *)ctx)->server;
    LOCKED(&s->lock);
    return throttle_pass(stranger ? &s->strangers : &s->registered, clock_ms(), ret_suppressed);
}

static struct reception reception_of(struct visitor *v)
{
    return (struct reception){&v->server->o, &v->server->halt, v, asked, notable};
}

static void leave(struct visitor *v)
{
    struct server *s = v->server;
    {
        LOCKED(&s->lock);
        if (v->state == VISITOR_ASKING)
            part(s, v);
        if (v->state == VISITOR_ASSOCIATED)
            s->associations--;
    }
    stop_done(&v->cut);
    free(v);
}

static void run_visitor(void *arg)
{
    struct visitor *v = arg;
    struct reception r = reception_of(v);
    association_run(&r, v->conn, v->tls);
    leave(v);
}

/* A registered source: it gets a thread, if need be in place of the connection that has kept us
 * waiting longest. */
static err_t welcome(struct server *s, struct conn *c, bool tls)
{
    struct visitor *v = calloc(1, sizeof *v);
    if (!v)
        return E_NOMEM;
    *v = (struct visitor){.server = s, .conn = c, .tls = tls};
    err_t e = stop_init(&v->cut);
    if (e != OK) {
        free(v);
        return e;
    }
    conn_set_stop(c, &v->cut);
    {
        LOCKED(&s->lock);
        if (s->handshakes >= s->o.handshakes)
            cut_oldest(s);
        join(s, v);
    }
    e = crew_run(s->crew, run_visitor, v);
    if (e != OK)
        leave(v);
    return e;
}

static void refuse_stranger(struct server *s, const struct addr *from)
{
    struct visitor v = {.server = s};
    struct reception r = reception_of(&v);
    association_refused(&r, LOG_SOURCE_REFUSED, from, STR(""), "no peer lives there");
}

static void receive(struct server *s, struct conn *c, size_t which)
{
    bool tls = s->o.listen[which].tls;
    if (!access_knows_source(s->o.access, conn_peer(c), tls)) {
        struct addr from = *conn_peer(c);
        conn_drop(c);
        refuse_stranger(s, &from);
        return;
    }
    err_t e = welcome(s, c, tls);
    if (e == OK)
        return;
    log_event(s->o.log, LOG_BUSY, "why=%s", err_text(e));
    conn_drop(c);
}

static void log_listening(const struct server *s, size_t i)
{
    struct str host = s->o.listen[i].host;
    log_event(s->o.log, LOG_LISTENING, "service=DICOM tls=%s address=%.*s port=%u",
              s->o.listen[i].tls ? "yes" : "no", host.n ? (int)host.n : 1, host.n ? host.p : "*",
              listener_port(s->listeners[i]));
}

static err_t open_ports(struct server *s, struct diag *d)
{
    if (s->o.n_listen > NET_LISTENERS_MAX)
        return diag_set(d, E_LIMIT, "at most %d addresses to listen on", NET_LISTENERS_MAX);
    for (size_t i = 0; i < s->o.n_listen; i++) {
        TRY(listener_open(s->o.listen[i].host, s->o.listen[i].port, &s->listeners[i], d));
        log_listening(s, i);
    }
    TRY(stop_init(&s->halt));
    return crew_new(s->o.associations + s->o.handshakes + CREW_SPARE, &s->crew);
}

err_t server_new(const struct server_options *o, struct server **ret, struct diag *d)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    *s = (struct server){.o = *o, .halt = {.fd = -1}, .lock = PTHREAD_MUTEX_INITIALIZER};
    err_t e = open_ports(s, d);
    if (e != OK) {
        server_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

uint16_t server_port(const struct server *s, size_t i)
{
    return listener_port(s->listeners[i]);
}

static void cut_handshakes(struct server *s)
{
    LOCKED(&s->lock);
    while (s->oldest)
        cut_oldest(s);
}

static void close_ports(struct server *s)
{
    for (size_t i = 0; i < s->o.n_listen; i++) {
        listener_free(s->listeners[i]);
        s->listeners[i] = NULL;
    }
}

/* Nobody new; who has not asked yet is cut; idle associations see options.stop themselves; what
 * runs has its time and then sees the halt. */
static void wind_up(struct server *s)
{
    close_ports(s);
    cut_handshakes(s);
    if (crew_wait(s->crew, clock_deadline(s->o.stop_ms)))
        return;
    log_event(s->o.log, LOG_STOPPING, "operations=%zu fate=aborted", crew_active(s->crew));
    stop_set(&s->halt);
    crew_wait(s->crew, clock_deadline(LAST_WORDS_MS));
}

err_t server_run(struct server *s)
{
    for (;;) {
        struct conn *c;
        size_t which;
        err_t e = listener_accept(s->listeners, s->o.n_listen, s->o.stop, &c, &which);
        if (e == OK)
            receive(s, c, which);
        else if (e == E_BUSY || e == E_NOMEM) /* the one that came was closed */
            log_event(s->o.log, LOG_BUSY, "why=descriptors or memory are short");
        else {
            wind_up(s);
            return e == E_STOPPED ? OK : e;
        }
    }
}

void server_free(struct server *s)
{
    if (!s)
        return;
    if (s->halt.fd >= 0)
        stop_set(&s->halt);
    close_ports(s);
    crew_free(s->crew);
    if (s->halt.fd >= 0)
        stop_done(&s->halt);
    free(s);
}
