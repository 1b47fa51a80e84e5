/* The seven safety rules (DESIGN 6), each by its number, on loopback: what servers saw and what the
 * journal says. */
#include "rig.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/size.h"
#include "dicom/uid.h"
#include "dimse/command.h"
#include "dimse/pdu.h"
#include "io/clock.h"

/* A PDU of one connection; servers have many at once. */
struct heard {
    uint8_t p[8192];
    size_t n;
};

/* Accepts the association with everything that was proposed, then answers a release. */
static void write_accept(int fd, const struct heard *h, uint8_t result)
{
    uint8_t bytes[4096];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    struct arena a = arena_init(1 << 18);
    struct pdu_associate rq;
    struct str chosen = STR(UID_ImplicitVRLittleEndian);
    assert_ok(pdu_associate_parse(str_of(h->p + PDU_HEADER, h->n - PDU_HEADER), PDU_ASSOCIATE_RQ,
                                  &a, &rq, NULL));
    for (size_t i = 0; i < rq.n_contexts; i++) {
        rq.contexts[i].result = result;
        rq.contexts[i].transfers = &chosen;
        rq.contexts[i].n_transfers = 1;
    }
    rq.implementation_uid = STR("1.2.276.0.7230010.3.0.3.6.7");
    rq.implementation_version = STR("OFFIS_DCMTK_367");
    pdu_associate_write(&rq, PDU_ASSOCIATE_AC, &w);
    rig_write(fd, w.p, w.n);
    arena_done(&a);
}

/* False at the end. */
static bool read_pdu(int fd, struct heard *h)
{
    h->n = 0;
    if (recv(fd, h->p, PDU_HEADER, MSG_WAITALL) != PDU_HEADER)
        return false;
    size_t length = (size_t)h->p[4] << 8 | h->p[5];
    if (h->p[2] || h->p[3] || length > sizeof h->p - PDU_HEADER ||
        recv(fd, h->p + PDU_HEADER, length, MSG_WAITALL) != (ssize_t)length)
        return false;
    h->n = PDU_HEADER + length;
    return true;
}

static uint8_t last_request[65536];
static size_t last_request_n;
static uint8_t after_answer[64];
static size_t after_answer_n;

static void keep_rest(int fd)
{
    uint8_t rest[sizeof after_answer];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof rest && (got = recv(fd, rest + n, sizeof rest - n, 0)) > 0) {
        n += (size_t)got;
        if (n == 10 && rest[0] == PDU_RELEASE_RQ) {
            uint8_t rp[64];
            struct wr w = wr_fixed(rp, sizeof rp);
            pdu_release_write(PDU_RELEASE_RP, &w);
            rig_write(fd, w.p, w.n);
        }
    }
    memcpy(after_answer, rest, n);
    after_answer_n = n;
}

static void accepts(int fd, struct server *s)
{
    struct heard h;
    (void)s;
    if (!read_pdu(fd, &h))
        return;
    memcpy(last_request, h.p, h.n);
    last_request_n = h.n;
    write_accept(fd, &h, PDU_ACCEPTED);
    keep_rest(fd);
}

static void accepts_and_keeps_quiet(int fd, struct server *s)
{
    struct heard h;
    (void)s;
    if (!read_pdu(fd, &h))
        return;
    write_accept(fd, &h, PDU_ACCEPTED);
    after_answer_n = 0;
    ssize_t n;
    while (after_answer_n < sizeof after_answer &&
           (n = recv(fd, after_answer + after_answer_n, sizeof after_answer - after_answer_n, 0)) >
               0)
        after_answer_n += (size_t)n;
}

static void rejects_called(int fd, struct server *s)
{
    static const uint8_t rj[] = {3, 0, 0, 0, 0, 4, 0, 1, 1, 7};
    rig_read(fd, s, 1);
    rig_write(fd, rj, sizeof rj);
    rig_drain(fd, s);
}

static void only_counts(int fd, struct server *s)
{
    rig_drain(fd, s);
}

/* The three that every test needs. */
static struct rig rig;
static struct server server;
static char lines[512], text[65536];

static const char *scope_lines(const char *address, const char *kind, const char *more)
{
    snprintf(lines, sizeof lines, "network = %s\nports = %u/%s\n%s", address, server.port, kind,
             more);
    return lines;
}

static void begin(void (*serve)(int fd, struct server *s), const char *kind, const char *more)
{
    server_start(&server, "0.0.0.0", serve);
    rig_open(&rig, scope_lines("127.9.0.1", kind, more));
}

