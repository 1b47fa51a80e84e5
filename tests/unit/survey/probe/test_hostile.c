/* Peers that mean no good: each ends in time, in bounded memory, with a fact. */
#include "rig.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/size.h"
#include "dimse/pdu.h"
#include "io/clock.h"

/* Sanitizers take memory of their own. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

enum { ANSWER_MS = 400, SLACK_MS = 900 };

static struct rig rig;
static struct server server;
static char text[65536];
static uint64_t pushed; /* bytes that an endless sender could push */

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* Probes one such server and leaves the rig open for looking. */
static void meets(const char *kind, void (*serve)(int fd, struct server *s), unsigned stages)
{
    char lines[256];
    server_start(&server, "127.8.0.1", serve);
    snprintf(lines, sizeof lines,
             "network = 127.8.0.1\nports = %u/%s\ncount = yes\nsurface = yes\n", server.port, kind);
    rig_open(&rig, lines);
    rig.options.answer_ms = ANSWER_MS;
    long before = peak_kib();
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    assert_in_range(clock_ms() - begun, 0, stages * ANSWER_MS + SLACK_MS);
    assert_in_range(peak_kib() - before, 0, 24 << 10);
    assert_int_equal(server_count(&server), 1);
    assert_int_equal(rig.sum.open, 1);
    rig_has(&rig, "127.8.0.1", server.port, "port_open=yes");
}

static void done(void)
{
    rig_close(&rig);
    server_stop(&server);
}

static void has(const char *fact)
{
    rig_has(&rig, "127.8.0.1", server.port, fact);
}

static bool holds(const char *part)
{
    return strstr(rig_facts(&rig, "127.8.0.1", server.port, text), part) != NULL;
}

static void pushes(int fd, const void *bytes, size_t n)
{
    uint64_t sum = 0;
    struct timeval t = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    for (;;) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        sum += (uint64_t)sent;
    }
    __atomic_store_n(&pushed, sum, __ATOMIC_SEQ_CST);
}

static void endless_text(int fd, struct server *s)
{
    (void)s;
    memset(s->got, 'A', 4096);
    pushes(fd, s->got, 4096);
}

static void an_endless_banner(void **state)
{
    (void)state;
    static const char *const kinds[] = {"dicom", "http", "mllp"};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        meets(kinds[i], endless_text, 1);
        assert_true(rig.sum.packets_out < 100);
        if (i == 0)
            has("dicom_answer=other");
        if (i < 2)
            assert_true(holds("banner=AAAA"));
        done();
    }
}

static void a_byte_now_and_then(int fd, struct server *s)
{
    static const char http[] = "HTTP/1.1 200 OK\r\nServer: slow\r\nX-A: ";
    (void)s;
    for (size_t i = 0;; i++) {
        char c = i < sizeof http - 1 ? http[i] : 'a';
        if (send(fd, &c, 1, MSG_NOSIGNAL) != 1)
            return;
        usleep(30000);
    }
}

static void a_byte_a_minute_has_no_more_time_than_silence(void **state)
{
    (void)state;
    meets("http", a_byte_now_and_then, 1);
    assert_true(holds("banner=HTTP/1.1") || holds("protocol=http"));
    done();
    meets("dicom", a_byte_now_and_then, 1);
    has("dicom_answer=other");
    done();
}

static void silent(int fd, struct server *s)
{
    rig_drain(fd, s);
}

static void a_port_that_takes_a_connection_and_says_nothing(void **state)
{
    (void)state;
    meets("dicom", silent, 1);
    has("dicom_answer=silent");
    usleep(50000);
    /* Asked, then aborted, not just left. */
    assert_true(server.got_n > 10);
    assert_int_equal(server.got[server.got_n - 10], PDU_ABORT);
    done();
    meets("http", silent, 1);
    done();
}

static void a_tls_tarpit(void **state)
{
    (void)state;
    meets("https", silent, 1);
    has("tls_failed=no end of the handshake in time");
    done();
    meets("tls", a_byte_now_and_then, 1);
    assert_true(holds("tls_failed="));
    done();
}

static void closes_at_once(int fd, struct server *s)
{
    (void)fd;
    (void)s;
}

static void a_port_that_closes_at_once(void **state)
{
    (void)state;
    meets("tls", closes_at_once, 1);
    assert_true(holds("tls_failed="));
    done();
    meets("dicom", closes_at_once, 1);
    done();
}

