/* assoc between two of its own: negotiation, messages of every size, cancel, release. */
#include "assoc/internal.h"
#include "base/size.h"
#include "rig.h"

static const struct assoc_limits plain = {5000, 5000, 5000, 16384, 1};

static void serve_echo(struct assoc *a, void *ctx)
{
    struct dimse_command c;
    err_t e;
    (void)ctx;
    while ((e = assoc_next(a, 0, &c)) == OK) {
        struct dimse_command rsp = dimse_response(&c, DIMSE_SUCCESS);
        assert_int_equal(c.field, C_ECHO_RQ);
        assert_ok(assoc_send(a, c.context, &rsp));
    }
    assert_err(e, E_CLOSED);
}

static void echo_and_release(void **state)
{
    (void)state;
    struct rig r;
    struct pdu_associate rq = rig_request();
    struct dimse_command c = dimse_command(C_ECHO_RQ, 1), rsp;
    rig_pair(&r, &plain, &rq, &plain, serve_echo, NULL);
    c.sop_class = STR(UID_Verification);
    for (uint16_t id = 1; id <= 5; id++) {
        c.message_id = id;
        assert_ok(assoc_send(r.assoc, 1, &c));
        assert_ok(assoc_next(r.assoc, 0, &rsp));
        assert_int_equal(rsp.field, C_ECHO_RSP);
        assert_int_equal(rsp.message_id, id);
        assert_int_equal(rsp.status, DIMSE_SUCCESS);
        assert_str(rsp.sop_class, UID_Verification);
    }
    assert_true(assoc_is_open(r.assoc));
    assert_ok(assoc_release(r.assoc));
    assert_false(assoc_is_open(r.assoc));
    assert_err(assoc_send(r.assoc, 1, &c), E_CLOSED);
    assert_err(assoc_next(r.assoc, 0, &rsp), E_CLOSED);
    rig_close(&r);
}

static void both_sides_know_what_was_negotiated(void **state)
{
    (void)state;
    struct rig r;
    struct pdu_role role = {STR(CT), true, true};
    struct pdu_associate rq = rig_request();
    struct assoc_limits ops = plain;
    rq.roles = &role;
    rq.n_roles = 1;
    ops.max_ops = 6;
    struct assoc_limits more = plain;
    more.max_ops = 9;
    rig_pair(&r, &ops, &rq, &more, serve_echo, NULL);
    assert_str(assoc_request(r.assoc)->called, "ARCHIVE");
    assert_str(assoc_answer(r.assoc)->implementation_uid, LASTRA_IMPLEMENTATION_UID);
    assert_int_equal(assoc_window(r.assoc), 6);
    const struct assoc_context *c = assoc_context(r.assoc, 3);
    assert_non_null(c);
    assert_str(c->abstract_syntax, CT);
    assert_str(c->transfer_syntax, UID_ExplicitVRLittleEndian);
    assert_true(c->scu && c->scp);
    assert_true(assoc_context(r.assoc, 1)->scu && !assoc_context(r.assoc, 1)->scp);
    assert_null(assoc_context(r.assoc, 2));
    assert_ptr_equal(assoc_context_for(r.assoc, STR(CT), STR(UID_ExplicitVRLittleEndian)), c);
    assert_null(assoc_context_for(r.assoc, STR(CT), STR(UID_ImplicitVRLittleEndian)));
    assert_null(assoc_context_at(r.assoc, 2));
    assert_ok(assoc_release(r.assoc));
    rig_close(&r);
}

/* Data in pieces of one size through PDUs of another. */
struct flow {
    size_t total, piece;
    uint32_t max_pdu;
};

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static void serve_check(struct assoc *a, void *ctx)
{
    const struct flow *f = ctx;
    struct dimse_command c;
    while (assoc_next(a, 0, &c) == OK) {
        struct str piece;
        bool last = false;
        size_t n = 0;
        assert_int_equal(c.field, C_STORE_RQ);
        while (!last) {
            assert_ok(assoc_data(a, &piece, &last));
            for (size_t i = 0; i < piece.n; i++)
                assert_int_equal((uint8_t)piece.p[i], pattern(n + i));
            n += piece.n;
        }
        assert_int_equal(n, f->total);
        assert_str(c.sop_instance, "1.2.3"); /* still there after the data */
        struct dimse_command rsp = dimse_response(&c, DIMSE_SUCCESS);
        assert_ok(assoc_send(a, c.context, &rsp));
    }
}