static void end(void)
{
    rig_close(&rig);
    server_stop(&server);
}

static void wait_for_threads(void)
{
    usleep(100000);
}

static void rule_1_nothing_goes_where_the_scope_does_not_say(void **state)
{
    (void)state;
    begin(accepts, "dicom", "exclude = 127.9.0.1\n");
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 0);
    assert_int_equal(rig.sum.packets_out, 0);
    assert_int_equal(rig.sum.planned, 0);
    rig_scope(&rig, scope_lines("127.9.0.0/30", "dicom", "exclude = 127.9.0.2\n"));
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 3);
    assert_string_equal(rig_facts(&rig, "127.9.0.2", server.port, text), "");
    end();
}

static void rule_1_the_plan_is_told_and_sends_nothing(void **state)
{
    (void)state;
    begin(accepts, "dicom", "exclude = 127.9.0.64/26\n");
    rig_scope(&rig, scope_lines("127.9.0.0/24", "dicom", "exclude = 127.9.0.64/26\nrate = 2\n"));
    rig_know(&rig, "127.9.0.7", EV_role, "infusion_pump");
    rig.options.unlimited = false;
    struct wr w = wr_fixed(text, sizeof text - 1);
    assert_ok(probe_plan(&rig.run, &rig.options, &w, &rig.diag));
    text[w.n] = 0;
    assert_non_null(strstr(text, "permission      the test itself"));
    assert_non_null(strstr(text, "127.9.0.0/24"));
    assert_non_null(strstr(text, "127.9.0.64/26"));
    assert_non_null(strstr(text, "at most 192"));
    assert_non_null(strstr(text, "2 connections a second"));
    assert_non_null(strstr(text, "at least 2 min"));
    assert_non_null(strstr(text, "1 hosts known"));
    assert_int_equal(server_count(&server), 0);
    assert_string_equal(rig_journal(&rig, text, sizeof text), "");
    end();
}

static void rule_2_one_connection_for_each_host_and_port_and_no_more(void **state)
{
    (void)state;
    begin(accepts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.0.0/26", "dicom", "network = 127.9.0.0/28\n"));
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 64);
    assert_int_equal(rig.sum.done, 64);
    assert_int_equal(rig.sum.open, 64);
    end();
}

/* How many connections of one host stood at once. */
static unsigned at_once, most_at_once;

static void counts_at_once(int fd, struct server *s)
{
    unsigned now = __atomic_add_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
    if (now > most_at_once)
        most_at_once = now;
    usleep(30000);
    __atomic_sub_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
    rig_drain(fd, s);
}

static void rule_2_serial_per_host(void **state)
{
    (void)state;
    struct server more[3];
    begin(counts_at_once, "dicom", "");
    for (size_t i = 0; i < COUNT(more); i++)
        server_start(&more[i], "0.0.0.0", counts_at_once);
    snprintf(lines, sizeof lines, "network = 127.9.0.1\nports = %u, %u, %u, %u\n", server.port,
             more[0].port, more[1].port, more[2].port);
    rig_scope(&rig, lines);
    rig.options.answer_ms = 100;
    assert_ok(rig_probe(&rig));
    assert_int_equal(rig.sum.open, 4);
    assert_int_equal(most_at_once, 1);
    for (size_t i = 0; i < COUNT(more); i++) {
        assert_int_equal(server_count(&more[i]), 1);
        server_stop(&more[i]);
    }
    end();
}

