#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include "base/size.h"
#include "io/conn.h"

static void carries_bytes_both_ways_and_counts_them(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    char buf[16];
    size_t n;
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    assert_ok(conn_read(c, buf, sizeof buf, soon(), &n));
    assert_str(str_of(buf, n), "hello");
    assert_ok(conn_write(c, STR("world!"), soon()));
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 6);
    assert_memory_equal(buf, "world!", 6);
    assert_int_equal(conn_bytes_in(c), 5);
    assert_int_equal(conn_bytes_out(c), 6);
    assert_int_equal(conn_local_port(c), listener_port(h.l));
    assert_true(addr_is_loopback(conn_peer(c)));
    assert_false(conn_is_tls(c));
    uint8_t print[32];
    assert_false(conn_peer_cert(c, print));
    close(fd);
    assert_err(conn_read(c, buf, sizeof buf, soon(), &n), E_CLOSED);
    conn_free(c);
    conn_free(NULL);
    conn_drop(NULL);
    host_done(&h);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static void assert_options(const struct conn *c)
{
    assert_int_equal(option(c->fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(c->fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(c->fd, IPPROTO_TCP, TCP_KEEPIDLE), NET_KEEPALIVE_IDLE_S);
    assert_int_equal(option(c->fd, IPPROTO_TCP, TCP_KEEPINTVL), NET_KEEPALIVE_INTERVAL_S);
    assert_int_equal(option(c->fd, IPPROTO_TCP, TCP_KEEPCNT), NET_KEEPALIVE_COUNT);
    assert_int_equal(option(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT), NET_USER_TIMEOUT_MS);
    assert_true(fcntl(c->fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(c->fd, F_GETFD) & FD_CLOEXEC);
}

static void both_sides_send_at_once_and_notice_a_lost_peer(void **state)
{
    (void)state;
    struct host h = host_new();
    struct diag d;
    struct conn *client, *server;
    assert_ok(conn_connect(STR("127.0.0.1"), listener_port(h.l), NULL, soon(), NULL, &client, &d));
    server = host_accept(&h);
    assert_options(client);
    assert_options(server);
    conn_free(client);
    conn_free(server);
    host_done(&h);
}

static void a_read_meets_its_deadline(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    char buf[4];
    size_t n = 77;
    int64_t before = clock_ms();
    assert_err(conn_read(c, buf, sizeof buf, before + 40, &n), E_TIMEOUT);
    assert_in_range(clock_ms() - before, 40, 2000);
    assert_int_equal(n, 77);
    assert_err(conn_read(c, buf, sizeof buf, before, &n), E_TIMEOUT);
    conn_drop(c);
    close(fd);
    host_done(&h);
}

/* One byte now and then does not move an absolute deadline. */
static void a_trickle_meets_the_deadline(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    int64_t before = clock_ms(), deadline = before + 100;
    err_t e = OK;
    for (unsigned sent = 0; e == OK && sent < 1000; sent++) {
        char buf[64];
        size_t n;
        assert_int_equal(send(fd, "x", 1, 0), 1);
        e = conn_read(c, buf, sizeof buf, deadline, &n);
        if (e == OK)
            e = conn_read(c, buf, sizeof buf, size_min((size_t)deadline, (size_t)clock_ms() + 20),
                          &n);
        if (e == E_TIMEOUT && clock_left(deadline) > 0)
            e = OK;
    }
    assert_err(e, E_TIMEOUT);
    assert_in_range(clock_ms() - before, 100, 2000);
    conn_drop(c);
    close(fd);
    host_done(&h);
}

static void a_write_that_nobody_reads_meets_its_deadline(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    size_t n = 64 << 20;
    char *much = calloc(1, n);
    assert_non_null(much);
    assert_err(conn_write(c, str_of(much, n), clock_deadline(50)), E_TIMEOUT);
    conn_drop(c);
    free(much);
    close(fd);
    host_done(&h);
}

static void stop_after_a_while(void *arg)
{
    clock_sleep_ms(30);
    stop_set(arg);
}

static void the_stop_switch_ends_every_wait(void **state)
{
    (void)state;
    struct host h = host_new();
    struct thread *t;
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h), *other;
    char buf[4];
    size_t n, which;
    assert_ok(thread_start(stop_after_a_while, &h.stop, "stop", &t));
    assert_err(conn_read(c, buf, sizeof buf, IO_FOREVER, &n), E_STOPPED);
    thread_join(t);
    assert_err(listener_accept(&h.l, 1, &h.stop, &other, &which), E_STOPPED);
    /* The last words still go out, and what has come can still be read. */
    assert_ok(conn_write(c, STR("bye"), soon()));
    assert_int_equal(send(fd, "x", 1, 0), 1);
    clock_sleep_ms(5);
    assert_ok(conn_read(c, buf, sizeof buf, soon(), &n));
    conn_free(c);
    close(fd);
    host_done(&h);
}

static void cut_after_a_while(void *arg)
{
    clock_sleep_ms(30);
    conn_cut(arg);
}

static void a_cut_from_another_thread_wakes_the_owner(void **state)
{
    (void)state;
    struct host h = host_new();
    struct thread *t;
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    char buf[4];
    size_t n;
    assert_ok(thread_start(cut_after_a_while, c, "cut", &t));
    assert_err(conn_read(c, buf, sizeof buf, IO_FOREVER, &n), E_CLOSED);
    thread_join(t);
    assert_err(conn_write(c, STR("x"), soon()), E_CLOSED);
    conn_free(c);
    close(fd);
    host_done(&h);
}

struct collector {
    int fd;
    size_t n;
    uint64_t sum; /* of byte times place, so that order counts */
};

static void collect(void *arg)
{
    struct collector *k = arg;
    uint8_t buf[65536];
    for (ssize_t got; (got = recv(k->fd, buf, sizeof buf, 0)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            k->sum += (uint64_t)buf[i] * ++k->n;
}

static void many_parts_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct host h = host_new();
    struct collector k = {.fd = raw_connect(listener_port(h.l))};
    struct conn *c = host_accept(&h);
    struct thread *t;
    static uint8_t bytes[4 << 20];
    struct str parts[500];
    uint64_t sum = 0;
    size_t at = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 977);
        sum += (uint64_t)bytes[i] * (i + 1);
    }
    /* Empty, small and large parts, more than one system call takes. */
    for (size_t i = 0; i < COUNT(parts); i++) {
        size_t n = i % 7 == 0 ? 0 : i % 50 == 1 ? 300000 : i * 3;
        parts[i] = str_of(bytes + at, size_min(n, sizeof bytes - at));
        at += parts[i].n;
    }
    parts[COUNT(parts) - 1] = str_of(bytes + at - parts[COUNT(parts) - 1].n,
                                     sizeof bytes - at + parts[COUNT(parts) - 1].n);
    assert_ok(thread_start(collect, &k, "collect", &t));
    assert_ok(conn_writev(c, parts, COUNT(parts), soon()));
    assert_ok(conn_writev(c, parts, 0, soon()));
    assert_ok(conn_write(c, STR(""), soon()));
    assert_int_equal(conn_bytes_out(c), sizeof bytes);
    conn_free(c);
    thread_join(t);
    assert_int_equal(k.n, sizeof bytes);
    assert_true(k.sum == sum);
    close(k.fd);
    host_done(&h);
}

/* tcpi_data_segs_out, which the C library's struct tcp_info does not have yet. */
static uint32_t data_segments_out(int fd)
{
    uint8_t info[256];
    uint32_t segments;
    socklen_t n = sizeof info;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &n), 0);
    assert_true(n >= 160);
    memcpy(&segments, info + 156, sizeof segments);
    return segments;
}

