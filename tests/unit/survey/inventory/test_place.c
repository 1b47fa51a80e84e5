#include "unit.h"

#include "survey/inventory/place.h"

static const char *const rising[] = {"::",       "::1",      "64:ff9b::1",      "0.0.0.0",
                                     "10.0.0.7", "10.0.0.8", "255.255.255.255", "2001:db8::1",
                                     "fd00::1",  "ffff::"};

static struct ip ip_z(const char *text)
{
    struct ip ip;
    assert_ok(ip_parse(str_z(text), &ip));
    return ip;
}

static int sign(int n)
{
    return n < 0 ? -1 : n > 0;
}

static void orders_as_addresses_and_then_ports(void **state)
{
    static const uint16_t ports[] = {0, 1, 104, 255, 256, 11112, 65535};
    (void)state;
    for (size_t i = 0; i < 10 * 7; i++) {
        for (size_t k = 0; k < 10 * 7; k++) {
            struct ip a = ip_z(rising[i / 7]), b = ip_z(rising[k / 7]);
            struct place x = place_of(&a, ports[i % 7]), y = place_of(&b, ports[k % 7]);
            int expected = ip_cmp(&a, &b);
            if (expected == 0)
                expected = ports[i % 7] - ports[k % 7];
            assert_int_equal(sign(place_cmp(&x, &y)), sign(expected));
        }
    }
}

static void gives_back_what_went_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++) {
        struct ip ip = ip_z(rising[i]), back;
        uint16_t port;
        struct place p = place_of(&ip, 11112), h = host_of(&ip);
        assert_ok(place_parse(place_str(&p), &back, &port));
        assert_int_equal(ip_cmp(&ip, &back), 0);
        assert_int_equal(port, 11112);
        assert_ok(host_parse(place_str(&h), &back));
        assert_int_equal(ip_cmp(&ip, &back), 0);
    }
}

static void is_short_for_ipv4(void **state)
{
    (void)state;
    struct ip ip = ip_z("10.0.0.7");
    struct place p = place_of(&ip, 104);
    assert_int_equal(p.n, 9);
    assert_memory_equal(p.b, "\x06\xff\xff\x0a\x00\x00\x07\x00\x68", 9);
}

static void refuses_what_it_did_not_make(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("\x00"),
        STR_INIT("\x00\x00"),
        STR_INIT("\x06\xff\xff\x0a\x00\x00\x07\x00"),         /* one byte short */
        STR_INIT("\x06\xff\xff\x0a\x00\x00\x07\x00\x68\x00"), /* one too many */
        STR_INIT("\x06\x00\xff\x0a\x00\x00\x07\x00\x68"),     /* a leading zero */
        STR_INIT("\x11XXXXXXXXXXXXXXXXX\x00\x68"),            /* 17 bytes of address */
        STR_INIT("\xffXXXX"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ip ip;
        uint16_t port;
        assert_err(place_parse(bad[i], &ip, &port), E_DAMAGED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_as_addresses_and_then_ports),
        cmocka_unit_test(gives_back_what_went_in),
        cmocka_unit_test(is_short_for_ipv4),
        cmocka_unit_test(refuses_what_it_did_not_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