static void rule_2_a_global_rate_that_can_only_be_lowered(void **state)
{
    (void)state;
    begin(accepts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.0.0/29", "dicom", "rate = 10\n"));
    rig.options.unlimited = false;
    rig.options.rate = 11;
    assert_err(rig_probe(&rig), E_DENIED);
    assert_int_equal(server_count(&server), 0);
    rig.options.rate = 0;
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    assert_in_range(clock_ms() - begun, 690, 1500);
    assert_int_equal(server_count(&server), 8);
    end();
}

static void rule_2_unlimited_is_for_loopback(void **state)
{
    (void)state;
    begin(accepts, "dicom", "network = 10.255.255.1\n");
    assert_err(rig_probe(&rig), E_DENIED);
    assert_non_null(strstr(rig.diag.text, "loopback"));
    assert_int_equal(server_count(&server), 0);
    end();
}

static void rule_2_a_pause_between_two_connections_to_a_host(void **state)
{
    (void)state;
    struct server second;
    begin(accepts, "dicom", "");
    server_start(&second, "0.0.0.0", accepts);
    snprintf(lines, sizeof lines, "network = 127.9.0.1\nports = %u, %u\nrate = 100\npause = 1\n",
             server.port, second.port);
    rig_scope(&rig, lines);
    rig.options.unlimited = false;
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    assert_in_range(clock_ms() - begun, 1000, 2000);
    assert_int_equal(server_count(&second), 1);
    server_stop(&second);
    end();
}

static void cuts(int fd, struct server *s)
{
    struct linger l = {1, 0};
    (void)s;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

static void rule_2_a_subnet_in_trouble_is_left_alone(void **state)
{
    (void)state;
    begin(cuts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.5.0/24", "dicom", ""));
    rig.options.batch = 1; /* one after another, to see the count */
    rig.options.rest_ms = 10;
    assert_ok(rig_probe(&rig));
    assert_int_equal(rig.sum.broken_subnets, 1);
    /* Four rests and the last straw: eight cuts each. */
    assert_int_equal(server_count(&server), 40);
    assert_int_equal(rig.sum.skipped, 256 - 40);
    assert_non_null(strstr(rig.notes, "127.9.5.0/24 given up"));
    assert_non_null(strstr(rig_journal(&rig, text, sizeof text), "127.9.5.0/24"));
    end();
}

static void *touch_soon(void *path)
{
    usleep(300000);
    FILE *f = fopen(path, "w");
    if (f)
        fclose(f);
    return NULL;
}

static void rule_2_a_time_window(void **state)
{
    (void)state;
    begin(accepts, "dicom", "");
    /* A window of one minute, twelve hours from now. */
    time_t now = time(NULL);
    struct tm tm;
    char window[64];
    localtime_r(&now, &tm);
    snprintf(window, sizeof window, "window = %02d:%02d-%02d:%02d\n", (tm.tm_hour + 12) % 24,
             tm.tm_min, (tm.tm_hour + 12) % 24 + (tm.tm_min == 59), (tm.tm_min + 1) % 60);
    rig_scope(&rig, scope_lines("127.9.0.1", "dicom", window));
    char stop_file[96];
    snprintf(stop_file, sizeof stop_file, "%s/stop", rig.folder);
    rig.options.stop_file = stop_file;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, touch_soon, stop_file), 0);
    assert_ok(rig_probe(&rig));
    pthread_join(t, NULL);
    assert_int_equal(server_count(&server), 0);
    assert_true(rig.sum.sum.stopped);
    assert_non_null(strstr(rig.notes, "waiting for the window"));
    end();
}

static void *stop_soon(void *arg)
{
    usleep(300000);
    stop_set(arg);
    return NULL;
}

static void rule_2_the_stop_switch_ends_it_and_the_rest_is_done_later(void **state)
{
    (void)state;
    pthread_t t;
    begin(accepts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.0.0/27", "dicom", "rate = 20\n"));
    rig.options.unlimited = false;
    assert_int_equal(pthread_create(&t, NULL, stop_soon, &rig.stop), 0);
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    pthread_join(t, NULL);
    assert_in_range(clock_ms() - begun, 250, 1500);
    assert_true(rig.sum.sum.stopped);
    unsigned first = server_count(&server);
    assert_in_range(first, 2, 31);
    stop_done(&rig.stop);
    assert_ok(stop_init(&rig.stop));
    rig.options.rate = 0;
    rig_scope(&rig, scope_lines("127.9.0.0/27", "dicom", "rate = 500\n"));
    assert_ok(rig_probe(&rig));
    assert_true(rig.sum.sum.resumed);
    assert_false(rig.sum.sum.stopped);
    assert_int_equal(server_count(&server), 32);
    end();
}

static void rule_3_an_honest_request_for_verification_only(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 18);
    struct pdu_associate rq;
    begin(accepts, "dicom", "");
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_ok(pdu_associate_parse(str_of(last_request + PDU_HEADER, last_request_n - PDU_HEADER),
                                  PDU_ASSOCIATE_RQ, &a, &rq, &rig.diag));
    assert_str(rq.implementation_uid, LASTRA_IMPLEMENTATION_UID);
    assert_str(rq.implementation_version, LASTRA_IMPLEMENTATION_VERSION);
    assert_str(pdu_ae_trim(rq.calling), "LASTRA-SURVEY");
    assert_str(pdu_ae_trim(rq.called), "ANY-SCP");
    assert_int_equal(rq.n_contexts, 1);
    assert_str(rq.contexts[0].abstract, UID_Verification);
    assert_int_equal(rq.contexts[0].n_transfers, 1);
    assert_int_equal(rq.identity_type, 0);
    /* Released, nothing else, before the socket was closed. */
    assert_int_equal(after_answer_n, 10);
    assert_int_equal(after_answer[0], PDU_RELEASE_RQ);
    rig_has(&rig, "127.9.0.1", server.port, "dicom_answer=accepted");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_any_calling=yes");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_any_called=yes");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_version_name=OFFIS_DCMTK_367");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_service=verification");
    arena_done(&a);
    end();
}

