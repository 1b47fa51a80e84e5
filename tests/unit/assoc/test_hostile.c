/* assoc against another side that breaks the rules, byte by byte: which A-ABORT it gets, which
 * limit holds, and that nothing is left behind. */
#include <malloc.h>

#include "assoc/internal.h"
#include "base/size.h"
#include "rig.h"

static struct rig r;
static struct assoc_limits limits;
static uint8_t buf[70000];
static struct wr w;

static int setup(void **state)
{
    (void)state;
    rig_open(&r);
    limits = rig_limits();
    w = wr_fixed(buf, sizeof buf);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    thread_join(r.thread); /* it may still be using the other side's end */
    r.thread = NULL;
    rig_close(&r);
    return 0;
}

static void expect_abort(uint8_t source, uint8_t reason)
{
    const uint8_t pdu[] = {7, 0, 0, 0, 0, 4, 0, 0, source, reason};
    raw_expect(&r, str_of(pdu, sizeof pdu));
}

/* The next message of the association fails so, and the other side is told so. */
static void fails(err_t expected, uint8_t source, uint8_t reason)
{
    struct dimse_command c;
    assert_err(assoc_next(r.assoc, 0, &c), expected);
    assert_true(assoc_diag(r.assoc)->text[0]);
    expect_abort(source, reason);
    assert_err(assoc_next(r.assoc, 0, &c), expected);
    assert_false(assoc_is_open(r.assoc));
}

static void data_before_a_command_is_unexpected(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    raw_send(&r, raw_data(&w, 3, false, true, STR("data")));
    fails(E_PROTOCOL, 2, UL_UNEXPECTED_PARAMETER);
}

static void context_that_was_not_accepted_is_invalid(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    raw_send(&r, raw_data(&w, 77, true, true, STR("data")));
    fails(E_PROTOCOL, 2, UL_INVALID_PARAMETER);
}

static void command_within_a_data_set_is_unexpected(void **state)
{
    (void)state;
    struct dimse_command c = dimse_command(C_STORE_RQ, 1);
    rig_established(&r, &limits);
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3");
    c.has_data = true;
    raw_command(&w, 3, &c);
    raw_send(&r, raw_command(&w, 3, &c));
    struct str piece;
    bool last;
    assert_ok(assoc_next(r.assoc, 0, &c));
    assert_err(assoc_data(r.assoc, &piece, &last), E_PROTOCOL);
    expect_abort(2, UL_UNEXPECTED_PARAMETER);
}

static void endless_command_set_is_cut_off(void **state)
{
    (void)state;
    static char part[8000];
    rig_established(&r, &limits);
    for (int i = 0; i < 3; i++)
        raw_data(&w, 1, true, false, str_of(part, sizeof part));
    raw_send(&r, wr_str(&w));
    fails(E_PROTOCOL, 2, UL_INVALID_PARAMETER);
}

static void bytes_that_are_no_command_set_are_the_users_to_abort(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    raw_send(&r, raw_data(&w, 1, true, true, STR("not a command set")));
    fails(E_PROTOCOL, 0, 0);
    assert_non_null(strstr(assoc_diag(r.assoc)->text, "command set"));
}

static void pdu_of_4_gib_is_aborted_at_its_header(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    raw_send(&r, str_of("\4\0\xff\xff\xff\xff", 6));
    fails(E_PROTOCOL, 2, UL_INVALID_PARAMETER);
}

static void request_of_4_gib_is_aborted_at_its_header(void **state)
{
    (void)state;
    struct conn *c = rig_raw(&r);
    raw_send(&r, str_of("\1\0\xff\xff\xff\xff", 6));
    assert_err(assoc_receive(c, &limits, &r.assoc, &r.diag), E_PROTOCOL);
    expect_abort(2, UL_INVALID_PARAMETER);
}

static void unknown_pdu_is_unrecognized(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    raw_send(&r, STR("GET / HTTP/1.1\r\n\r\n"));
    fails(E_PROTOCOL, 2, UL_UNRECOGNIZED_PDU);
}

static void release_within_a_message_is_aborted(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    raw_data(&w, 1, true, false, STR("half"));
    pdu_release_write(PDU_RELEASE_RQ, &w);
    raw_send(&r, wr_str(&w));
    fails(E_PROTOCOL, 0, 0);
}