static struct dimse_command store_command(uint16_t id)
{
    struct dimse_command c = dimse_command(C_STORE_RQ, id);
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3");
    c.has_data = true;
    return c;
}

static void send_pattern(struct assoc *a, size_t total, size_t piece, const uint8_t *bytes)
{
    struct dimse_command c = store_command(1);
    assert_ok(assoc_send(a, 3, &c));
    for (size_t at = 0; at < total; at += piece) {
        size_t n = size_min(piece, total - at);
        assert_ok(assoc_send_data(a, str_of(bytes + at, n), at + n == total && total % 3));
    }
    if (total % 3 == 0) /* the last piece is empty */
        assert_ok(assoc_send_data(a, str_of(NULL, 0), true));
}

static void data_arrives_whole_whatever_its_pieces(void **state)
{
    (void)state;
    static const struct flow flows[] = {
        {1, 1, 16384},
        {2, 1, 16384},
        {999, 1, 4096},
        {70001, 7, 4096},
        {70000, 1000, 16384},
        {70002, 16383, 16384},
        {300000, 16385, 16384},
        {1000001, 65536, 131072},
        {3000000, 3000000, 16384},
        {600000, 600000, 0},
        {5000, 3, 256},
        {40001, 40001, 1000000},
    };
    uint8_t *bytes = malloc(3000000);
    for (size_t i = 0; i < 3000000; i++)
        bytes[i] = pattern(i);
    for (size_t i = 0; i < COUNT(flows); i++) {
        struct rig r;
        struct flow f = flows[i];
        struct pdu_associate rq = rig_request();
        struct dimse_command rsp;
        struct assoc_limits theirs = plain;
        theirs.max_pdu = f.max_pdu;
        rig_pair(&r, &plain, &rq, &theirs, serve_check, &f);
        for (int twice = 0; twice < 2; twice++) {
            send_pattern(r.assoc, f.total, f.piece, bytes);
            assert_ok(assoc_next(r.assoc, 0, &rsp));
            assert_int_equal(rsp.status, DIMSE_SUCCESS);
        }
        assert_ok(assoc_release(r.assoc));
        rig_close(&r);
    }
    free(bytes);
}

/* What the other side makes of data sets in other ways than reading every piece. */
static void serve_partly(struct assoc *a, void *ctx)
{
    struct dimse_command c;
    struct arena arena = arena_init(1 << 20);
    struct str all;
    (void)ctx;
    assert_ok(assoc_next(a, 0, &c)); /* not read at all: the next call skips it */
    assert_ok(assoc_next(a, 0, &c));
    assert_ok(assoc_data_skip(a));
    assert_ok(assoc_next(a, 0, &c));
    assert_err(assoc_data_all(a, 1000, &arena, &all), E_LIMIT);
    assert_ok(assoc_next(a, 0, &c));
    assert_ok(assoc_data_all(a, 100000, &arena, &all));
    assert_int_equal(all.n, 50000);
    assert_int_equal((uint8_t)all.p[49999], pattern(49999));
    bool last;
    assert_err(assoc_data(a, &all, &last), E_USAGE);
    assert_err(assoc_next(a, 0, &c), E_CLOSED);
    arena_done(&arena);
}

static void data_can_be_skipped_or_taken_whole(void **state)
{
    (void)state;
    struct rig r;
    static uint8_t bytes[50000];
    struct pdu_associate rq = rig_request();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pattern(i);
    rig_pair(&r, &plain, &rq, &plain, serve_partly, NULL);
    for (int i = 0; i < 4; i++)
        send_pattern(r.assoc, sizeof bytes, 10000, bytes);
    assert_ok(assoc_release(r.assoc));
    rig_close(&r);
}

