#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "access/authority.h"
#include "access/syslog.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/net.h"
#include "io/thread.h"

enum { PATIENCE_MS = 10000 };

static struct diag d;
static const struct audit_participant self = {.user_id = STR_INIT("LASTRA")};

static struct audit_message message(enum audit_outcome outcome, struct str text)
{
    return (struct audit_message){
        .id = {STR("110113"), STR("DCM"), STR("Security Alert")},
        .action = 'E',
        .time_us = 1767323045678901,
        .outcome = outcome,
        .outcome_text = text,
        .participants = &self,
        .n_participants = 1,
        .source_id = STR("LASTRA"),
    };
}

/* A collector: takes connections one after the other over TLS with client certificates, and keeps
 * what comes. */
struct collector {
    char path[64];
    int dir;
    struct tls *server, *client;
    struct listener *listener;
    struct thread *thread;
    struct stop stop;
    lock_t lock;
    char text[65536];
    size_t n;
    unsigned connections;
    unsigned close_after; /* bytes on the first connection; 0: never */
};

static void keep(struct collector *c, const char *buf, size_t n)
{
    LOCKED(&c->lock);
    assert_true(c->n + n <= sizeof c->text);
    memcpy(c->text + c->n, buf, n);
    c->n += n;
}

static void read_all(struct collector *c, struct conn *conn)
{
    char buf[4096];
    size_t n, all = 0;
    while (conn_read(conn, buf, sizeof buf, clock_deadline(PATIENCE_MS), &n) == OK) {
        keep(c, buf, n);
        all += n;
        if (c->close_after && all >= c->close_after) {
            c->close_after = 0;
            return;
        }
    }
}

static void collect(void *arg)
{
    struct collector *c = arg;
    struct conn *conn;
    size_t which;
    while (listener_accept(&c->listener, 1, &c->stop, &conn, &which) == OK) {
        struct diag unused;
        if (conn_tls_accept(conn, c->server, clock_deadline(PATIENCE_MS), &unused) == OK) {
            c->connections++;
            read_all(c, conn);
        }
        conn_free(conn);
    }
}

static void make_keys(struct collector *c)
{
    char cert[128], key[128], trust[128];
    snprintf(c->path, sizeof c->path, "/tmp/lastra-syslog-XXXXXX");
    assert_non_null(mkdtemp(c->path));
    assert_ok(dir_open(AT_FDCWD, c->path, &c->dir, &d));
    assert_ok(authority_create(c->dir, STR("localhost"), STR(""), &d));
    snprintf(cert, sizeof cert, "%s/" SERVER_CERT, c->path);
    snprintf(key, sizeof key, "%s/" SERVER_KEY, c->path);
    snprintf(trust, sizeof trust, "%s/" AUTHORITY_CERT, c->path);
    struct tls_files f = {.cert = cert, .key = key, .trust = trust};
    assert_ok(tls_server(&f, NULL, NULL, &c->server, &d));
    assert_ok(tls_client(&f, &c->client, &d));
}

static void start(struct collector *c)
{
    assert_ok(stop_init(&c->stop));
    pthread_mutex_init(&c->lock, NULL);
    assert_ok(thread_start(collect, c, "collector", &c->thread));
}

static int set_up(void **state)
{
    struct collector *c = calloc(1, sizeof *c);
    make_keys(c);
    assert_ok(listener_open(STR("127.0.0.1"), 0, &c->listener, &d));
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {AUTHORITY_CERT, AUTHORITY_KEY, SERVER_CERT, SERVER_KEY};
    struct collector *c = *state;
    if (c->thread) {
        stop_set(&c->stop);
        thread_join(c->thread);
        stop_done(&c->stop);
    }
    listener_free(c->listener);
    tls_free(c->server);
    tls_free(c->client);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_ok(file_remove(c->dir, names[i], &d));
    file_close(&c->dir);
    rmdir(c->path);
    free(c);
    return 0;
}

static struct syslog_sender *sender(struct collector *c, size_t queue)
{
    struct syslog_sender *s;
    assert_ok(syslog_start(&(struct syslog_options){.host = STR("127.0.0.1"),
                                                    .port = listener_port(c->listener),
                                                    .tls = c->client,
                                                    .hostname = STR("pacs"),
                                                    .queue_bytes = queue,
                                                    .retry_ms = 20},
                           &s, &d));
    return s;
}

static bool has(struct collector *c, const char *text)
{
    LOCKED(&c->lock);
    return memmem(c->text, c->n, text, strlen(text)) != NULL;
}

static void wait_for(struct collector *c, const char *text)
{
    int64_t end = clock_deadline(PATIENCE_MS);
    while (!has(c, text) && clock_left(end) > 0)
        clock_sleep_ms(5);
    assert_true(has(c, text));
}

