/* What an acceptor's bytes tell, whole, cut and lying. */
#include "facts.h"

#include "answers.h"
#include "data.h"
#include "survey/wire/dicom_answer.h"

static const char synapse[] = ANSWER_SYNAPSE;
#define SYNAPSE str_of(synapse, sizeof synapse - 1)

static void an_acceptance_names_class_uid_and_version(void **state)
{
    struct facts *f = *state;
    assert_ok(dicom_answer_bytes(SYNAPSE, BY_ENGINE, &f->e));
    assert_fact(f, dicom_answer, "accepted");
    assert_fact(f, dicom_class_uid, "1.2.840.113845.1.1");
    assert_fact(f, dicom_version_name, "Syn4,4,0,36");
    assert_fact(f, dicom_max_pdu, "65000");
    assert_fact(f, dicom_transfer_syntax, "1.2.840.10008.1.2");
    assert_fact(f, protocol, "dicom");
    assert_int_equal(evidence_get(&f->e, EV_raw_dicom).n, sizeof synapse - 1);
}

static void real_servers_are_read(void **state)
{
    struct facts *f = *state;
    char buf[1024];
    static const char *const names[] = {"ac_storescp.bin", "ac_orthanc.bin"};
    for (size_t i = 0; i < 2; i++) {
        facts_clear(f);
        assert_ok(dicom_answer_bytes(data_read(names[i], buf, sizeof buf), BY_PROBE, &f->e));
        assert_fact(f, dicom_answer, "accepted");
        assert_fact(f, dicom_class_uid, "1.2.276.0.7230010.3.0.3.6.7");
        assert_fact(f, dicom_version_name, "OFFIS_DCMTK_367");
        assert_fact(f, dicom_max_pdu, "16384");
    }
    facts_clear(f);
    assert_ok(dicom_answer_bytes(data_read("rj_orthanc.bin", buf, sizeof buf), BY_PROBE, &f->e));
    assert_fact(f, dicom_answer, "rejected 1/1/7");
}

static void an_echoed_ae_title_is_no_evidence(void **state)
{
    struct facts *f = *state;
    assert_ok(dicom_answer_bytes(SYNAPSE, BY_ENGINE, &f->e));
    assert_none(f, dicom_ae);
    assert_none(f, dicom_client_ae);
}

static void an_acceptance_cut_anywhere_gives_the_items_that_are_whole(void **state)
{
    struct facts *f = *state;
    size_t uid_end = sizeof synapse - 1 - 15, all = sizeof synapse - 1;
    for (size_t n = 8; n <= all; n++) {
        char *copy = malloc(n); /* its own, so that a sanitizer sees a byte too many */
        memcpy(copy, synapse, n);
        facts_clear(f);
        assert_ok(dicom_answer_bytes(str_of(copy, n), BY_ENGINE, &f->e));
        assert_fact(f, dicom_answer, "accepted");
        assert_int_equal(evidence_get(&f->e, EV_dicom_class_uid).p != NULL, n >= uid_end);
        assert_int_equal(evidence_get(&f->e, EV_dicom_version_name).p != NULL, n == all);
        free(copy);
    }
}

/* Overwrites bytes of the sample and reads it. */
static err_t with(struct facts *f, size_t at, const char *bytes, size_t n, char buf[256])
{
    memcpy(buf, synapse, sizeof synapse);
    memcpy(buf + at, bytes, n);
    facts_clear(f);
    return dicom_answer_bytes(str_of(buf, sizeof synapse - 1), BY_ENGINE, &f->e);
}

static void lengths_that_lie_do_not_hide_what_is_there(void **state)
{
    struct facts *f = *state;
    char buf[256];
    static const char lies[][4] = {
        {0, 0, 0, 0}, {0, 0, 0, 10}, {0x7f, -1, -1, -1}, {-1, -1, -1, -1}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        assert_ok(with(f, 2, lies[i], 4, buf));
        assert_fact(f, dicom_class_uid, "1.2.840.113845.1.1");
        assert_fact(f, dicom_version_name, "Syn4,4,0,36");
    }
    size_t user = sizeof synapse - 1 - 0x2d - 2; /* its length field */
    assert_ok(with(f, user, "\0\0", 2, buf));
    assert_fact(f, dicom_class_uid, "1.2.840.113845.1.1");
    assert_ok(with(f, user, "\xff\xff", 2, buf));
    assert_fact(f, dicom_version_name, "Syn4,4,0,36");
}

