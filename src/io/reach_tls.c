#include "io/reach_tls.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"

/* What a server of the last twenty years can take. Never for data: see reach.h. */
static const char obsolete_priority[] =
    "LEGACY:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0:-GROUP-ALL:"
    "+GROUP-SECP256R1:+GROUP-X25519:+GROUP-SECP384R1:+GROUP-SECP521R1:+GROUP-FFDHE2048:"
    "%PROFILE_VERY_WEAK:%UNSAFE_RENEGOTIATION:%NO_TICKETS:%NO_SESSION_HASH";

enum { OUT_MAX = 16384, DH_BITS_MIN = 512, RECORDS_MAX = 64 };

struct reach_obsolete_credentials {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
};

err_t reach_obsolete_credentials(struct reach_obsolete_credentials **ret, struct diag *d)
{
    struct reach_obsolete_credentials *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    int rc = gnutls_certificate_allocate_credentials(&c->credentials);
    if (rc == 0)
        rc = gnutls_priority_init(&c->priority, obsolete_priority, NULL);
    if (rc < 0) {
        reach_obsolete_credentials_free(c);
        return diag_set(d, rc == GNUTLS_E_MEMORY_ERROR ? E_NOMEM : E_CRYPTO,
                        "cannot prepare TLS for looking: %s", gnutls_strerror(rc));
    }
    *ret = c;
    return OK;
}

void reach_obsolete_credentials_free(struct reach_obsolete_credentials *c)
{
    if (!c)
        return;
    if (c->credentials)
        gnutls_certificate_free_credentials(c->credentials);
    if (c->priority)
        gnutls_priority_deinit(c->priority);
    free(c);
}

static ssize_t pull(gnutls_transport_ptr_t ctx, void *buf, size_t n)
{
    struct reach_session *s = ctx;
    ssize_t got = recv(s->fd, buf, n, MSG_DONTWAIT);
    if (got < 0)
        gnutls_transport_set_errno(s->tls, errno);
    s->cut |= got < 0 && errno != EAGAIN && errno != EINTR;
    s->end |= got == 0;
    s->dry = got <= 0;
    return got;
}

/* GnuTLS writes record by record; what one step makes goes out together. */
static ssize_t push(gnutls_transport_ptr_t ctx, const void *buf, size_t n)
{
    struct reach_session *s = ctx;
    wr_bytes(&s->out, buf, n);
    if (!s->out.bad)
        return (ssize_t)n;
    gnutls_transport_set_errno(s->tls, EIO);
    return -1;
}

static err_t flush(struct reach_session *s)
{
    if (s->out.n == 0)
        return OK;
    ssize_t sent = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    err_t e = sent == (ssize_t)s->out.n ? OK : sent < 0 && errno != EAGAIN ? E_CLOSED : E_LIMIT;
    wr_clear(&s->out);
    s->cut |= e == E_CLOSED;
    return e;
}

static err_t prepare(struct reach_session *s, struct reach_obsolete_credentials *c)
{
    if (gnutls_init(&s->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
        return E_NOMEM;
    if (gnutls_priority_set(s->tls, c->priority) < 0 ||
        gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, c->credentials) < 0)
        return E_CRYPTO;
    gnutls_dh_set_prime_bits(s->tls, DH_BITS_MIN);
    gnutls_handshake_set_timeout(s->tls, 0); /* reach's deadline is the one */
    gnutls_transport_set_ptr(s->tls, s);
    gnutls_transport_set_pull_function(s->tls, pull);
    gnutls_transport_set_push_function(s->tls, push);
    return OK;
}

err_t reach_session_new(int fd, struct reach_obsolete_credentials *c, struct reach_session **ret)
{
    struct reach_session *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    s->fd = fd;
    s->out = wr_heap(OUT_MAX);
    err_t e = prepare(s, c);
    if (e != OK) {
        reach_session_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

void reach_session_free(struct reach_session *s)
{
    if (!s)
        return;
    if (s->tls)
        gnutls_deinit(s->tls);
    wr_done(&s->out);
    free(s);
}

static void say_why(struct reach_session *s, int rc)
{
    if (s->end && rc == GNUTLS_E_PREMATURE_TERMINATION)
        snprintf(s->failed, sizeof s->failed, "closed without an answer in TLS");
    else if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED)
        snprintf(s->failed, sizeof s->failed, "alert: %s",
                 gnutls_alert_get_name(gnutls_alert_get(s->tls)));
    else if (s->cut)
        snprintf(s->failed, sizeof s->failed, "cut");
    else
        snprintf(s->failed, sizeof s->failed, "%s", gnutls_strerror(rc));
}

static void note_cipher(struct reach_session *s)
{
    const char *name = gnutls_ciphersuite_get(s->tls);
    snprintf(s->cipher, sizeof s->cipher, "%s", name ? name : "");
}

enum step reach_session_shake(struct reach_session *s)
{
    int rc;
    unsigned turns = 0;
    do {
        s->dry = false;
        rc = gnutls_handshake(s->tls);
    } while ((rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED ||
              (rc == GNUTLS_E_AGAIN && !s->dry)) &&
             turns++ < RECORDS_MAX);
    err_t e = flush(s);
    if (rc == GNUTLS_E_AGAIN && e == OK)
        return STEP_MORE;
    if (rc < 0) {
        say_why(s, rc);
        return STEP_FAIL;
    }
    s->shaken = true;
    note_cipher(s);
    return STEP_DONE;
}

enum step reach_session_read(struct reach_session *s, void *buf, size_t n, size_t *ret_n)
{
    ssize_t got;
    unsigned records = 0;
    /* What is not data, a ticket say, ends a call too, though there may be more behind it. */
    do {
        s->dry = false;
        got = gnutls_record_recv(s->tls, buf, n);
    } while ((got == GNUTLS_E_INTERRUPTED || got == GNUTLS_E_AGAIN) && !s->dry &&
             records++ < RECORDS_MAX);
    if (flush(s) != OK)
        return STEP_FAIL;
    if (got == GNUTLS_E_AGAIN && s->dry)
        return STEP_MORE;
    if (got == 0 || (got == GNUTLS_E_PREMATURE_TERMINATION && s->end))
        return STEP_DONE;
    if (got > 0) {
        *ret_n = (size_t)got;
        return STEP_EVENT;
    }
    say_why(s, (int)got);
    return STEP_FAIL;
}

err_t reach_session_write(struct reach_session *s, struct str bytes)
{
    ssize_t put = gnutls_record_send(s->tls, bytes.p, bytes.n);
    TRY(flush(s));
    return put == (ssize_t)bytes.n ? OK : E_CLOSED;
}

void reach_session_bye(struct reach_session *s)
{
    if (!s->shaken || s->cut)
        return;
    (void)gnutls_bye(s->tls, GNUTLS_SHUT_WR);
    (void)!flush(s);
}

void reach_session_facts(const struct reach_session *s, struct reach_tls *ret)
{
    unsigned n = 0;
    gnutls_protocol_t version = gnutls_protocol_get_version(s->tls);
    const gnutls_datum_t *certs = gnutls_certificate_get_peers(s->tls, &n);
    *ret = (struct reach_tls){
        .version = s->shaken || certs ? gnutls_protocol_get_name(version) : NULL,
        .cipher = str_z(s->cipher),
        .asks_client = gnutls_certificate_client_get_request_status(s->tls) != 0,
        .failed = str_z(s->failed),
    };
    if (certs && n > 0)
        ret->cert = str_of(certs[0].data, certs[0].size);
}