static void talks_clear(int fd, struct server *s)
{
    rig_write(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
    rig_drain(fd, s);
}

static void what_is_not_tls_on_a_tls_port(void **state)
{
    (void)state;
    meets("tls", talks_clear, 1);
    assert_true(holds("tls_failed="));
    done();
}

static void alerts(int fd, struct server *s)
{
    static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 40};
    rig_read(fd, s, 1);
    rig_write(fd, alert, sizeof alert);
}

static void tls_on_a_clear_port_is_told(void **state)
{
    (void)state;
    meets("dicom", alerts, 1);
    has("dicom_answer=other");
    has("transport=tls");
    done();
}

/* 1 GiB of zeros in chunks, said to be gzip. */
static void chunk_bomb(int fd, struct server *s)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                               "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    rig_read(fd, s, 1);
    rig_write(fd, head, sizeof head - 1);
    int n = snprintf((char *)s->got, sizeof s->got, "1000\r\n");
    memset(s->got + n, 0, 4096);
    memcpy(s->got + n + 4096, "\r\n", 2);
    pushes(fd, s->got, (size_t)n + 4098);
}

static void endless_headers(int fd, struct server *s)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n";
    rig_read(fd, s, 1);
    rig_write(fd, head, sizeof head - 1);
    memset(s->got, 'x', 1000);
    memcpy(s->got, "X-Y: ", 5);
    memcpy(s->got + 998, "\r\n", 2);
    pushes(fd, s->got, 1000);
}

static void huge_body(int fd, struct server *s)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nServer: big\r\nContent-Length: 999999999999\r\n"
                               "\r\n<html><title>A PACS</title>";
    rig_read(fd, s, 1);
    rig_write(fd, head, sizeof head - 1);
    memset(s->got, ' ', 4096);
    pushes(fd, s->got, 4096);
}

static void http_bombs(void **state)
{
    (void)state;
    meets("http", chunk_bomb, 1);
    has("http_status=200");
    done();
    meets("http", endless_headers, 1);
    has("protocol=http");
    done();
    meets("http", huge_body, 1);
    has("http_title=A PACS");
    has("http_header=Server: big");
    done();
}

static void to_the_internet(int fd, struct server *s)
{
    static const char answer[] = "HTTP/1.1 302 Found\r\nLocation: http://127.8.0.2:80/evil\r\n"
                                 "Content-Length: 0\r\n\r\n";
    rig_read(fd, s, 20);
    rig_write(fd, answer, sizeof answer - 1);
    rig_drain(fd, s);
}

static void to_patients(int fd, struct server *s)
{
    static const char answer[] = "HTTP/1.1 302 Found\r\nLocation: /dicom-web/studies\r\n"
                                 "Content-Length: 0\r\n\r\n";
    rig_read(fd, s, 20);
    rig_write(fd, answer, sizeof answer - 1);
    rig_drain(fd, s);
}

static void redirects_that_are_not_followed(void **state)
{
    (void)state;
    meets("http", to_the_internet, 1);
    usleep(50000);
    assert_int_equal(server.got_n, 0); /* nothing after the first request */
    has("http_status=302");
    done();
    meets("http", to_patients, 1);
    usleep(50000);
    assert_int_equal(server.got_n, 0);
    done();
}

static unsigned turns;

static void always_elsewhere(int fd, struct server *s)
{
    turns = 0;
    for (;;) {
        char answer[256];
        rig_read(fd, s, 1);
        if (s->got_n == 0)
            return;
        int n = snprintf(answer, sizeof answer,
                         "HTTP/1.1 302 Found\r\nLocation: /turn%u\r\nContent-Length: 0\r\n\r\n",
                         ++turns);
        rig_write(fd, answer, (size_t)n);
    }
}

static void a_redirect_loop_ends(void **state)
{
    (void)state;
    meets("http", always_elsewhere, 4);
    usleep(50000);
    assert_in_range(turns, 1, 4);
    assert_in_range(rig.sum.packets_out, 1, 12);
    assert_in_range(rig.sum.bytes_out, 1, 2000);
    done();
}

static void lies_about_length(int fd, struct server *s)
{
    static const uint8_t pdu[] = {2, 0, 0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0};
    rig_read(fd, s, 1);
    rig_write(fd, pdu, sizeof pdu);
    rig_drain(fd, s);
}

