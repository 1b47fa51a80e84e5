#include "world.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/size.h"
#include "io/conn.h"

/* The client's side, on a thread: connects, says a word, reads the answer. */
struct client {
    uint16_t port;
    const char *host;
    struct tls *tls;
    err_t connected, answered;
    bool has_cert;
    uint8_t server_print[32];
    struct diag d;
};

static void run_client(void *arg)
{
    struct client *k = arg;
    struct conn *c;
    char buf[8];
    size_t n;
    k->connected = conn_connect(str_z(k->host), k->port, k->tls, soon(), NULL, &c, &k->d);
    if (k->connected != OK)
        return;
    k->has_cert = conn_peer_cert(c, k->server_print);
    k->answered = conn_write(c, STR("ping"), soon());
    if (k->answered == OK)
        k->answered = conn_read(c, buf, sizeof buf, soon(), &n);
    if (k->answered == OK && !str_eq(str_of(buf, n), STR("pong")))
        k->answered = E_PROTOCOL;
    conn_free(c);
}

/* One meeting of a client and the server; what each made of it. */
struct meeting {
    err_t accepted, read, connected, answered;
    bool client_cert, server_cert;
    char client_name[80];
    uint8_t client_print[32], server_print[32];
    struct diag server_diag, client_diag;
};

static struct meeting meet_at(struct world *w, const struct tls_files *f, const char *host)
{
    struct meeting m = {.read = E_CLOSED};
    struct host h = host_new();
    struct tls *server = server_rules(w);
    struct client k = {
        .port = listener_port(h.l), .host = host, .tls = client_rules(f), .answered = E_CLOSED};
    struct thread *t;
    assert_ok(thread_start(run_client, &k, "client", &t));
    struct conn *c = host_accept(&h);
    m.accepted = conn_tls_accept(c, server, soon(), &m.server_diag);
    if (m.accepted == OK) {
        char buf[8];
        size_t n;
        m.client_cert = conn_peer_cert(c, m.client_print);
        assert_true(str_to_z(conn_peer_name(c), m.client_name, sizeof m.client_name));
        assert_true(conn_is_tls(c));
        m.read = conn_read(c, buf, sizeof buf, soon(), &n);
        if (m.read == OK)
            assert_ok(conn_write(c, STR("pong"), soon()));
    }
    conn_free(c);
    thread_join(t);
    m.connected = k.connected;
    m.answered = k.answered;
    m.server_cert = k.has_cert;
    memcpy(m.server_print, k.server_print, 32);
    m.client_diag = k.d;
    tls_free(server);
    tls_free(k.tls);
    host_done(&h);
    return m;
}

static struct meeting meet(struct world *w, const struct tls_files *f)
{
    return meet_at(w, f, "127.0.0.1");
}

static void two_that_trust_each_other_talk(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->client, w->authority);
    struct meeting m = meet(w, &f);
    assert_ok(m.accepted);
    assert_ok(m.connected);
    assert_ok(m.read);
    assert_ok(m.answered);
    assert_true(m.client_cert && m.server_cert);
    assert_memory_equal(m.client_print, w->client->print, 32);
    assert_string_equal(m.client_name, "client");
    assert_memory_equal(m.server_print, w->server->print, 32);
    m = meet_at(w, &f, "localhost");
    assert_ok(m.answered);
}

static void a_client_without_a_certificate_is_refused(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(NULL, w->authority);
    struct meeting m = meet(w, &f);
    assert_err(m.accepted, E_DENIED);
    assert_true(m.answered != OK);
}

static void a_client_of_another_authority_is_refused(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->stranger, w->authority);
    struct meeting m = meet(w, &f);
    assert_err(m.accepted, E_DENIED);
    assert_int_equal(w->asked, 1);
    assert_true(m.answered != OK);
}

static void a_registered_certificate_of_any_maker_is_accepted(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->stranger, w->authority);
    memcpy(w->registered, w->stranger->print, 32);
    struct meeting m = meet(w, &f);
    assert_ok(m.accepted);
    assert_ok(m.answered);
    assert_memory_equal(m.client_print, w->stranger->print, 32);
    assert_string_equal(m.client_name, ""); /* what a foreign authority calls it is no proof */
}

static void a_server_of_another_authority_is_refused(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->client, w->foreign);
    struct meeting m = meet(w, &f);
    assert_err(m.connected, E_DENIED);
    assert_true(m.accepted != OK || m.read != OK);
}

