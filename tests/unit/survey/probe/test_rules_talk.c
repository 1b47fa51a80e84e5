/* The safety rules 3, 4 and 7 by their numbers: what is said on a connection, and what the journal
 * keeps of it. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "acceptor.h"
#include "base/size.h"
#include "dicom/uid.h"
#include "dimse/command.h"
#include "dimse/pdu.h"

static void only_counts(int fd, struct server *s)
{
    rig_drain(fd, s);
}

static void rule_3_an_honest_request_for_verification_only(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 18);
    struct pdu_associate rq;
    rules_begin(accepts, "dicom", "");
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
    rules_end();
}

static void rule_3_a_release_that_nobody_answers_ends_in_an_abort(void **state)
{
    (void)state;
    rules_begin(accepts_and_keeps_quiet, "dicom", "");
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_int_equal(after_answer_n, 20);
    assert_int_equal(after_answer[0], PDU_RELEASE_RQ);
    assert_int_equal(after_answer[10], PDU_ABORT);
    rules_end();
}

static void rule_3_surface_proposes_and_sends_no_command(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 18);
    struct pdu_associate rq;
    rules_begin(accepts, "dicom", "surface = yes\n");
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
    rules_end();
}

static void rule_3_surface_and_count_want_the_scopes_grant(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "");
    rig.options.surface = true;
    assert_err(rig_probe(&rig), E_DENIED);
    rig.options.surface = false;
    rig.options.count = true;
    assert_err(rig_probe(&rig), E_DENIED);
    assert_non_null(strstr(rig.diag.text, "count = yes"));
    assert_int_equal(server_count(&server), 0);
    rules_end();
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
    rules_begin(counts_studies, "dicom", "count = yes\n");
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
    rules_end();
}

static void rule_4_a_count_stops_at_its_cap_and_cancels(void **state)
{
    (void)state;
    studies_there = 100000;
    rules_begin(counts_studies, "dicom", "count = yes\ncount-cap = 25\n");
    rig.options.count = true;
    rig.options.answer_ms = 2000;
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_true(was_cancelled);
    rig_has(&rig, "127.9.0.1", server.port, "dicom_studies=25+");
    rules_end();
}

static void rule_4_mllp_is_connected_to_and_nothing_is_sent(void **state)
{
    (void)state;
    rules_begin(only_counts, "mllp", "");
    assert_ok(rig_probe(&rig));
    wait_for_threads();
    assert_int_equal(server_count(&server), 1);
    assert_int_equal(server.got_n, 0);
    assert_int_equal(rig.sum.bytes_out, 0);
    rig_has(&rig, "127.9.0.1", server.port, "hl7_mllp=open");
    rules_end();
}

static void rule_7_what_was_sent_stands_in_the_journal(void **state)
{
    (void)state;
    struct chain_report report;
    char wanted[128];
    rules_begin(accepts, "dicom", "");
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
    rules_end();
}

static void a_refusal_of_the_called_ae_is_told(void **state)
{
    (void)state;
    rules_begin(rejects_called, "dicom", "");
    assert_ok(rig_probe(&rig));
    rig_has(&rig, "127.9.0.1", server.port, "dicom_answer=rejected 1/1/7");
    rig_has(&rig, "127.9.0.1", server.port, "dicom_any_called=no");
    rig_has_not(&rig, "127.9.0.1", server.port, "dicom_any_calling=yes");
    rules_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_3_an_honest_request_for_verification_only),
        cmocka_unit_test(rule_3_a_release_that_nobody_answers_ends_in_an_abort),
        cmocka_unit_test(rule_3_surface_proposes_and_sends_no_command),
        cmocka_unit_test(rule_3_surface_and_count_want_the_scopes_grant),
        cmocka_unit_test(rule_4_a_count_keeps_figures_and_nothing_else),
        cmocka_unit_test(rule_4_a_count_stops_at_its_cap_and_cancels),
        cmocka_unit_test(rule_4_mllp_is_connected_to_and_nothing_is_sent),
        cmocka_unit_test(rule_7_what_was_sent_stands_in_the_journal),
        cmocka_unit_test(a_refusal_of_the_called_ae_is_told),
    };
    return cmocka_run_group_tests_name("rules of talking", tests, NULL, NULL);
}
