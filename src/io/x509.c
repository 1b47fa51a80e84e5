#include "io/x509.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

#include "io/crypto.h"

enum { SERIAL_SIZE = 16, KEY_ID_MAX = 64, NAME_TEXT_MAX = 256 };

static const int64_t day_s = 86400, skew_s = 3600;

static void crt_free(gnutls_x509_crt_t *c)
{
    if (*c)
        gnutls_x509_crt_deinit(*c);
}

static void key_free(gnutls_x509_privkey_t *k)
{
    if (*k)
        gnutls_x509_privkey_deinit(*k);
}

#define CRT __attribute__((cleanup(crt_free))) gnutls_x509_crt_t
#define PRIVKEY __attribute__((cleanup(key_free))) gnutls_x509_privkey_t

static err_t check(int rc)
{
    if (rc >= 0)
        return OK;
    return rc == GNUTLS_E_MEMORY_ERROR ? E_NOMEM : E_CRYPTO;
}

static err_t fail(struct diag *d, const char *doing, int rc)
{
    return diag_set(d, check(rc), "cannot %s: %s", doing, gnutls_strerror(rc));
}

static gnutls_datum_t datum(struct str s)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.p, (unsigned)s.n};
}

static err_t new_key(gnutls_x509_privkey_t *ret)
{
    TRY(check(gnutls_x509_privkey_init(ret)));
    unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
    return check(gnutls_x509_privkey_generate(*ret, GNUTLS_PK_ECDSA, bits, 0));
}

/* 127 random bits: positive, and never the same twice (RFC 5280 4.1.2.2). */
static err_t set_serial(gnutls_x509_crt_t c)
{
    uint8_t serial[SERIAL_SIZE];
    TRY(crypto_random(serial, sizeof serial));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    return check(gnutls_x509_crt_set_serial(c, serial, sizeof serial));
}

/* What every certificate of ours has. An hour's leeway at the start, for a peer whose clock is
 * behind. */
static err_t set_common(gnutls_x509_crt_t c, gnutls_x509_privkey_t key, struct str common_name,
                        unsigned days, unsigned usage)
{
    uint8_t id[KEY_ID_MAX];
    size_t id_n = sizeof id;
    time_t now = time(NULL);
    TRY(check(gnutls_x509_crt_set_version(c, 3)));
    TRY(set_serial(c));
    TRY(check(gnutls_x509_crt_set_key(c, key)));
    TRY(check(gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, common_name.p,
                                            (unsigned)common_name.n)));
    TRY(check(gnutls_x509_crt_set_activation_time(c, (time_t)(now - skew_s))));
    TRY(check(gnutls_x509_crt_set_expiration_time(c, (time_t)(now + days * day_s))));
    TRY(check(gnutls_x509_crt_set_key_usage(c, usage)));
    TRY(check(gnutls_x509_crt_get_key_id(c, GNUTLS_KEYID_USE_SHA1, id, &id_n)));
    return check(gnutls_x509_crt_set_subject_key_id(c, id, id_n));
}

static err_t put_datum(struct wr *w, gnutls_datum_t *text)
{
    wr_bytes(w, text->data, text->size);
    gnutls_memset(text->data, 0, text->size);
    gnutls_free(text->data);
    return w->bad ? E_LIMIT : OK;
}

static err_t put_cert(gnutls_x509_crt_t c, struct wr *w)
{
    gnutls_datum_t text;
    TRY(check(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &text)));
    return put_datum(w, &text);
}

static err_t put_key(gnutls_x509_privkey_t k, struct wr *w)
{
    gnutls_datum_t text;
    TRY(check(
        gnutls_x509_privkey_export2_pkcs8(k, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text)));
    return put_datum(w, &text);
}

