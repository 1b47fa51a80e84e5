#include "unit.h"

#include <arpa/inet.h>

#include "access/admit.h"
#include "base/size.h"

static struct diag d;
static struct peer list[8];
static size_t n_list;
static const uint8_t ct_cert[FINGERPRINT_SIZE] = {1}, ws_cert[FINGERPRINT_SIZE] = {2},
                     old_cert[FINGERPRINT_SIZE] = {3}, stray_cert[FINGERPRINT_SIZE] = {4},
                     ended_cert[FINGERPRINT_SIZE] = {5};
static const uint8_t revoked[1][FINGERPRINT_SIZE] = {{3}};

static struct addr address(const char *text)
{
    struct addr a = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&a.sa;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.sa;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        a.n = sizeof *four;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
        six->sin6_family = AF_INET6;
        a.n = sizeof *six;
    }
    return a;
}

static struct peer *add(const char *aet, const char *network)
{
    struct peer *p = &list[n_list++];
    *p = peer_new();
    assert_ok(peer_set_aet(p, str_z(aet), &d));
    assert_ok(peer_add_network(p, str_z(network), &d));
    return p;
}

static int set_up(void **state)
{
    (void)state;
    n_list = 0;
    assert_ok(peer_add_cert(add("CT1", "10.1.0.0/16"), ct_cert, 0, &d));
    assert_ok(peer_add_cert(add("WS1", "10.1.0.0/16"), ws_cert, 0, &d));
    add("NAMED", "10.1.0.0/16"); /* over TLS by a certificate made out to its name */
    assert_ok(peer_set_cleartext(add("OLDUS", "10.2.0.9"), STR("speaks no TLS"), &d));
    add("LOCAL", "127.0.0.0/8");
    assert_ok(peer_add_cert(add("LOCALCERT", "127.0.0.1"), ct_cert, 0, &d));
    list[n_list - 1].certs[0].sha256[1] = 9;
    assert_ok(peer_add_cert(add("FAR", "203.0.113.0/24"), ended_cert, 1000, &d));
    add("SIX", "fd00:1::/64");
    return 0;
}