static void cve_2022_2121_pdus_before_the_request_end_the_connection(void **state)
{
    (void)state;
    static const struct str firsts[] = {
        STR_INIT("\4\0\0\0\0\6\0\0\0\2\1\3"), STR_INIT("\5\0\0\0\0\4\0\0\0\0"),
        STR_INIT("\6\0\0\0\0\4\0\0\0\0"),     STR_INIT("\3\0\0\0\0\4\0\1\1\1"),
        STR_INIT("\2\0\0\0\0\4\0\1\0\0"),     STR_INIT("\7\0\0\0\0\4\0\0\0\0"),
    };
    for (size_t i = 0; i < COUNT(firsts); i++) {
        struct conn *c = rig_raw(&r);
        raw_send(&r, firsts[i]);
        err_t e = assoc_receive(c, &limits, &r.assoc, &r.diag);
        assert_true(e == E_PROTOCOL || e == E_CLOSED);
        assert_null(r.assoc);
        raw_close(&r);
    }
}

static void cve_2022_2121_request_within_an_association_is_unexpected(void **state)
{
    (void)state;
    struct pdu_associate rq = rig_request();
    rig_established(&r, &limits);
    pdu_associate_write(&rq, PDU_ASSOCIATE_RQ, &w);
    raw_send(&r, wr_str(&w));
    fails(E_PROTOCOL, 2, UL_UNEXPECTED_PDU);
}

static void answer_twice(void *arg)
{
    struct conn *c = arg;
    struct pdu_associate ac = rig_request();
    uint8_t bytes[2048];
    struct wr out = wr_fixed(bytes, sizeof bytes);
    size_t n;
    assert_ok(conn_read(c, bytes, sizeof bytes, clock_deadline(2000), &n));
    pdu_associate_write(&ac, PDU_ASSOCIATE_AC, &out);
    pdu_associate_write(&ac, PDU_ASSOCIATE_AC, &out);
    assert_ok(conn_write(c, wr_str(&out), clock_deadline(2000)));
    assert_ok(conn_read(c, bytes, 10, clock_deadline(2000), &n));
    assert_memory_equal(bytes, "\7\0\0\0\0\4\0\0\2\2", 10);
    conn_free(c);
}

static void accept_and_answer_twice(void *arg)
{
    answer_twice(rig_accept(arg));
}

static void cve_2022_2121_accepting_twice_is_unexpected(void **state)
{
    (void)state;
    struct pdu_associate rq = rig_request();
    struct dimse_command c;
    assert_ok(thread_start(accept_and_answer_twice, &r, "twice", &r.thread));
    assert_ok(assoc_open(STR("127.0.0.1"), r.port, NULL, &rq, &limits, NULL, &r.assoc, &r.diag));
    assert_err(assoc_next(r.assoc, 0, &c), E_PROTOCOL);
}

/* One association that goes wrong in a way of its own. */
static void one_failure(int way)
{
    static const struct str after[] = {
        STR_INIT("\1\0\xff\xff\xff\xff"),         STR_INIT("\4\0\0\0\0\6\0\0\0\2\1\3"),
        STR_INIT("\7\0\0\0\0\4\0\0\0\0"),         STR_INIT("\5\0\0\0\0\4\0\0\0\0"),
        STR_INIT("\4\0\0\0\0\x0c\0\0\0\x08\3\0"),
    };
    struct dimse_command c;
    struct pdu_associate rq = rig_request();
    if (way == 0) { /* nothing but a connection */
        struct conn *end = rig_raw(&r);
        raw_close(&r);
        assert_int_not_equal(assoc_receive(end, &limits, &r.assoc, &r.diag), OK);
        return;
    }
    if (way == 1) { /* a request that is refused */
        struct conn *end = rig_raw(&r);
        wr_clear(&w);
        rq.calling = STR("\n");
        pdu_associate_write(&rq, PDU_ASSOCIATE_RQ, &w);
        raw_send(&r, wr_str(&w));
        conn_cut(r.raw);
        assert_err(assoc_receive(end, &limits, &r.assoc, &r.diag), E_REJECTED);
        raw_close(&r);
        return;
    }
    rig_established(&r, &limits);
    raw_send(&r, after[(size_t)way % COUNT(after)]);
    raw_close(&r);
    assert_int_not_equal(assoc_next(r.assoc, 0, &c), OK);
    assoc_free(r.assoc);
    r.assoc = NULL;
}

/* CVE-2026-35505: each association that failed left memory behind, until the server fell over. The
 * leak sanitizer sees single bytes; without it the heap must not have grown. */
