#include "unit.h"

#include "access/access.h"
#include "base/size.h"
#include "io/clock.h"
#include "io/thread.h"
#include "registry_fixture.h"

static const uint8_t cert_a[FINGERPRINT_SIZE] = {1, 2, 3}, cert_b[FINGERPRINT_SIZE] = {4, 5, 6};

static struct peer new_peer(const char *aet, const char *network)
{
    struct peer p = peer_new();
    assert_ok(peer_set_aet(&p, str_z(aet), &d));
    assert_ok(peer_add_network(&p, str_z(network), &d));
    p.grants = 1U << GRANT_ECHO;
    return p;
}

static void add(struct access *a, const char *aet, const char *network)
{
    struct peer p = new_peer(aet, network);
    assert_ok(access_add_peer(a, &p, &d));
}

static struct addr address(const char *text)
{
    struct addr a = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;
    in->sin_family = AF_INET;
    assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
    a.n = sizeof *in;
    return a;
}

/* In the clear from loopback, or over TLS with a certificate from anywhere. */
static struct admission ask(struct access *a, const char *aet, const char *from,
                            const uint8_t *cert)
{
    const struct str titles[] = {STR("LASTRA")};
    struct addr addr = address(from);
    struct admit_query q = {.from = &addr,
                            .tls = cert != NULL,
                            .cert = cert,
                            .calling = str_z(aet),
                            .called = titles[0],
                            .titles = titles,
                            .n_titles = 1};
    struct admission answer;
    access_admit(a, &q, &answer);
    return answer;
}

static void keeps_every_field_of_a_peer(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "10.1.2.3"), back;
    assert_ok(peer_add_network(&p, STR("fd00:1::/64"), &d));
    assert_ok(peer_add_cert(&p, cert_a, 1900000000, &d));
    assert_ok(peer_add_cert(&p, cert_b, 0, &d));
    assert_ok(peer_set_cleartext(&p, STR("speaks no TLS'; DROP TABLE peer; --"), &d));
    assert_ok(peer_set_host(&p, STR("10.1.2.3"), 104, &d));
    assert_ok(peer_add_destination(&p, STR("WS1"), &d));
    assert_ok(peer_add_destination(&p, STR("WS2"), &d));
    p.grants = 1U << GRANT_STORE | 1U << GRANT_MOVE;
    p.tls = false;
    p.limits = (struct peer_limits){3, 0, 1ULL << 40};
    p.added_us = 1767323045678901;
    assert_ok(access_add_peer(f->access, &p, &d));

    struct access *other = fixture_open(f);
    assert_ok(access_find_peer(other, STR("CT1"), &back, &d));
    access_close(other);
    assert_memory_equal(&back, &p, sizeof p);
}

static void unset_limits_stay_unset(void **state)
{
    struct registry_fixture *f = *state;
    struct peer back;
    add(f->access, "CT1", "10.1.2.3");
    assert_ok(access_find_peer(f->access, STR("CT1"), &back, &d));
    assert_true(back.limits.associations == LIMIT_DEFAULT);
    assert_true(back.limits.bytes_per_second == LIMIT_DEFAULT);
    assert_true(back.added_us > 0);
}

static void refuses_a_second_peer_of_the_same_title(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "10.9.9.9");
    add(f->access, "CT1", "10.1.2.3");
    assert_err(access_add_peer(f->access, &p, &d), E_EXISTS);
    assert_non_null(strstr(d.text, "lastra peer change"));
}

static void refuses_a_certificate_of_two_peers_and_changes_nothing(void **state)
{
    struct registry_fixture *f = *state;
    struct peer a = new_peer("CT1", "10.1.2.3"), b = new_peer("CT2", "10.1.2.4");
    assert_ok(peer_add_cert(&a, cert_a, 0, &d));
    assert_ok(peer_add_cert(&b, cert_a, 0, &d));
    assert_ok(access_add_peer(f->access, &a, &d));
    d.text[0] = 0;
    assert_err(access_add_peer(f->access, &b, &d), E_EXISTS);
    assert_non_null(strstr(d.text, "another peer"));
    assert_err(access_find_peer(f->access, STR("CT2"), &b, &d), E_NOTFOUND);
}

