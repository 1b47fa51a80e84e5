#include "certs.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

static gnutls_x509_crt_t parsed(struct str pem)
{
    gnutls_x509_crt_t c;
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem.p, (unsigned)pem.n};
    assert_int_equal(gnutls_x509_crt_init(&c), 0);
    assert_int_equal(gnutls_x509_crt_import(c, &text, GNUTLS_X509_FMT_PEM), 0);
    return c;
}

static unsigned verify(gnutls_x509_crt_t c, gnutls_x509_crt_t by)
{
    unsigned status = ~0u;
    assert_int_equal(gnutls_x509_crt_verify(c, &by, 1, 0, &status), 0);
    return status;
}

static void an_authority_signs_what_it_issues_and_no_other_does(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours"), *theirs = authority_new(s, "theirs");
    struct cert *peer = cert_issue(s, ours, "peer", "", false, 10);
    gnutls_x509_crt_t a = parsed(wr_str(&ours->cert_w)), b = parsed(wr_str(&theirs->cert_w)),
                      c = parsed(wr_str(&peer->cert_w));
    assert_int_equal(verify(c, a), 0);
    assert_int_not_equal(verify(c, b), 0);
    assert_int_equal(gnutls_x509_crt_get_ca_status(a, NULL), 1);
    assert_int_equal(gnutls_x509_crt_get_ca_status(c, NULL), 0);
    gnutls_x509_crt_deinit(a);
    gnutls_x509_crt_deinit(b);
    gnutls_x509_crt_deinit(c);
    free(ours);
    free(theirs);
    free(peer);
}

static void an_issued_certificate_cannot_issue(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours");
    struct cert *peer = cert_issue(s, ours, "peer", "", true, 10);
    struct diag d = {0};
    char a[PEM_CAP], b[PEM_CAP];
    struct wr cert = wr_fixed(a, sizeof a), key = wr_fixed(b, sizeof b);
    assert_err(x509_issue(wr_str(&peer->cert_w), wr_str(&peer->key_w), STR("x"), STR(""), false, 1,
                          &cert, &key, &d),
               E_CRYPTO);
    /* Nor can the wrong key. */
    assert_err(x509_issue(wr_str(&ours->cert_w), wr_str(&peer->key_w), STR("x"), STR(""), false, 1,
                          &cert, &key, &d),
               E_CRYPTO);
    assert_non_null(strstr(d.text, "not that of"));
    free(ours);
    free(peer);
}

static void names_and_purposes_are_in_the_certificate(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours");
    struct cert *server = cert_issue(s, ours, "pacs", "pacs.example, 10.0.0.7,::1", true, 10);
    struct cert *client = cert_issue(s, ours, "MODALITY 1", "", false, 10);
    gnutls_x509_crt_t c = parsed(wr_str(&server->cert_w)), m = parsed(wr_str(&client->cert_w));
    assert_true(gnutls_x509_crt_check_hostname(c, "pacs.example"));
    assert_true(gnutls_x509_crt_check_hostname(c, "10.0.0.7"));
    assert_true(gnutls_x509_crt_check_hostname(c, "::1"));
    assert_false(gnutls_x509_crt_check_hostname(c, "10.0.0.8"));
    assert_false(gnutls_x509_crt_check_hostname(c, "other.example"));
    assert_true(gnutls_x509_crt_check_key_purpose(c, GNUTLS_KP_TLS_WWW_SERVER, 0));
    assert_true(gnutls_x509_crt_check_key_purpose(c, GNUTLS_KP_TLS_WWW_CLIENT, 0));
    assert_false(gnutls_x509_crt_check_key_purpose(m, GNUTLS_KP_TLS_WWW_SERVER, 0));
    assert_true(gnutls_x509_crt_check_key_purpose(m, GNUTLS_KP_TLS_WWW_CLIENT, 0));
    char dn[64];
    size_t n = sizeof dn;
    assert_int_equal(gnutls_x509_crt_get_dn(m, dn, &n), 0);
    assert_string_equal(dn, "CN=MODALITY 1");
    gnutls_x509_crt_deinit(c);
    gnutls_x509_crt_deinit(m);
    free(ours);
    free(server);
    free(client);
}