static void cve_2026_35505_failed_associations_leave_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        one_failure(i % 7);
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 350; i++)
        one_failure(i % 7);
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks + after.hblkhd <= before.uordblks + before.hblkhd + 4096);
}

static void half_open_peer_is_dropped_after_artim_without_a_byte(void **state)
{
    (void)state;
    struct conn *c = rig_raw(&r);
    int64_t start = clock_ms();
    assert_err(assoc_receive(c, &limits, &r.assoc, &r.diag), E_TIMEOUT);
    assert_true(clock_ms() - start >= 145 && clock_ms() - start < 2000);
    assert_int_equal(raw_drain(&r, buf, sizeof buf), 0);
}

struct drip {
    struct conn *to;
    size_t chunk, times;
    int64_t every_ms;
};

static void run_drip(void *arg)
{
    const struct drip *d = arg;
    static const char zeros[16384];
    for (size_t i = 0; i < d->times; i++) {
        if (conn_write(d->to, str_of(zeros, d->chunk), clock_deadline(1000)) != OK)
            return;
        clock_sleep_ms(d->every_ms);
    }
}

static void begin_store(size_t pdv)
{
    struct dimse_command c = dimse_command(C_STORE_RQ, 1);
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3");
    c.has_data = true;
    raw_command(&w, 3, &c);
    wr_u8(&w, 4);
    wr_u8(&w, 0);
    wr_u32be(&w, (uint32_t)(pdv + 6));
    pdv_header_write(3, false, true, pdv, &w);
    raw_send(&r, wr_str(&w));
    assert_ok(assoc_next(r.assoc, 0, &c));
}

static void peer_that_drips_single_bytes_is_not_waited_for(void **state)
{
    (void)state;
    struct str piece;
    bool last = false;
    err_t e = OK;
    rig_established(&r, &limits);
    begin_store(10000);
    struct drip d = {r.raw, 1, 40, 50};
    assert_ok(thread_start(run_drip, &d, "drip", &r.thread));
    int64_t start = clock_ms();
    while (e == OK && !last)
        e = assoc_data(r.assoc, &piece, &last);
    assert_err(e, E_TIMEOUT);
    assert_true(clock_ms() - start < 1500);
    thread_join(r.thread);
    r.thread = NULL;
    expect_abort(0, 0);
}

static void slow_line_that_makes_progress_is_waited_for(void **state)
{
    (void)state;
    struct str piece;
    bool last = false;
    size_t n = 0;
    limits.max_pdu = 1 << 20;
    limits.dimse_ms = 700;
    rig_established(&r, &limits);
    begin_store(10 * 16384);
    struct drip d = {r.raw, 16384, 10, 120}; /* more than a second in all */
    assert_ok(thread_start(run_drip, &d, "drip", &r.thread));
    while (!last) {
        assert_ok(assoc_data(r.assoc, &piece, &last));
        n += piece.n;
    }
    assert_int_equal(n, 10 * 16384);
}

static void idle_peer_is_aborted(void **state)
{
    (void)state;
    rig_established(&r, &limits);
    int64_t start = clock_ms();
    fails(E_TIMEOUT, 0, 0);
    assert_true(clock_ms() - start >= 290);
}

static void stop_switch_ends_the_wait(void **state)
{
    (void)state;
    struct stop stop;
    struct dimse_command c;
    assert_ok(stop_init(&stop));
    rig_established(&r, &limits);
    conn_set_stop(assoc_conn(r.assoc), &stop);
    stop_set(&stop);
    assert_err(assoc_next(r.assoc, IO_FOREVER, &c), E_STOPPED);
    expect_abort(0, 0);
    stop_done(&stop);
}

static void lost_connection_is_no_release(void **state)
{
    (void)state;
    struct dimse_command c;
    rig_established(&r, &limits);
    raw_close(&r);
    assert_err(assoc_next(r.assoc, 0, &c), E_IO);
}

/* PS3.8 AA-3: whoever aborts waits for the connection to close. */
static void connection_is_closed_at_once_after_an_abort(void **state)
{
    (void)state;
    struct dimse_command c;
    rig_established(&r, &limits);
    raw_send(&r, STR("\7\0\0\0\0\4\0\0\0\0"));
    assert_err(assoc_next(r.assoc, 0, &c), E_REJECTED);
    int64_t start = clock_ms();
    assert_int_equal(raw_drain(&r, buf, sizeof buf), 0);
    assert_true(clock_ms() - start < 300);
}