static void a_server_by_another_name_is_refused(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->client, w->authority);
    free(w->server);
    w->server = cert_issue(w->s, w->authority, "server", "other.example", true, 10);
    struct meeting m = meet(w, &f);
    assert_err(m.connected, E_DENIED);
    f.no_name_check = true;
    m = meet(w, &f);
    assert_ok(m.answered);
}

static void a_client_certificate_is_no_servers(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->client, w->authority);
    free(w->server);
    w->server = cert_issue(w->s, w->authority, "server", "127.0.0.1", false, 10);
    assert_err(meet(w, &f).connected, E_DENIED);
}

static void a_pinned_server_needs_no_authority_and_no_other_will_do(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->client, NULL);
    f.pinned = true;
    memcpy(f.pin, w->server->print, 32);
    assert_ok(meet(w, &f).answered);
    f.pin[31] ^= 1;
    assert_err(meet(w, &f).connected, E_DENIED);
    /* A pin outranks the authority. */
    f.trust = w->authority->cert_path;
    assert_err(meet(w, &f).connected, E_DENIED);
}

static void an_expired_certificate_is_refused(void **state)
{
    struct world *w = *state;
    struct cert *old = cert_issue(w->s, w->authority, "old", "127.0.0.1", true, 0);
    struct tls_files f = files(old, w->authority);
    clock_sleep_ms(2100); /* it ended in the second in which it was made */
    assert_err(meet(w, &f).accepted, E_DENIED);
    free(old);
}

static void a_silent_client_meets_the_deadline(void **state)
{
    struct world *w = *state;
    struct host h = host_new();
    struct tls *t = server_rules(w);
    struct diag d = {0};
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    assert_err(conn_tls_accept(c, t, clock_deadline(50), &d), E_TIMEOUT);
    assert_non_null(strstr(d.text, "TLS handshake failed"));
    conn_drop(c);
    close(fd);
    tls_free(t);
    host_done(&h);
}

static void what_is_not_tls_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const hellos[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "\x01\x00\x00\x00\x00\xcd\x00\x01\x00\x00an associate request....",
        "\x16\x03\x01\xff\xff\x01 too long a record", "\x16\x03\x01\x40\x00\x01\x00\xff\xff"};
    struct host h = host_new();
    struct tls *t = server_rules(w);
    for (size_t i = 0; i < COUNT(hellos); i++) {
        struct diag d = {0};
        int fd = raw_connect(listener_port(h.l));
        struct conn *c = host_accept(&h);
        size_t n = i == 0 ? strlen(hellos[0]) : 24;
        char hello[64] = {0};
        memcpy(hello, hellos[i], i == 3 ? 9 : n);
        assert_int_equal(send(fd, hello, n, 0), (ssize_t)n);
        shutdown(fd, SHUT_WR);
        assert_true(conn_tls_accept(c, t, soon(), &d) != OK);
        conn_drop(c);
        close(fd);
    }
    tls_free(t);
    host_done(&h);
}

/* A client made with the library itself, to offer what ours never would. */
static int handshake_with(struct world *w, const char *priority)
{
    struct host h = host_new();
    gnutls_session_t s;
    gnutls_certificate_credentials_t cred;
    struct tls *t = server_rules(w);
    struct diag d;
    int fd = raw_connect(listener_port(h.l));
    struct conn *c = host_accept(&h);
    assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
    assert_int_equal(gnutls_certificate_set_x509_key_file(cred, w->client->cert_path,
                                                          w->client->key_path, GNUTLS_X509_FMT_PEM),
                     0);
    assert_int_equal(gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
    assert_int_equal(gnutls_priority_set_direct(s, priority, NULL), 0);
    assert_int_equal(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred), 0);
    gnutls_transport_set_int(s, fd);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    gnutls_handshake(s); /* sends the hello */
    err_t e = conn_tls_accept(c, t, clock_deadline(200), &d);
    int result = e == E_TIMEOUT ? 0 : (int)e; /* it answered and waits for us: agreed */
    gnutls_deinit(s);
    gnutls_certificate_free_credentials(cred);
    conn_drop(c);
    close(fd);
    tls_free(t);
    host_done(&h);
    return result;
}

static void old_protocols_and_weak_suites_are_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *offer;
        bool agreed;
    } rows[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:-CIPHER-ALL:+AES-128-GCM", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.0", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM:+AES-128-CCM-8", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:+NULL:-CIPHER-ALL:+NULL", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-ECDSA-SHA1:+SIGN-RSA-SHA1", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if ((handshake_with(w, rows[i].offer) == OK) != rows[i].agreed)
            fail_msg("%s", rows[i].offer);
}

