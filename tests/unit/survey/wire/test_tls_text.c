/* Handshakes as they were recorded, in any pieces, cut and damaged; certificates. */
#include "facts.h"

#include "base/size.h"
#include "data.h"
#include "survey/wire/tls_text.h"

enum { FILE_MAX = 8192 };

/* Reads a recording in pieces and gives its facts. */
static enum step read_pieces(struct facts *f, struct str bytes, size_t piece, bool server)
{
    struct tls_reader *r;
    enum step s = STEP_MORE;
    assert_ok(tls_reader_new(server, &r));
    for (size_t at = 0; at < bytes.n; at += piece) {
        /* Its own memory, so that a sanitizer sees a byte too many. */
        struct str part = str_slice(bytes, at, piece);
        char *copy = malloc(part.n);
        memcpy(copy, part.p, part.n);
        s = tls_reader_feed(r, str_of(copy, part.n));
        free(copy);
    }
    facts_clear(f);
    assert_ok(tls_reader_facts(r, BY_TRAFFIC, &f->e));
    tls_reader_free(r);
    return s;
}

static enum step read_file(struct facts *f, const char *name, size_t piece, bool server)
{
    char buf[FILE_MAX];
    return read_pieces(f, data_read(name, buf, sizeof buf), piece, server);
}

static void a_handshake_of_tls_1_2_shows_version_cipher_and_certificate(void **state)
{
    struct facts *f = *state;
    static const size_t pieces[] = {1, 2, 5, 7, 100, FILE_MAX};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        assert_int_equal(read_file(f, "tls12_server.bin", pieces[i], true), STEP_DONE);
        assert_fact(f, transport, "tls");
        assert_fact(f, tls_version, "TLS1.2");
        assert_fact(f, tls_cipher, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
        assert_has(f, tls_name, "pacs.example.org");
        assert_fact(f, tls_self_signed, "yes");
        assert_none(f, tls_asks_client);
        assert_none(f, tls_failed);
    }
}

static void tls_1_3_hides_the_certificate_and_not_the_version(void **state)
{
    struct facts *f = *state;
    assert_int_equal(read_file(f, "tls13_server.bin", 11, true), STEP_DONE);
    assert_fact(f, tls_version, "TLS1.3");
    assert_fact(f, tls_cipher, "TLS_AES_256_GCM_SHA384");
    assert_none(f, tls_sha256);
}

static void an_obsolete_version_is_named(void **state)
{
    struct facts *f = *state;
    assert_int_equal(read_file(f, "tls10_server.bin", 50, true), STEP_DONE);
    assert_fact(f, tls_version, "TLS1.0");
    assert_has(f, tls_name, "archive.example.org");
}

static void a_request_for_a_client_certificate_is_seen(void **state)
{
    struct facts *f = *state;
    assert_int_equal(read_file(f, "tls12_mutual_server.bin", 50, true), STEP_DONE);
    assert_fact(f, tls_asks_client, "yes");
    assert_fact(f, tls_self_signed, "no");
    assert_fact(f, tls_key, "EC 256");
}

static void a_refusal_is_told_in_words(void **state)
{
    struct facts *f = *state;
    assert_int_equal(read_file(f, "refused_server.bin", 3, true), STEP_MORE);
    assert_fact(f, tls_failed, "alert 70: protocol version");
    assert_none(f, tls_version);
    assert_fact(f, transport, "tls");
}

static void a_client_tells_nothing_of_itself(void **state)
{
    struct facts *f = *state;
    assert_int_equal(read_file(f, "tls12_client.bin", 9, false), STEP_DONE);
    assert_int_equal(f->e.n, 0);
}

static void a_recording_cut_anywhere_tells_what_it_held(void **state)
{
    struct facts *f = *state;
    char buf[FILE_MAX];
    struct str all = data_read("tls12_server.bin", buf, sizeof buf);
    bool certificate = false;
    for (size_t n = 0; n < all.n; n += 3) {
        (void)read_pieces(f, str_slice(all, 0, n), FILE_MAX, true);
        assert_int_equal(evidence_get(&f->e, EV_tls_version).p != NULL, n >= 5 + 0x41);
        bool has = evidence_get(&f->e, EV_tls_sha256).p != NULL;
        assert_true(has || !certificate); /* once there, always there */
        certificate |= has;
    }
    assert_true(certificate);
}

static void damaged_bytes_do_no_harm(void **state)
{
    struct facts *f = *state;
    char buf[FILE_MAX];
    struct str all = data_read("tls12_server.bin", buf, sizeof buf);
    for (size_t at = 0; at < 400; at++) {
        char was = buf[at];
        buf[at] = (char)(was ^ 0xFF);
        (void)read_pieces(f, all, 64, true);
        buf[at] = was;
    }
}

static void other_protocols_are_not_tls(void **state)
{
    struct facts *f = *state;
    static const struct str others[] = {
        STR_INIT("HTTP/1.1 400 Bad Request\r\n"),
        STR_INIT("\2\0\0\0\0\xab\0\1"),
        STR_INIT("\x16\3\1\xff\xff\2"),
        STR_INIT("\x16\2\1\0\5\2"),
        STR_INIT("\x13\3\1\0\5\2"),
        STR_INIT("\x0bMSH|"),
    };
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(read_pieces(f, others[i], FILE_MAX, true), STEP_FAIL);
        assert_int_equal(f->e.n, 0);
    }
}