static void what_follows_the_answer_is_not_read_as_part_of_it(void **state)
{
    struct facts *f = *state;
    char buf[512];
    size_t n = sizeof synapse - 1;
    memcpy(buf, synapse, n);
    memcpy(buf + n,
           "R\0\0\3"
           "9.9",
           7); /* looks like a class UID, stands behind the PDU */
    memcpy(buf + n + 7, "\7\0\0\0\0\4\0\0\2\0", 10);
    assert_ok(dicom_answer_bytes(str_of(buf, n + 17), BY_PROBE, &f->e));
    assert_has_not(f, dicom_class_uid, "9.9");
    assert_fact(f, dicom_class_uid, "1.2.840.113845.1.1");
}

static void a_rejection_gives_its_three_numbers_and_words(void **state)
{
    struct facts *f = *state;
    assert_ok(dicom_answer_bytes(STR("\3\0\0\0\0\4\0\1\1\7"), BY_PROBE, &f->e));
    assert_fact(f, dicom_answer, "rejected 1/1/7");
    assert_non_null(strstr(evidence_get(&f->e, EV_dicom_reject_text).p, "alled AE title"));
    facts_clear(f);
    assert_ok(dicom_answer_bytes(STR("\3\0\0\0\0\4"), BY_PROBE, &f->e));
    assert_fact(f, dicom_answer, "rejected");
    facts_clear(f);
    assert_ok(dicom_answer_bytes(STR("\3\0\0\0\0\xff\0\2\3\1"), BY_PROBE, &f->e));
    assert_fact(f, dicom_answer, "rejected 2/3/1");
}

static void an_abort_is_an_answer(void **state)
{
    struct facts *f = *state;
    static const char twice[] = "\7\0\0\0\0\4\0\0\2\2\7\0\0\0\0\4\0\0\0\0";
    assert_ok(dicom_answer_bytes(str_of(twice, 20), BY_PROBE, &f->e));
    assert_fact(f, dicom_answer, "aborted");
    assert_int_equal(evidence_get(&f->e, EV_raw_dicom).n, 20);
}

static void other_bytes_are_not_an_answer(void **state)
{
    struct facts *f = *state;
    static const struct str others[] = {
        STR_INIT(""),
        STR_INIT("\2"),
        STR_INIT("\2\0\0\0\0\xab\0"),
        STR_INIT("\2\0\0\0\0\4\0\1"),              /* too short for an acceptance */
        STR_INIT("\2\0\0\0\0\xab\0\0\0\0ANY-SCP"), /* no protocol version */
        STR_INIT("\1\0\0\0\0\xab\0\1\0\0ANY-SCP"), /* an echo server's */
        STR_INIT("\3\0\0\0\0\xff\0\7\7\7"),
        STR_INIT("\3\0\0\x0b\6\xd0\0\0\x12\x34\0"), /* remote desktop */
        STR_INIT("\7\0\0\1\0\4\1\1\1\1"),
        STR_INIT("HTTP/1.1 400 Bad Request\r\n"),
        STR_INIT("\x15\3\1\0\2\2\x28"),
        STR_INIT("\4\0\0\0\0\x0a\0\0\0\6\1\3\0\0\0\0"),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_err(dicom_answer_bytes(others[i], BY_PROBE, &f->e), E_MALFORMED);
        assert_int_equal(f->e.n, 0);
    }
}

static void a_thousand_items_are_read_in_bounded_time(void **state)
{
    struct facts *f = *state;
    size_t n = 74 + (4 << 18);
    char *b = calloc(1, n);
    memcpy(b, synapse, 74);
    memcpy(b + 2, "\0\x10\0\0", 4);
    b[74] = 0x21;
    assert_ok(dicom_answer_bytes(str_of(b, n), BY_PROBE, &f->e));
    assert_fact(f, dicom_answer, "accepted");
    free(b);
}

