/* Many outgoing TCP connections at once, none of them waited for: a batch over epoll, each with a
 * deadline, clear or under TLS. For the survey's probe: what answers, and what its certificate
 * says, are facts here; nobody is trusted, nothing is proved. One thread uses it. */
#ifndef LASTRA_IO_REACH_H
#define LASTRA_IO_REACH_H

#include "io/net.h"

/* A connection's receive window is small: what an endless sender can push, and with it the
 * acknowledgements that it costs. */
enum { REACH_WINDOW = 16384, REACH_SYN_RETRIES = 1, REACH_MAX = 8192 };

struct reach;
struct reach_obsolete_credentials;

enum reach_what {
    REACH_CONNECTED,   /* under TLS: connected, hands are not yet shaken */
    REACH_OPEN,        /* connected; under TLS with hands shaken */
    REACH_BYTES,       /* bytes came */
    REACH_END,         /* the other side said its end */
    REACH_REFUSED,     /* nobody listens there */
    REACH_RESET,       /* it was open, and was cut */
    REACH_UNREACHABLE, /* the network says so */
    REACH_LATE,        /* the deadline: reach_deadline or reach_close next */
    REACH_NO_TLS,      /* connected, but hands were not shaken: reach_tls says why */
    REACH_OURS,        /* our own side failed: descriptors, memory */
};

struct reach_event {
    unsigned id;
    enum reach_what what;
    struct str bytes; /* views until the callback returns */
};

/* At most `max` connections; raises the process's own limit of descriptors as far as it may, and
 * takes fewer where that is not enough (reach_max). */
err_t reach_new(unsigned max, struct reach **ret, struct diag *d) MUST_CHECK;
unsigned reach_max(const struct reach *r);
void reach_free(struct reach *r); /* closes all; NULL is fine */

/* The credentials of connections that only look: no trust, no certificate of ours, versions from
 * TLS 1.0 on and suites that nobody should use any more, so that an old server can be told from one
 * that has no TLS. They fit reach_open only; what carries data takes struct tls (io/tls.h). */
err_t reach_obsolete_credentials(struct reach_obsolete_credentials **ret,
                                 struct diag *d) MUST_CHECK;
void reach_obsolete_credentials_free(struct reach_obsolete_credentials *c); /* NULL is fine */

/* Begins to connect; tls NULL: clear. *ret_id is below `max`. E_BUSY: all are in use. What becomes
 * of it comes as an event. */
err_t reach_open(struct reach *r, const struct addr *to, struct reach_obsolete_credentials *tls,
                 int64_t deadline, unsigned *ret_id) MUST_CHECK;
/* Whether it got as far as a connection. */
bool reach_connected(const struct reach *r, unsigned id);
void reach_deadline(struct reach *r, unsigned id, int64_t deadline);
/* In one write. Small: what the socket does not take at once is E_LIMIT. E_CLOSED: the other side
 * is gone. */
err_t reach_send(struct reach *r, unsigned id, struct str s) MUST_CHECK;

/* What went out, as the system counted it: segments with SYN, acknowledgements and repeats, and
 * bytes of payload. As they stand now. */
struct reach_cost {
    uint32_t packets;
    uint64_t bytes;
};
struct reach_cost reach_cost(const struct reach *r, unsigned id);

/* What hands were shaken on; strings live until the connection is closed. */
struct reach_tls {
    const char *version; /* "TLS1.2"; NULL: not that far */
    struct str cipher;   /* IANA name */
    struct str cert;     /* DER of the server's; empty when it gave none */
    bool asks_client;
    struct str failed; /* why there was no handshake */
};
struct reach_tls reach_tls(struct reach *r, unsigned id);

/* Closes; the id is free. *ret_cost, unless NULL, is the whole connection's. */
void reach_close(struct reach *r, unsigned id, struct reach_cost *ret_cost);

/* Waits for events until the time comes, the stop switch is set (E_STOPPED; stop may be NULL) or
 * some were there, and gives each to `on`, which may open, send and close. */
err_t reach_wait(struct reach *r, int64_t until, const struct stop *stop,
                 void (*on)(void *ctx, const struct reach_event *e), void *ctx) MUST_CHECK;
bool reach_in_use(const struct reach *r, unsigned id);
unsigned reach_active(const struct reach *r);

#endif
