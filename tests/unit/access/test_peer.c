#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "access/peer.h"

static struct diag d;

static struct peer peer_from(const char *network)
{
    struct peer p = peer_new();
    assert_ok(peer_set_aet(&p, STR("CT1"), &d));
    assert_ok(peer_add_network(&p, str_z(network), &d));
    return p;
}

static void takes_ae_titles_of_the_default_repertoire(void **state)
{
    (void)state;
    static const char *const good[] = {"A",     "CT1",       "ABCDEFGHIJKLMNOP",
                                       "my ct", "../../etc", "a/b~"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(aet_is_valid(str_z(good[i])));
}

static void refuses_ae_titles_with_control_characters(void **state)
{
    (void)state;
    assert_false(aet_is_valid(STR("CT\n1")));
    assert_false(aet_is_valid(STR("CT\0001")));
    assert_false(aet_is_valid(STR("CT\0331")));
    assert_false(aet_is_valid(STR("CT\177")));
    assert_false(aet_is_valid(STR("CT\303\251")));
}

static void refuses_ae_titles_that_are_empty_padded_too_long_or_hold_a_backslash(void **state)
{
    (void)state;
    char long_one[65];
    memset(long_one, 'A', sizeof long_one);
    assert_false(aet_is_valid(STR("")));
    assert_false(aet_is_valid(STR(" ")));
    assert_false(aet_is_valid(STR(" CT1")));
    assert_false(aet_is_valid(STR("CT1 ")));
    assert_false(aet_is_valid(STR("A\\B")));
    assert_false(aet_is_valid(STR("ABCDEFGHIJKLMNOPQ")));
    assert_false(aet_is_valid(str_of(long_one, sizeof long_one)));
}

static void reads_and_writes_grants(void **state)
{
    (void)state;
    uint32_t g;
    char buf[128];
    struct wr w = wr_fixed(buf, sizeof buf);
    assert_ok(grants_parse(STR("find, store,move"), &g, &d));
    assert_int_equal(g, 1U << GRANT_FIND | 1U << GRANT_STORE | 1U << GRANT_MOVE);
    grants_write(g, &w);
    assert_str(wr_str(&w), "store find move");
    assert_ok(grants_parse(STR("all"), &g, &d));
    assert_int_equal(g, (1U << GRANTS) - 1);
    assert_ok(grants_parse(STR(""), &g, &d));
    assert_int_equal(g, 0);
}

static void refuses_an_unknown_grant_and_names_it(void **state)
{
    (void)state;
    uint32_t g = 77;
    assert_err(grants_parse(STR("store,delete"), &g, &d), E_USAGE);
    assert_non_null(strstr(d.text, "delete"));
    assert_non_null(strstr(d.text, "echo store find get move worklist mpps commit print"));
    assert_int_equal(g, 77);
}

static void reads_fingerprints_with_and_without_colons(void **state)
{
    (void)state;
    uint8_t a[FINGERPRINT_SIZE], b[FINGERPRINT_SIZE];
    assert_ok(fingerprint_parse(
        STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFF"), a, &d));
    assert_ok(
        fingerprint_parse(STR("00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:"
                              "15:16:17:18:19:1A:1B:1C:1D:1E:FF"),
                          b, &d));
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(a[31], 0xff);
}

static void refuses_fingerprints_of_another_shape(void **state)
{
    (void)state;
    uint8_t f[FINGERPRINT_SIZE];
    static const char *const bad[] = {
        "",
        "00",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f:",
        "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(fingerprint_parse(str_z(bad[i]), f, &d), E_USAGE);
}

static void refuses_what_is_no_network(void **state)
{
    (void)state;
    struct peer p = peer_new();
    static const char *const bad[] = {"", "ct1.example", "10.1.2", "10.0.0.0/33", "10.1.2.3:104"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(peer_add_network(&p, str_z(bad[i]), &d), E_USAGE);
    assert_int_equal(p.n_networks, 0);
}

static void keeps_a_network_that_is_given_twice_once(void **state)
{
    (void)state;
    struct peer p = peer_from("10.1.2.3");
    assert_ok(peer_add_network(&p, STR("10.1.2.3/32"), &d));
    assert_int_equal(p.n_networks, 1);
}

static void stops_at_the_networks_a_peer_may_have(void **state)
{
    (void)state;
    struct peer p = peer_new();
    char text[32];
    for (int i = 0; i < PEER_NETWORKS_MAX; i++) {
        snprintf(text, sizeof text, "10.0.0.%d", i);
        assert_ok(peer_add_network(&p, str_z(text), &d));
    }
    assert_err(peer_add_network(&p, STR("10.0.1.1"), &d), E_LIMIT);
}

static void a_peer_needs_a_network(void **state)
{
    (void)state;
    struct peer p = peer_new();
    assert_ok(peer_set_aet(&p, STR("CT1"), &d));
    assert_err(peer_check(&p, NULL, 0, &d), E_USAGE);
    assert_non_null(strstr(d.text, "10.1.0.0/16"));
}

static void refuses_public_networks_unless_the_configuration_names_them(void **state)
{
    (void)state;
    struct peer p = peer_from("203.0.113.0/24");
    struct network named[2];
    assert_err(peer_check(&p, NULL, 0, &d), E_DENIED);
    assert_non_null(strstr(d.text, "networks-public"));
    assert_ok(network_parse(STR("198.51.100.0/24"), &named[0]));
    assert_err(peer_check(&p, named, 1, &d), E_DENIED);
    assert_ok(network_parse(STR("203.0.113.0/25"), &named[1]));
    assert_err(peer_check(&p, named, 2, &d), E_DENIED);
    assert_ok(network_parse(STR("203.0.112.0/22"), &named[1]));
    assert_ok(peer_check(&p, named, 2, &d));
}

static void refuses_a_network_that_is_private_only_in_part(void **state)
{
    (void)state;
    static const char *const wide[] = {"0.0.0.0/0", "10.0.0.0/7", "172.0.0.0/8", "::/0"};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        struct peer p = peer_from(wide[i]);
        assert_err(peer_check(&p, NULL, 0, &d), E_DENIED);
    }
}

static void refuses_cleartext_for_public_networks_even_named_ones(void **state)
{
    (void)state;
    struct peer p = peer_from("203.0.113.7");
    struct network named;
    assert_ok(network_parse(STR("203.0.113.0/24"), &named));
    assert_ok(peer_set_cleartext(&p, STR("an old one"), &d));
    assert_err(peer_check(&p, &named, 1, &d), E_DENIED);
}

static void refuses_a_cleartext_without_a_reason_in_words(void **state)
{
    (void)state;
    struct peer p = peer_from("10.1.2.3");
    char long_one[PEER_REASON_MAX + 1];
    memset(long_one, 'x', sizeof long_one);
    assert_err(peer_set_cleartext(&p, STR(""), &d), E_USAGE);
    assert_err(peer_set_cleartext(&p, STR("   "), &d), E_USAGE);
    assert_err(peer_set_cleartext(&p, STR("a\nb"), &d), E_USAGE);
    assert_err(peer_set_cleartext(&p, STR("\xff"), &d), E_USAGE);
    assert_err(peer_set_cleartext(&p, str_of(long_one, sizeof long_one), &d), E_USAGE);
    assert_ok(peer_set_cleartext(&p, str_of(long_one, PEER_REASON_MAX), &d));
    assert_ok(peer_check(&p, NULL, 0, &d));
}

static void sends_in_the_clear_only_to_near_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *host, *why;
        err_t expected;
    } rows[] = {
        {"127.0.0.1", "", OK},
        {"::1", "", OK},
        {"localhost", "", OK},
        {"10.1.2.3", "", E_DENIED},
        {"10.1.2.3", "no TLS", OK},
        {"fd00::7", "no TLS", OK},
        {"ct1.example", "no TLS", E_DENIED},
        {"203.0.113.7", "no TLS", E_DENIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer p = peer_from("10.1.2.3");
        assert_ok(peer_set_host(&p, str_z(rows[i].host), 104, &d));
        if (rows[i].why[0])
            assert_ok(peer_set_cleartext(&p, str_z(rows[i].why), &d));
        assert_ok(peer_check(&p, NULL, 0, &d));
        p.tls = false;
        assert_err(peer_check(&p, NULL, 0, &d), rows[i].expected);
    }
}

static void refuses_hosts_that_are_no_names(void **state)
{
    (void)state;
    struct peer p = peer_from("10.1.2.3");
    static const char *const bad[] = {"", "a b", "-h", "a;b", "a/b", "a\nb", "$(x)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(peer_set_host(&p, str_z(bad[i]), 104, &d), E_USAGE);
    assert_err(peer_set_host(&p, STR("ct1"), 0, &d), E_USAGE);
}

static void moves_only_to_its_destinations_and_only_with_the_grant(void **state)
{
    (void)state;
    struct peer p = peer_from("10.1.2.3");
    assert_ok(peer_add_destination(&p, STR("WS1"), &d));
    assert_false(peer_may_move_to(&p, STR("WS1")));
    assert_err(peer_check(&p, NULL, 0, &d), E_USAGE);
    p.grants = 1U << GRANT_MOVE;
    assert_ok(peer_check(&p, NULL, 0, &d));
    assert_true(peer_may_move_to(&p, STR("WS1")));
    assert_false(peer_may_move_to(&p, STR("WS2")));
    assert_false(peer_may_move_to(&p, STR("")));
}

static void a_registered_certificate_ends_cleartext_from_loopback(void **state)
{
    (void)state;
    struct peer p = peer_from("127.0.0.1");
    struct addr a = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.n = sizeof *in;
    assert_true(peer_may_cleartext(&p, &a));
    assert_ok(peer_add_cert(&p, (uint8_t[FINGERPRINT_SIZE]){1}, 0, &d));
    assert_false(peer_may_cleartext(&p, &a));
    assert_ok(peer_set_cleartext(&p, STR("a test"), &d));
    assert_true(peer_may_cleartext(&p, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_ae_titles_of_the_default_repertoire),
        cmocka_unit_test(refuses_ae_titles_with_control_characters),
        cmocka_unit_test(refuses_ae_titles_that_are_empty_padded_too_long_or_hold_a_backslash),
        cmocka_unit_test(reads_and_writes_grants),
        cmocka_unit_test(refuses_an_unknown_grant_and_names_it),
        cmocka_unit_test(reads_fingerprints_with_and_without_colons),
        cmocka_unit_test(refuses_fingerprints_of_another_shape),
        cmocka_unit_test(refuses_what_is_no_network),
        cmocka_unit_test(keeps_a_network_that_is_given_twice_once),
        cmocka_unit_test(stops_at_the_networks_a_peer_may_have),
        cmocka_unit_test(a_peer_needs_a_network),
        cmocka_unit_test(refuses_public_networks_unless_the_configuration_names_them),
        cmocka_unit_test(refuses_a_network_that_is_private_only_in_part),
        cmocka_unit_test(refuses_cleartext_for_public_networks_even_named_ones),
        cmocka_unit_test(refuses_a_cleartext_without_a_reason_in_words),
        cmocka_unit_test(sends_in_the_clear_only_to_near_addresses),
        cmocka_unit_test(refuses_hosts_that_are_no_names),
        cmocka_unit_test(moves_only_to_its_destinations_and_only_with_the_grant),
        cmocka_unit_test(a_registered_certificate_ends_cleartext_from_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
