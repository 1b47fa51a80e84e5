/* Many connections at once: each is told how it went, none waits for another. */
#include "rig.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/reach.h"

enum { LINES = 64 };

/* What was told of each line. */
struct told {
    struct reach *r;
    unsigned counts[REACH_OURS + 1];
    size_t bytes;
    char first[64];
    bool close; /* at the first bytes */
    struct reach_cost cost;
};

static void on(void *ctx, const struct reach_event *e)
{
    struct told *t = ctx;
    t->counts[e->what]++;
    if (e->what == REACH_BYTES && t->bytes == 0)
        memcpy(t->first, e->bytes.p, size_min(e->bytes.n, sizeof t->first));
    t->bytes += e->bytes.n;
    bool over = e->what != REACH_CONNECTED && e->what != REACH_OPEN && e->what != REACH_BYTES;
    if (over || (t->close && e->what == REACH_BYTES))
        reach_close(t->r, e->id, &t->cost);
}

static void wait_all(struct told *t, int64_t ms)
{
    int64_t end = clock_deadline(ms);
    while (reach_active(t->r) > 0 && clock_left(end) > 0)
        assert_ok(reach_wait(t->r, end, NULL, on, t));
}

static struct addr at(const char *address, uint16_t port)
{
    struct ip ip;
    struct addr a;
    assert_ok(ip_parse(str_z(address), &ip));
    ip_addr(&ip, port, &a);
    return a;
}

static void greets_and_closes(int fd, struct server *s)
{
    (void)s;
    rig_write(fd, "hello", 5);
}

static void what_comes_with_the_end_is_told_at_once(void **state)
{
    (void)state;
    struct server s;
    struct told t = {0};
    unsigned id;
    server_start(&s, "127.0.0.1", greets_and_closes);
    assert_ok(reach_new(LINES, &t.r, NULL));
    struct addr to = at("127.0.0.1", s.port);
    int64_t begun = clock_ms();
    for (int i = 0; i < LINES; i++)
        assert_ok(reach_open(t.r, &to, NULL, clock_deadline(5000), &id));
    assert_err(reach_open(t.r, &to, NULL, clock_deadline(5000), &id), E_BUSY);
    wait_all(&t, 5000);
    assert_in_range(clock_ms() - begun, 0, 2000);
    assert_int_equal(t.counts[REACH_OPEN], LINES);
    assert_int_equal(t.counts[REACH_END], LINES);
    assert_int_equal(t.bytes, 5 * LINES);
    assert_memory_equal(t.first, "hello", 5);
    reach_free(t.r);
    server_stop(&s);
}

static void a_refusal_is_one_packet(void **state)
{
    (void)state;
    struct server s;
    struct told t = {0};
    unsigned id;
    server_start(&s, "127.0.0.1", greets_and_closes);
    struct addr to = at("127.0.0.1", s.port);
    server_stop(&s);
    assert_ok(reach_new(LINES, &t.r, NULL));
    assert_ok(reach_open(t.r, &to, NULL, clock_deadline(5000), &id));
    wait_all(&t, 2000);
    assert_int_equal(t.counts[REACH_REFUSED], 1);
    assert_int_equal(t.cost.packets, 1);
    assert_int_equal(t.cost.bytes, 0);
    reach_free(t.r);
}

static void waits_for_the_end(int fd, struct server *s)
{
    rig_drain(fd, s);
}

static void each_has_its_deadline(void **state)
{
    (void)state;
    struct server s;
    struct told t = {0};
    unsigned id;
    server_start(&s, "127.0.0.1", waits_for_the_end);
    assert_ok(reach_new(LINES, &t.r, NULL));
    struct addr to = at("127.0.0.1", s.port);
    assert_ok(reach_open(t.r, &to, NULL, clock_deadline(10000), &id));
    assert_ok(reach_open(t.r, &to, NULL, clock_deadline(100), &id));
    int64_t begun = clock_ms();
    while (t.counts[REACH_LATE] == 0)
        assert_ok(reach_wait(t.r, IO_FOREVER, NULL, on, &t));
    assert_in_range(clock_ms() - begun, 90, 400);
    assert_int_equal(reach_active(t.r), 1);
    reach_free(t.r);
    server_stop(&s);
}

static void sends_much(int fd, struct server *s)
{
    memset(s->got, 'x', sizeof s->got);
    for (int i = 0; i < 16; i++)
        rig_write(fd, s->got, sizeof s->got);
}

