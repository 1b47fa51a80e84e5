/* The DICOM server: listeners, admission, one thread for each association, an orderly end.
 *
 *     server_new(&options, &server, &diag);      the ports are open now
 *     server_run(server);                        until options.stop is set, then to the end of what
 * runs server_free(server);
 *
 * A source that matches no peer gets no byte. What a peer may do is decided by `access`, at the
 * association and again at each message. */
#ifndef LASTRA_SERVE_DIMSE_SERVER_H
#define LASTRA_SERVE_DIMSE_SERVER_H

#include "access/access.h"
#include "access/audit.h"
#include "archive/archive.h"
#include "assoc/assoc.h"
#include "base/log.h"
#include "io/thread.h"
#include "io/tls.h"

struct server;

struct server_listen {
    struct str host; /* empty: all addresses */
    uint16_t port;   /* 0: a free one */
    bool tls;
};

/* Everything is borrowed and outlives the server. Each number is an option of lastra.conf. */
struct server_options {
    struct archive *archive;
    struct access *access;
    struct audit *audit;
    const struct log *log;
    const struct stop *stop; /* ends server_run */
    const struct server_listen *listen;
    size_t n_listen;
    const struct tls *tls;                /* of TLS listeners */
    const struct tls_files *client_files; /* our certificate for move destinations over TLS, and
                                             whom we trust; NULL: none can be reached */
    struct str ae_title;
    struct assoc_limits limits;
    struct dcm_limits data_limits;
    size_t associations;    /* open at once; past it A-ASSOCIATE-RJ, local limit exceeded */
    size_t handshakes;      /* connections that have not asked yet; past it the oldest is cut */
    size_t contexts;        /* accepted in one association */
    size_t identifier_size; /* bytes of a query's identifier */
    uint64_t query_rows;    /* answers to one query; 0: all */
    int64_t query_ms;
    uint64_t retrieve_objects; /* objects in one retrieve; 0: all */
    int64_t pending_ms;        /* between two pending answers of a retrieve */
    int64_t move_ms;           /* for reaching a move destination */
    uint16_t operations;       /* outstanding that we invoke where the other side agrees */
    int64_t stop_ms;           /* for what runs to end after the stop */
};

/* Opens every port. */
err_t server_new(const struct server_options *o, struct server **ret, struct diag *d) MUST_CHECK;

/* Accepts until the stop; then idle associations are aborted at once, running operations when
 * stop_ms has passed. */
err_t server_run(struct server *s) MUST_CHECK;
void server_free(struct server *s); /* NULL is fine */

/* The port of the i-th listener, as the system gave it. */
uint16_t server_port(const struct server *s, size_t i);

#endif
