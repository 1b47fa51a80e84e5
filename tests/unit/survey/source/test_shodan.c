#include "import_test.h"

/* An A-ASSOCIATE-AC as DCMTK 3.6.7 sends it, without what must not be believed (the echoed titles
 * are those of the asker). */
static const char AC[] = "\x02\x00\x00\x00\x00\xb8\x00\x01\x00\x00"
                         "ANY-SCP         ECHOSCU         "
                         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                         "\x10\x00\x00\x15"
                         "1.2.840.10008.3.1.1.1"
                         "\x21\x00\x00\x19\x01\x00\x00\x00\x40\x00\x00\x11"
                         "1.2.840.10008.1.2"
                         "\x50\x00\x00\x3a\x51\x00\x00\x04\x00\x00\x40\x00\x52\x00\x00\x1b"
                         "1.2.276.0.7230010.3.0.3.6.7"
                         "\x55\x00\x00\x0f"
                         "OFFIS_DCMTK_367";
enum { AC_SIZE = sizeof AC - 1 };

static void put_json_u(struct wr *w, uint8_t c)
{
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
        wr_u8(w, c);
    else
        wr_printf(w, "\\u%04x", c);
}

static void put_literal_x(struct wr *w, uint8_t c)
{
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
        wr_u8(w, c);
    else
        wr_printf(w, "\\\\x%02x", c);
}

static void put_octal(struct wr *w, uint8_t c)
{
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
        wr_u8(w, c);
    else
        wr_printf(w, "\\\\%03o", c);
}

