#include "peer.h"

#include <sys/resource.h>

#include "base/size.h"
#include "io/conn.h"

static void accepts_on_any_of_several_listeners(void **state)
{
    (void)state;
    struct diag d;
    struct stop stop;
    struct listener *l[3];
    assert_ok(stop_init(&stop));
    for (size_t i = 0; i < 3; i++)
        assert_ok(listener_open(STR("127.0.0.1"), 0, &l[i], &d));
    for (size_t i = 0; i < 6; i++) {
        struct conn *c;
        size_t which;
        int fd = raw_connect(listener_port(l[i % 3]));
        assert_ok(listener_accept(l, 3, &stop, &c, &which));
        assert_int_equal(which, i % 3);
        assert_int_equal(conn_local_port(c), listener_port(l[i % 3]));
        conn_drop(c);
        close(fd);
    }
    for (size_t i = 0; i < 3; i++)
        listener_free(l[i]);
    listener_free(NULL);
    stop_done(&stop);
}

/* A flood at one listener does not keep the other's connection waiting. */
static void no_listener_starves(void **state)
{
    (void)state;
    struct diag d;
    struct listener *l[2];
    int fds[41];
    bool second = false;
    for (size_t i = 0; i < 2; i++)
        assert_ok(listener_open(STR("127.0.0.1"), 0, &l[i], &d));
    for (size_t i = 0; i < 40; i++)
        fds[i] = raw_connect(listener_port(l[0]));
    fds[40] = raw_connect(listener_port(l[1]));
    for (size_t i = 0; i < 2; i++) {
        struct conn *c;
        size_t which;
        assert_ok(listener_accept(l, 2, NULL, &c, &which));
        second |= which == 1;
        conn_drop(c);
    }
    assert_true(second);
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    for (size_t i = 0; i < 2; i++)
        listener_free(l[i]);
}

static void out_of_descriptors_is_busy_and_does_not_spin(void **state)
{
    (void)state;
    struct host h = host_new();
    struct rlimit old, few;
    struct conn *c;
    size_t which;
    int fd = raw_connect(listener_port(h.l));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    err_t e = listener_accept(&h.l, 1, &h.stop, &c, &which);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_err(e, E_BUSY);
    int64_t spent = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                    after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                    (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
                    after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    assert_true(spent < 300000);
    /* Once there are some again, the connection is still there. */
    c = host_accept(&h);
    conn_drop(c);
    close(fd);
    host_done(&h);
}

static bool has_ipv6(void)
{
    struct diag d;
    struct listener *l;
    if (listener_open(STR("::1"), 0, &l, &d) != OK)
        return false;
    listener_free(l);
    return true;
}

static void ipv6_works_and_mapped_addresses_are_ipv4(void **state)
{
    (void)state;
    struct diag d;
    struct listener *l;
    struct conn *client, *server;
    size_t which;
    char text[ADDR_TEXT_MAX];
    if (!has_ipv6())
        skip();
    assert_ok(listener_open(STR("[::1]"), 0, &l, &d));
    assert_ok(conn_connect(STR("[::1]"), listener_port(l), NULL, soon(), NULL, &client, &d));
    assert_ok(listener_accept(&l, 1, NULL, &server, &which));
    assert_true(str_starts(addr_text(conn_peer(server), text), STR("[::1]:")));
    conn_free(client);
    conn_free(server);
    listener_free(l);
    /* On every address: both families. */
    assert_ok(listener_open(STR(""), 0, &l, &d));
    static const char *const hosts[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost"};
    for (size_t i = 0; i < COUNT(hosts); i++) {
        assert_ok(conn_connect(str_z(hosts[i]), listener_port(l), NULL, soon(), NULL, &client, &d));
        assert_ok(listener_accept(&l, 1, NULL, &server, &which));
        if (i != 3)
            assert_int_equal(conn_peer(server)->sa.ss_family, i == 1 ? AF_INET6 : AF_INET);
        conn_free(client);
        conn_free(server);
    }
    listener_free(l);
}

static void a_port_in_use_says_so(void **state)
{
    (void)state;
    struct diag d;
    struct listener *a, *b;
    assert_ok(listener_open(STR("127.0.0.1"), 0, &a, &d));
    assert_err(listener_open(STR("127.0.0.1"), listener_port(a), &b, &d), E_BUSY);
    assert_non_null(strstr(d.text, "127.0.0.1:"));
    listener_free(a);
    assert_true(listener_open(STR("192.0.2.1"), 0, &b, &d) != OK);
}

static void a_server_can_be_started_again_at_once(void **state)
{
    (void)state;
    struct diag d;
    struct host h = host_new();
    uint16_t port = listener_port(h.l);
    int fd = raw_connect(port);
    conn_free(host_accept(&h)); /* leaves TIME_WAIT on our side */
    listener_free(h.l);
    assert_ok(listener_open(STR("127.0.0.1"), port, &h.l, &d));
    close(fd);
    host_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_on_any_of_several_listeners),
        cmocka_unit_test(no_listener_starves),
        cmocka_unit_test(out_of_descriptors_is_busy_and_does_not_spin),
        cmocka_unit_test(ipv6_works_and_mapped_addresses_are_ipv4),
        cmocka_unit_test(a_port_in_use_says_so),
        cmocka_unit_test(a_server_can_be_started_again_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