static void rule_3_a_release_that_nobody_answers_ends_in_an_abort(void **state)
{
    (void)state;
    begin(accepts_and_keeps_quiet, "dicom", "");
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_int_equal(after_answer_n, 20);
    assert_int_equal(after_answer[0], PDU_RELEASE_RQ);
    assert_int_equal(after_answer[10], PDU_ABORT);
    end();
}

static void rule_3_surface_proposes_and_sends_no_command(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 18);
    struct pdu_associate rq;
    begin(accepts, "dicom", "surface = yes\n");
    rig.options.surface = true;
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_ok(pdu_associate_parse(str_of(last_request + PDU_HEADER, last_request_n - PDU_HEADER),
                                  PDU_ASSOCIATE_RQ, &a, &rq, &rig.diag));
    assert_int_equal(rq.n_contexts, 8);
    assert_int_equal(after_answer_n, 10);
    assert_int_equal(after_answer[0], PDU_RELEASE_RQ);
    static const char *const open[] = {"query", "retrieve", "store", "print", "worklist"};
    for (size_t i = 0; i < COUNT(open); i++) {
        char fact[64];
        snprintf(fact, sizeof fact, "dicom_service=%s", open[i]);
        rig_has(&rig, "127.9.0.1", server.port, fact);
    }
    assert_true(last_request_n < 1400);
    arena_done(&a);
    end();
}

static void rule_3_surface_and_count_want_the_scopes_grant(void **state)
{
    (void)state;
    begin(accepts, "dicom", "");
    rig.options.surface = true;
    assert_err(rig_probe(&rig), E_DENIED);
    rig.options.surface = false;
    rig.options.count = true;
    assert_err(rig_probe(&rig), E_DENIED);
    assert_non_null(strstr(rig.diag.text, "count = yes"));
    assert_int_equal(server_count(&server), 0);
    end();
}

/* C-FIND answers: what was asked for, and what nobody should send. */
static void write_find_answer(int fd, bool pending, unsigned i)
{
    uint8_t bytes[1024], command[256], set[512];
    struct wr w = wr_fixed(bytes, sizeof bytes), c = wr_fixed(command, sizeof command),
              s = wr_fixed(set, sizeof set);
    struct dimse_command rsp = dimse_command(C_FIND_RSP, 1);
    rsp.sop_class = STR(UID_StudyRootQueryRetrieveInformationModelFind);
    rsp.status = pending ? 0xff00 : 0;
    rsp.has_data = pending;
    dimse_command_write(&rsp, &c);
    wr_u8(&w, PDU_DATA_TF);
    wr_u8(&w, 0);
    wr_u32be(&w, (uint32_t)(PDV_HEADER + c.n));
    pdv_header_write(3, true, true, c.n, &w);
    wr_put(&w, wr_str(&c));
    if (pending) {
        char uid[65];
        int n = snprintf(uid, sizeof uid, "1.2.3.%u", 1000 + i);
        static const char name[] = "CANARY^PATIENT";
        wr_u32le(&s, 0x00100010);
        s.n = 0;
        wr_u16le(&s, 0x0010);
        wr_u16le(&s, 0x0010);
        wr_u32le(&s, sizeof name - 1);
        wr_bytes(&s, name, sizeof name - 1);
        wr_u16le(&s, 0x0020);
        wr_u16le(&s, 0x000d);
        wr_u32le(&s, (uint32_t)n + (n & 1));
        wr_bytes(&s, uid, (size_t)n + (n & 1));
        wr_u16le(&s, 0x0020);
        wr_u16le(&s, 0x1208);
        wr_u32le(&s, 2);
        wr_put(&s, STR("7 "));
        wr_u8(&w, PDU_DATA_TF);
        wr_u8(&w, 0);
        wr_u32be(&w, (uint32_t)(PDV_HEADER + s.n));
        pdv_header_write(3, false, true, s.n, &w);
        wr_put(&w, wr_str(&s));
    }
    rig_write(fd, w.p, w.n);
}