static const struct row {
    const char *what;
    const char *from;
    bool tls;
    const uint8_t *cert;
    const char *cert_name;
    struct str calling, called;
    enum admit_cause expected;
} rows[] = {
    {"a peer with its certificate", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1"),
     STR_INIT("LASTRA"), CAUSE_ADMITTED},
    {"padded titles", "10.1.2.3", true, ct_cert, "", STR_INIT(" CT1 "), STR_INIT(" LASTRA  "),
     CAUSE_ADMITTED},
    {"our second title", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1"), STR_INIT("LASTRA2"),
     CAUSE_ADMITTED},
    {"a certificate made out to the title", "10.1.2.3", true, stray_cert, "NAMED",
     STR_INIT("NAMED"), STR_INIT("LASTRA"), CAUSE_ADMITTED},
    {"an IPv4-mapped address", "::ffff:10.1.2.3", true, ct_cert, "", STR_INIT("CT1"),
     STR_INIT("LASTRA"), CAUSE_ADMITTED},
    {"IPv6", "fd00:1::9", true, stray_cert, "SIX", STR_INIT("SIX"), STR_INIT("LASTRA"),
     CAUSE_ADMITTED},
    {"cleartext with a reason", "10.2.0.9", false, NULL, "", STR_INIT("OLDUS"), STR_INIT("LASTRA"),
     CAUSE_ADMITTED},
    {"cleartext from loopback", "127.0.0.1", false, NULL, "", STR_INIT("LOCAL"), STR_INIT("LASTRA"),
     CAUSE_ADMITTED},

    {"a stranger", "10.9.9.9", true, ct_cert, "", STR_INIT("CT1"), STR_INIT("LASTRA"),
     CAUSE_UNKNOWN_SOURCE},
    {"a stranger in the clear", "10.9.9.9", false, NULL, "", STR_INIT("OLDUS"), STR_INIT("LASTRA"),
     CAUSE_UNKNOWN_SOURCE},
    {"a stranger on IPv6", "2001:db8::1", true, ct_cert, "", STR_INIT("CT1"), STR_INIT("LASTRA"),
     CAUSE_UNKNOWN_SOURCE},
    {"cleartext from a public address", "203.0.113.7", false, NULL, "", STR_INIT("FAR"),
     STR_INIT("LASTRA"), CAUSE_PUBLIC_CLEARTEXT},
    {"a withdrawn certificate", "10.1.2.3", true, old_cert, "CT1", STR_INIT("CT1"),
     STR_INIT("LASTRA"), CAUSE_CERT_REVOKED},
    {"an expired certificate", "203.0.113.7", true, ended_cert, "", STR_INIT("FAR"),
     STR_INIT("LASTRA"), CAUSE_CERT_EXPIRED},
    {"TLS without a certificate", "10.1.2.3", true, NULL, "", STR_INIT("CT1"), STR_INIT("LASTRA"),
     CAUSE_NO_CERT},
    {"another peer's certificate", "10.1.2.3", true, ws_cert, "", STR_INIT("CT1"),
     STR_INIT("LASTRA"), CAUSE_CERT_OF_ANOTHER},
    {"a certificate made out to another peer", "10.1.2.3", true, stray_cert, "WS1",
     STR_INIT("NAMED"), STR_INIT("LASTRA"), CAUSE_CERT_OF_ANOTHER},
    {"a certificate of nobody", "10.1.2.3", true, stray_cert, "", STR_INIT("NAMED"),
     STR_INIT("LASTRA"), CAUSE_CERT_UNKNOWN},
    {"a name where a certificate is bound", "10.1.2.3", true, stray_cert, "CT1", STR_INIT("CT1"),
     STR_INIT("LASTRA"), CAUSE_CERT_UNKNOWN},
    {"cleartext of a peer that has a certificate", "10.1.2.3", false, NULL, "", STR_INIT("CT1"),
     STR_INIT("LASTRA"), CAUSE_NEEDS_TLS},
    {"cleartext from loopback of a peer that has a certificate", "127.0.0.1", false, NULL, "",
     STR_INIT("LOCALCERT"), STR_INIT("LASTRA"), CAUSE_NEEDS_TLS},
    {"cleartext from a private network without a reason", "10.1.2.3", false, NULL, "",
     STR_INIT("NAMED"), STR_INIT("LASTRA"), CAUSE_NEEDS_TLS},
    {"an unknown title", "10.1.2.3", true, ct_cert, "", STR_INIT("NOBODY"), STR_INIT("LASTRA"),
     CAUSE_CALLING_UNKNOWN},
    {"a title in another case", "10.1.2.3", true, ct_cert, "", STR_INIT("ct1"), STR_INIT("LASTRA"),
     CAUSE_CALLING_UNKNOWN},
    {"a title of another network", "10.1.2.3", true, ct_cert, "", STR_INIT("OLDUS"),
     STR_INIT("LASTRA"), CAUSE_WRONG_NETWORK},
    {"path characters as title", "10.1.2.3", true, ct_cert, "", STR_INIT("../../../etc"),
     STR_INIT("LASTRA"), CAUSE_CALLING_UNKNOWN},
    {"control characters as title", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1\n"),
     STR_INIT("LASTRA"), CAUSE_CALLING_INVALID},
    {"a NUL in the title", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1\0"), STR_INIT("LASTRA"),
     CAUSE_CALLING_INVALID},
    {"an empty title", "10.1.2.3", true, ct_cert, "", STR_INIT(""), STR_INIT("LASTRA"),
     CAUSE_CALLING_INVALID},
    {"spaces as title", "10.1.2.3", true, ct_cert, "", STR_INIT("                "),
     STR_INIT("LASTRA"), CAUSE_CALLING_INVALID},
    {"65 bytes as title", "10.1.2.3", true, ct_cert, "",
     STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
     STR_INIT("LASTRA"), CAUSE_CALLING_INVALID},
    {"a wrong called title", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1"), STR_INIT("ANY-SCP"),
     CAUSE_CALLED_UNKNOWN},
    {"another peer as called title", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1"),
     STR_INIT("WS1"), CAUSE_CALLED_UNKNOWN},
    {"a malformed called title", "10.1.2.3", true, ct_cert, "", STR_INIT("CT1"),
     STR_INIT("LAS\tTRA"), CAUSE_CALLED_INVALID},
    {"who is not known does not learn our names", "10.1.2.3", true, ws_cert, "", STR_INIT("CT1"),
     STR_INIT("ANY-SCP"), CAUSE_CERT_OF_ANOTHER},
};