static void tiny_maximum_length_is_rejected(void **state)
{
    (void)state;
    struct pdu_associate rq = rig_request();
    struct conn *c = rig_raw(&r);
    rq.max_pdu = 7; /* no PDV with a byte of data fits */
    pdu_associate_write(&rq, PDU_ASSOCIATE_RQ, &w);
    raw_send(&r, wr_str(&w));
    assert_ok(assoc_receive(c, &limits, &r.assoc, &r.diag));
    assert_err(rig_accept_all(r.assoc), E_PROTOCOL);
    raw_expect(&r, STR("\3\0\0\0\0\4\0\1\3\2"));
}

static void answers_nobody_asked_for_are_not_accepted_contexts(void **state)
{
    (void)state;
    static struct str other = STR_INIT("1.2.3.4.5"), ele = STR_INIT(UID_ExplicitVRLittleEndian);
    struct pdu_context answers[] = {
        {.id = 1, .transfers = &other, .n_transfers = 1}, /* a syntax that was not proposed */
        {.id = 3, .transfers = &ele, .n_transfers = 1},
        {.id = 3, .transfers = &ele, .n_transfers = 1}, /* twice */
        {.id = 5, .transfers = &ele, .n_transfers = 1}, /* an id that was not proposed */
    };
    struct pdu_associate answer = {.contexts = answers, .n_contexts = COUNT(answers)};
    struct pdu_associate rq = rig_request();
    struct conn *c = rig_raw(&r);
    pdu_associate_write(&rq, PDU_ASSOCIATE_RQ, &w);
    raw_send(&r, wr_str(&w));
    assert_ok(assoc_receive(c, &limits, &r.assoc, &r.diag));
    assert_ok(assoc_accept(r.assoc, &answer));
    assert_null(assoc_context(r.assoc, 1));
    assert_non_null(assoc_context(r.assoc, 3));
    assert_null(assoc_context(r.assoc, 5));
    assert_null(assoc_context_at(r.assoc, 1));
}

static void expect_status(uint16_t status)
{
    uint8_t pdu[1024];
    size_t n;
    struct dimse_command rsp;
    struct diag d;
    assert_ok(conn_read(r.raw, pdu, sizeof pdu, clock_deadline(2000), &n));
    assert_ok(dimse_command_parse(str_of(pdu + 12, n - 12), &rsp, &d));
    assert_int_equal(rsp.field, C_STORE_RSP);
    assert_int_equal(rsp.status, status);
    assert_true(rsp.comment.n > 0);
}

static void path_for_a_uid_is_refused_and_the_association_goes_on(void **state)
{
    (void)state;
    struct dimse_command c = dimse_command(C_STORE_RQ, 1), echo = dimse_command(C_ECHO_RQ, 2);
    rig_established(&r, &limits);
    c.sop_class = STR(CT);
    c.sop_instance = STR("../../../etc/cron.d/x");
    c.has_data = true;
    raw_command(&w, 3, &c);
    raw_data(&w, 3, false, false, STR("some data"));
    raw_data(&w, 3, false, true, STR("and more"));
    raw_command(&w, 1, &echo);
    raw_send(&r, wr_str(&w));
    assert_ok(assoc_next(r.assoc, 0, &c));
    assert_int_equal(c.field, C_ECHO_RQ);
    assert_int_equal(assoc_refused(r.assoc), 1);
    expect_status(DIMSE_INVALID_SOP_INSTANCE);
}

static void nothing_is_sent_before_a_small_message_is_complete(void **state)
{
    (void)state;
    struct dimse_command c = dimse_command(C_FIND_RSP, 1);
    rig_established(&r, &limits);
    c.has_data = true;
    c.status = DIMSE_PENDING;
    c.sop_class = STR(CT);
    assert_ok(assoc_send(r.assoc, 3, &c));
    assert_ok(assoc_send_data(r.assoc, STR("odd"), false));
    clock_sleep_ms(20);
    assert_false(conn_readable(r.raw));
    assert_ok(assoc_send_data(r.assoc, STR("ly"), true));
    size_t n;
    assert_ok(conn_read(r.raw, buf, sizeof buf, clock_deadline(2000), &n));
    assert_memory_equal(buf + n - 17, "\4\0\0\0\0\x0b\0\0\0\7\3\2oddly", 17);
}