/* Latin-1 taken for text and written as UTF-8; control characters as JSON must. */
static void put_latin1(struct wr *w, uint8_t c)
{
    if (c < 0x20 || c == '"' || c == '\\')
        wr_printf(w, "\\u%04x", c);
    else if (c < 0x80)
        wr_u8(w, c);
    else
        wr_printf(w, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

static void put_hex(struct wr *w, uint8_t c)
{
    wr_printf(w, "%02x", c);
}

static void put_hex_space(struct wr *w, uint8_t c)
{
    wr_printf(w, "%02X ", c);
}

static void escaped(struct site *s, const char *label, void (*put)(struct wr *w, uint8_t c))
{
    struct wr w = wr_heap(1 << 16);
    wr_printf(&w, "{\"ip_str\": \"192.0.2.7\", \"port\": 104, \"data\": \"%s", label);
    for (size_t i = 0; i < AC_SIZE; i++)
        put(&w, (uint8_t)AC[i]);
    wr_put(&w, STR("\", \"_shodan\": {\"module\": \"dicom\"}, \"transport\": \"tcp\", "
                   "\"timestamp\": \"2026-11-22T10:00:00.1\"}\n"));
    assert_false(w.bad);
    assert_ok(site_import(s, "", wr_str(&w)));
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.bad, 0);
    has(s, "192.0.2.7:104 search engine dicom_answer=accepted");
    has(s, "192.0.2.7:104 search engine dicom_class_uid=1.2.276.0.7230010.3.0.3.6.7");
    has(s, "192.0.2.7:104 search engine dicom_version_name=OFFIS_DCMTK_367");
    has(s, "192.0.2.7:104 search engine transport=clear");
    has(s, "192.0.2.7:104 search engine dicom_any_calling=yes");
    has(s, "192.0.2.7:104 search engine dicom_any_called=yes");
    has(s, "192.0.2.7:104 search engine first_said=2026-11-22");
    has_not(s, "ECHOSCU");
    has_not(s, "dicom_ae");
    wr_done(&w);
}

static void a_banner_in_json_escapes(void **state)
{
    escaped(*state, "DICOM Server Response\\n", put_json_u);
}

static void a_banner_in_literal_hex_escapes(void **state)
{
    escaped(*state, "DICOM Server Response\\n", put_literal_x);
}

static void a_banner_in_literal_octal_escapes(void **state)
{
    escaped(*state, "DICOM Server Response\\n", put_octal);
}

static void a_banner_in_latin1_as_utf8(void **state)
{
    escaped(*state, "DICOM Server Response\\n", put_latin1);
}

static void a_banner_in_hexadecimal(void **state)
{
    escaped(*state, "", put_hex);
}

static void a_banner_in_hexadecimal_with_spaces(void **state)
{
    escaped(*state, "DICOM Server Response\\n", put_hex_space);
}

static void a_banner_without_its_label(void **state)
{
    escaped(*state, "", put_literal_x);
}

static void raw_bytes_of_the_options_serve_too(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(1 << 16);
    wr_put(&w, STR("{\"ip_str\":\"192.0.2.7\",\"port\":104,\"data\":\"DICOM Server Response\\n\","
                   "\"_shodan\":{\"module\":\"dicom\"},\"opts\":{\"raw\":\""));
    wr_hex(&w, str_of(AC, AC_SIZE));
    wr_put(&w, STR("\"}}"));
    assert_ok(site_import(s, "", wr_str(&w)));
    has(s, "192.0.2.7:104 search engine dicom_version_name=OFFIS_DCMTK_367");
    wr_done(&w);
}

static const char PAGE[] =
    "{\"ip_str\": \"2001:db8::7\", \"port\": 8443, \"transport\": \"tcp\", \"product\": "
    "\"Orthanc\", "
    "\"version\": \"1.9.7\", \"info\": null, \"os\": \"Linux\", \"org\": \"Ospedale San Luca\", "
    "\"isp\": \"Telecom\", \"asn\": \"AS3269\", \"hostnames\": [\"pacs.example.it\", "
    "\"b.example.it\"], "
    "\"location\": {\"city\": \"Lucca\", \"country_code\": \"IT\", \"country_name\": \"Italy\"}, "
    "\"tags\": [\"medical\", \"self-signed\"], \"cpe\": [\"cpe:/a:orthanc-server:orthanc:1.9.7\"], "
    "\"cpe23\": [\"cpe:2.3:a:orthanc-server:orthanc:1.9.7\"], "
    "\"vulns\": {\"CVE-2023-33466\": {\"verified\": false, \"cvss\": 8.8, \"summary\": \"x\", "
    "\"references\": [\"CVE-1999-0001\"]}, \"CVE-2022-2119\": {\"verified\": true}}, "
    "\"opts\": {\"vulns\": [\"!CVE-2014-0160\"], \"heartbleed\": \"SAFE\"}, "
    "\"timestamp\": \"2026-11-20T01:02:03.000004\", \"_shodan\": {\"module\": \"https\", \"id\": "
    "\"1\"}, "
    "\"data\": \"HTTP/1.1 200 OK\\r\\nServer: Mongoose\\r\\nContent-Type: text/html\\r\\n\\r\\n\", "
    "\"http\": {\"status\": 200, \"title\": \"Orthanc Explorer\", \"server\": \"Mongoose\", "
    "\"location\": \"/\", \"html\": \"<html><title>Orthanc Explorer</title></html>\", \"robots\": "
    "null, "
    "\"favicon\": {\"hash\": -1499940355, \"location\": \"/favicon.ico\", \"data\": \"AAAA\"}}, "
    "\"ssl\": {\"cert\": {\"subject\": {\"C\": \"IT\", \"O\": \"San Luca\", \"CN\": \"pacs\"}, "
    "\"issuer\": {\"CN\": \"pacs\", \"C\": \"IT\", \"O\": \"San Luca\"}, \"issued\": "
    "\"20190101000000Z\", "
    "\"expires\": \"20200101000000Z\", \"expired\": true, \"sig_alg\": "
    "\"sha256WithRSAEncryption\", "
    "\"fingerprint\": {\"sha1\": \"aa\", \"sha256\": \"00ff\"}, \"pubkey\": {\"type\": \"rsa\", "
    "\"bits\": 2048}}, \"cipher\": {\"version\": \"TLSv1.2\", \"name\": \"ECDHE-RSA-AES128-SHA\"}, "
    "\"versions\": [\"-TLSv1.3\", \"TLSv1\", \"TLSv1.2\", \"-SSLv3\"], \"chain\": "
    "[\"-----BEGIN\"]}}\n";

static void a_page_with_its_certificate_and_what_the_engine_says(void **state)
{
    static const char *const lines[] = {
        "2001:db8::7:8443 search engine transport=tls",
        "2001:db8::7:8443 search engine tls_version=TLS1.2",
        "2001:db8::7:8443 search engine tls_offers=TLS1.0",
        "2001:db8::7:8443 search engine tls_subject=CN=pacs,O=San Luca,C=IT",
        "2001:db8::7:8443 search engine tls_self_signed=yes",
        "2001:db8::7:8443 search engine tls_from=2019-01-01",
        "2001:db8::7:8443 search engine tls_until=2020-01-01",
        "2001:db8::7:8443 search engine tls_key=RSA 2048",
        "2001:db8::7:8443 search engine tls_sha256=00ff",
        "2001:db8::7:8443 search engine http_status=200",
        "2001:db8::7:8443 search engine http_title=Orthanc Explorer",
        "2001:db8::7:8443 search engine http_header=Server: Mongoose",
        "2001:db8::7:8443 search engine favicon_mmh3=-1499940355",
        "2001:db8::7:8443 search engine said_product=Orthanc 1.9.7",
        "2001:db8::7:8443 search engine said_cpe=cpe:/a:orthanc-server:orthanc:1.9.7",
        "2001:db8::7:8443 search engine said_cpe=cpe:2.3:a:orthanc-server:orthanc:1.9.7",
        "2001:db8::7:8443 search engine said_cve=CVE-2023-33466",
        "2001:db8::7:8443 search engine said_cve=CVE-2022-2119",
        "2001:db8::7:8443 search engine said_tag=medical",
        "2001:db8::7:0 search engine country=IT",
        "2001:db8::7:0 search engine city=Lucca",
        "2001:db8::7:0 search engine organisation=Ospedale San Luca",
        "2001:db8::7:0 search engine asn=AS3269",
        "2001:db8::7:0 search engine os=Linux",
        "2001:db8::7:0 search engine hostname=pacs.example.it",
        "2001:db8::7:0 search engine hostname=b.example.it",
    };
    struct site *s = *state;
    assert_ok(site_import(s, "", str_of(PAGE, sizeof PAGE - 1)));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        has(s, lines[i]);
    has_not(s, "CVE-2014-0160");
    has_not(s, "CVE-1999-0001");
    has_not(s, "tls_offers=TLS1.3");
    has_not(s, "tls_offers=SSL3");
}

static void vulnerabilities_may_be_a_list(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "shodan",
                          STR("{\"ip_str\":\"192.0.2.7\",\"port\":80,\"vulns\":["
                              "\"CVE-2020-0001\"],\"cpe\":\"cpe:/a:x:y\"}")));
    has(s, "192.0.2.7:80 search engine said_cve=CVE-2020-0001");
    has(s, "192.0.2.7:80 search engine said_cpe=cpe:/a:x:y");
}

