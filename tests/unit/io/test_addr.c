#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/size.h"
#include "io/conn.h"
#include "io/net.h"

static struct addr addr(const char *host, uint16_t port)
{
    struct addr a = {.n = sizeof(struct sockaddr_in)};
    struct sockaddr_in *four = (struct sockaddr_in *)&a.sa;
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return a;
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.sa;
    assert_int_equal(inet_pton(AF_INET6, host, &six->sin6_addr), 1);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    a.n = sizeof *six;
    return a;
}

static void an_address_reads_as_people_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *host, *text;
    } rows[] = {{"10.0.0.7", "10.0.0.7:104"},
                {"::1", "[::1]:104"},
                {"::ffff:10.0.0.7", "10.0.0.7:104"},
                {"2001:db8::5", "[2001:db8::5]:104"},
                {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:104"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char buf[ADDR_TEXT_MAX];
        struct addr a = addr(rows[i].host, 104);
        assert_str(addr_text(&a, buf), rows[i].text);
    }
    char buf[ADDR_TEXT_MAX];
    struct addr unix_socket = {.sa.ss_family = AF_UNIX};
    assert_str(addr_text(&unix_socket, buf), "unknown");
}

static void knows_loopback_and_private_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool loopback, private;
    } rows[] = {
        {"127.0.0.1", true, true},
        {"127.255.255.254", true, true},
        {"::1", true, true},
        {"::ffff:127.0.0.1", true, true},
        {"::2", false, false},
        {"::", false, false},
        {"10.255.0.1", false, true},
        {"11.0.0.1", false, false},
        {"9.255.255.255", false, false},
        {"172.16.0.1", false, true},
        {"172.31.255.255", false, true},
        {"172.32.0.1", false, false},
        {"172.15.255.255", false, false},
        {"192.168.1.1", false, true},
        {"192.169.0.1", false, false},
        {"169.254.3.4", false, true},
        {"100.64.0.1", false, false},
        {"8.8.8.8", false, false},
        {"0.0.0.0", false, false},
        {"::ffff:10.1.1.1", false, true},
        {"::ffff:8.8.8.8", false, false},
        {"fc00::1", false, true},
        {"fdff::1", false, true},
        {"fe80::1", false, true},
        {"febf::1", false, true},
        {"fec0::1", false, false},
        {"2001:db8::1", false, false},
        {"::127.0.0.1", false, false},
        {"64:ff9b::a00:1", false, false},
        {"::fffe:127.0.0.1", false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a = addr(rows[i].host, 1);
        if (addr_is_loopback(&a) != rows[i].loopback || addr_is_private(&a) != rows[i].private)
            fail_msg("%s", rows[i].host);
    }
}

static void refuses_what_is_no_network(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "10.0.0.0/33", "10.0.0.1/8",  "fd00::/129",
                                      "fd00::1/8",  "10.0.0",      "hospital",    "10.0.0.0/",
                                      "10.0.0.0/x", "10.0.0.0/-1", " 10.0.0.0/8", "10.0.0.0/8 ",
                                      "/8",         "::1/0"};
    struct network n = {.bits = 77};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_err(network_parse(str_z(bad[i]), &n), E_MALFORMED);
    assert_err(network_parse(STR("10.0.0.0\0/8"), &n), E_MALFORMED);
    assert_int_equal(n.bits, 77);
}

static void a_network_has_its_addresses_and_no_others(void **state)
{
    (void)state;
    static const struct {
        const char *net, *host;
        bool has;
    } rows[] = {
        {"10.1.0.0/16", "10.1.255.255", true},
        {"10.1.0.0/16", "10.2.0.0", false},
        {"10.1.0.0/16", "::ffff:10.1.0.9", true},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.4", false},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "fd00::1", false},
        {"::/0", "fd00::1", true},
        {"::/0", "8.8.8.8", false},
        {"fd00::/8", "fdab::1", true},
        {"fd00::/8", "fc00::1", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"fe80::/10", "febf:1::", true},
        {"::ffff:10.0.0.0/104", "10.9.9.9", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct network n;
        struct addr a = addr(rows[i].host, 1);
        assert_ok(network_parse(str_z(rows[i].net), &n));
        if (network_has(&n, &a) != rows[i].has)
            fail_msg("%s %s", rows[i].net, rows[i].host);
    }
}

static void a_network_is_private_only_as_a_whole(void **state)
{
    (void)state;
    static const struct {
        const char *net;
        bool private;
    } rows[] = {{"10.0.0.0/8", true},    {"10.20.0.0/16", true}, {"10.0.0.0/7", false},
                {"0.0.0.0/0", false},    {"::/0", false},        {"192.168.0.0/15", false},
                {"127.0.0.0/8", true},   {"::1", true},          {"fd00::/8", true},
                {"fc00::/6", false},     {"8.8.8.0/24", false},  {"172.16.0.0/12", true},
                {"172.16.0.0/11", false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct network n;
        err_t e = network_parse(str_z(rows[i].net), &n);
        if (e != OK)
            continue; /* 10.0.0.0/7 and the like have host bits */
        if (network_is_private(&n) != rows[i].private)
            fail_msg("%s", rows[i].net);
    }
}

static void mapped_addresses_become_ipv4(void **state)
{
    (void)state;
    char buf[ADDR_TEXT_MAX];
    struct addr a = addr("::ffff:192.168.1.2", 11112);
    addr_unmap(&a);
    assert_int_equal(a.sa.ss_family, AF_INET);
    assert_int_equal(a.n, sizeof(struct sockaddr_in));
    assert_str(addr_text(&a, buf), "192.168.1.2:11112");
    struct addr six = addr("fd00::1", 7);
    addr_unmap(&six);
    assert_int_equal(six.sa.ss_family, AF_INET6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_reads_as_people_write_it),
        cmocka_unit_test(knows_loopback_and_private_addresses),
        cmocka_unit_test(refuses_what_is_no_network),
        cmocka_unit_test(a_network_has_its_addresses_and_no_others),
        cmocka_unit_test(a_network_is_private_only_as_a_whole),
        cmocka_unit_test(mapped_addresses_become_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
