#include "io/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/wr.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/resolve.h"
#include "io/rules.h"

enum {
    IN_SIZE = 65536,   /* read ahead; its pages cost nothing until bytes arrive */
    OUT_FLUSH = 32768, /* gathered records go out past this */
    OUT_MAX = 1 << 20, /* a handshake's flight at its largest */
    WITHOUT_DATA_MAX = 32
};

struct session {
    struct conn *c;
    struct tls *rules;
    gnutls_session_t tls;
    char host[HOST_MAX];
    uint8_t *in; /* received and not yet decrypted: in[in_at..in_n) */
    size_t in_at, in_n;
    bool no_fill;  /* only what has been received is wanted now */
    struct wr out; /* encrypted and not yet sent: from out_at */
    size_t out_at;
    err_t recv_error; /* what the last receive met; gnutls knows only errno */
    bool peeked;      /* a decrypted byte that session_readable had to take */
    uint8_t peek;
    bool has_peer;
    uint8_t peer[DIGEST_SIZE];
    char name[65]; /* a common name has at most 64 characters (RFC 5280 A.1) */
    err_t refused; /* why the certificate was not accepted */
};

static ssize_t fill(struct session *s)
{
    size_t got;
    s->recv_error = conn_recv_now(s->c, s->in, IN_SIZE, &got);
    if (s->recv_error == E_CLOSED)
        return 0;
    if (s->recv_error != OK || got == 0) {
        gnutls_transport_set_errno(s->tls, s->recv_error == OK ? EAGAIN : EIO);
        return -1;
    }
    s->in_at = 0;
    s->in_n = got;
    return (ssize_t)got;
}

static ssize_t pull(gnutls_transport_ptr_t ctx, void *buf, size_t n)
{
    struct session *s = ctx;
    if (s->in_at == s->in_n) {
        if (s->no_fill) {
            gnutls_transport_set_errno(s->tls, EAGAIN);
            return -1;
        }
        ssize_t got = fill(s);
        if (got <= 0)
            return got;
    }
    size_t k = size_min(n, s->in_n - s->in_at);
    memcpy(buf, s->in + s->in_at, k);
    s->in_at += k;
    return (ssize_t)k;
}

static ssize_t push(gnutls_transport_ptr_t ctx, const void *buf, size_t n)
{
    struct session *s = ctx;
    wr_bytes(&s->out, buf, n);
    if (!s->out.bad)
        return (ssize_t)n;
    gnutls_transport_set_errno(s->tls, EIO);
    return -1;
}

/* What was gathered goes out, as far as it goes without waiting; *ret_done says whether all did. */
static err_t flush_now(struct session *s, bool *ret_done)
{
    *ret_done = false;
    while (s->out_at < s->out.n) {
        struct iovec v = {s->out.p + s->out_at, s->out.n - s->out_at};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
        size_t put;
        TRY(conn_send_now(s->c, &m, 0, &put));
        if (put == 0)
            return OK;
        s->out_at += put;
    }
    *ret_done = true;
    s->out_at = 0;
    wr_clear(&s->out);
    return OK;
}

static err_t flush(struct session *s, int64_t deadline)
{
    for (;;) {
        bool done;
        TRY(flush_now(s, &done));
        if (done)
            return OK;
        TRY(conn_wait(s->c, POLLOUT, deadline));
    }
}

static err_t take_fingerprint(struct session *s)
{
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(s->tls, &n);
    if (!chain || n == 0)
        return E_DENIED;
    TRY(crypto_sha256(str_of(chain[0].data, chain[0].size), s->peer));
    s->has_peer = true;
    return OK;
}

/* The chain, the purpose and, for a client, the name. */
static err_t check_chain(struct session *s)
{
    const struct tls *r = s->rules;
    gnutls_typed_vdata_st what[2] = {
        {.type = GNUTLS_DT_KEY_PURPOSE_OID,
         .data = (unsigned char *)(uintptr_t)(r->server ? GNUTLS_KP_TLS_WWW_CLIENT
                                                        : GNUTLS_KP_TLS_WWW_SERVER)},
        {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)s->host}};
    unsigned n = r->server || r->no_name_check ? 1 : 2, status = 0;
    if (!r->has_trust)
        return E_DENIED;
    int rc = gnutls_certificate_verify_peers(s->tls, what, n, &status);
    return rc == 0 && status == 0 ? OK : E_DENIED;
}

/* The common name of the other side's certificate; empty when it has none, or more than one, or one
 * that is no plain text. Only of a chain that holds. */
