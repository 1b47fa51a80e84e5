/* A certificate (X.509, RFC 5280) as facts, read by GnuTLS. It is a stranger's: nothing in it is
 * believed, only told. */
#include <gnutls/x509.h>
#include <stdlib.h>
#include <time.h>

#include "base/size.h"
#include "survey/wire/tls_text.h"

enum { CERT_MAX = 64 << 10, PEM_MAX = 128 << 10, NAMES_MAX = 24, NAME_MAX = 512 };

struct cert {
    gnutls_x509_crt_t crt;
    struct evidence *e;
    enum ev_by by;
};

/* A name's text in the library's memory. */
static err_t add_dn(const struct cert *c, enum ev_kind kind,
                    int (*get)(gnutls_x509_crt_t, gnutls_datum_t *, unsigned))
{
    gnutls_datum_t dn = {NULL, 0};
    if (get(c->crt, &dn, 0) < 0 || !dn.data)
        return OK; /* it has none */
    err_t e = dn.size ? evidence_keep(c->e, c->by, kind, str_of(dn.data, dn.size)) : OK;
    gnutls_free(dn.data);
    return e;
}

static err_t add_date(const struct cert *c, enum ev_kind kind, time_t t)
{
    struct tm tm;
    if (t == (time_t)-1 || !gmtime_r(&t, &tm))
        return OK;
    return evidence_addf(c->e, c->by, kind, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                         tm.tm_mday);
}

static err_t add_address(const struct cert *c, const uint8_t *p, size_t n)
{
    if (n == 4)
        return evidence_addf(c->e, c->by, EV_tls_name, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
    if (n != 16)
        return OK;
    char text[40];
    struct wr w = wr_fixed(text, sizeof text);
    for (size_t i = 0; i < n; i += 2)
        wr_printf(&w, "%s%x", i ? ":" : "", (unsigned)p[i] << 8 | p[i + 1]);
    return evidence_keep(c->e, c->by, EV_tls_name, wr_str(&w));
}

static err_t add_common_name(const struct cert *c)
{
    char name[NAME_MAX];
    size_t n = sizeof name;
    if (gnutls_x509_crt_get_dn_by_oid(c->crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n) < 0)
        return OK;
    return n ? evidence_keep(c->e, c->by, EV_tls_name, str_of(name, n)) : OK;
}

static err_t add_names(const struct cert *c)
{
    TRY(add_common_name(c));
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        char name[NAME_MAX];
        size_t n = sizeof name;
        unsigned type = 0;
        int r = gnutls_x509_crt_get_subject_alt_name2(c->crt, i, name, &n, &type, NULL);
        if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (r < 0)
            continue; /* longer than any real one, or damaged */
        if (type == GNUTLS_SAN_IPADDRESS)
            TRY(add_address(c, (const uint8_t *)name, n));
        else if (type == GNUTLS_SAN_DNSNAME && n)
            TRY(evidence_keep(c->e, c->by, EV_tls_name, str_of(name, n)));
    }
    return OK;
}

static err_t add_key(const struct cert *c)
{
    static const struct {
        int algorithm;
        const char *name;
    } names[] = {
        {GNUTLS_PK_RSA, "RSA"},
        {GNUTLS_PK_RSA_PSS, "RSA-PSS"},
        {GNUTLS_PK_DSA, "DSA"},
        {GNUTLS_PK_ECDSA, "EC"},
        {GNUTLS_PK_EDDSA_ED25519, "Ed25519"},
        {GNUTLS_PK_EDDSA_ED448, "Ed448"},
    };
    unsigned bits = 0;
    int algorithm = gnutls_x509_crt_get_pk_algorithm(c->crt, &bits);
    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].algorithm == algorithm)
            return evidence_addf(c->e, c->by, EV_tls_key, "%s %u", names[i].name, bits);
    return OK;
}

static err_t add_signature(const struct cert *c)
{
    int algorithm = gnutls_x509_crt_get_signature_algorithm(c->crt);
    const char *name =
        algorithm > 0 ? gnutls_sign_get_name((gnutls_sign_algorithm_t)algorithm) : NULL;
    return name ? evidence_add(c->e, c->by, EV_tls_signature, str_z(name)) : OK;
}

static err_t add_fingerprint(const struct cert *c)
{
    uint8_t digest[32];
    size_t n = sizeof digest;
    char text[65];
    struct wr w = wr_fixed(text, sizeof text);
    if (gnutls_x509_crt_get_fingerprint(c->crt, GNUTLS_DIG_SHA256, digest, &n) < 0)
        return OK;
    wr_hex(&w, str_of(digest, n));
    return evidence_keep(c->e, c->by, EV_tls_sha256, wr_str(&w));
}

static err_t add_all(const struct cert *c)
{
    bool self = gnutls_x509_crt_check_issuer(c->crt, c->crt) == 1;
    TRY(add_dn(c, EV_tls_subject, gnutls_x509_crt_get_dn3));
    TRY(add_dn(c, EV_tls_issuer, gnutls_x509_crt_get_issuer_dn3));
    TRY(add_names(c));
    TRY(add_date(c, EV_tls_from, gnutls_x509_crt_get_activation_time(c->crt)));
    TRY(add_date(c, EV_tls_until, gnutls_x509_crt_get_expiration_time(c->crt)));
    TRY(evidence_add(c->e, c->by, EV_tls_self_signed, self ? STR("yes") : STR("no")));
    TRY(add_key(c));
    TRY(add_signature(c));
    return add_fingerprint(c);
}

static err_t facts(struct str bytes, size_t max, gnutls_x509_crt_fmt_t format, enum ev_by by,
                   struct evidence *e)
{
    struct cert c = {.e = e, .by = by};
    if (bytes.n == 0 || bytes.n > max)
        return E_MALFORMED;
    if (gnutls_x509_crt_init(&c.crt) < 0)
        return E_NOMEM;
    uint8_t *copy = malloc(bytes.n); /* the library's views are not const */
    err_t result = copy ? E_MALFORMED : E_NOMEM;
    if (copy) {
        memcpy(copy, bytes.p, bytes.n);
        gnutls_datum_t datum = {copy, (unsigned)bytes.n};
        int r = gnutls_x509_crt_import(c.crt, &datum, format);
        result = r == GNUTLS_E_MEMORY_ERROR ? E_NOMEM : r < 0 ? E_MALFORMED : add_all(&c);
    }
    free(copy);
    gnutls_x509_crt_deinit(c.crt);
    return result;
}

err_t tls_cert_facts(struct str der, enum ev_by by, struct evidence *e)
{
    return facts(der, CERT_MAX, GNUTLS_X509_FMT_DER, by, e);
}

err_t tls_cert_facts_pem(struct str pem, enum ev_by by, struct evidence *e)
{
    return facts(pem, PEM_MAX, GNUTLS_X509_FMT_PEM, by, e);
}
