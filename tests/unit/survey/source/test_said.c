#include "unit.h"

#include "survey/source/import/said.h"

static void times_in_each_writing(void **state)
{
    const int64_t expected = 1795341600000000; /* 2026-11-22T10:00:00Z */
    (void)state;
    assert_int_equal(said_time(STR("2026-11-22T10:00:00.123456")), expected);
    assert_int_equal(said_time(STR("2026-11-22T10:00:00Z")), expected);
    assert_int_equal(said_time(STR("2026-11-22 10:00:00")), expected);
    assert_int_equal(said_time(STR("20261122100000Z")), expected);
    assert_int_equal(said_time(STR("1795341600")), expected);
    assert_int_equal(said_time(STR("1795341600000")), expected);
    assert_int_equal(said_time(STR("2026-11-22")), expected - 36000000000);
    assert_int_equal(said_time(STR("yesterday")), 0);
    assert_int_equal(said_time(STR("")), 0);
    assert_int_equal(said_time(STR("2026-13-01")), 0);
    assert_int_equal(said_time(STR("9999999999999999999")), 0);
}

static void days(void **state)
{
    char buf[SAID_DAY];
    (void)state;
    assert_str(said_day(STR("20290101000000Z"), buf), "2029-01-01");
    assert_str(said_day(STR("never"), buf), "");
}

static void ports(void **state)
{
    uint16_t port = 7;
    (void)state;
    assert_true(said_port(STR(" 104 "), &port));
    assert_int_equal(port, 104);
    assert_false(said_port(STR("0"), &port));
    assert_false(said_port(STR("65536"), &port));
    assert_false(said_port(STR("-1"), &port));
    assert_false(said_port(STR(""), &port));
}

static void tls_versions(void **state)
{
    char buf[SAID_TLS];
    (void)state;
    assert_str(said_tls(STR("TLSv1.2"), buf), "TLS1.2");
    assert_str(said_tls(STR("TLS 1.3"), buf), "TLS1.3");
    assert_str(said_tls(STR("tlsv1_0"), buf), "TLS1.0");
    assert_str(said_tls(STR("TLSv1"), buf), "TLS1.0");
    assert_str(said_tls(STR("SSLv3"), buf), "SSL3");
    assert_str(said_tls(STR("QUIC"), buf), "");
    assert_str(said_tls(STR("TLS_x"), buf), "");
    assert_str(said_tls(STR("TLS1.2222222"), buf), "");
}

static void hardware_addresses(void **state)
{
    char buf[SAID_MAC];
    (void)state;
    assert_str(said_mac(STR("AA-BB-CC-01-02-03"), buf), "aa:bb:cc:01:02:03");
    assert_str(said_mac(STR("aabb.cc01.0203"), buf), "aa:bb:cc:01:02:03");
    assert_str(said_mac(STR("aabbcc010203"), buf), "aa:bb:cc:01:02:03");
    assert_str(said_mac(STR("aa:bb:cc:01:02"), buf), "");
    assert_str(said_mac(STR("aa:bb:cc:01:02:03:04"), buf), "");
    assert_str(said_mac(STR("zz:bb:cc:01:02:03"), buf), "");
}

static void types_in_two_languages(void **state)
{
    (void)state;
    assert_str(said_type(STR("PACS")), "pacs");
    assert_str(said_type(STR("Stampante medicale")), "printer");
    assert_str(said_type(STR("patient monitor")), "patient_monitor");
    assert_str(said_type(STR("something else")), "something else");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_in_each_writing),
        cmocka_unit_test(days),
        cmocka_unit_test(ports),
        cmocka_unit_test(tls_versions),
        cmocka_unit_test(hardware_addresses),
        cmocka_unit_test(types_in_two_languages),
    };
    return cmocka_run_group_tests_name("said", tests, NULL, NULL);
}
