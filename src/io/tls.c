#include "io/tls.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/wr.h"
#include "io/file.h"
#include "io/rules.h"
#include "io/x509.h"

/* PS3.15 B.12 with RFC 9325 4.2 and 7.4: forward secrecy and authenticated encryption only, P-256
 * or X25519 at least, no SHA-1 signatures, keys of 112 bits of strength (RSA 2048) at least. */
static const char priority[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:+AEAD:"
    "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED25519:"
    "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:"
    "+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"
    "+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE:%PROFILE_MEDIUM";

struct tls *tls_hold(const struct tls *t)
{
    /* The rules do not change; the count of who uses them does. */
    struct tls *held = (struct tls *)(uintptr_t)t;
    atomic_fetch_add(&held->holders, 1);
    return held;
}

void tls_free(struct tls *t)
{
    if (!t || atomic_fetch_sub(&t->holders, 1) != 1)
        return;
    if (t->credentials)
        gnutls_certificate_free_credentials(t->credentials);
    if (t->priority)
        gnutls_priority_deinit(t->priority);
    free(t);
}

static err_t fail(struct diag *d, const char *doing, const char *name, int rc)
{
    err_t e = rc == GNUTLS_E_MEMORY_ERROR ? E_NOMEM : E_CRYPTO;
    return diag_set(d, e, "cannot %s %s: %s", doing, name, gnutls_strerror(rc));
}

static gnutls_datum_t datum(const struct wr *w)
{
    return (gnutls_datum_t){w->p, (unsigned)w->n};
}

static err_t load_trust(struct tls *t, const char *name, struct diag *d)
{
    struct wr w = wr_heap(X509_PEM_MAX);
    err_t e = file_load(AT_FDCWD, name, X509_PEM_MAX, &w, d);
    if (e == OK) {
        gnutls_datum_t pem = datum(&w);
        int rc = gnutls_certificate_set_x509_trust_mem(t->credentials, &pem, GNUTLS_X509_FMT_PEM);
        if (rc == 0)
            e = diag_set(d, E_CRYPTO, "no certificate in %s", name);
        else if (rc < 0)
            e = fail(d, "use the authorities in", name, rc);
    }
    t->has_trust = e == OK;
    wr_done(&w);
    return e;
}

static err_t set_own(struct tls *t, const struct tls_files *f, const struct wr *cert,
                     const struct wr *key, struct diag *d)
{
    gnutls_datum_t c = datum(cert), k = datum(key);
    int rc = gnutls_certificate_set_x509_key_mem(t->credentials, &c, &k, GNUTLS_X509_FMT_PEM);
    if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return diag_set(d, E_CRYPTO, "the key in %s is not that of the certificate in %s", f->key,
                        f->cert);
    if (rc < 0)
        return fail(d, "use the certificate in", f->cert, rc);
    t->has_cert = true;
    return OK;
}

static err_t load_own(struct tls *t, const struct tls_files *f, struct diag *d)
{
    if (!f->cert || !f->key)
        return diag_set(d, E_USAGE, "a certificate and its key go together");
    struct wr cert = wr_heap(X509_PEM_MAX), key = wr_heap(X509_PEM_MAX);
    err_t e = file_load(AT_FDCWD, f->cert, X509_PEM_MAX, &cert, d);
    if (e == OK)
        e = file_load(AT_FDCWD, f->key, X509_PEM_MAX, &key, d);
    if (e == OK)
        e = set_own(t, f, &cert, &key, d);
    if (key.p)
        gnutls_memset(key.p, 0, key.n);
    wr_done(&cert);
    wr_done(&key);
    return e;
}

static err_t prepare(struct tls *t, const struct tls_files *f, struct diag *d)
{
    int rc = gnutls_certificate_allocate_credentials(&t->credentials);
    if (rc == 0)
        rc = gnutls_priority_init(&t->priority, priority, NULL);
    if (rc < 0)
        return fail(d, "prepare", "TLS", rc);
    if (f->trust)
        TRY(load_trust(t, f->trust, d));
    return f->cert || f->key ? load_own(t, f, d) : OK;
}

static err_t make(const struct tls *from, const struct tls_files *f, struct tls **ret,
                  struct diag *d)
{
    struct tls *t = malloc(sizeof *t);
    if (!t)
        return E_NOMEM;
    memcpy(t, from, sizeof *t);
    atomic_init(&t->holders, 1);
    err_t e = prepare(t, f, d);
    if (e != OK) {
        tls_free(t);
        return e;
    }
    *ret = t;
    return OK;
}

err_t tls_server(const struct tls_files *f, bool (*known)(void *ctx, const uint8_t sha256[32]),
                 void *ctx, struct tls **ret, struct diag *d)
{
    if (!f->cert || !f->key)
        return diag_set(d, E_USAGE, "a TLS server needs a certificate and its key");
    if (!f->trust && !known)
        return diag_set(d, E_USAGE, "a TLS server needs authorities or registered certificates");
    struct tls t = {.server = true, .known = known, .ctx = ctx};
    return make(&t, f, ret, d);
}

err_t tls_client(const struct tls_files *f, struct tls **ret, struct diag *d)
{
    if (!f->trust && !f->pinned)
        return diag_set(d, E_USAGE, "a TLS client needs authorities or the server's fingerprint");
    struct tls t = {.pinned = f->pinned, .no_name_check = f->no_name_check};
    memcpy(t.pin, f->pin, sizeof t.pin);
    return make(&t, f, ret, d);
}