static void abort_while_sending_is_told_apart_from_a_lost_line(void **state)
{
    (void)state;
    static const char bytes[1 << 20];
    struct dimse_command c = dimse_command(C_STORE_RQ, 1);
    err_t e = OK;
    limits.dimse_ms = 3000;
    rig_established(&r, &limits);
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3");
    c.has_data = true;
    assert_ok(assoc_send(r.assoc, 3, &c));
    raw_send(&r, STR("\7\0\0\0\0\4\0\0\2\1"));
    clock_sleep_ms(20);
    raw_close(&r);
    for (int i = 0; i < 64 && e == OK; i++)
        e = assoc_send_data(r.assoc, str_of(bytes, sizeof bytes), false);
    assert_true(e == E_REJECTED || e == E_IO); /* a reset may have swallowed it */
    assert_false(assoc_is_open(r.assoc));
    assert_err(assoc_send_data(r.assoc, STR("x"), true), e);
    if (e == E_REJECTED)
        assert_non_null(strstr(assoc_diag(r.assoc)->text, "unrecognized PDU"));
}

/* PS3.8 E.2: but for the last, fragments have even lengths; and ours are never empty. */
static void fragments_are_even_and_never_empty(void **state)
{
    (void)state;
    static const char bytes[60000];
    struct dimse_command c = dimse_command(C_STORE_RQ, 1);
    static uint8_t got[200000];
    rig_established(&r, &limits);
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3");
    c.has_data = true;
    static const size_t pieces[] = {16389, 1, 1, 16001, 380, 1, 1, 1, 60000, 3};
    size_t total = 0, n = 0, have, read = 0;
    assert_ok(assoc_send(r.assoc, 3, &c));
    for (size_t i = 0; i < COUNT(pieces); i++, total += pieces[i - 1])
        assert_ok(assoc_send_data(r.assoc, str_of(bytes, pieces[i]), false));
    assert_ok(assoc_send_data(r.assoc, str_of(NULL, 0), true));
    assoc_abort(r.assoc);
    have = raw_drain(&r, got, sizeof got);
    struct str in = str_of(got, have);
    while (in.n > 10) {
        size_t length = (size_t)(uint8_t)in.p[2] << 24 | (size_t)(uint8_t)in.p[3] << 16 |
                        (size_t)(uint8_t)in.p[4] << 8 | (uint8_t)in.p[5];
        bool last = in.p[11] & 2, command = in.p[11] & 1;
        assert_true(length <= 16384);
        assert_true(length > 6);
        assert_true(last || length % 2 == 0);
        read += command ? 0 : length - 6;
        n += last && !command;
        in = str_slice(in, 6 + length, in.n);
    }
    assert_int_equal(n, 1);
    assert_int_equal(read, total);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(data_before_a_command_is_unexpected),
        TEST(context_that_was_not_accepted_is_invalid),
        TEST(command_within_a_data_set_is_unexpected),
        TEST(endless_command_set_is_cut_off),
        TEST(bytes_that_are_no_command_set_are_the_users_to_abort),
        TEST(pdu_of_4_gib_is_aborted_at_its_header),
        TEST(request_of_4_gib_is_aborted_at_its_header),
        TEST(unknown_pdu_is_unrecognized),
        TEST(release_within_a_message_is_aborted),
        TEST(cve_2022_2121_pdus_before_the_request_end_the_connection),
        TEST(cve_2022_2121_request_within_an_association_is_unexpected),
        TEST(cve_2022_2121_accepting_twice_is_unexpected),
        TEST(cve_2026_35505_failed_associations_leave_nothing_behind),
        TEST(half_open_peer_is_dropped_after_artim_without_a_byte),
        TEST(peer_that_drips_single_bytes_is_not_waited_for),
        TEST(slow_line_that_makes_progress_is_waited_for),
        TEST(idle_peer_is_aborted),
        TEST(stop_switch_ends_the_wait),
        TEST(lost_connection_is_no_release),
        TEST(connection_is_closed_at_once_after_an_abort),
        TEST(tiny_maximum_length_is_rejected),
        TEST(answers_nobody_asked_for_are_not_accepted_contexts),
        TEST(path_for_a_uid_is_refused_and_the_association_goes_on),
        TEST(nothing_is_sent_before_a_small_message_is_complete),
        TEST(abort_while_sending_is_told_apart_from_a_lost_line),
        TEST(fragments_are_even_and_never_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
