#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/wr.h"
#include "survey/core/geo.h"

/* The smallest database of the MaxMind format 2.0: one node, 0.0.0.0/1 is IT, the rest DE. */
static void write_db(const char *path)
{
    enum { NODES = 1, DATA_AT = NODES + 16 };
    uint8_t buf[512];
    struct wr w = wr_fixed(buf, sizeof buf);
    static const char it[] = "\xe1\x47"
                             "country\xe1\x48"
                             "iso_code\x42"
                             "IT";
    static const char de[] = "\xe1\x47"
                             "country\xe1\x48"
                             "iso_code\x42"
                             "DE";
    wr_put(&w, str_of("\0\0", 2));
    wr_u8(&w, DATA_AT);
    wr_put(&w, str_of("\0\0", 2));
    wr_u8(&w, DATA_AT + sizeof it - 1);
    wr_fill(&w, '\0', 16);
    wr_put(&w, str_of(it, sizeof it - 1));
    wr_put(&w, str_of(de, sizeof de - 1));
    wr_put(&w, STR("\xab\xcd\xef"
                   "MaxMind.com"));
    wr_put(&w, STR("\xe9"));
    wr_put(&w, STR("\x4a"
                   "node_count\xc1\x01"));
    wr_put(&w, STR("\x4b"
                   "record_size\xa1\x18"));
    wr_put(&w, STR("\x4a"
                   "ip_version\xa1\x04"));
    wr_put(&w, STR("\x4d"
                   "database_type\x44"
                   "Test"));
    wr_put(&w, str_of("\x49"
                      "languages\x00\x04",
                      12));
    wr_put(&w, STR("\x5b"
                   "binary_format_major_version\xa1\x02"));
    wr_put(&w, str_of("\x5b"
                      "binary_format_minor_version\xa0",
                      29));
    wr_put(&w, str_of("\x4b"
                      "build_epoch\x04\x02\x65\x00\x00\x00",
                      18));
    wr_put(&w, str_of("\x4b"
                      "description\xe0",
                      13));
    assert_false(w.bad);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(buf, 1, w.n, f), w.n);
    fclose(f);
}

static void country_of_an_address(void **state)
{
    char path[] = "/tmp/core-geo-XXXXXX", country[3] = "";
    int fd = mkstemp(path);
    struct geo *g;
    struct ip low, high, v6;
    struct diag d = {0};
    (void)state;
    close(fd);
    write_db(path);
    err_t e = geo_open(path, &g, &d);
    unlink(path);
    assert_string_equal(d.text, "");
    assert_ok(e);
    assert_ok(ip_parse(STR("10.0.0.1"), &low));
    assert_ok(ip_parse(STR("200.0.0.1"), &high));
    assert_ok(ip_parse(STR("2001::1"), &v6));
    assert_true(geo_country(g, &low, country));
    assert_string_equal(country, "IT");
    assert_true(geo_country(g, &high, country));
    assert_string_equal(country, "DE");
    assert_false(geo_country(g, &v6, country));
    assert_false(geo_country(NULL, &low, country));
    geo_close(g);
    geo_close(NULL);
}

static void what_is_no_database_is_refused(void **state)
{
    struct geo *g;
    struct diag d = {0};
    (void)state;
    assert_err(geo_open("/tmp/no-such-file.mmdb", &g, &d), E_NOTFOUND);
    assert_true(d.text[0] != '\0');
    assert_err(geo_open("/proc/self/exe", &g, &d), E_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(country_of_an_address),
        cmocka_unit_test(what_is_no_database_is_refused),
    };
    return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