static void refuses_what_breaks_a_rule(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "203.0.113.7"), back;
    assert_err(access_add_peer(f->access, &p, &d), E_DENIED);
    assert_err(access_find_peer(f->access, STR("CT1"), &back, &d), E_NOTFOUND);
}

static err_t count_one(void *ctx, const struct peer *p, uint64_t associations)
{
    size_t *n = ctx;
    (void)p;
    (void)associations;
    ++*n;
    return OK;
}

static void changes_and_removes_a_peer(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p, ws = new_peer("WS1", "10.1.2.9");
    size_t n = 0;
    ws.grants = 1U << GRANT_MOVE;
    assert_ok(peer_add_destination(&ws, STR("CT1"), &d));
    add(f->access, "CT1", "10.1.2.3");
    assert_ok(access_add_peer(f->access, &ws, &d));
    assert_ok(access_find_peer(f->access, STR("CT1"), &p, &d));
    p.grants = 1U << GRANT_FIND;
    assert_ok(peer_add_network(&p, STR("10.7.0.0/16"), &d));
    assert_ok(access_change_peer(f->access, &p, &d));
    assert_ok(access_find_peer(f->access, STR("CT1"), &p, &d));
    assert_int_equal(p.grants, 1U << GRANT_FIND);
    assert_int_equal(p.n_networks, 2);

    assert_ok(access_remove_peer(f->access, STR("CT1"), &d));
    assert_err(access_remove_peer(f->access, STR("CT1"), &d), E_NOTFOUND);
    assert_err(access_change_peer(f->access, &p, &d), E_NOTFOUND);
    assert_ok(access_find_peer(f->access, STR("WS1"), &ws, &d));
    assert_int_equal(ws.n_destinations, 0);
    assert_ok(access_each_peer(f->access, count_one, &n, &d));
    assert_int_equal(n, 1);
}

static void a_withdrawn_certificate_stays_refused(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "10.1.2.3");
    assert_ok(peer_add_cert(&p, cert_a, 0, &d));
    assert_ok(peer_add_cert(&p, cert_b, 0, &d));
    assert_ok(access_add_peer(f->access, &p, &d));
    assert_true(access_knows_cert(f->access, cert_a));
    struct admission yes = ask(f->access, "CT1", "10.1.2.3", cert_a);
    assert_int_equal(yes.cause, CAUSE_ADMITTED);
    visit_end(yes.visit);

    p.certs[0] = p.certs[1];
    p.n_certs = 1;
    assert_ok(access_change_peer(f->access, &p, &d));
    assert_false(access_knows_cert(f->access, cert_a));
    assert_true(access_knows_cert(f->access, cert_b));
    assert_int_equal(ask(f->access, "CT1", "10.1.2.3", cert_a).cause, CAUSE_CERT_REVOKED);

    assert_ok(access_remove_peer(f->access, STR("CT1"), &d));
    add(f->access, "CT1", "10.1.2.3");
    assert_int_equal(ask(f->access, "CT1", "10.1.2.3", cert_b).verdict, ADMIT_DROP);

    assert_ok(access_find_peer(f->access, STR("CT1"), &p, &d));
    assert_ok(peer_add_cert(&p, cert_b, 0, &d));
    assert_ok(access_change_peer(f->access, &p, &d));
    yes = ask(f->access, "CT1", "10.1.2.3", cert_b);
    assert_int_equal(yes.cause, CAUSE_ADMITTED);
    visit_end(yes.visit);
}

static void a_change_by_another_process_counts_from_the_next_association(void **state)
{
    struct registry_fixture *f = *state;
    struct access *other = fixture_open(f);
    struct addr from = address("127.0.0.1");
    assert_false(access_knows_source(f->access, &from, false));
    assert_int_equal(ask(f->access, "CT1", "127.0.0.1", NULL).verdict, ADMIT_DROP);
    add(other, "CT1", "127.0.0.1");
    assert_true(access_knows_source(f->access, &from, false));
    struct admission yes = ask(f->access, "CT1", "127.0.0.1", NULL);
    assert_int_equal(yes.verdict, ADMIT_YES);
    assert_ok(access_remove_peer(other, STR("CT1"), &d));
    assert_int_equal(ask(f->access, "CT1", "127.0.0.1", NULL).verdict, ADMIT_DROP);
    /* the visit goes on with what it was admitted with */
    assert_string_equal(visit_peer(yes.visit)->aet, "CT1");
    assert_true(visit_may(yes.visit, GRANT_ECHO));
    visit_end(yes.visit);
    access_close(other);
}