static void hl7_is_known_by_what_it_sends(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(
        s, "shodan",
        STR("{\"ip_str\":\"192.0.2.7\",\"port\":2575,\"data\":\"\\u000bMSH|^~\\\\&|MIRTH|SANLUCA|||"
            "20261122||ACK|1|P|2.3\\rMSA|AE|1|Rossi^Maria\\r\\u001c\\r\"}")));
    has(s, "192.0.2.7:2575 search engine hl7_app=MIRTH");
    has(s, "192.0.2.7:2575 search engine hl7_version=2.3");
    has_not(s, "Rossi");
}

static void other_banners_are_kept_printable(void **state)
{
    struct site *s = *state;
    assert_ok(
        site_import(s, "shodan",
                    STR("{\"ip_str\":\"192.0.2.7\",\"port\":23,\"data\":\"\\u001b[31mlogin: \"}")));
    has(s, "192.0.2.7:23 search engine banner=[31mlogin:");
}

static void answers_over_udp_tell_of_the_host_alone(void **state)
{
    struct site *s = *state;
    assert_ok(
        site_import(s, "shodan",
                    STR("{\"ip_str\":\"192.0.2.7\",\"port\":161,\"transport\":\"udp\",\"data\":"
                        "\"x\",\"location\":{\"country_code\":\"DE\"}}")));
    has(s, "192.0.2.7:0 search engine country=DE");
    has_not(s, ":161");
}

static void answers_of_the_api_are_read_too(void **state)
{
    static const char text[] = "{\n  \"total\": 2,\n  \"matches\": [\n    {\n      \"ip_str\": "
                               "\"192.0.2.1\",\n      \"port\": 80,\n"
                               "      \"product\": \"nginx\"\n    },\n    {\n      \"ip_str\": "
                               "\"192.0.2.2\",\n      \"port\": 81\n"
                               "    }\n  ],\n  \"facets\": {}\n}\n";
    struct site *s = *state;
    assert_ok(site_import(s, "", str_of(text, sizeof text - 1)));
    assert_int_equal(s->sum.records, 2);
    assert_int_equal(s->sum.bad, 0);
    has(s, "192.0.2.1:80 search engine said_product=nginx");
    has(s, "192.0.2.2:81 search engine port_open=yes");
}