static void a_parsed_acceptance_names_contexts_by_the_request(void **state)
{
    struct facts *f = *state;
    struct str implicit = STR("1.2.840.10008.1.2");
    struct pdu_context asked[] = {{.id = 1, .abstract = STR("1.2.840.10008.1.1")},
                                  {.id = 3, .abstract = STR("1.2.840.10008.5.1.4.1.2.2.1")}};
    struct pdu_context told[] = {{.id = 1, .transfers = &implicit, .n_transfers = 1},
                                 {.id = 3, .result = PDU_ABSTRACT_NOT_SUPPORTED},
                                 {.id = 5, .result = PDU_ACCEPTED}};
    struct pdu_associate rq = {.contexts = asked, .n_contexts = 2};
    struct pdu_associate ac = {.contexts = told,
                               .n_contexts = 3,
                               .called = STR("ORTHANC"),
                               .implementation_uid = STR("1.2.276.0.7230010.3.0.3.6.7"),
                               .implementation_version = STR("OFFIS_DCMTK_367"),
                               .max_pdu = 16384};
    assert_ok(dicom_answer_accept(&ac, &rq, BY_TRAFFIC, &f->e));
    assert_has(f, dicom_context, "1.2.840.10008.1.1");
    assert_has(f, dicom_context, "-1.2.840.10008.5.1.4.1.2.2.1");
    assert_fact(f, dicom_transfer_syntax, "1.2.840.10008.1.2");
    assert_fact(f, dicom_version_name, "OFFIS_DCMTK_367");
    assert_none(f, dicom_ae);
    facts_clear(f);
    assert_ok(dicom_answer_accept(&ac, NULL, BY_TRAFFIC, &f->e));
    assert_none(f, dicom_context);
}

/* An answer with everything in it that a server may send, as written by the strict codec. */
static void what_the_strict_codec_writes_is_read_the_same(void **state)
{
    struct facts *f = *state;
    struct str syntax = STR("1.2.840.10008.1.2.1");
    struct pdu_context contexts[] = {{.id = 1, .transfers = &syntax, .n_transfers = 1},
                                     {.id = 3, .result = PDU_USER_REJECTION}};
    struct pdu_role roles[] = {{.sop_class = STR("1.2.840.10008.1.1"), .scu = true}};
    struct pdu_extended extended[] = {{STR("1.2.840.10008.5.1.4.1.2.2.1"), STR("\1\1")}};
    struct pdu_associate ac = {.version = 1,
                               .called = STR("ANY-SCP"),
                               .calling = STR("LASTRA"),
                               .application = STR(PDU_APPLICATION_CONTEXT),
                               .contexts = contexts,
                               .n_contexts = 2,
                               .max_pdu = 16382,
                               .implementation_uid = STR("1.2.826.0.1.3680043.9.3811.2.0.2"),
                               .implementation_version = STR("PYNETDICOM_202"),
                               .has_ops = true,
                               .roles = roles,
                               .n_roles = 1,
                               .extended = extended,
                               .n_extended = 1};
    struct wr w = wr_heap(1 << 16);
    pdu_associate_write(&ac, PDU_ASSOCIATE_AC, &w);
    assert_false(w.bad);
    assert_ok(dicom_answer_bytes(wr_str(&w), BY_PROBE, &f->e));
    assert_fact(f, dicom_class_uid, "1.2.826.0.1.3680043.9.3811.2.0.2");
    assert_fact(f, dicom_version_name, "PYNETDICOM_202");
    assert_fact(f, dicom_max_pdu, "16382");
    assert_fact(f, dicom_transfer_syntax, "1.2.840.10008.1.2.1");
    wr_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACTS_TEST(an_acceptance_names_class_uid_and_version),
        FACTS_TEST(real_servers_are_read),
        FACTS_TEST(an_echoed_ae_title_is_no_evidence),
        FACTS_TEST(an_acceptance_cut_anywhere_gives_the_items_that_are_whole),
        FACTS_TEST(lengths_that_lie_do_not_hide_what_is_there),
        FACTS_TEST(what_follows_the_answer_is_not_read_as_part_of_it),
        FACTS_TEST(a_rejection_gives_its_three_numbers_and_words),
        FACTS_TEST(an_abort_is_an_answer),
        FACTS_TEST(other_bytes_are_not_an_answer),
        FACTS_TEST(a_thousand_items_are_read_in_bounded_time),
        FACTS_TEST(what_the_strict_codec_writes_is_read_the_same),
        FACTS_TEST(a_parsed_acceptance_names_contexts_by_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