static void frames_by_the_rfc(void **state)
{
    (void)state;
    char buf[4096], expected[256];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct audit_message m = message(AUDIT_SUCCESS, STR(""));
    syslog_frame(&m, STR("pacs"), &w);
    assert_false(w.bad);
    size_t space = str_find(wr_str(&w), ' ');
    uint64_t length;
    assert_true(str_to_u64(str_slice(wr_str(&w), 0, space), 4096, &length));
    assert_int_equal(length, w.n - space - 1);
    snprintf(expected, sizeof expected,
             "<85>1 2026-01-02T03:04:05.678901Z pacs lastra - DICOM+RFC3881 - \xef\xbb\xbf<?xml");
    assert_memory_equal(w.p + space + 1, expected, strlen(expected));

    wr_clear(&w);
    m.outcome = AUDIT_SERIOUS;
    syslog_frame(&m, STR("pacs"), &w);
    assert_non_null(memmem(w.p, w.n, "<84>1 ", 6));
}

static void sends_over_tls_with_our_certificate(void **state)
{
    struct collector *c = *state;
    start(c);
    struct syslog_sender *s = sender(c, 0);
    struct audit_message m = message(AUDIT_SUCCESS, STR("first"));
    assert_true(syslog_send(s, &m));
    m.outcome_text = STR("second");
    assert_true(syslog_send(s, &m));
    assert_int_equal(syslog_stop(s, clock_deadline(PATIENCE_MS), NULL), 0);
    wait_for(c, "first");
    wait_for(c, "second");
    wait_for(c, "<AuditMessage>");
    assert_int_equal(c->connections, 1);
}

static void a_full_queue_loses_and_counts(void **state)
{
    struct collector *c = *state; /* not started: nobody answers */
    struct syslog_sender *s = sender(c, 3000);
    struct audit_message m = message(AUDIT_SUCCESS, STR("x"));
    struct syslog_figures f;
    unsigned taken = 0;
    for (int i = 0; i < 100; i++)
        taken += syslog_send(s, &m);
    assert_in_range(taken, 1, 10);
    syslog_figures(s, &f);
    assert_int_equal(f.lost, 100 - taken);
    assert_in_range(f.queued_bytes, 1, 3000);
    assert_int_equal(syslog_take_lost(s), 100 - taken);
    assert_int_equal(syslog_take_lost(s), 0);
    assert_int_equal(syslog_stop(s, clock_deadline(0), &f), 100);
}

static void sends_what_waited_once_the_collector_is_there(void **state)
{
    struct collector *c = *state;
    struct listener *late = c->listener;
    uint16_t port = listener_port(late);
    listener_free(late);
    c->listener = NULL;
    struct syslog_sender *s;
    assert_ok(syslog_start(&(struct syslog_options){.host = STR("127.0.0.1"),
                                                    .port = port,
                                                    .tls = c->client,
                                                    .hostname = STR("pacs"),
                                                    .retry_ms = 20},
                           &s, &d));
    struct audit_message m = message(AUDIT_SUCCESS, STR("waited"));
    assert_true(syslog_send(s, &m));
    clock_sleep_ms(60);
    struct syslog_figures f;
    syslog_figures(s, &f);
    assert_false(f.connected);
    assert_true(f.last.text[0] != 0);
    assert_ok(listener_open(STR("127.0.0.1"), port, &c->listener, &d));
    start(c);
    wait_for(c, "waited");
    assert_int_equal(syslog_stop(s, clock_deadline(PATIENCE_MS), NULL), 0);
}

static void connects_again_after_the_collector_closed(void **state)
{
    struct collector *c = *state;
    c->close_after = 1;
    start(c);
    struct syslog_sender *s = sender(c, 0);
    struct audit_message m = message(AUDIT_SUCCESS, STR("before"));
    assert_true(syslog_send(s, &m));
    wait_for(c, "</AuditMessage>");
    clock_sleep_ms(100);
    m.outcome_text = STR("afterwards");
    assert_true(syslog_send(s, &m));
    wait_for(c, "afterwards");
    assert_int_equal(syslog_stop(s, clock_deadline(PATIENCE_MS), NULL), 0);
    assert_int_equal(c->connections, 2);
}

static void refuses_to_send_without_tls(void **state)
{
    (void)state;
    struct syslog_sender *s = NULL;
    assert_err(
        syslog_start(&(struct syslog_options){.host = STR("127.0.0.1"), .port = 6514}, &s, &d),
        E_USAGE);
    assert_null(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_by_the_rfc),
        CASE(sends_over_tls_with_our_certificate),
        CASE(a_full_queue_loses_and_counts),
        CASE(sends_what_waited_once_the_collector_is_there),
        CASE(connects_again_after_the_collector_closed),
        cmocka_unit_test(refuses_to_send_without_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
