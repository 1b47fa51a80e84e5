#include "import_test.h"

static void a_page_and_its_handshake(void **state)
{
    static const char text[] =
        "{\"ip\":\"192.0.2.7\",\"data\":{\"http\":{\"status\":\"success\",\"protocol\":\"http\","
        "\"result\":{\"response\":{\"status_line\":\"200 "
        "OK\",\"status_code\":200,\"protocol\":{\"name\":"
        "\"HTTP/1.1\"},\"headers\":{\"server\":[\"Mongoose\"],\"content_type\":[\"text/"
        "html\"],\"unknown\":"
        "[{\"key\":\"x-orthanc\",\"value\":[\"1\"]}]},\"body\":\"<title>Orthanc Explorer</title>\","
        "\"request\":{\"url\":{\"host\":\"192.0.2.7:8042\"},\"tls_log\":{\"handshake_log\":{"
        "\"server_hello\":"
        "{\"version\":{\"name\":\"TLSv1.2\",\"value\":771},\"cipher_suite\":{\"name\":\"TLS_X\"}},"
        "\"server_certificates\":{\"certificate\":{\"parsed\":{\"subject_dn\":\"CN=pacs\",\"issuer_"
        "dn\":"
        "\"CN=pacs\",\"validity\":{\"start\":\"2019-01-01T00:00:00Z\",\"end\":\"2020-01-01T00:00:"
        "00Z\"},"
        "\"signature\":{\"self_signed\":true},\"fingerprint_sha256\":\"00ff\",\"extensions\":"
        "{\"subject_alt_name\":{\"dns_names\":[\"pacs.example.it\"]}}}}}}}}}},\"timestamp\":"
        "\"2026-11-22T10:00:00Z\"}}}\n";
    static const char *const lines[] = {
        "192.0.2.7:8042 search engine http_status=200",
        "192.0.2.7:8042 search engine http_title=Orthanc Explorer",
        "192.0.2.7:8042 search engine http_header=Server: Mongoose",
        "192.0.2.7:8042 search engine transport=tls",
        "192.0.2.7:8042 search engine tls_version=TLS1.2",
        "192.0.2.7:8042 search engine tls_subject=CN=pacs",
        "192.0.2.7:8042 search engine tls_until=2020-01-01",
        "192.0.2.7:8042 search engine tls_self_signed=yes",
        "192.0.2.7:8042 search engine tls_name=pacs.example.it",
    };
    struct site *s = *state;
    assert_ok(site_import(s, "", str_of(text, sizeof text - 1)));
    assert_int_equal(s->sum.records, 1);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        has(s, lines[i]);
}

static void several_modules_each_with_its_port(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "zgrab2",
                          STR("{\"ip\":\"192.0.2.7\",\"data\":{\"dicom\":{\"status\":\"success\","
                              "\"protocol\":\"banner\","
                              "\"port\":104,\"result\":{\"banner\":"
                              "\"\\u0003\\u0000\\u0000\\u0000\\u0000\\u0004\\u0000\\u0001"
                              "\\u0001\\u0007\"}},\"http\":{\"status\":\"connection-timeout\","
                              "\"protocol\":\"http\"},\"tls\":"
                              "{\"status\":\"success\",\"protocol\":\"tls\",\"result\":{"
                              "\"handshake_log\":{\"server_hello\":"
                              "{\"version\":{\"name\":\"TLSv1.3\"}}}}}}}\n")));
    has(s, "192.0.2.7:104 search engine dicom_answer=rejected 1/1/7");
    has(s, "192.0.2.7:443 search engine tls_version=TLS1.3");
    has_not(s, ":80 ");
}

static void a_failure_alone_tells_nothing(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "zgrab2",
                          STR("{\"ip\":\"192.0.2.7\",\"data\":{\"http\":{\"status\":\"io-timeout\","
                              "\"protocol\":\"http\",\"error\":\"x\"}}}\n")));
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.endpoints, 0);
    assert_string_equal(site_dump(s), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_page_and_its_handshake),
        WITH_SITE(several_modules_each_with_its_port),
        WITH_SITE(a_failure_alone_tells_nothing),
    };
    return cmocka_run_group_tests_name("zgrab2", tests, NULL, NULL);
}