static void a_host_of_the_api_holds_its_banners(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(
        s, "",
        STR("{\"ip_str\":\"192.0.2.1\",\"ports\":[80,104],\"data\":[{\"ip_str\":\"192.0.2.1\","
            "\"port\":80,"
            "\"_shodan\":{}},{\"ip_str\":\"192.0.2.1\",\"port\":104}],\"org\":\"X\"}\n")));
    assert_int_equal(s->sum.records, 2);
    assert_int_equal(s->sum.bad, 0);
    has(s, "192.0.2.1:80 search engine port_open=yes");
    has(s, "192.0.2.1:104 search engine port_open=yes");
}

static void an_array_with_a_record_a_line(void **state)
{
    struct site *s = *state;
    assert_ok(
        site_import(s, "shodan",
                    STR("[\n{\"ip_str\":\"192.0.2.1\",\"port\":80},\n{\"ip_str\":\"192.0.2.2\","
                        "\"port\":81}\n]\n")));
    assert_int_equal(s->sum.records, 2);
    assert_int_equal(s->sum.bad, 0);
}

static void an_array_in_one_line(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "shodan",
                          STR("[{\"ip_str\":\"192.0.2.1\",\"port\":80},{\"ip_str\":\"192.0.2.2\","
                              "\"port\":81}]")));
    assert_int_equal(s->sum.records, 2);
    has(s, "192.0.2.2:81 search engine port_open=yes");
}

static void an_answer_in_one_long_line(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(8 << 20);
    wr_put(&w, STR("{\"total\":1,\"matches\":["));
    for (unsigned i = 0; i < 50000; i++)
        wr_printf(
            &w, "%s{\"ip_str\":\"192.0.2.%u\",\"port\":%u,\"product\":\"some product of a size\"}",
            i ? "," : "", i % 250, 1 + i);
    wr_put(&w, STR("]}"));
    assert_in_range(w.n, INPUT_LINE_MAX / 2, SIZE_MAX / 2);
    assert_ok(site_import(s, "shodan", wr_str(&w)));
    assert_int_equal(s->sum.records, 50000);
    assert_int_equal(s->sum.bad, 0);
    wr_done(&w);
}

static void an_address_may_be_a_number(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "shodan", STR("{\"ip\":3221225991,\"port\":80}\n")));
    has(s, "192.0.2.7:80 search engine port_open=yes");
}

static void records_without_address_or_port_are_bad(void **state)
{
    struct site *s = *state;
    assert_ok(
        site_import(s, "shodan",
                    STR("{\"port\":80}\n{\"ip_str\":\"192.0.2.1\"}\n{\"ip_str\":\"host\",\"port\":"
                        "1}\n{\"ip_str\":\"192.0.2.1\",\"port\":70000}\n7\n")));
    assert_int_equal(s->sum.records, 0);
    assert_int_equal(s->sum.bad, 5);
    assert_string_equal(site_notes(s), "line 1: no address\nline 2: no port\nline 3: no address\n"
                                       "line 4: no port\nline 5: not a record\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_banner_in_json_escapes),
        WITH_SITE(a_banner_in_literal_hex_escapes),
        WITH_SITE(a_banner_in_literal_octal_escapes),
        WITH_SITE(a_banner_in_latin1_as_utf8),
        WITH_SITE(a_banner_in_hexadecimal),
        WITH_SITE(a_banner_in_hexadecimal_with_spaces),
        WITH_SITE(a_banner_without_its_label),
        WITH_SITE(raw_bytes_of_the_options_serve_too),
        WITH_SITE(a_page_with_its_certificate_and_what_the_engine_says),
        WITH_SITE(vulnerabilities_may_be_a_list),
        WITH_SITE(hl7_is_known_by_what_it_sends),
        WITH_SITE(other_banners_are_kept_printable),
        WITH_SITE(answers_over_udp_tell_of_the_host_alone),
        WITH_SITE(answers_of_the_api_are_read_too),
        WITH_SITE(a_host_of_the_api_holds_its_banners),
        WITH_SITE(an_array_with_a_record_a_line),
        WITH_SITE(an_array_in_one_line),
        WITH_SITE(an_answer_in_one_long_line),
        WITH_SITE(an_address_may_be_a_number),
        WITH_SITE(records_without_address_or_port_are_bad),
    };
    return cmocka_run_group_tests_name("shodan", tests, NULL, NULL);
}