static void all_of_a_long_answer_comes(void **state)
{
    (void)state;
    struct server s;
    struct told t = {0};
    unsigned id;
    server_start(&s, "127.0.0.1", sends_much);
    assert_ok(reach_new(LINES, &t.r, NULL));
    struct addr to = at("127.0.0.1", s.port);
    assert_ok(reach_open(t.r, &to, NULL, clock_deadline(5000), &id));
    wait_all(&t, 5000);
    assert_int_equal(t.bytes, 16 * sizeof s.got);
    assert_int_equal(t.counts[REACH_END], 1);
    reach_free(t.r);
    server_stop(&s);
}

static void a_closed_line_hears_nothing_more_and_its_place_is_free(void **state)
{
    (void)state;
    struct server s;
    struct told t = {.close = true};
    unsigned id;
    server_start(&s, "127.0.0.1", sends_much);
    assert_ok(reach_new(1, &t.r, NULL));
    struct addr to = at("127.0.0.1", s.port);
    for (unsigned i = 1; i <= 20; i++) {
        assert_ok(reach_open(t.r, &to, NULL, clock_deadline(5000), &id));
        wait_all(&t, 5000);
        assert_int_equal(t.counts[REACH_BYTES], i);
        assert_int_equal(t.counts[REACH_END], 0);
    }
    reach_free(t.r);
    server_stop(&s);
}

static void echoes_once(int fd, struct server *s)
{
    rig_read(fd, s, 4);
    rig_write(fd, s->got, s->got_n);
    rig_drain(fd, s);
}

struct asker {
    struct told t;
    bool asked;
};

static void ask(void *ctx, const struct reach_event *e)
{
    struct asker *a = ctx;
    if (e->what == REACH_OPEN) {
        assert_ok(reach_send(a->t.r, e->id, STR("ping")));
        a->asked = true;
    }
    on(&a->t, e);
}

static void a_question_and_its_answer_take_few_packets(void **state)
{
    (void)state;
    struct server s;
    struct asker a = {.t.close = true};
    unsigned id;
    server_start(&s, "127.0.0.1", echoes_once);
    assert_ok(reach_new(LINES, &a.t.r, NULL));
    struct addr to = at("127.0.0.1", s.port);
    assert_ok(reach_open(a.t.r, &to, NULL, clock_deadline(5000), &id));
    while (reach_active(a.t.r) > 0)
        assert_ok(reach_wait(a.t.r, clock_deadline(2000), NULL, ask, &a));
    assert_true(a.asked);
    assert_memory_equal(a.t.first, "ping", 4);
    assert_int_equal(a.t.cost.bytes, 4);
    assert_in_range(a.t.cost.packets, 4, 6);
    reach_free(a.t.r);
    server_stop(&s);
}

static void the_stop_switch_ends_the_wait(void **state)
{
    (void)state;
    struct stop stop;
    struct told t = {0};
    assert_ok(stop_init(&stop));
    assert_ok(reach_new(LINES, &t.r, NULL));
    stop_set(&stop);
    assert_err(reach_wait(t.r, IO_FOREVER, &stop, on, &t), E_STOPPED);
    reach_free(t.r);
    stop_done(&stop);
}

static void ipv6_too(void **state)
{
    (void)state;
    struct told t = {0};
    unsigned id;
    struct addr to = at("::1", 1);
    assert_ok(reach_new(LINES, &t.r, NULL));
    if (reach_open(t.r, &to, NULL, clock_deadline(1000), &id) == OK)
        wait_all(&t, 1500);
    else
        t.counts[REACH_UNREACHABLE]++; /* a machine without IPv6 */
    assert_int_equal(t.counts[REACH_REFUSED] + t.counts[REACH_UNREACHABLE], 1);
    reach_free(t.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_with_the_end_is_told_at_once),
        cmocka_unit_test(a_refusal_is_one_packet),
        cmocka_unit_test(each_has_its_deadline),
        cmocka_unit_test(all_of_a_long_answer_comes),
        cmocka_unit_test(a_closed_line_hears_nothing_more_and_its_place_is_free),
        cmocka_unit_test(a_question_and_its_answer_take_few_packets),
        cmocka_unit_test(the_stop_switch_ends_the_wait),
        cmocka_unit_test(ipv6_too),
    };
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