static void serve_until_cancelled(struct assoc *a, void *ctx)
{
    struct dimse_command rq, c;
    bool cancelled = false;
    int *answers = ctx;
    assert_ok(assoc_next(a, 0, &rq));
    assert_ok(assoc_data_skip(a));
    while (!cancelled && *answers < 100000) {
        struct dimse_command rsp = dimse_response(&rq, DIMSE_PENDING);
        assert_ok(assoc_send(a, rq.context, &rsp));
        assert_ok(assoc_cancelled(a, rq.message_id, &cancelled));
        ++*answers;
    }
    struct dimse_command rsp = dimse_response(&rq, DIMSE_CANCEL);
    assert_ok(assoc_send(a, rq.context, &rsp));
    /* What came meanwhile was kept, in order. */
    assert_ok(assoc_next(a, 0, &c));
    assert_int_equal(c.field, C_ECHO_RQ);
    assert_int_equal(c.message_id, 20);
    assert_ok(assoc_next(a, 0, &c));
    assert_int_equal(c.field, C_STORE_RQ);
    struct arena arena = arena_init(1 << 20);
    struct str all;
    assert_ok(assoc_data_all(a, 10, &arena, &all));
    assert_str(all, "abcd");
    arena_done(&arena);
    assert_err(assoc_next(a, 0, &c), E_CLOSED);
}

static void cancel_is_noticed_and_other_messages_are_kept(void **state)
{
    (void)state;
    struct rig r;
    int answers = 0;
    struct pdu_associate rq = rig_request();
    struct dimse_command c = store_command(7), rsp;
    rig_pair(&r, &plain, &rq, &plain, serve_until_cancelled, &answers);
    assert_ok(assoc_send(r.assoc, 3, &c));
    assert_ok(assoc_send_data(r.assoc, STR("data"), true));
    assert_ok(assoc_next(r.assoc, 0, &rsp));
    assert_int_equal(rsp.status, DIMSE_PENDING);
    c = dimse_command(C_ECHO_RQ, 20);
    assert_ok(assoc_send(r.assoc, 1, &c));
    c = dimse_command(C_CANCEL_RQ, 999); /* somebody else's */
    assert_ok(assoc_send(r.assoc, 3, &c));
    c = dimse_command(C_CANCEL_RQ, 7);
    assert_ok(assoc_send(r.assoc, 3, &c));
    c = store_command(21);
    assert_ok(assoc_send(r.assoc, 3, &c));
    assert_ok(assoc_send_data(r.assoc, STR("abcd"), true));
    do
        assert_ok(assoc_next(r.assoc, 0, &rsp));
    while (dimse_is_pending(rsp.status));
    assert_int_equal(rsp.status, DIMSE_CANCEL);
    assert_int_equal(rsp.message_id, 7);
    assert_ok(assoc_release(r.assoc));
    rig_close(&r);
    assert_true(answers < 100000);
}

static void serve_release(struct assoc *a, void *ctx)
{
    (void)ctx;
    clock_sleep_ms(50); /* so that the other's A-RELEASE-RQ is there, unread */
    assert_ok(assoc_release(a));
}

static void both_may_release_at_once(void **state)
{
    (void)state;
    struct rig r;
    struct pdu_associate rq = rig_request();
    rig_pair(&r, &plain, &rq, &plain, serve_release, NULL);
    assert_ok(assoc_release(r.assoc));
    rig_close(&r);
}

static void serve_abort(struct assoc *a, void *ctx)
{
    struct dimse_command c;
    (void)ctx;
    assert_ok(assoc_next(a, 0, &c));
    assoc_abort(a);
    assert_err(assoc_next(a, 0, &c), E_CANCELLED);
}

static void abort_is_told_in_words(void **state)
{
    (void)state;
    struct rig r;
    struct pdu_associate rq = rig_request();
    struct dimse_command c = dimse_command(C_ECHO_RQ, 1);
    rig_pair(&r, &plain, &rq, &plain, serve_abort, NULL);
    assert_ok(assoc_send(r.assoc, 1, &c));
    assert_err(assoc_next(r.assoc, 0, &c), E_REJECTED);
    assert_string_equal(assoc_diag(r.assoc)->text, "aborted by the service user");
    assert_err(assoc_release(r.assoc), E_REJECTED);
    rig_close(&r);
}