static void refuses_names_that_are_none(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours");
    static const char *const bad[] = {"a b", "x,,y", "x/y", "1.2.3.4.5:6", "\xc3\xa9.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char a[PEM_CAP], b[PEM_CAP];
        struct diag d = {0};
        struct wr cert = wr_fixed(a, sizeof a), key = wr_fixed(b, sizeof b);
        assert_err(x509_issue(wr_str(&ours->cert_w), wr_str(&ours->key_w), STR("x"), str_z(bad[i]),
                              true, 1, &cert, &key, &d),
                   E_MALFORMED);
    }
    free(ours);
}

static void the_fingerprint_is_the_digest_of_the_der(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours"), *other = authority_new(s, "other");
    uint8_t print[32], expected[64];
    size_t n = sizeof expected;
    struct diag d;
    gnutls_x509_crt_t c = parsed(wr_str(&ours->cert_w));
    assert_int_equal(gnutls_x509_crt_get_fingerprint(c, GNUTLS_DIG_SHA256, expected, &n), 0);
    assert_memory_equal(ours->print, expected, 32);
    assert_memory_not_equal(ours->print, other->print, 32);
    /* The first of a chain, and with the text that tools put before it. */
    char both[3 * PEM_CAP];
    struct wr w = wr_fixed(both, sizeof both);
    wr_put(&w, STR("subject=/CN=x\nissuer=/CN=y\n"));
    wr_put(&w, wr_str(&ours->cert_w));
    wr_put(&w, wr_str(&other->cert_w));
    assert_ok(x509_fingerprint(wr_str(&w), print, &d));
    assert_memory_equal(print, ours->print, 32);
    gnutls_x509_crt_deinit(c);
    free(ours);
    free(other);
}

static void knows_when_a_certificate_ends(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours");
    struct cert *peer = cert_issue(s, ours, "peer", "", false, 400);
    struct diag d;
    int64_t t;
    assert_ok(x509_expiry(wr_str(&peer->cert_w), &t, &d));
    int64_t want = (int64_t)time(NULL) + 400ll * 86400;
    assert_true(t > want - 60 && t <= want);
    free(ours);
    free(peer);
}

static void text_that_is_no_certificate_is_malformed(void **state)
{
    struct scratch *s = *state;
    struct cert *ours = authority_new(s, "ours");
    struct diag d = {0};
    uint8_t print[32];
    int64_t t;
    static const char *const bad[] = {
        "", "hello", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(x509_fingerprint(str_z(bad[i]), print, &d), E_MALFORMED);
        assert_err(x509_expiry(str_z(bad[i]), &t, &d), E_MALFORMED);
    }
    assert_err(x509_fingerprint(wr_str(&ours->key_w), print, &d), E_MALFORMED);
    /* Cut anywhere it is no certificate, and nothing is read past the cut. */
    for (size_t n = 0; n + 30 < ours->cert_w.n; n += 7) {
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, ours->cert, n);
        assert_err(x509_fingerprint(str_of(copy, n), print, &d), E_MALFORMED);
        free(copy);
    }
    char *huge = calloc(1, X509_PEM_MAX + 1);
    assert_non_null(huge);
    assert_err(x509_fingerprint(str_of(huge, X509_PEM_MAX + 1), print, &d), E_LIMIT);
    free(huge);
    free(ours);
}

static void a_writer_without_room_is_a_limit(void **state)
{
    (void)state;
    char a[100], b[100];
    struct wr cert = wr_fixed(a, sizeof a), key = wr_fixed(b, sizeof b);
    assert_err(x509_authority(STR("x"), 1, &cert, &key), E_LIMIT);
}

#define ON_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCRATCH(an_authority_signs_what_it_issues_and_no_other_does),
        ON_SCRATCH(an_issued_certificate_cannot_issue),
        ON_SCRATCH(names_and_purposes_are_in_the_certificate),
        ON_SCRATCH(refuses_names_that_are_none),
        ON_SCRATCH(the_fingerprint_is_the_digest_of_the_der),
        ON_SCRATCH(knows_when_a_certificate_ends),
        ON_SCRATCH(text_that_is_no_certificate_is_malformed),
        ON_SCRATCH(a_writer_without_room_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