static void rules_need_sound_files(void **state)
{
    struct world *w = *state;
    struct tls_files f = files(w->server, w->authority);
    struct diag d = {0};
    struct tls *t;
    char path[PATH_CAP];
    f.key = w->client->key_path;
    assert_err(tls_server(&f, NULL, NULL, &t, &d), E_CRYPTO);
    assert_non_null(strstr(d.text, "is not that of"));
    f.key = NULL;
    assert_err(tls_server(&f, NULL, NULL, &t, &d), E_USAGE);
    f = files(w->server, NULL);
    assert_err(tls_server(&f, NULL, NULL, &t, &d), E_USAGE);
    assert_err(tls_client(&f, &t, &d), E_USAGE);
    f.trust = w->server->key_path;
    assert_err(tls_client(&f, &t, &d), E_CRYPTO);
    f.trust = scratch_path(w->s, "none", path);
    assert_err(tls_client(&f, &t, &d), E_NOTFOUND);
    f = files(w->server, w->authority);
    f.cert = NULL;
    assert_err(tls_client(&f, &t, &d), E_USAGE);
    tls_free(NULL);
}

/* A server made with the library itself that gives session tickets, as ours does not, and speaks at
 * once: the ticket and the data reach the client together. */
struct ticketing {
    struct world *w;
    int listening;
};

static void give_ticket(void *arg)
{
    struct ticketing *k = arg;
    gnutls_certificate_credentials_t cred;
    gnutls_session_t s;
    gnutls_datum_t key;
    int fd = accept(k->listening, NULL, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    gnutls_certificate_allocate_credentials(&cred);
    gnutls_certificate_set_x509_key_file(cred, k->w->server->cert_path, k->w->server->key_path,
                                         GNUTLS_X509_FMT_PEM);
    gnutls_session_ticket_key_generate(&key);
    gnutls_init(&s, GNUTLS_SERVER);
    gnutls_priority_set_direct(s, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
    gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
    gnutls_session_ticket_enable_server(s, &key);
    gnutls_transport_set_int(s, fd);
    if (gnutls_handshake(s) == 0) {
        char byte;
        gnutls_record_send(s, "data", 4);
        gnutls_record_recv(s, &byte, 1); /* until the client goes */
    }
    gnutls_deinit(s);
    gnutls_free(key.data);
    gnutls_certificate_free_credentials(cred);
    close(fd);
}

static void a_session_ticket_does_not_hide_the_data_behind_it(void **state)
{
    struct world *w = *state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t a_n = sizeof a;
    struct ticketing k = {w, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct tls_files f = files(NULL, w->authority);
    struct tls *tls = client_rules(&f);
    struct thread *t;
    struct conn *c;
    struct diag d;
    char buf[16];
    size_t n = 0;
    assert_int_equal(bind(k.listening, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(k.listening, 1), 0);
    assert_int_equal(getsockname(k.listening, (struct sockaddr *)&a, &a_n), 0);
    for (int by_looking = 0; by_looking < 2; by_looking++) {
        assert_ok(thread_start(give_ticket, &k, "server", &t));
        assert_ok(conn_connect(STR("127.0.0.1"), ntohs(a.sin_port), tls, soon(), NULL, &c, &d));
        clock_sleep_ms(60);
        for (int64_t until = soon(); by_looking && !conn_readable(c) && clock_left(until) > 0;)
            clock_sleep_ms(5); /* a busy machine */
        assert_ok(conn_read(c, buf, sizeof buf, clock_deadline(1000), &n));
        assert_str(str_of(buf, n), "data");
        conn_free(c);
        thread_join(t);
    }
    tls_free(tls);
    close(k.listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(two_that_trust_each_other_talk),
        IN_WORLD(a_client_without_a_certificate_is_refused),
        IN_WORLD(a_client_of_another_authority_is_refused),
        IN_WORLD(a_registered_certificate_of_any_maker_is_accepted),
        IN_WORLD(a_server_of_another_authority_is_refused),
        IN_WORLD(a_server_by_another_name_is_refused),
        IN_WORLD(a_client_certificate_is_no_servers),
        IN_WORLD(a_pinned_server_needs_no_authority_and_no_other_will_do),
        IN_WORLD(an_expired_certificate_is_refused),
        IN_WORLD(a_silent_client_meets_the_deadline),
        IN_WORLD(what_is_not_tls_is_refused),
        IN_WORLD(old_protocols_and_weak_suites_are_refused),
        IN_WORLD(rules_need_sound_files),
        IN_WORLD(a_session_ticket_does_not_hide_the_data_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