static void the_association_past_the_cap_is_told_local_limit_exceeded(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "127.0.0.1");
    p.limits.associations = 2;
    assert_ok(access_add_peer(f->access, &p, &d));
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL),
                     b = ask(f->access, "CT1", "127.0.0.1", NULL),
                     c = ask(f->access, "CT1", "127.0.0.1", NULL);
    assert_int_equal(b.verdict, ADMIT_YES);
    assert_int_equal(c.verdict, ADMIT_REJECT);
    assert_int_equal(c.result, 2); /* rejected transient */
    assert_int_equal(c.source, 3); /* service provider, presentation */
    assert_int_equal(c.reason, 2); /* local limit exceeded */
    assert_null(c.visit);
    visit_end(a.visit);
    a = ask(f->access, "CT1", "127.0.0.1", NULL);
    assert_int_equal(a.verdict, ADMIT_YES);
    visit_end(a.visit);
    visit_end(b.visit);
}

static void a_change_does_not_forget_open_associations(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "127.0.0.1");
    p.limits.associations = 1;
    assert_ok(access_add_peer(f->access, &p, &d));
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL);
    assert_int_equal(a.verdict, ADMIT_YES);
    p.grants = 0;
    assert_ok(access_change_peer(f->access, &p, &d));
    assert_int_equal(ask(f->access, "CT1", "127.0.0.1", NULL).cause, CAUSE_TOO_MANY);
    visit_end(a.visit);
}

static void slows_a_peer_down_to_its_objects_per_second(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "127.0.0.1");
    p.limits.objects_per_second = 100;
    assert_ok(access_add_peer(f->access, &p, &d));
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL);
    int64_t start = clock_ms();
    for (int i = 0; i < 130; i++)
        assert_ok(visit_pace(a.visit, 1, 1000, NULL));
    /* 100 are free, the next 30 take 10 ms each */
    assert_in_range(clock_ms() - start, 290, 3000);
    visit_end(a.visit);
}

static void associations_of_one_peer_share_its_bytes_per_second(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "127.0.0.1");
    p.limits.bytes_per_second = 1000000;
    assert_ok(access_add_peer(f->access, &p, &d));
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL),
                     b = ask(f->access, "CT1", "127.0.0.1", NULL);
    int64_t start = clock_ms();
    assert_ok(visit_pace(a.visit, 1, 600000, NULL));
    assert_in_range(clock_ms() - start, 0, 90);
    assert_ok(visit_pace(b.visit, 1, 600000, NULL));
    assert_in_range(clock_ms() - start, 150, 3000);
    visit_end(a.visit);
    visit_end(b.visit);
}

static void a_stop_ends_the_wait(void **state)
{
    struct registry_fixture *f = *state;
    struct peer p = new_peer("CT1", "127.0.0.1");
    struct stop stop;
    p.limits.objects_per_second = 1;
    assert_ok(access_add_peer(f->access, &p, &d));
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL);
    assert_ok(stop_init(&stop));
    stop_set(&stop);
    assert_err(visit_pace(a.visit, 1000, 0, &stop), E_STOPPED);
    stop_done(&stop);
    visit_end(a.visit);
}

static void moves_only_to_granted_destinations_that_are_known(void **state)
{
    struct registry_fixture *f = *state;
    struct peer ws = new_peer("WS1", "10.1.2.9"), other = new_peer("WS2", "10.1.2.8"),
                p = new_peer("CT1", "127.0.0.1");
    assert_ok(peer_set_host(&ws, STR("ws1.example"), 104, &d));
    assert_ok(peer_set_host(&other, STR("ws2.example"), 104, &d));
    assert_ok(access_add_peer(f->access, &ws, &d));
    assert_ok(access_add_peer(f->access, &other, &d));
    add(f->access, "NOWHERE", "10.1.2.7");
    p.grants |= 1U << GRANT_MOVE;
    assert_ok(peer_add_destination(&p, STR("WS1"), &d));
    assert_ok(peer_add_destination(&p, STR("NOWHERE"), &d));
    assert_ok(peer_add_destination(&p, STR("GONE"), &d));
    assert_ok(access_add_peer(f->access, &p, &d));
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL);
    const struct peer *to = visit_destination(a.visit, STR("WS1"));
    assert_non_null(to);
    assert_string_equal(to->host, "ws1.example");
    assert_true(to->tls);
    assert_null(visit_destination(a.visit, STR("WS2")));
    assert_null(visit_destination(a.visit, STR("NOWHERE")));
    assert_null(visit_destination(a.visit, STR("GONE")));
    assert_null(visit_destination(a.visit, STR("CT1")));
    visit_end(a.visit);
}

