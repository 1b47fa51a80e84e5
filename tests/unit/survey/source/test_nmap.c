#include "import_test.h"

#define HEAD                                                                                       \
    "<?xml version=\"1.0\"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner=\"nmap\" "                      \
    "start=\"1795341600\">\n"

static const char SCAN[] = HEAD
    "<host starttime=\"1795341600\" endtime=\"1795341660\"><status state=\"up\"/>\n"
    "<address addr=\"192.0.2.7\" addrtype=\"ipv4\"/><address addr=\"00:1B:2C:00:00:01\" "
    "addrtype=\"mac\" vendor=\"Acme\"/><hostnames><hostname name=\"pacs.example.it\" type=\"PTR\"/>"
    "</hostnames><ports><extraports state=\"closed\" count=\"99\"/>"
    "<port protocol=\"tcp\" portid=\"4242\"><state state=\"open\" reason=\"syn-ack\"/><service "
    "name=\"dicom\" product=\"Orthanc\" version=\"1.9.7\" "
    "method=\"probed\"><cpe>cpe:/a:o:orthanc</cpe>"
    "</service><script id=\"dicom-ping\" output=\"&#xa;  dicom: DICOM Service Provider "
    "discovered!&#xa;"
    "  config: Any AET is accepted (Insecure)\"><elem key=\"dicom\">DICOM Service Provider "
    "discovered!</elem><elem key=\"config\">Any AET is accepted (Insecure)</elem></script></port>"
    "<port protocol=\"tcp\" portid=\"8443\"><state state=\"open\"/><service name=\"http\" "
    "tunnel=\"ssl\" "
    "product=\"Mongoose httpd\" method=\"probed\"/><script id=\"http-title\" output=\"Orthanc "
    "Explorer&#xa;Requested resource was /app\"/><script id=\"http-favicon\" output=\"Unknown "
    "favicon "
    "MD5: 00112233445566778899AABBCCDDEEFF\"/><script id=\"http-server-header\" "
    "output=\"Mongoose\"/>"
    "<script id=\"vulners\" output=\"x\"><table><elem key=\"id\">CVE-2023-33466</elem><elem "
    "key=\"id\">EDB-1</elem></table></script></port>"
    "<port protocol=\"tcp\" portid=\"23\"><state state=\"filtered\"/></port>"
    "<port protocol=\"udp\" portid=\"161\"><state state=\"open\"/></port></ports>"
    "<os><osmatch name=\"Linux 5.4\"/><osmatch name=\"Linux 4\"/></os></host>\n"
    "<host><status state=\"up\"/><address addr=\"192.0.2.8\" addrtype=\"ipv4\"/><ports><port "
    "protocol=\"tcp\" portid=\"104\"><state state=\"open\"/><service name=\"acr-nema\" "
    "method=\"table\"/></port></ports></host>\n"
    "</nmaprun>\n";

static void hosts_with_ports_services_and_scripts(void **state)
{
    static const char *const lines[] = {
        "192.0.2.7:0 search engine mac=00:1b:2c:00:00:01",
        "192.0.2.7:0 search engine hostname=pacs.example.it",
        "192.0.2.7:0 search engine os=Linux 5.4",
        "192.0.2.7:4242 search engine said_product=Orthanc 1.9.7",
        "192.0.2.7:4242 search engine said_cpe=cpe:/a:o:orthanc",
        "192.0.2.7:4242 search engine transport=clear",
        "192.0.2.7:4242 search engine protocol=dicom",
        "192.0.2.7:4242 search engine dicom_any_called=yes",
        "192.0.2.7:8443 search engine transport=tls",
        "192.0.2.7:8443 search engine http_title=Orthanc Explorer",
        "192.0.2.7:8443 search engine favicon_md5=00112233445566778899aabbccddeeff",
        "192.0.2.7:8443 search engine http_header=Server: Mongoose",
        "192.0.2.7:8443 search engine said_cve=CVE-2023-33466",
        "192.0.2.8:104 search engine port_open=yes",
    };
    struct site *s = *state;
    assert_ok(site_import(s, "", str_of(SCAN, sizeof SCAN - 1)));
    assert_int_equal(s->sum.records, 2);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        has(s, lines[i]);
    has_not(s, ":23 ");
    has_not(s, ":161 ");
    has_not(s, "EDB");
    /* A port number's usual name is no evidence. */
    has_not(s, "192.0.2.8:104 search engine transport");
    has_not(s, "acr-nema");
}

static void a_scan_that_was_broken_off_keeps_what_was_whole(void **state)
{
    struct site *s = *state;
    assert_err(site_import(s, "", str_of(SCAN, sizeof SCAN - 40)), E_MALFORMED);
    assert_non_null(strstr(s->d.text, "not XML"));
    has(s, "192.0.2.7:4242 search engine protocol=dicom");
}

static void entities_are_refused(void **state)
{
    struct site *s = *state;
    assert_err(
        site_import(
            s, "nmap",
            STR("<?xml version=\"1.0\"?><!DOCTYPE nmaprun [<!ENTITY a \"aaaaaaaaaa\">"
                "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>"
                "<nmaprun><host><address addr=\"&c;\"/></host></nmaprun>")),
        E_LIMIT);
    assert_non_null(strstr(s->d.text, "entities"));
    assert_string_equal(site_dump(s), "");
}

static void external_entities_are_not_fetched(void **state)
{
    struct site *s = *state;
    assert_err(site_import(s, "nmap",
                           STR("<?xml version=\"1.0\"?><!DOCTYPE nmaprun [<!ENTITY x SYSTEM "
                               "\"file:///etc/passwd\">]><nmaprun>&x;</nmaprun>")),
               E_LIMIT);
}

static void nesting_and_endless_texts_are_limited(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(32 << 20);
    wr_put(&w, STR(HEAD));
    for (int i = 0; i < 100; i++)
        wr_put(&w, STR("<a>"));
    assert_err(site_import(s, "nmap", wr_str(&w)), E_LIMIT);
    wr_clear(&w);
    assert_int_equal(truncate(s->file, 0), 0);
    wr_put(&w, STR(HEAD "<host comment=\""));
    wr_fill(&w, 'x', 6 << 20);
    assert_err(site_import(s, "nmap", wr_str(&w)), E_LIMIT);
    wr_done(&w);
}

static void a_host_without_address_is_bad(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(
        s, "nmap", STR(HEAD "<host><status state=\"up\"/><address addr=\"x\"/></host></nmaprun>")));
    assert_int_equal(s->sum.bad, 1);
    assert_string_equal(site_notes(s), "record 1: no address\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(hosts_with_ports_services_and_scripts),
        WITH_SITE(a_scan_that_was_broken_off_keeps_what_was_whole),
        WITH_SITE(entities_are_refused),
        WITH_SITE(external_entities_are_not_fetched),
        WITH_SITE(nesting_and_endless_texts_are_limited),
        WITH_SITE(a_host_without_address_is_bad),
    };
    return cmocka_run_group_tests_name("nmap", tests, NULL, NULL);
}
