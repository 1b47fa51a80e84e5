#include "world.h"

#include <sys/socket.h>

#include "base/size.h"
#include "io/conn.h"

/* A pair of connected ends, the server's on this thread. */
struct pair {
    struct host h;
    struct tls *server_tls, *client_tls;
    struct conn *server, *client;
};

static void connect_it(void *arg)
{
    struct pair *p = arg;
    struct diag d;
    if (conn_connect(STR("127.0.0.1"), listener_port(p->h.l), p->client_tls, soon(), NULL,
                     &p->client, &d) != OK)
        p->client = NULL;
}

static struct pair *pair_new(struct world *w)
{
    struct pair *p = calloc(1, sizeof *p);
    struct tls_files f = files(w->client, w->authority);
    struct diag d;
    struct thread *t;
    assert_non_null(p);
    p->h = host_new();
    p->server_tls = server_rules(w);
    p->client_tls = client_rules(&f);
    assert_ok(thread_start(connect_it, p, "client", &t));
    p->server = host_accept(&p->h);
    assert_ok(conn_tls_accept(p->server, p->server_tls, soon(), &d));
    thread_join(t);
    assert_non_null(p->client);
    return p;
}

static void pair_free(struct pair *p)
{
    conn_free(p->server);
    conn_free(p->client);
    tls_free(p->server_tls);
    tls_free(p->client_tls);
    host_done(&p->h);
    free(p);
}

struct stream {
    struct conn *c;
    size_t n;
    uint64_t sum;
    err_t end;
};

static void read_all(void *arg)
{
    struct stream *k = arg;
    static uint8_t buf[262144];
    size_t n;
    while ((k->end = conn_read(k->c, buf, sizeof buf, soon(), &n)) == OK)
        for (size_t i = 0; i < n; i++)
            k->sum += (uint64_t)buf[i] * ++k->n;
}

static void megabytes_arrive_whole_and_in_order(void **state)
{
    struct pair *p = pair_new(*state);
    static uint8_t bytes[8 << 20];
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 13 + i / 1009);
        sum += (uint64_t)bytes[i] * (i + 1);
    }
    const struct str parts[] = {str_of(bytes, 6), STR(""), str_of(bytes + 6, 100000),
                                str_of(bytes + 100006, sizeof bytes - 100006)};
    struct stream k = {.c = p->client};
    struct thread *t;
    assert_ok(thread_start(read_all, &k, "reader", &t));
    assert_ok(conn_writev(p->server, parts, COUNT(parts), soon()));
    assert_int_equal(conn_bytes_out(p->server), sizeof bytes);
    conn_free(p->server);
    p->server = NULL;
    thread_join(t);
    assert_err(k.end, E_CLOSED);
    assert_int_equal(k.n, sizeof bytes);
    assert_true(k.sum == sum);
    assert_int_equal(conn_bytes_in(p->client), sizeof bytes);
    pair_free(p);
}

static void says_whether_a_read_would_wait(void **state)
{
    struct pair *p = pair_new(*state);
    char buf[16];
    size_t n;
    assert_false(conn_readable(p->server));
    assert_ok(conn_write(p->client, STR("hello"), soon()));
    clock_sleep_ms(20);
    assert_true(conn_readable(p->server));
    assert_true(conn_readable(p->server));
    assert_ok(conn_read(p->server, buf, sizeof buf, soon(), &n));
    assert_str(str_of(buf, n), "hello");
    assert_false(conn_readable(p->server));
    conn_free(p->client);
    p->client = NULL;
    clock_sleep_ms(20);
    assert_true(conn_readable(p->server));
    assert_err(conn_read(p->server, buf, sizeof buf, soon(), &n), E_CLOSED);
    pair_free(p);
}

static void after_a_timeout_the_connection_still_works(void **state)
{
    struct pair *p = pair_new(*state);
    char buf[16];
    size_t n;
    assert_err(conn_read(p->server, buf, sizeof buf, clock_deadline(30), &n), E_TIMEOUT);
    assert_ok(conn_write(p->server, STR("abort"), soon()));
    assert_ok(conn_read(p->client, buf, sizeof buf, soon(), &n));
    assert_str(str_of(buf, n), "abort");
    pair_free(p);
}

static void a_write_that_nobody_reads_meets_its_deadline(void **state)
{
    struct pair *p = pair_new(*state);
    static char much[32 << 20];
    assert_err(conn_write(p->server, str_of(much, sizeof much), clock_deadline(100)), E_TIMEOUT);
    pair_free(p);
}

static void small_reads_get_every_byte(void **state)
{
    struct pair *p = pair_new(*state);
    char text[1000], back[1000];
    size_t at = 0, n;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    assert_ok(conn_write(p->client, str_of(text, 400), soon()));
    assert_ok(conn_write(p->client, str_of(text + 400, 600), soon()));
    while (at < sizeof back) {
        assert_ok(conn_read(p->server, back + at, size_min(7, sizeof back - at), soon(), &n));
        assert_in_range(n, 1, 7);
        at += n;
    }
    assert_memory_equal(text, back, sizeof text);
    pair_free(p);
}

static void damage_on_the_way_ends_the_connection(void **state)
{
    struct pair *p = pair_new(*state);
    char buf[16];
    size_t n;
    /* Bytes put into the stream from outside: a record that nobody sealed. */
    static const char forged[] = "\x17\x03\x03\x00\x20"
                                 "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb";
    assert_int_equal(send(p->client->fd, forged, sizeof forged - 1, 0), sizeof forged - 1);
    assert_err(conn_read(p->server, buf, sizeof buf, soon(), &n), E_PROTOCOL);
    pair_free(p);
}

static void the_rules_can_be_replaced_under_a_connection(void **state)
{
    struct pair *p = pair_new(*state);
    char buf[16];
    size_t n;
    tls_free(p->server_tls);
    tls_free(p->client_tls);
    p->server_tls = p->client_tls = NULL;
    assert_ok(conn_write(p->client, STR("x"), soon()));
    assert_ok(conn_read(p->server, buf, sizeof buf, soon(), &n));
    pair_free(p);
}

static void a_cut_wakes_the_owner(void **state)
{
    struct pair *p = pair_new(*state);
    char buf[4];
    size_t n;
    conn_cut(p->server);
    assert_err(conn_read(p->server, buf, sizeof buf, IO_FOREVER, &n), E_CLOSED);
    assert_err(conn_write(p->server, STR("x"), soon()), E_CLOSED);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(megabytes_arrive_whole_and_in_order),
        IN_WORLD(says_whether_a_read_would_wait),
        IN_WORLD(after_a_timeout_the_connection_still_works),
        IN_WORLD(a_write_that_nobody_reads_meets_its_deadline),
        IN_WORLD(small_reads_get_every_byte),
        IN_WORLD(damage_on_the_way_ends_the_connection),
        IN_WORLD(the_rules_can_be_replaced_under_a_connection),
        IN_WORLD(a_cut_wakes_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