static unsigned studies_there;
static bool was_cancelled;
static uint8_t query[1024];
static size_t query_n;

static void counts_studies(int fd, struct server *s)
{
    struct heard h;
    (void)s;
    if (!read_pdu(fd, &h))
        return;
    write_accept(fd, &h, PDU_ACCEPTED);
    query_n = 0;
    for (int i = 0; i < 2 && read_pdu(fd, &h) && h.n <= sizeof query - query_n; i++) {
        memcpy(query + query_n, h.p, h.n);
        query_n += h.n;
    }
    was_cancelled = false;
    for (unsigned i = 0; i < studies_there && !was_cancelled; i++) {
        uint8_t peeked;
        write_find_answer(fd, true, i);
        was_cancelled = recv(fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
    }
    write_find_answer(fd, false, 0);
    keep_rest(fd);
}

static void rule_4_a_count_keeps_figures_and_nothing_else(void **state)
{
    (void)state;
    studies_there = 12;
    begin(counts_studies, "dicom", "count = yes\n");
    rig.options.count = true;
    assert_ok(rig_probe(&rig));
    rig_has(&rig, "127.9.0.1", server.port, "dicom_studies=12");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_images=84");
    assert_null(strstr(rig_facts(&rig, "127.9.0.1", server.port, text), "CANARY"));
    assert_null(strstr(text, "1.2.3.1"));
    assert_null(strstr(rig_journal(&rig, text, sizeof text), "CANARY"));
    /* Level, UID and count are all that is asked: C-FIND, then three elements, two of them empty.
     */
    static const uint8_t wanted[] = {0x08, 0,   0x52, 0,   6,    0,    0,    0, 'S', 'T',
                                     'U',  'D', 'Y',  ' ', 0x20, 0,    0x0d, 0, 0,   0,
                                     0,    0,   0x20, 0,   0x08, 0x12, 0,    0, 0,   0};
    assert_true(query_n > sizeof wanted);
    assert_memory_equal(query + query_n - sizeof wanted, wanted, sizeof wanted);
    wait_for_threads();
    assert_int_equal(after_answer[0], PDU_RELEASE_RQ);
    end();
}

static void rule_4_a_count_stops_at_its_cap_and_cancels(void **state)
{
    (void)state;
    studies_there = 100000;
    begin(counts_studies, "dicom", "count = yes\ncount-cap = 25\n");
    rig.options.count = true;
    rig.options.answer_ms = 2000;
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_true(was_cancelled);
    rig_has(&rig, "127.9.0.1", server.port, "dicom_studies=25+");
    end();
}

static void rule_4_mllp_is_connected_to_and_nothing_is_sent(void **state)
{
    (void)state;
    begin(only_counts, "mllp", "");
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_int_equal(server_count(&server), 1);
    assert_int_equal(server.got_n, 0);
    assert_int_equal(rig.sum.bytes_out, 0);
    rig_has(&rig, "127.9.0.1", server.port, "hl7_mllp=open");
    end();
}

static void rule_5_known_devices_get_no_packet(void **state)
{
    (void)state;
    begin(accepts, "dicom", "");
    rig_scope(&rig,
              scope_lines("127.9.0.0/28", "dicom", "never-name = *icu*\nnever-mac = 02:00:5e\n"));
    rig_know(&rig, "127.9.0.1", EV_role, "Monitor paziente");
    rig_know(&rig, "127.9.0.2", EV_hostname, "bed4.ICU.example");
    rig_know(&rig, "127.9.0.3", EV_mac, "02:00:5e:00:00:07");
    rig_know(&rig, "127.9.0.4", EV_never_probe, "asked by clinical engineering");
    rig_know(&rig, "127.9.0.5", EV_role, "pacs");
    rig_know(&rig, "127.9.0.6", EV_role, "infusion_pump");
    rig_know(&rig, "127.9.0.7", EV_hostname, "pacs.example");
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 16 - 5);
    assert_int_equal(rig.sum.skipped, 5);
    assert_int_equal(rig.sum.done, 11);
    rig_journal(&rig, text, sizeof text);
    for (int i = 1; i <= 7; i++) {
        char skip[128];
        snprintf(skip, sizeof skip, "\"what\":\"skip\",\"where\":\"127.9.0.%d\"", i);
        assert_int_equal(strstr(text, skip) != NULL, i != 5 && i != 7);
    }
    end();
}