static void reject_thread(void *arg)
{
    struct rig *r = arg;
    struct assoc *a = NULL;
    struct diag d;
    const struct {
        uint8_t result, source, reason;
    } all[] = {{1, 1, 7}, {2, 3, 1}};
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_ok(assoc_receive(rig_accept(r), &plain, &a, &d));
        assoc_reject(a, all[i].result, all[i].source, all[i].reason);
        assoc_free(a);
    }
}

static void rejection_comes_with_its_reason(void **state)
{
    (void)state;
    struct rig r;
    struct pdu_associate rq = rig_request();
    rig_open(&r);
    assert_ok(thread_start(reject_thread, &r, "reject", &r.thread));
    assert_err(assoc_open(STR("127.0.0.1"), r.port, NULL, &rq, &plain, NULL, &r.assoc, &r.diag),
               E_REJECTED);
    assert_non_null(strstr(r.diag.text, "called AE title not recognized"));
    assert_err(assoc_open(STR("127.0.0.1"), r.port, NULL, &rq, &plain, NULL, &r.assoc, &r.diag),
               E_BUSY);
    assert_non_null(strstr(r.diag.text, "temporary congestion"));
    rig_close(&r);
}

static void misuse_is_told_and_harmless(void **state)
{
    (void)state;
    struct rig r;
    struct pdu_associate rq = rig_request();
    struct dimse_command c = dimse_command(C_ECHO_RQ, 1);
    rig_pair(&r, &plain, &rq, &plain, serve_echo, NULL);
    assert_err(assoc_send(r.assoc, 99, &c), E_USAGE);
    assert_err(assoc_send_data(r.assoc, STR("x"), true), E_USAGE);
    assert_ok(assoc_send(r.assoc, 1, &c));
    assert_ok(assoc_next(r.assoc, 0, &c));
    assert_ok(assoc_release(r.assoc));
    rig_close(&r);
}

static void serve_bulk_then_idle(struct assoc *a, void *ctx)
{
    struct dimse_command c;
    (void)ctx;
    assert_ok(assoc_next(a, 0, &c));
    assert_ok(assoc_data_skip(a));
    assert_true(a->cap >= BUFFER_LARGE);
    assert_ok(assoc_next(a, 0, &c)); /* comes after a while */
    assert_int_equal(c.field, C_ECHO_RQ);
    assert_int_equal(a->cap, BUFFER_SMALL);
    assert_true(sizeof *a + a->arena.used + a->cap + a->current.cap < 16 * 1024);
    assert_err(assoc_next(a, 0, &c), E_CLOSED);
}

static void idle_association_gives_its_buffers_back(void **state)
{
    (void)state;
    struct rig r;
    static uint8_t bytes[400000];
    struct pdu_associate rq = rig_request();
    struct assoc_limits l = plain;
    struct dimse_command echo = dimse_command(C_ECHO_RQ, 2);
    l.max_pdu = 131072;
    rig_pair(&r, &l, &rq, &l, serve_bulk_then_idle, NULL);
    send_pattern(r.assoc, sizeof bytes, 100000, bytes);
    clock_sleep_ms(SHRINK_AFTER_MS + 300);
    assert_ok(assoc_send(r.assoc, 1, &echo));
    assert_ok(assoc_release(r.assoc));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_and_release),
        cmocka_unit_test(both_sides_know_what_was_negotiated),
        cmocka_unit_test(data_arrives_whole_whatever_its_pieces),
        cmocka_unit_test(data_can_be_skipped_or_taken_whole),
        cmocka_unit_test(cancel_is_noticed_and_other_messages_are_kept),
        cmocka_unit_test(both_may_release_at_once),
        cmocka_unit_test(abort_is_told_in_words),
        cmocka_unit_test(rejection_comes_with_its_reason),
        cmocka_unit_test(misuse_is_told_and_harmless),
        cmocka_unit_test(idle_association_gives_its_buffers_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