static void an_endless_handshake_ends(void **state)
{
    struct facts *f = *state;
    static const struct str records[] = {
        STR_INIT("\x16\3\3\0\0"),                 /* empty */
        STR_INIT("\x16\3\3\0\4\x0b\xff\xff\xff"), /* a certificate of 16 MiB */
        STR_INIT("\x16\3\3\0\4\0\0\0\0"),         /* hello requests */
        STR_INIT("\x15\3\3\0\2\1\0"),             /* warnings */
    };
    for (size_t i = 0; i < COUNT(records); i++) {
        struct tls_reader *r;
        enum step s = STEP_MORE;
        assert_ok(tls_reader_new(true, &r));
        for (int n = 0; n < 1 << 20 && s == STEP_MORE; n++)
            s = tls_reader_feed(r, records[i]);
        assert_int_equal(s, STEP_DONE);
        facts_clear(f);
        assert_ok(tls_reader_facts(r, BY_TRAFFIC, &f->e));
        assert_none(f, tls_version);
        tls_reader_free(r);
    }
}

static void an_unknown_suite_is_told_by_its_number(void **state)
{
    struct facts *f = *state;
    char hello[] = "\x16\3\3\0\x2a\2\0\0\x26\3\3RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\0\xca\xfe\0";
    assert_int_equal(read_pieces(f, str_of(hello, sizeof hello - 1), FILE_MAX, true), STEP_MORE);
    assert_fact(f, tls_cipher, "0xCAFE");
    assert_fact(f, tls_version, "TLS1.2");
}

static void a_certificate_is_told_in_full(void **state)
{
    struct facts *f = *state;
    char buf[FILE_MAX];
    assert_ok(tls_cert_facts(data_read("certificate.der", buf, sizeof buf), BY_PROBE, &f->e));
    assert_fact(f, tls_subject, "CN=pacs.example.org,O=Ospedale di prova,C=IT");
    assert_fact(f, tls_issuer, "CN=pacs.example.org,O=Ospedale di prova,C=IT");
    assert_fact(f, tls_from, "2026-11-22");
    assert_fact(f, tls_until, "2036-11-19");
    assert_fact(f, tls_key, "RSA 2048");
    assert_fact(f, tls_signature, "RSA-SHA256");
    assert_fact(f, tls_sha256, "3fae245f2d6cc4732d8b576f914f668640de32f0644fc681b564edfbbdb285cb");
    assert_has(f, tls_name, "pacs.example.org");
    assert_has(f, tls_name, "archive.example.org");
    assert_has(f, tls_name, "192.0.2.7");
    assert_has(f, tls_name, "2001:db8:0:0:0:0:0:7");
}

static void pem_tells_the_same(void **state)
{
    struct facts *f = *state;
    char buf[FILE_MAX];
    assert_ok(tls_cert_facts_pem(data_read("issued.pem", buf, sizeof buf), BY_ENGINE, &f->e));
    assert_fact(f, tls_subject, "CN=ris.example.org");
    assert_fact(f, tls_issuer, "CN=Autorita di prova");
    assert_fact(f, tls_self_signed, "no");
}

static void what_is_no_certificate_is_refused(void **state)
{
    struct facts *f = *state;
    char buf[FILE_MAX];
    struct str der = data_read("certificate.der", buf, sizeof buf);
    assert_err(tls_cert_facts(STR(""), BY_PROBE, &f->e), E_MALFORMED);
    assert_err(tls_cert_facts(STR("0\x82\xff\xff"), BY_PROBE, &f->e), E_MALFORMED);
    assert_err(tls_cert_facts_pem(STR("-----BEGIN CERTIFICATE-----"), BY_PROBE, &f->e),
               E_MALFORMED);
    for (size_t n = 0; n < der.n; n += 7)
        assert_err(tls_cert_facts(str_slice(der, 0, n), BY_PROBE, &f->e), E_MALFORMED);
    assert_int_equal(f->e.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACTS_TEST(a_handshake_of_tls_1_2_shows_version_cipher_and_certificate),
        FACTS_TEST(tls_1_3_hides_the_certificate_and_not_the_version),
        FACTS_TEST(an_obsolete_version_is_named),
        FACTS_TEST(a_request_for_a_client_certificate_is_seen),
        FACTS_TEST(a_refusal_is_told_in_words),
        FACTS_TEST(a_client_tells_nothing_of_itself),
        FACTS_TEST(a_recording_cut_anywhere_tells_what_it_held),
        FACTS_TEST(damaged_bytes_do_no_harm),
        FACTS_TEST(other_protocols_are_not_tls),
        FACTS_TEST(an_endless_handshake_ends),
        FACTS_TEST(an_unknown_suite_is_told_by_its_number),
        FACTS_TEST(a_certificate_is_told_in_full),
        FACTS_TEST(pem_tells_the_same),
        FACTS_TEST(what_is_no_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