static void rule_5_by_the_makers_of_hardware_addresses(void **state)
{
    (void)state;
    const struct fingerprint *monitor = NULL;
    char mac[18];
    for (size_t i = 0; i < fingerprint_count() && !monitor; i++)
        if (str_eq(fingerprint_at(i)->layer, STR("oui")) && fingerprint_at(i)->never_probe)
            monitor = fingerprint_at(i);
    assert_non_null(monitor);
    begin(accepts, "dicom", "");
    snprintf(mac, sizeof mac, "%.8s:00:00:01", monitor->example.p);
    assert_non_null(fp_never_probe_mac(str_z(mac)));
    rig_know(&rig, "127.9.0.1", EV_mac, mac);
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 0);
    assert_int_equal(rig.sum.packets_out, 0);
    end();
}

static void rule_5_what_an_older_survey_knew_counts(void **state)
{
    (void)state;
    begin(accepts, "dicom", "");
    rig_know(&rig, "127.9.0.1", EV_role, "ventilator");
    assert_ok(inventory_survey(rig.inventory, STR("next year"), &rig.survey, &rig.diag));
    rig.run.survey = rig.survey;
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 0);
    end();
}

static void rule_7_what_was_sent_stands_in_the_journal(void **state)
{
    (void)state;
    struct chain_report report;
    char wanted[128];
    begin(accepts, "dicom", "");
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    rig_journal(&rig, text, sizeof text);
    snprintf(wanted, sizeof wanted, "\"what\":\"connect\",\"to\":\"127.9.0.1:%u/dicom\"",
             server.port);
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof wanted, "\"to\":\"127.9.0.1:%u A-ASSOCIATE-RQ %zu\"", server.port,
             last_request_n);
    assert_non_null(strstr(text, wanted));
    assert_non_null(strstr(text, "A-RELEASE-RQ 10"));
    assert_non_null(strstr(text, "\"permission\":\"the test itself\""));
    assert_ok(journal_verify(rig.inventory, &report, &rig.diag));
    end();
}

static void a_refusal_of_the_called_ae_is_told(void **state)
{
    (void)state;
    begin(rejects_called, "dicom", "");
    assert_ok(rig_probe(&rig));
    rig_has(&rig, "127.9.0.1", server.port, "dicom_answer=rejected 1/1/7");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_any_called=no");
    rig_has_not(&rig, "127.9.0.1", server.port, "dicom_any_calling=yes");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_nothing_goes_where_the_scope_does_not_say),
        cmocka_unit_test(rule_1_the_plan_is_told_and_sends_nothing),
        cmocka_unit_test(rule_2_one_connection_for_each_host_and_port_and_no_more),
        cmocka_unit_test(rule_2_serial_per_host),
        cmocka_unit_test(rule_2_a_global_rate_that_can_only_be_lowered),
        cmocka_unit_test(rule_2_unlimited_is_for_loopback),
        cmocka_unit_test(rule_2_a_pause_between_two_connections_to_a_host),
        cmocka_unit_test(rule_2_a_subnet_in_trouble_is_left_alone),
        cmocka_unit_test(rule_2_a_time_window),
        cmocka_unit_test(rule_2_the_stop_switch_ends_it_and_the_rest_is_done_later),
        cmocka_unit_test(rule_3_an_honest_request_for_verification_only),
        cmocka_unit_test(rule_3_a_release_that_nobody_answers_ends_in_an_abort),
        cmocka_unit_test(rule_3_surface_proposes_and_sends_no_command),
        cmocka_unit_test(rule_3_surface_and_count_want_the_scopes_grant),
        cmocka_unit_test(rule_4_a_count_keeps_figures_and_nothing_else),
        cmocka_unit_test(rule_4_a_count_stops_at_its_cap_and_cancels),
        cmocka_unit_test(rule_4_mllp_is_connected_to_and_nothing_is_sent),
        cmocka_unit_test(rule_5_known_devices_get_no_packet),
        cmocka_unit_test(rule_5_by_the_makers_of_hardware_addresses),
        cmocka_unit_test(rule_5_what_an_older_survey_knew_counts),
        cmocka_unit_test(rule_7_what_was_sent_stands_in_the_journal),
        cmocka_unit_test(a_refusal_of_the_called_ae_is_told),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