static void small_parts_leave_as_one_segment(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    const struct str parts[] = {STR("one "), STR(""), STR("two "), STR("three")};
    uint32_t before = data_segments_out(c->fd);
    assert_ok(conn_writev(c, parts, COUNT(parts), soon()));
    assert_int_equal(data_segments_out(c->fd) - before, 1);
    conn_drop(c);
    close(fd);
    host_done(&h);
}

static void a_large_read_takes_what_is_there(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    static char out[200000], in[262144];
    size_t n;
    assert_int_equal(send(fd, out, sizeof out, 0), sizeof out);
    clock_sleep_ms(20);
    assert_ok(conn_read(c, in, sizeof in, soon(), &n));
    assert_true(n > 65536);
    conn_drop(c);
    close(fd);
    host_done(&h);
}

static void says_whether_a_read_would_wait(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    char buf[4];
    size_t n;
    assert_false(conn_readable(c));
    assert_int_equal(send(fd, "x", 1, 0), 1);
    clock_sleep_ms(5);
    assert_true(conn_readable(c));
    assert_ok(conn_read(c, buf, sizeof buf, soon(), &n));
    assert_false(conn_readable(c));
    close(fd);
    clock_sleep_ms(5);
    assert_true(conn_readable(c)); /* the end can be read too */
    conn_free(c);
    host_done(&h);
}

