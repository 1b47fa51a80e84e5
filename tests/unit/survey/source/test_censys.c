#include "import_test.h"

static const char HOST[] =
    "{\"ip\": \"192.0.2.7\", \"autonomous_system\": {\"asn\": 3269, \"name\": \"ASN-IBSNAZ\", "
    "\"description\": \"San Luca\"}, \"location\": {\"country_code\": \"IT\", \"city\": "
    "\"Lucca\"}, "
    "\"operating_system\": {\"product\": \"Windows\", \"version\": \"10\"}, \"dns\": "
    "{\"reverse_dns\": "
    "{\"names\": [\"pacs.example.it\"]}}, \"labels\": [\"medical\"], \"last_updated_at\": "
    "\"2026-11-20T00:00:00.000Z\", \"services\": [{\"port\": 104, \"service_name\": \"DICOM\", "
    "\"transport_protocol\": \"TCP\", \"observed_at\": \"2026-11-19T00:00:00Z\", \"banner\": "
    "\"x\", "
    "\"banner_hex\": \"0300000000040001 0107\"}, {\"port\": 443, \"service_name\": \"HTTP\", "
    "\"extended_service_name\": \"HTTPS\", \"banner\": \"HTTP/1.1 200 OK\\r\\nServer: "
    "nginx\\r\\n\", "
    "\"http\": {\"response\": {\"status_code\": 200, \"html_title\": \"Orthanc Explorer\", "
    "\"favicons\": [{\"md5_hash\": \"00112233445566778899aabbccddeeff\"}]}}, \"tls\": "
    "{\"version_selected\": \"TLSv1_2\", \"cipher_selected\": \"TLS_RSA_WITH_AES_128_CBC_SHA\", "
    "\"certificates\": {\"leaf_data\": {\"subject_dn\": \"CN=pacs\", \"issuer_dn\": \"CN=ca\", "
    "\"names\": [\"pacs.example.it\"], \"signature\": {\"self_signed\": false}}}}, \"software\": "
    "[{\"product\": \"nginx\", \"version\": \"1.18.0\", \"uniform_resource_identifier\": "
    "\"cpe:2.3:a:f5:nginx:1.18.0\"}, {\"product\": \"linux\"}]}, {\"port\": 161, "
    "\"transport_protocol\": \"UDP\", \"service_name\": \"SNMP\"}]";

static void check_host(struct site *s)
{
    static const char *const lines[] = {
        "192.0.2.7:0 search engine country=IT",
        "192.0.2.7:0 search engine city=Lucca",
        "192.0.2.7:0 search engine asn=AS3269",
        "192.0.2.7:0 search engine organisation=San Luca",
        "192.0.2.7:0 search engine os=Windows 10",
        "192.0.2.7:0 search engine hostname=pacs.example.it",
        "192.0.2.7:0 search engine said_tag=medical",
        "192.0.2.7:104 search engine dicom_answer=rejected 1/1/7",
        "192.0.2.7:104 search engine transport=clear",
        "192.0.2.7:104 search engine first_said=2026-11-19",
        "192.0.2.7:443 search engine transport=tls",
        "192.0.2.7:443 search engine tls_version=TLS1.2",
        "192.0.2.7:443 search engine tls_subject=CN=pacs",
        "192.0.2.7:443 search engine tls_self_signed=no",
        "192.0.2.7:443 search engine tls_name=pacs.example.it",
        "192.0.2.7:443 search engine http_title=Orthanc Explorer",
        "192.0.2.7:443 search engine favicon_md5=00112233445566778899aabbccddeeff",
        "192.0.2.7:443 search engine said_product=nginx 1.18.0",
        "192.0.2.7:443 search engine said_product=linux",
        "192.0.2.7:443 search engine said_cpe=cpe:2.3:a:f5:nginx:1.18.0",
    };
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.bad, 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        has(s, lines[i]);
    has_not(s, ":161");
}

static void a_host_with_its_services(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(1 << 16);
    wr_put(&w, str_z(HOST));
    wr_put(&w, STR("}\n"));
    assert_ok(site_import(s, "", wr_str(&w)));
    check_host(s);
    wr_done(&w);
}

static void an_answer_of_the_api(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(1 << 16);
    wr_put(&w, STR("{\"code\": 200,\n \"status\": \"OK\",\n \"result\": "));
    wr_put(&w, str_z(HOST));
    wr_put(&w, STR("}}\n"));
    assert_ok(site_import(s, "censys", wr_str(&w)));
    check_host(s);
    wr_done(&w);
}

static void hits_of_a_search(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(1 << 16);
    wr_put(&w, STR("{\"code\": 200, \"result\": {\"total\": 1, \"hits\": ["));
    wr_put(&w, str_z(HOST));
    wr_put(&w, STR("}]}}\n"));
    assert_ok(site_import(s, "censys", wr_str(&w)));
    check_host(s);
    wr_done(&w);
}

static void the_address_may_come_last(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(
        s, "censys", STR("{\"services\":[{\"port\":80},{\"port\":81}],\"ip\":\"192.0.2.9\"}\n")));
    has(s, "192.0.2.9:80 search engine port_open=yes");
    has(s, "192.0.2.9:81 search engine port_open=yes");
}

static void a_service_without_a_port_is_bad(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "censys",
                          STR("{\"services\":[{\"port\":80},{}],\"ip\":\"192.0.2.9\"}\n"
                              "{\"services\":[{\"port\":82}],\"ip\":\"192.0.2.10\"}\n")));
    assert_int_equal(s->sum.bad, 1);
    assert_string_equal(site_notes(s), "line 1: a service without a port\n");
    has_not(s, "192.0.2.9");
    has(s, "192.0.2.10:82 search engine port_open=yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_host_with_its_services),
        WITH_SITE(an_answer_of_the_api),
        WITH_SITE(hits_of_a_search),
        WITH_SITE(the_address_may_come_last),
        WITH_SITE(a_service_without_a_port_is_bad),
    };
    return cmocka_run_group_tests_name("censys", tests, NULL, NULL);
}