static void take_name(struct session *s)
{
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(s->tls, &n);
    gnutls_x509_crt_t cert;
    size_t size = sizeof s->name, none = 0;
    if (gnutls_x509_crt_init(&cert) < 0)
        return;
    int rc = gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER);
    if (rc == 0)
        rc = gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, s->name, &size);
    bool alone = gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 1, 0, NULL,
                                               &none) == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
    if (rc != 0 || !alone || size >= sizeof s->name || strlen(s->name) != size)
        s->name[0] = 0;
    gnutls_x509_crt_deinit(cert);
}

static err_t judge(struct session *s)
{
    const struct tls *r = s->rules;
    TRY(take_fingerprint(s));
    if (!r->server && r->pinned)
        return crypto_same(s->peer, r->pin, DIGEST_SIZE) ? OK : E_DENIED;
    err_t chain = check_chain(s);
    if (chain == OK)
        take_name(s);
    return r->server && r->known && r->known(r->ctx, s->peer) ? OK : chain;
}

/* GnuTLS asks here within the handshake, before it says that all is well. */
static int verify(gnutls_session_t tls)
{
    struct session *s = gnutls_session_get_ptr(tls);
    s->refused = judge(s);
    if (s->refused != OK) {
        s->has_peer = false;
        s->name[0] = 0;
    }
    return s->refused == OK ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static bool is_address(const char *host)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static int set_up_client(struct session *s)
{
    if (!s->host[0] || is_address(s->host))
        return 0;
    return gnutls_server_name_set(s->tls, GNUTLS_NAME_DNS, s->host, strlen(s->host));
}

static int set_up(struct session *s)
{
    const struct tls *r = s->rules;
    int rc = gnutls_init(&s->tls, (r->server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK |
                                      GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);
    if (rc == 0)
        rc = gnutls_priority_set(s->tls, r->priority);
    if (rc == 0)
        rc = gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, r->credentials);
    if (rc < 0)
        return rc;
    gnutls_session_set_ptr(s->tls, s);
    gnutls_session_set_verify_function(s->tls, verify);
    gnutls_transport_set_ptr(s->tls, s);
    gnutls_transport_set_pull_function(s->tls, pull);
    gnutls_transport_set_push_function(s->tls, push);
    gnutls_handshake_set_timeout(s->tls, GNUTLS_INDEFINITE_TIMEOUT); /* the deadline is ours */
    if (!r->server)
        return set_up_client(s);
    gnutls_certificate_server_set_request(s->tls, GNUTLS_CERT_REQUIRE);
    /* A client with a self-made certificate must not conclude from a list of authorities that it
     * need not show it. */
    gnutls_certificate_send_x509_rdn_sequence(s->tls, 1);
    return 0;
}

static err_t new_session(struct conn *c, const struct tls *rules, struct str host,
                         struct session **ret)
{
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_slice(host, 1, host.n - 2);
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    s->c = c;
    s->rules = tls_hold(rules);
    s->out = wr_heap(OUT_MAX);
    s->in = malloc(IN_SIZE);
    if (!s->in || !str_to_z(host, s->host, sizeof s->host) || set_up(s) < 0) {
        session_free(s);
        return E_NOMEM;
    }
    *ret = s;
    return OK;
}

/* What a failed call of GnuTLS means. */
static err_t err_of(const struct session *s, int rc)
{
    if (s->recv_error != OK)
        return s->recv_error;
    if (s->out.bad)
        return E_NOMEM;
    switch (rc) {
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_SESSION_EOF:
        return E_CLOSED;
    case GNUTLS_E_MEMORY_ERROR:
        return E_NOMEM;
    case GNUTLS_E_CERTIFICATE_ERROR:
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
        return E_DENIED;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        return E_REJECTED;
    default:
        return E_PROTOCOL;
    }
}

static err_t handshake_failed(struct session *s, int rc, struct diag *d)
{
    bool done;
    err_t e = err_of(s, rc);
    const char *why = gnutls_strerror(rc);
    if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
        why = gnutls_alert_get_name(gnutls_alert_get(s->tls));
    else if (s->recv_error != OK)
        why = err_text(s->recv_error);
    diag_set(d, e, "TLS handshake failed: %s", why ? why : err_text(e));
    if (e != E_CLOSED && rc != GNUTLS_E_FATAL_ALERT_RECEIVED) {
        gnutls_alert_send_appropriate(s->tls, rc);
        if (flush_now(s, &done) != OK)
            return e;
    }
    return e;
}

static err_t handshake(struct session *s, int64_t deadline, struct diag *d)
{
    for (;;) {
        int rc = gnutls_handshake(s->tls);
        if (rc < 0 && gnutls_error_is_fatal(rc))
            return handshake_failed(s, rc, d);
        err_t e = flush(s, deadline);
        if (e == OK && rc == 0)
            return OK;
        /* Also when there is something to read already: a flood must meet the deadline too. */
        if (e == OK && clock_left(deadline) == 0)
            e = E_TIMEOUT;
        if (e == OK && s->in_at == s->in_n)
            e = conn_wait(s->c, POLLIN, deadline);
        if (e != OK)
            return diag_set(d, e, "TLS handshake failed: %s", err_text(e));
    }
}

err_t session_start(struct conn *c, const struct tls *tls, struct str host, int64_t deadline,
                    struct session **ret, struct diag *d)
{
    struct session *s;
    TRY(new_session(c, tls, host, &s));
    err_t e = handshake(s, deadline, d);
    if (e != OK) {
        session_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

/* One record's worth, or nothing (*ret_n is 0) when more must be received for that. A peer that
 * sends warnings without end is not waited for, so no deadline would meet it. */
static err_t recv_record(struct session *s, void *buf, size_t n, size_t *ret_n)
{
    for (unsigned without = 0; without < WITHOUT_DATA_MAX; without++) {
        ssize_t got = gnutls_record_recv(s->tls, buf, n);
        /* Having taken in a session ticket the library says AGAIN too, with the next record there.
         */
        if (got > 0 || (got == GNUTLS_E_AGAIN && s->in_at == s->in_n)) {
            *ret_n = got > 0 ? (size_t)got : 0;
            return OK;
        }
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED ||
            got == GNUTLS_E_WARNING_ALERT_RECEIVED)
            continue;
        /* Renegotiation, and authentication asked for afterwards, are refused by ending here. */
        return got == 0 ? E_CLOSED : err_of(s, (int)got);
    }
    return E_PROTOCOL;
}

/* Everything that is decrypted without waiting or asking the system again. */
static err_t recv_rest(struct session *s, uint8_t *buf, size_t n, size_t *ret_n)
{
    size_t got, sum = 0;
    err_t e = OK;
    s->no_fill = true;
    while (sum < n && (s->in_at < s->in_n || gnutls_record_check_pending(s->tls) > 0)) {
        e = recv_record(s, buf + sum, n - sum, &got);
        if (e != OK || got == 0)
            break;
        sum += got;
    }
    s->no_fill = false;
    *ret_n = sum;
    return e;
}

err_t session_read(struct session *s, void *buf, size_t n, int64_t deadline, size_t *ret_n)
{
    uint8_t *to = buf;
    size_t got = 0, more = 0;
    if (n > 0 && s->peeked) {
        to[got++] = s->peek;
        s->peeked = false;
    }
    while (got == 0) {
        TRY(recv_record(s, to, n, &got));
        if (got == 0)
            TRY(conn_wait(s->c, POLLIN, deadline));
    }
    /* An error after good bytes shows again at the next read. */
    if (recv_rest(s, to + got, n - got, &more) == OK || more > 0)
        got += more;
    *ret_n = got;
    return OK;
}

bool session_readable(struct session *s)
{
    if (s->peeked || gnutls_record_check_pending(s->tls) > 0)
        return true;
    struct pollfd p = {.fd = s->c->fd, .events = POLLIN};
    if (s->in_at == s->in_n && poll(&p, 1, 0) <= 0)
        return false;
    /* Bytes have come, but are they a whole record, and one with contents? */
    size_t got;
    err_t e = recv_record(s, &s->peek, 1, &got);
    s->peeked = e == OK && got == 1;
    return e != OK || s->peeked;
}

static err_t send_part(struct session *s, struct str part, int64_t deadline)
{
    while (part.n > 0) {
        ssize_t put = gnutls_record_send(s->tls, part.p, part.n);
        if (put < 0 && gnutls_error_is_fatal((int)put))
            return s->out.bad ? E_NOMEM : E_CLOSED;
        if (put > 0)
            part = str_slice(part, (size_t)put, part.n);
        if (s->out.n - s->out_at >= OUT_FLUSH)
            TRY(flush(s, deadline));
    }
    return OK;
}

err_t session_write(struct session *s, const struct str *parts, size_t n, int64_t deadline)
{
    for (size_t i = 0; i < n; i++)
        TRY(send_part(s, parts[i], deadline));
    return flush(s, deadline);
}

bool session_peer_cert(const struct session *s, uint8_t ret_sha256[32])
{
    if (s->has_peer)
        memcpy(ret_sha256, s->peer, DIGEST_SIZE);
    return s->has_peer;
}

struct str session_peer_name(const struct session *s)
{
    return str_z(s->name);
}

void session_bye(struct session *s)
{
    bool done;
    gnutls_bye(s->tls, GNUTLS_SHUT_WR);
    if (flush_now(s, &done) != OK)
        return; /* the other side has gone; nobody is there to be told */
}

void session_free(struct session *s)
{
    if (!s)
        return;
    if (s->tls)
        gnutls_deinit(s->tls);
    wr_done(&s->out);
    free(s->in);
    tls_free(s->rules);
    free(s);
}