static void a_stranger_gets_a_reset_and_no_byte(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    char buf[4];
    conn_drop(host_accept(&h));
    assert_int_equal(recv(fd, buf, sizeof buf, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    host_done(&h);
}

/* An answer must arrive even where the peer had sent more than was read. */
static void last_words_are_not_lost_to_a_reset(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    static char much[100000];
    char buf[16];
    assert_int_equal(send(fd, much, sizeof much, 0), sizeof much);
    clock_sleep_ms(10);
    assert_ok(conn_write(c, STR("refused"), soon()));
    conn_free(c);
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 7);
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 0);
    close(fd);
    host_done(&h);
}

static void a_vanished_peer_is_closed_not_a_signal(void **state)
{
    (void)state;
    struct host h = host_new();
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    struct linger now = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
    err_t e = OK;
    for (int i = 0; i < 10 && e == OK; i++)
        e = conn_write(c, STR("x"), soon());
    assert_err(e, E_CLOSED);
    conn_free(c);
    host_done(&h);
}

static void connecting_fails_in_words_and_in_time(void **state)
{
    (void)state;
    struct host h = host_new();
    uint16_t port = listener_port(h.l);
    struct conn *c;
    struct diag d;
    host_done(&h);
    assert_err(conn_connect(STR("127.0.0.1"), port, NULL, soon(), NULL, &c, &d), E_CLOSED);
    assert_non_null(strstr(d.text, "127.0.0.1:"));
    assert_non_null(strstr(d.text, "refused"));
    assert_err(conn_connect(STR(""), port, NULL, soon(), NULL, &c, &d), E_NOTFOUND);
    char longest[2000];
    memset(longest, 'a', sizeof longest);
    assert_err(conn_connect(str_of(longest, sizeof longest), port, NULL, soon(), NULL, &c, &d),
               E_NOTFOUND);
    assert_err(conn_connect(STR("nul\0byte"), port, NULL, soon(), NULL, &c, &d), E_NOTFOUND);
}

/* A listener that answers no one: its backlog is full. */
struct wall {
    int fds[8];
    uint16_t port;
};

static struct wall wall_new(void)
{
    struct wall w;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    w.fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w.fds[0], (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(w.fds[0], 0), 0);
    assert_int_equal(getsockname(w.fds[0], (struct sockaddr *)&a, &n), 0);
    w.port = ntohs(a.sin_port);
    for (size_t i = 1; i < COUNT(w.fds); i++) {
        w.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(connect(w.fds[i], (struct sockaddr *)&a, sizeof a) == 0 ||
                    errno == EINPROGRESS);
    }
    return w;
}

static void wall_done(struct wall *w)
{
    for (size_t i = 0; i < COUNT(w->fds); i++)
        close(w->fds[i]);
}

static void a_host_that_does_not_answer_costs_no_more_than_the_deadline(void **state)
{
    (void)state;
    struct wall w = wall_new();
    struct stop stop;
    struct thread *t;
    struct conn *c;
    struct diag d;
    int64_t before = clock_ms();
    err_t e = conn_connect(STR("127.0.0.1"), w.port, NULL, before + 60, NULL, &c, &d);
    assert_err(e, E_TIMEOUT);
    assert_in_range(clock_ms() - before, 60, 2000);
    assert_non_null(strstr(d.text, "127.0.0.1:"));
    assert_ok(stop_init(&stop));
    assert_ok(thread_start(stop_after_a_while, &stop, "stop", &t));
    e = conn_connect(STR("127.0.0.1"), w.port, NULL, IO_FOREVER, &stop, &c, &d);
    assert_err(e, E_STOPPED);
    thread_join(t);
    stop_done(&stop);
    wall_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_bytes_both_ways_and_counts_them),
        cmocka_unit_test(both_sides_send_at_once_and_notice_a_lost_peer),
        cmocka_unit_test(a_read_meets_its_deadline),
        cmocka_unit_test(a_trickle_meets_the_deadline),
        cmocka_unit_test(a_write_that_nobody_reads_meets_its_deadline),
        cmocka_unit_test(the_stop_switch_ends_every_wait),
        cmocka_unit_test(a_cut_from_another_thread_wakes_the_owner),
        cmocka_unit_test(many_parts_arrive_whole_and_in_order),
        cmocka_unit_test(small_parts_leave_as_one_segment),
        cmocka_unit_test(a_large_read_takes_what_is_there),
        cmocka_unit_test(says_whether_a_read_would_wait),
        cmocka_unit_test(a_stranger_gets_a_reset_and_no_byte),
        cmocka_unit_test(last_words_are_not_lost_to_a_reset),
        cmocka_unit_test(a_vanished_peer_is_closed_not_a_signal),
        cmocka_unit_test(connecting_fails_in_words_and_in_time),
        cmocka_unit_test(a_host_that_does_not_answer_costs_no_more_than_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