static void opening_twice_keeps_what_is_there(void **state)
{
    struct registry_fixture *f = *state;
    struct peer back;
    add(f->access, "CT1", "10.1.2.3");
    access_close(f->access);
    f->access = fixture_open(f);
    assert_ok(access_find_peer(f->access, STR("CT1"), &back, &d));
}

static void keeps_many_peers(void **state)
{
    struct registry_fixture *f = *state;
    for (int i = 0; i < 60; i++) {
        char aet[17], net[32];
        snprintf(aet, sizeof aet, "PEER%d", i);
        snprintf(net, sizeof net, "10.0.%d.0/24", i);
        add(f->access, aet, net);
    }
    for (int i = 0; i < 60; i++) {
        char from[32];
        snprintf(from, sizeof from, "10.0.%d.77", i);
        struct addr a = address(from);
        assert_true(access_knows_source(f->access, &a, true));
    }
    struct addr stranger = address("10.0.60.77");
    assert_false(access_knows_source(f->access, &stranger, true));
}

/* Many associations while another process changes the registry: for the thread sanitizer. */
struct crowd {
    struct access *access;
    atomic_bool stop;
    atomic_uint admitted;
};

static void knock(void *arg)
{
    struct crowd *c = arg;
    while (!atomic_load(&c->stop)) {
        struct admission a = ask(c->access, "CT1", "127.0.0.1", NULL);
        if (a.verdict == ADMIT_YES) {
            atomic_fetch_add(&c->admitted, 1);
            assert_ok(visit_pace(a.visit, 1, 10, NULL));
            assert_string_equal(visit_peer(a.visit)->aet, "CT1");
        }
        visit_end(a.visit);
    }
}

static void admits_from_many_threads_while_the_registry_changes(void **state)
{
    struct registry_fixture *f = *state;
    struct crowd c = {.access = f->access};
    struct access *other = fixture_open(f);
    struct thread *threads[4];
    struct peer p = new_peer("CT1", "127.0.0.1");
    p.limits.objects_per_second = 1000000;
    assert_ok(access_add_peer(other, &p, &d));
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_ok(thread_start(knock, &c, "knock", &threads[i]));
    for (int i = 0; i < 30; i++) {
        p.limits.associations = 1 + (uint64_t)i % 5;
        assert_ok(access_change_peer(other, &p, &d));
        clock_sleep_ms(2);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        thread_join(threads[i]);
    assert_true(atomic_load(&c.admitted) > 0);
    access_close(other);
    /* every visit was counted out again */
    struct admission a = ask(f->access, "CT1", "127.0.0.1", NULL);
    assert_int_equal(a.verdict, ADMIT_YES);
    visit_end(a.visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(keeps_every_field_of_a_peer),
        CASE(unset_limits_stay_unset),
        CASE(refuses_a_second_peer_of_the_same_title),
        CASE(refuses_a_certificate_of_two_peers_and_changes_nothing),
        CASE(refuses_what_breaks_a_rule),
        CASE(changes_and_removes_a_peer),
        CASE(a_withdrawn_certificate_stays_refused),
        CASE(a_change_by_another_process_counts_from_the_next_association),
        CASE(the_association_past_the_cap_is_told_local_limit_exceeded),
        CASE(a_change_does_not_forget_open_associations),
        CASE(slows_a_peer_down_to_its_objects_per_second),
        CASE(associations_of_one_peer_share_its_bytes_per_second),
        CASE(a_stop_ends_the_wait),
        CASE(moves_only_to_granted_destinations_that_are_known),
        CASE(opening_twice_keeps_what_is_there),
        CASE(keeps_many_peers),
        CASE(admits_from_many_threads_while_the_registry_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
