/* HL7 as evidence: what a system says of itself, never what it says of a patient. */
#include "facts.h"

#include <stdio.h>

#include "base/size.h"
#include "survey/wire/hl7_answer.h"

#define HEAD "MSH|^~\\&|MIRTH^1.2^ISO|HOSP|X|Y|20261122||ACK^A01|1|P|2.5.1\r"

static void an_acknowledgment_names_its_application(void **state)
{
    struct facts *f = *state;
    struct str framed = STR("\x0b" HEAD "MSA|AE|1|An Error Occurred Processing Message.\r\x1c\r");
    assert_ok(hl7_answer_bytes(framed, BY_TRAFFIC, &f->e));
    assert_fact(f, hl7_app, "MIRTH");
    assert_fact(f, hl7_facility, "HOSP");
    assert_fact(f, hl7_version, "2.5.1");
    assert_fact(f, hl7_ack, "AE An Error Occurred Processing Message.");
    assert_fact(f, hl7_mllp, "yes");
    assert_fact(f, protocol, "hl7");
    assert_int_equal(evidence_get(&f->e, EV_raw_hl7).n, framed.n);
}

static void the_text_of_an_acknowledgment_is_kept_only_when_known(void **state)
{
    struct facts *f = *state;
    assert_ok(hl7_answer_bytes(STR(HEAD "MSA|AR|1|Patient ROSSI MARIA 4711 unknown\r"), BY_TRAFFIC,
                               &f->e));
    assert_fact(f, hl7_ack, "AR");
    assert_none(f, hl7_mllp); /* it was not framed */
    for (size_t i = 0; i < f->e.n; i++)
        if (!ev_is_raw(f->e.facts[i].kind))
            assert_null(memmem(f->e.facts[i].value.p, f->e.facts[i].value.n, "ROSSI", 5));
}

static void a_code_that_is_none_is_not_told(void **state)
{
    struct facts *f = *state;
    static const char *const codes[] = {"", "A", "XX", "A ", " A", "AAA", "E "};
    for (size_t i = 0; i < COUNT(codes); i++) {
        char text[256];
        facts_clear(f);
        snprintf(text, sizeof text, HEAD "MSA|%s|1\r", codes[i]);
        assert_ok(hl7_answer_bytes(str_z(text), BY_TRAFFIC, &f->e));
        assert_none(f, hl7_ack);
    }
}

static void an_empty_frame_is_mllp(void **state)
{
    struct facts *f = *state;
    assert_ok(hl7_answer_bytes(STR("\x0b\x1c\r"), BY_ENGINE, &f->e));
    assert_fact(f, hl7_mllp, "yes");
    assert_none(f, hl7_app);
}

static void other_bytes_are_not_hl7(void **state)
{
    struct facts *f = *state;
    static const struct str others[] = {
        STR_INIT(""),         STR_INIT("\x0b"),           STR_INIT("\x0bMSH"),
        STR_INIT("MSHELLO"),  STR_INIT("HTTP/1.1 200"),   STR_INIT("\x0b<html>\x1c\r"),
        STR_INIT("PID|1||2"), STR_INIT("\x0b\0\0\0\x1c"), STR_INIT("\2\0\0\0\0\xab\0\1"),
    };
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_err(hl7_answer_bytes(others[i], BY_ENGINE, &f->e), E_MALFORMED);
        assert_int_equal(f->e.n, 0);
    }
}

#define assert_counted(counts, id, n) assert_int_equal((counts)[HL7_FIELD_##id], (uint64_t)(n))

static void identifying_fields_are_counted_once_a_message(void **state)
{
    (void)state;
    uint64_t counts[HL7_FIELDS] = {0};
    struct hl7_message m;
    assert_ok(
        hl7_parse(STR(HEAD "PID|1||4711^^^HOSP~77||Rossi^Maria||19611224|F|||Via Roma 1^^Lucca"
                           "||\"\"|^^|||||RSSMRA61T64E715X\r"
                           "NK1|1|Rossi^Anna\rNK1|2|Rossi^Carlo\r"
                           "PV1|1|I|W^389^1||||004777^Bianchi^Ugo\r"
                           "OBR|1|||71260^TC torace\r"
                           "OBX|1|TX|1||no nodules\rOBX|2|TX|1||\r"),
                  &m));
    hl7_count_fields(&m, counts);
    hl7_count_fields(&m, counts);
    assert_counted(counts, PatientName, 2);
    assert_counted(counts, PatientID, 2);
    assert_counted(counts, PatientBirthDate, 2);
    assert_counted(counts, PatientAddress, 2);
    assert_counted(counts, SocialSecurityNumber, 2);
    assert_counted(counts, NextOfKinName, 2);
    assert_counted(counts, PhysiciansOfRecord, 2);
    assert_counted(counts, RequestedProcedureDescription, 2);
    assert_counted(counts, ObservationValue, 2);
    assert_counted(counts, PatientTelephoneNumbers, 0);  /* "" is no value */
    assert_counted(counts, PatientBusinessTelephone, 0); /* delimiters are none */
    assert_counted(counts, PriorPatientID, 0);
}

/* Each row is found where the table says, and nowhere else. */
static void each_field_alone_is_counted_alone(void **state)
{
    (void)state;
    static const struct {
        const char *segment;
        unsigned field;
    } rows[] = {
#define HL7_FIELD(id, segment, field, component) {segment, field},
#include "survey/wire/hl7_fields.def"
#undef HL7_FIELD
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t counts[HL7_FIELDS] = {0};
        char text[256];
        struct wr w = wr_fixed(text, sizeof text);
        struct hl7_message m;
        wr_printf(&w, HEAD "%s", rows[i].segment);
        wr_fill(&w, '|', rows[i].field);
        wr_put(&w, STR("x\r"));
        assert_ok(hl7_parse(wr_str(&w), &m));
        hl7_count_fields(&m, counts);
        for (size_t k = 0; k < HL7_FIELDS; k++)
            assert_int_equal(counts[k], k == i);
    }
}

static void the_names_are_those_of_the_table(void **state)
{
    (void)state;
    assert_str(hl7_field_name(HL7_FIELD_PatientName), "PatientName");
    assert_str(hl7_field_name(HL7_FIELD_PriorPatientID), "PriorPatientID");
    assert_int_equal(hl7_field_name(HL7_FIELDS).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACTS_TEST(an_acknowledgment_names_its_application),
        FACTS_TEST(the_text_of_an_acknowledgment_is_kept_only_when_known),
        FACTS_TEST(a_code_that_is_none_is_not_told),
        FACTS_TEST(an_empty_frame_is_mllp),
        FACTS_TEST(other_bytes_are_not_hl7),
        cmocka_unit_test(identifying_fields_are_counted_once_a_message),
        cmocka_unit_test(each_field_alone_is_counted_alone),
        cmocka_unit_test(the_names_are_those_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