static void promises_more(int fd, struct server *s)
{
    static const uint8_t pdu[] = {2, 0, 0, 0, 0x10, 0, 0, 1, 0, 0};
    rig_read(fd, s, 1);
    rig_write(fd, pdu, sizeof pdu);
    rig_drain(fd, s);
}

static void garbage_pdu(int fd, struct server *s)
{
    static const uint8_t pdu[] = {0x77, 0, 0, 0, 0, 0};
    rig_read(fd, s, 1);
    rig_write(fd, pdu, sizeof pdu);
    rig_drain(fd, s);
}

static void release_first(int fd, struct server *s)
{
    static const uint8_t pdu[] = {5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    rig_read(fd, s, 1);
    rig_write(fd, pdu, sizeof pdu);
    rig_drain(fd, s);
}

static void pdus_that_lie(void **state)
{
    (void)state;
    meets("dicom", lies_about_length, 1);
    assert_true(holds("dicom_answer="));
    done();
    meets("dicom", promises_more, 1);
    assert_true(holds("dicom_answer="));
    done();
    meets("dicom", garbage_pdu, 1);
    has("dicom_answer=other");
    usleep(50000);
    assert_int_equal(server.got_n, 10);
    assert_int_equal(server.got[0], PDU_ABORT);
    done();
    meets("dicom", release_first, 1);
    assert_true(holds("dicom_answer="));
    done();
}

static void escapes(int fd, struct server *s)
{
    static const char banner[] = "\x1b]0;owned\x07<script>alert(1)</script>\x1b[2J\xff\xfe\r\n\x9b"
                                 "31mred";
    rig_write(fd, banner, sizeof banner - 1);
    rig_drain(fd, s);
}

static void a_banner_of_markup_and_terminal_escapes_is_kept_without_its_controls(void **state)
{
    (void)state;
    meets("dicom", escapes, 1);
    assert_true(holds("banner="));
    for (const char *p = text; *p; p++)
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
    assert_true(str_is_utf8(str_z(text)));
    done();
    meets("http", escapes, 1);
    assert_true(holds("banner="));
    done();
}

static void echoes(int fd, struct server *s)
{
    for (;;) {
        ssize_t n = recv(fd, s->got, sizeof s->got, 0);
        if (n <= 0)
            return;
        rig_write(fd, s->got, (size_t)n);
    }
}

static void an_echo_server_is_no_dicom_server(void **state)
{
    (void)state;
    meets("dicom", echoes, 1);
    assert_false(holds("dicom_any_calling=yes"));
    assert_false(holds("dicom_answer=accepted"));
    done();
    meets("http", echoes, 1);
    assert_false(holds("http_status"));
    done();
}

static void many_hostile_peers_together_stay_in_memory(void **state)
{
    (void)state;
    char lines[256];
    server_start(&server, "0.0.0.0", huge_body);
    snprintf(lines, sizeof lines, "network = 127.8.4.0/22\nports = %u/http\n", server.port);
    rig_open(&rig, lines);
    rig.options.answer_ms = 2000;
    long before = peak_kib();
    assert_ok(rig_probe(&rig));
    assert_int_equal(rig.sum.open, 1024);
    /* 256 of HTTP at once, each with what it read. */
    assert_in_range(peak_kib() - before, 0, SANITIZED ? 1 << 20 : 60 << 10);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endless_banner),
        cmocka_unit_test(a_byte_a_minute_has_no_more_time_than_silence),
        cmocka_unit_test(a_port_that_takes_a_connection_and_says_nothing),
        cmocka_unit_test(a_tls_tarpit),
        cmocka_unit_test(a_port_that_closes_at_once),
        cmocka_unit_test(what_is_not_tls_on_a_tls_port),
        cmocka_unit_test(tls_on_a_clear_port_is_told),
        cmocka_unit_test(http_bombs),
        cmocka_unit_test(redirects_that_are_not_followed),
        cmocka_unit_test(a_redirect_loop_ends),
        cmocka_unit_test(pdus_that_lie),
        cmocka_unit_test(a_banner_of_markup_and_terminal_escapes_is_kept_without_its_controls),
        cmocka_unit_test(an_echo_server_is_no_dicom_server),
        cmocka_unit_test(many_hostile_peers_together_stay_in_memory),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
