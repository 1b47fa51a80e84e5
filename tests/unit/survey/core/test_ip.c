#include "unit.h"

#include "base/size.h"
#include "survey/core/ip.h"

static struct ip ip(const char *text)
{
    struct ip r;
    assert_ok(ip_parse(str_z(text), &r));
    return r;
}

static void reads_back_what_it_writes(void **state)
{
    static const char *const texts[] = {"10.0.0.7", "255.255.255.255", "::1", "fd00::1:2",
                                        "2001:db8::7"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char buf[IP_TEXT_MAX];
        struct ip a = ip(texts[i]);
        assert_str(ip_text(&a, buf), texts[i]);
    }
}

static void mapped_and_bracketed_are_the_same_address(void **state)
{
    (void)state;
    struct ip a = ip("10.0.0.7"), b = ip("::ffff:10.0.0.7"), c = ip("[fd00::1]"), d = ip("fd00::1");
    assert_int_equal(ip_cmp(&a, &b), 0);
    assert_int_equal(ip_cmp(&c, &d), 0);
    assert_true(ip_is_v4(&b));
    assert_false(ip_is_v4(&c));
}

static void refuses_what_is_no_address(void **state)
{
    static const char *const texts[] = {"",          "10.0.0",    "10.0.0.256", "10.0.0.7:104",
                                        "10.0.0.7 ", "010.0.0.1", "[10.0.0.7]", "fe80::1%eth0",
                                        "host",      "[::1",      "::1]",       "1.2.3.4.5.6.7",
                                        "0x7f.1",    "10.0.0.0/8"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct ip a;
        assert_err(ip_parse(str_z(texts[i]), &a), E_MALFORMED);
    }
    struct ip a;
    assert_err(ip_parse(str_of("10.0.0.7\0", 9), &a), E_MALFORMED);
}

static void knows_what_the_internet_reaches(void **state)
{
    static const char *const inside[] = {
        "10.1.2.3",  "172.16.0.1",  "172.31.255.255",  "192.168.1.1",  "100.64.0.1",  "169.254.1.1",
        "127.0.0.1", "0.0.0.0",     "192.0.2.1",       "198.51.100.1", "203.0.113.1", "224.0.0.1",
        "240.0.0.1", "198.18.0.1",  "255.255.255.255", "::1",          "::",          "fe80::1",
        "fd00::1",   "2001:db8::1", "ff02::1",         "3fff::1",      "2001::1"};
    static const char *const outside[] = {"8.8.8.8",         "172.15.0.1",   "172.32.0.1",
                                          "100.128.0.1",     "193.0.0.1",    "11.0.0.1",
                                          "223.255.255.255", "2a00:1450::1", "2600::1"};
    (void)state;
    for (size_t i = 0; i < COUNT(inside); i++) {
        struct ip a = ip(inside[i]);
        if (ip_is_public(&a))
            fail_msg("%s", inside[i]);
    }
    for (size_t i = 0; i < COUNT(outside); i++) {
        struct ip a = ip(outside[i]);
        if (!ip_is_public(&a))
            fail_msg("%s", outside[i]);
    }
}

static void becomes_a_socket_address(void **state)
{
    static const char *const texts[] = {"127.0.0.1:104", "[2a00::5]:104"};
    struct ip ips[] = {ip("127.0.0.1"), ip("2a00::5")};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct addr s;
        char text[ADDR_TEXT_MAX];
        ip_addr(&ips[i], 104, &s);
        assert_str(addr_text(&s, text), texts[i]);
    }
}

static void knows_the_machine_itself(void **state)
{
    (void)state;
    struct ip v4 = ip("127.5.0.1"), v6 = ip("::1"), other = ip("128.0.0.1");
    assert_true(ip_is_loopback(&v4));
    assert_true(ip_is_loopback(&v6));
    assert_false(ip_is_loopback(&other));
}

static void network_of_everything_in_v6_holds_no_v4(void **state)
{
    struct network n;
    struct ip v4 = ip("10.0.0.7"), v6 = ip("fd00::7");
    (void)state;
    assert_ok(network_parse(STR("::/0"), &n));
    assert_false(ip_in(&n, &v4));
    assert_true(ip_in(&n, &v6));
    assert_ok(network_parse(STR("10.0.0.0/8"), &n));
    assert_true(ip_in(&n, &v4));
}

static void shards_are_whole_and_even(void **state)
{
    enum { SHARDS = 4, HOSTS = 1 << 14 };
    unsigned counts[SHARDS] = {0};
    (void)state;
    struct ip a = ip("10.0.0.0");
    for (unsigned i = 0; i < HOSTS; i++) {
        a.b[13] = (uint8_t)(i >> 8);
        a.b[14] = (uint8_t)i;
        counts[ip_shard(&a, SHARDS)]++;
    }
    for (unsigned s = 0; s < SHARDS; s++)
        assert_in_range(counts[s], HOSTS / SHARDS * 9 / 10, HOSTS / SHARDS * 11 / 10);
    assert_int_equal(ip_shard(&a, 1), 0);
    assert_int_equal(ip_shard(&a, 0), 0);
}

static void shard_of_an_address_never_changes(void **state)
{
    (void)state;
    struct ip a = ip("192.0.2.77"), b = ip("2001:db8::77");
    assert_int_equal(ip_shard(&a, 1000), 641);
    assert_int_equal(ip_shard(&b, 1000), 433);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_it_writes),
        cmocka_unit_test(mapped_and_bracketed_are_the_same_address),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(knows_what_the_internet_reaches),
        cmocka_unit_test(becomes_a_socket_address),
        cmocka_unit_test(knows_the_machine_itself),
        cmocka_unit_test(network_of_everything_in_v6_holds_no_v4),
        cmocka_unit_test(shards_are_whole_and_even),
        cmocka_unit_test(shard_of_an_address_never_changes),
    };
    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