static enum admit_cause ask(const struct row *r, const struct peer **peer)
{
    const struct str titles[] = {STR("LASTRA"), STR("LASTRA2")};
    struct peers peers = {list, n_list, revoked, COUNT(revoked)};
    struct addr from = address(r->from);
    struct admit_query q = {&from,      r->tls,    r->cert, str_z(r->cert_name),
                            r->calling, r->called, titles,  COUNT(titles),
                            2000};
    return admit(&peers, &q, peer);
}

static void decides_each_row_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct peer *peer = NULL;
        enum admit_cause cause = ask(&rows[i], &peer);
        if (cause != rows[i].expected)
            print_error("%s: %.*s\n", rows[i].what, STR_ARG(admit_rule(cause)->text));
        assert_int_equal(cause, rows[i].expected);
        assert_int_equal(peer != NULL, cause == CAUSE_ADMITTED);
    }
}

static void refuses_called_ae_of_another_peer(void **state)
{
    (void)state;
    const struct peer *peer;
    const struct row r = {"", "10.1.2.3", true, ct_cert, "", STR("CT1"), STR("WS1"), 0};
    enum admit_cause cause = ask(&r, &peer);
    const struct admit_rule *rule = admit_rule(cause);
    assert_int_equal(rule->verdict, ADMIT_REJECT);
    assert_int_equal(rule->result, 1); /* rejected permanently */
    assert_int_equal(rule->source, 1); /* service user */
    assert_int_equal(rule->reason, 7); /* called AE title not recognized */
}

static void whatever_is_wrong_with_the_caller_has_one_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct admit_rule *rule = admit_rule(rows[i].expected);
        if (rule->verdict != ADMIT_REJECT || rule->reason == 7)
            continue;
        assert_int_equal(rule->result, 1);
        assert_int_equal(rule->source, 1);
        assert_int_equal(rule->reason, 3); /* calling AE title not recognized */
    }
}

static void strangers_get_no_byte(void **state)
{
    (void)state;
    struct peers peers = {list, n_list, NULL, 0}, nobody = {0};
    static const struct {
        const char *from;
        bool tls, known;
    } sources[] = {
        {"10.1.2.3", true, true},       {"10.1.2.3", false, true},   {"10.9.9.9", true, false},
        {"127.0.0.1", false, true},     {"203.0.113.7", true, true}, {"203.0.113.7", false, false},
        {"8.8.8.8", true, false},       {"8.8.8.8", false, false},   {"fd00:1::5", true, true},
        {"fd00:1:0:1::5", true, false},
    };
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct addr from = address(sources[i].from);
        assert_int_equal(admit_source(&peers, &from, sources[i].tls), sources[i].known);
        assert_false(admit_source(&nobody, &from, sources[i].tls));
    }
    assert_int_equal(admit_rule(CAUSE_UNKNOWN_SOURCE)->verdict, ADMIT_DROP);
    assert_int_equal(admit_rule(CAUSE_PUBLIC_CLEARTEXT)->verdict, ADMIT_DROP);
}

static void each_cause_has_words_and_a_whole_answer(void **state)
{
    (void)state;
    for (unsigned c = 0; c < CAUSES; c++) {
        const struct admit_rule *r = admit_rule((enum admit_cause)c);
        assert_true(r->text.n > 0);
        bool answered = r->result && r->source && r->reason;
        assert_int_equal(answered, r->verdict == ADMIT_REJECT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(decides_each_row_of_the_table, set_up),
        cmocka_unit_test_setup(refuses_called_ae_of_another_peer, set_up),
        cmocka_unit_test_setup(whatever_is_wrong_with_the_caller_has_one_answer, set_up),
        cmocka_unit_test_setup(strangers_get_no_byte, set_up),
        cmocka_unit_test(each_cause_has_words_and_a_whole_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
