#include "import_test.h"

static void its_odd_array_is_read(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "",
                          STR("[\n{   \"ip\": \"192.0.2.1\",   \"timestamp\": \"1795341600\", "
                              "\"ports\": [ {\"port\": 104, "
                              "\"proto\": \"tcp\", \"status\": \"open\", \"reason\": \"syn-ack\", "
                              "\"ttl\": 54} ] }\n,\n"
                              "{   \"ip\": \"192.0.2.1\",   \"timestamp\": \"1795341600\", "
                              "\"ports\": [ {\"port\": 80, "
                              "\"proto\": \"tcp\", \"service\": {\"name\": \"title\", \"banner\": "
                              "\"Orthanc Explorer\"} } ] },\n"
                              "{   \"ip\": \"192.0.2.2\",   \"timestamp\": \"1795341600\", "
                              "\"ports\": [ {\"port\": 443, "
                              "\"proto\": \"tcp\", \"service\": {\"name\": \"ssl\", \"banner\": "
                              "\"TLS/1.2 cipher:0xc02f\"} } "
                              "] },\n{   \"ip\": \"192.0.2.2\",   \"timestamp\": \"1795341600\", "
                              "\"ports\": [ {\"port\": 53, "
                              "\"proto\": \"udp\", \"status\": \"open\"} , {\"port\": 25, "
                              "\"proto\": \"tcp\", \"status\": "
                              "\"closed\"}, {\"port\": 8080, \"proto\": \"tcp\", \"service\": "
                              "{\"name\": \"http.server\", "
                              "\"banner\": \"Mongoose\"}} ] },\n{finished: 1}\n]\n")));
    assert_int_equal(s->sum.records, 4);
    assert_int_equal(s->sum.bad, 0);
    has(s, "192.0.2.1:104 search engine port_open=yes");
    has(s, "192.0.2.1:104 search engine first_said=2026-11-22");
    has(s, "192.0.2.1:80 search engine http_title=Orthanc Explorer");
    has(s, "192.0.2.2:443 search engine tls_version=TLS1.2");
    has(s, "192.0.2.2:8080 search engine http_header=Server: Mongoose");
    has_not(s, ":53 ");
    has_not(s, ":25 ");
}

static void what_is_cut_off_is_named(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "masscan",
                          STR("[\n{\"ip\":\"192.0.2.1\",\"timestamp\":\"1\",\"ports\":[{\"port\":1,"
                              "\"proto\":\"tcp\"}]},\n{\"ip\":\"192.0.2.2\",\"timest")));
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.bad, 1);
    assert_non_null(strstr(site_notes(s), "line 3: not JSON"));
}

static void what_answers_on_every_port_is_no_host(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(2 << 20);
    wr_put(&w, STR("[\n{\"ip\":\"192.0.2.1\",\"ports\":["));
    for (unsigned port = 1; port <= 20000; port++)
        wr_printf(&w, "%s{\"port\":%u,\"proto\":\"tcp\",\"status\":\"open\"}", port > 1 ? "," : "",
                  port);
    wr_put(&w, STR("]},\n{\"ip\":\"192.0.2.2\",\"ports\":[{\"port\":104}]}\n]\n"));
    assert_ok(site_import(s, "masscan", wr_str(&w)));
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.bad, 1);
    has_not(s, "192.0.2.1");
    has(s, "192.0.2.2:104 search engine port_open=yes");
    wr_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(its_odd_array_is_read),
        WITH_SITE(what_is_cut_off_is_named),
        WITH_SITE(what_answers_on_every_port_is_no_host),
    };
    return cmocka_run_group_tests_name("masscan", tests, NULL, NULL);
}