err_t x509_authority(struct str common_name, unsigned days, struct wr *ret_cert, struct wr *ret_key)
{
    PRIVKEY key = NULL;
    CRT c = NULL;
    TRY(new_key(&key));
    TRY(check(gnutls_x509_crt_init(&c)));
    TRY(set_common(c, key, common_name, days, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
    TRY(check(gnutls_x509_crt_set_basic_constraints(c, 1, 0)));
    TRY(check(gnutls_x509_crt_sign2(c, c, key, GNUTLS_DIG_SHA256, 0)));
    TRY(put_cert(c, ret_cert));
    return put_key(key, ret_key);
}

static err_t check_pem(struct str pem, struct diag *d)
{
    if (pem.n > X509_PEM_MAX)
        return diag_set(d, E_LIMIT, "a certificate of %zu bytes is too long", pem.n);
    return OK;
}

/* The first certificate of a text, whatever stands after it. */
static err_t parse_first(struct str pem, gnutls_x509_crt_t *ret, struct diag *d)
{
    TRY(check_pem(pem, d));
    gnutls_datum_t text = datum(pem);
    TRY(check(gnutls_x509_crt_init(ret)));
    int rc = gnutls_x509_crt_import(*ret, &text, GNUTLS_X509_FMT_PEM);
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return E_NOMEM;
    return rc < 0 ? diag_set(d, E_MALFORMED, "not a PEM certificate: %s", gnutls_strerror(rc)) : OK;
}

static err_t parse_key(struct str pem, gnutls_x509_privkey_t *ret, struct diag *d)
{
    TRY(check_pem(pem, d));
    gnutls_datum_t text = datum(pem);
    TRY(check(gnutls_x509_privkey_init(ret)));
    int rc = gnutls_x509_privkey_import2(*ret, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return E_NOMEM;
    return rc < 0 ? diag_set(d, E_MALFORMED, "not a PEM private key: %s", gnutls_strerror(rc)) : OK;
}

static bool is_dns_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.' && c != '_' && !(c == '*' && i == 0))
            return false;
    }
    return s.n > 0;
}

static err_t add_name(gnutls_x509_crt_t c, struct str name, struct diag *d)
{
    char text[NAME_TEXT_MAX];
    uint8_t bytes[16];
    if (!str_to_z(name, text, sizeof text))
        return diag_set(d, E_MALFORMED, "a name is too long for a certificate");
    gnutls_x509_subject_alt_name_t type = GNUTLS_SAN_IPADDRESS;
    const void *data = bytes;
    unsigned n = 16;
    if (inet_pton(AF_INET, text, bytes) == 1) {
        n = 4;
    } else if (inet_pton(AF_INET6, text, bytes) != 1) {
        if (!is_dns_name(name))
            return diag_set(d, E_MALFORMED, "\"%s\" is neither a DNS name nor an address", text);
        type = GNUTLS_SAN_DNSNAME;
        data = text;
        n = (unsigned)name.n;
    }
    return check(gnutls_x509_crt_set_subject_alt_name(c, type, data, n, GNUTLS_FSAN_APPEND));
}

static err_t add_names(gnutls_x509_crt_t c, struct str names, struct diag *d)
{
    struct str rest = names, name;
    if (str_trim(names).n == 0)
        return OK;
    while (str_split(&rest, ',', &name))
        TRY(add_name(c, str_trim(name), d));
    return OK;
}

static err_t set_purpose(gnutls_x509_crt_t c, bool server)
{
    if (server)
        TRY(check(gnutls_x509_crt_set_key_purpose_oid(c, GNUTLS_KP_TLS_WWW_SERVER, 0)));
    TRY(check(gnutls_x509_crt_set_key_purpose_oid(c, GNUTLS_KP_TLS_WWW_CLIENT, 0)));
    return check(gnutls_x509_crt_set_basic_constraints(c, 0, -1));
}

static err_t set_authority_id(gnutls_x509_crt_t c, gnutls_x509_crt_t authority)
{
    uint8_t id[KEY_ID_MAX];
    size_t n = sizeof id;
    int rc = gnutls_x509_crt_get_subject_key_id(authority, id, &n, NULL);
    if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return OK; /* an owner's own authority may lack it */
    TRY(check(rc));
    return check(gnutls_x509_crt_set_authority_key_id(c, id, n));
}

/* The key must be the authority's own, or what is issued here would be refused everywhere. */
static err_t check_pair(gnutls_x509_crt_t authority, gnutls_x509_privkey_t key, struct diag *d)
{
    uint8_t a[KEY_ID_MAX], b[KEY_ID_MAX];
    size_t a_n = sizeof a, b_n = sizeof b;
    TRY(check(gnutls_x509_crt_get_key_id(authority, GNUTLS_KEYID_USE_SHA256, a, &a_n)));
    TRY(check(gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &b_n)));
    if (!str_eq(str_of(a, a_n), str_of(b, b_n)))
        return diag_set(d, E_CRYPTO, "the key is not that of the authority's certificate");
    if (gnutls_x509_crt_get_ca_status(authority, NULL) <= 0)
        return diag_set(d, E_CRYPTO, "the authority's certificate may not sign others");
    return OK;
}

err_t x509_issue(struct str authority_cert, struct str authority_key, struct str common_name,
                 struct str names, bool server, unsigned days, struct wr *ret_cert,
                 struct wr *ret_key, struct diag *d)
{
    PRIVKEY signer = NULL, key = NULL;
    CRT authority = NULL, c = NULL;
    TRY(parse_first(authority_cert, &authority, d));
    TRY(parse_key(authority_key, &signer, d));
    TRY(check_pair(authority, signer, d));
    TRY(new_key(&key));
    TRY(check(gnutls_x509_crt_init(&c)));
    TRY(set_common(c, key, common_name, days, GNUTLS_KEY_DIGITAL_SIGNATURE));
    TRY(set_purpose(c, server));
    TRY(add_names(c, names, d));
    TRY(set_authority_id(c, authority));
    int rc = gnutls_x509_crt_sign2(c, authority, signer, GNUTLS_DIG_SHA256, 0);
    if (rc < 0)
        return fail(d, "sign the certificate", rc);
    TRY(put_cert(c, ret_cert));
    return put_key(key, ret_key);
}

err_t x509_fingerprint(struct str pem, uint8_t ret_sha256[32], struct diag *d)
{
    CRT c = NULL;
    size_t n = DIGEST_SIZE;
    TRY(parse_first(pem, &c, d));
    return check(gnutls_x509_crt_get_fingerprint(c, GNUTLS_DIG_SHA256, ret_sha256, &n));
}

err_t x509_expiry(struct str pem, int64_t *ret, struct diag *d)
{
    CRT c = NULL;
    TRY(parse_first(pem, &c, d));
    time_t t = gnutls_x509_crt_get_expiration_time(c);
    if (t == (time_t)-1)
        return diag_set(d, E_MALFORMED, "the certificate does not say when it ends");
    *ret = t;
    return OK;
}
