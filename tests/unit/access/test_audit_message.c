#include "unit.h"

#include <stdio.h>

#include "access/audit_message.h"
#include "base/size.h"

static const struct audit_sop_class classes[] = {{STR_INIT("1.2.840.10008.5.1.4.1.1.2"), 120},
                                                 {STR_INIT("1.2.840.10008.5.1.4.1.1.7"), 1}};
static const struct audit_participant participants[] = {
    {.user_id = STR_INIT("CT1"),
     .requestor = true,
     .role = AUDIT_SOURCE,
     .address = STR_INIT("10.1.2.3"),
     .address_is_ip = true},
    {.user_id = STR_INIT("LASTRA"),
     .alternative = STR_INIT("AETITLES=LASTRA"),
     .role = AUDIT_DESTINATION},
};
static const struct audit_object objects[] = {
    {.kind = AUDIT_STUDY,
     .id = STR_INIT("1.2.3"),
     .accession = STR_INIT("A7"),
     .classes = classes,
     .n_classes = COUNT(classes)},
    {.kind = AUDIT_PATIENT, .id = STR_INIT("P<1>")},
};
static const struct audit_message stored = {
    .id = {STR_INIT("110104"), STR_INIT("DCM"), STR_INIT("DICOM Instances Transferred")},
    .type = {STR_INIT(""), STR_INIT("DCM"), STR_INIT("")},
    .action = 'C',
    .time_us = 1767323045678901,
    .participants = participants,
    .n_participants = COUNT(participants),
    .source_id = STR_INIT("LASTRA"),
    .objects = objects,
    .n_objects = COUNT(objects),
};

static void writes_the_schemas_names_as_json(void **state)
{
    (void)state;
    char buf[4096];
    struct wr w = wr_fixed(buf, sizeof buf);
    audit_to_json(&stored, &w);
    assert_false(w.bad);
    assert_str(
        wr_str(&w),
        "{\"EventIdentification\":{\"EventID\":{\"csd-code\":\"110104\",\"codeSystemName\":\"DCM\","
        "\"originalText\":\"DICOM Instances Transferred\"},\"EventActionCode\":\"C\","
        "\"EventDateTime\":\"2026-01-02T03:04:05.678901Z\",\"EventOutcomeIndicator\":0},"
        "\"ActiveParticipant\":[{\"UserID\":\"CT1\",\"UserIsRequestor\":true,"
        "\"RoleIDCode\":{\"csd-code\":\"110153\",\"codeSystemName\":\"DCM\","
        "\"originalText\":\"Source Role ID\"},\"NetworkAccessPointID\":\"10.1.2.3\","
        "\"NetworkAccessPointTypeCode\":2},{\"UserID\":\"LASTRA\","
        "\"AlternativeUserID\":\"AETITLES=LASTRA\",\"UserIsRequestor\":false,"
        "\"RoleIDCode\":{\"csd-code\":\"110152\",\"codeSystemName\":\"DCM\","
        "\"originalText\":\"Destination Role ID\"}}],"
        "\"AuditSourceIdentification\":{\"AuditSourceID\":\"LASTRA\"},"
        "\"ParticipantObjectIdentification\":[{\"ParticipantObjectID\":\"1.2.3\","
        "\"ParticipantObjectTypeCode\":2,\"ParticipantObjectTypeCodeRole\":3,"
        "\"ParticipantObjectIDTypeCode\":{\"csd-code\":\"110180\",\"codeSystemName\":\"DCM\","
        "\"originalText\":\"Study Instance UID\"},\"Accession\":\"A7\","
        "\"SOPClass\":[{\"UID\":\"1.2.840.10008.5.1.4.1.1.2\",\"NumberOfInstances\":120},"
        "{\"UID\":\"1.2.840.10008.5.1.4.1.1.7\",\"NumberOfInstances\":1}]},"
        "{\"ParticipantObjectID\":\"P\\u003c1\\u003e\",\"ParticipantObjectTypeCode\":1,"
        "\"ParticipantObjectTypeCodeRole\":1,\"ParticipantObjectIDTypeCode\":{\"csd-code\":\"2\","
        "\"codeSystemName\":\"RFC-3881\",\"originalText\":\"Patient Number\"}}]}");
}

static void writes_the_standards_xml(void **state)
{
    (void)state;
    char buf[4096];
    struct wr w = wr_fixed(buf, sizeof buf);
    audit_to_xml(&stored, &w);
    assert_false(w.bad);
    assert_str(
        wr_str(&w),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>"
        "<EventIdentification EventActionCode=\"C\" EventDateTime=\"2026-01-02T03:04:05.678901Z\" "
        "EventOutcomeIndicator=\"0\"><EventID csd-code=\"110104\" codeSystemName=\"DCM\" "
        "originalText=\"DICOM Instances Transferred\"/></EventIdentification>"
        "<ActiveParticipant UserID=\"CT1\" UserIsRequestor=\"true\" "
        "NetworkAccessPointID=\"10.1.2.3\" NetworkAccessPointTypeCode=\"2\">"
        "<RoleIDCode csd-code=\"110153\" codeSystemName=\"DCM\" originalText=\"Source Role ID\"/>"
        "</ActiveParticipant><ActiveParticipant UserID=\"LASTRA\" "
        "AlternativeUserID=\"AETITLES=LASTRA\" UserIsRequestor=\"false\"><RoleIDCode "
        "csd-code=\"110152\" codeSystemName=\"DCM\" originalText=\"Destination Role ID\"/>"
        "</ActiveParticipant><AuditSourceIdentification AuditSourceID=\"LASTRA\"/>"
        "<ParticipantObjectIdentification ParticipantObjectID=\"1.2.3\" "
        "ParticipantObjectTypeCode=\"2\" ParticipantObjectTypeCodeRole=\"3\">"
        "<ParticipantObjectIDTypeCode csd-code=\"110180\" codeSystemName=\"DCM\" "
        "originalText=\"Study Instance UID\"/><ParticipantObjectName>1.2.3</ParticipantObjectName>"
        "<Accession Number=\"A7\"/><SOPClass UID=\"1.2.840.10008.5.1.4.1.1.2\" "
        "NumberOfInstances=\"120\"/><SOPClass UID=\"1.2.840.10008.5.1.4.1.1.7\" "
        "NumberOfInstances=\"1\"/></ParticipantObjectIdentification>"
        "<ParticipantObjectIdentification ParticipantObjectID=\"P&lt;1&gt;\" "
        "ParticipantObjectTypeCode=\"1\" ParticipantObjectTypeCodeRole=\"1\">"
        "<ParticipantObjectIDTypeCode csd-code=\"2\" codeSystemName=\"RFC-3881\" "
        "originalText=\"Patient Number\"/><ParticipantObjectName>P&lt;1&gt;</ParticipantObjectName>"
        "</ParticipantObjectIdentification></AuditMessage>");
}

static void writes_a_line_for_people(void **state)
{
    (void)state;
    char buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    audit_to_text(&stored, &w);
    assert_str(wr_str(&w),
               "2026-01-02T03:04:05.678901Z DICOM Instances Transferred: ok by CT1@10.1.2.3 with "
               "LASTRA; study 1.2.3, 121 objects; patient P<1>");
}

/* json(parse(json(m))) == json(m), which holds each member that the writer writes. */
static void assert_reads_back(const struct audit_message *m)
{
    struct wr first = wr_heap(AUDIT_LINE_MAX), second = wr_heap(AUDIT_LINE_MAX);
    struct arena a = arena_init(1 << 20);
    struct audit_message back;
    audit_to_json(m, &first);
    assert_false(first.bad);
    assert_ok(audit_parse(wr_str(&first), &a, &back));
    audit_to_json(&back, &second);
    assert_int_equal(first.n, second.n);
    assert_memory_equal(first.p, second.p, first.n);
    arena_done(&a);
    wr_done(&first);
    wr_done(&second);
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    assert_reads_back(&stored);
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    for (size_t n = 1; n <= sizeof all; n += 17) {
        struct audit_object o = {
            .kind = AUDIT_SOP_CLASS_QUERIED,
            .id = STR("1.2"),
            .name = STR("a name"),
            .query = str_of(all, n),
            .details = {{STR("TransferSyntax"), STR("1.2.840.10008.1.2")}, {STR("x"), STR("")}}};
        struct audit_participant who = {.user_id = STR("anna"),
                                        .name = STR("Anna \"A\" \\ \xc3\xa9\n"),
                                        .requestor = true,
                                        .address = STR("ws7"),
                                        .role = AUDIT_APPLICATION};
        struct audit_message m = stored;
        m.type = (struct audit_code){STR("110126"), STR("DCM"), STR("Node Authentication")};
        m.outcome = AUDIT_SERIOUS;
        m.outcome_text = STR("did not work");
        m.participants = &who;
        m.n_participants = 1;
        m.objects = &o;
        m.n_objects = 1;
        assert_reads_back(&m);
    }
}

static void every_kind_of_object_and_role_reads_back(void **state)
{
    (void)state;
    for (unsigned k = 0; k < AUDIT_OBJECT_KINDS; k++)
        for (unsigned r = 0; r < AUDIT_ROLES; r++) {
            struct audit_participant who = {.user_id = STR("x"), .role = (enum audit_role)r};
            struct audit_object o = {.kind = (enum audit_object_kind)k, .id = STR("1")};
            struct audit_message m = stored;
            m.participants = &who;
            m.n_participants = 1;
            m.objects = &o;
            m.n_objects = 1;
            assert_reads_back(&m);
        }
}

/* The number of tags in the XML of a message that has this text in every place a peer can reach;
 * what is written is checked on the way. */
static size_t tags_with(struct str text)
{
    struct audit_participant who = {.user_id = text, .address = text, .name = text};
    struct audit_object o = {.kind = AUDIT_PATIENT,
                             .id = text,
                             .name = text,
                             .accession = text,
                             .details = {{text, text}}};
    struct audit_message m = stored;
    m.outcome_text = text;
    m.participants = &who;
    m.n_participants = 1;
    m.objects = &o;
    m.n_objects = 1;
    assert_reads_back(&m);

    char buf[8192];
    struct wr w = wr_fixed(buf, sizeof buf);
    size_t tags = 0;
    audit_to_xml(&m, &w);
    assert_false(w.bad);
    assert_true(str_is_utf8(wr_str(&w)));
    for (size_t k = 0; k < w.n; k++) {
        assert_true(w.p[k] >= ' ' && w.p[k] != 0x7f);
        tags += w.p[k] == '<';
    }
    wr_clear(&w);
    audit_to_text(&m, &w);
    for (size_t k = 0; k < w.n; k++)
        assert_true(w.p[k] >= ' ' && w.p[k] != 0x7f);
    return tags;
}

/* A peer's text must not become markup, a new member or a new line. */
static void hostile_text_stays_text(void **state)
{
    (void)state;
    static const struct str evil[] = {
        STR_INIT("\"/><EventID csd-code=\"110100\"/>"),
        STR_INIT("\"},{\"UserID\":\"root"),
        STR_INIT("a\nb\r\nc\0d\x1b[2J\x7f"),
        STR_INIT("\xff\xfe\xc0\x80 \xed\xa0\x80 \xef\xbf\xbe"),
        STR_INIT("]]>&amp;<!--"),
    };
    size_t harmless = tags_with(STR("x"));
    for (size_t i = 0; i < COUNT(evil); i++)
        assert_int_equal(tags_with(evil[i]), harmless);
}

/* audit.c relies on it: with one object, whatever stands in it, a message fits a line. */
static void the_largest_message_with_one_object_fits_a_line(void **state)
{
    (void)state;
    static char huge[100000];
    memset(huge, 1, sizeof huge); /* six bytes each in JSON */
    struct str text = str_of(huge, sizeof huge);
    struct audit_participant who[AUDIT_PARTICIPANTS_MAX];
    struct audit_sop_class many[AUDIT_CLASSES_MAX];
    for (size_t i = 0; i < COUNT(who); i++)
        who[i] = (struct audit_participant){text, text, text, false, AUDIT_DESTINATION, text, true};
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct audit_sop_class){text, UINT64_MAX};
    struct audit_object o = {.id = text, .name = text, .accession = text};
    for (size_t i = 0; i < AUDIT_DETAILS_MAX; i++)
        o.details[i] = (struct audit_detail){text, text};
    struct audit_message m = stored;
    m.outcome_text = m.source_id = text;
    m.participants = who;
    m.n_participants = COUNT(who);
    m.objects = &o;
    m.n_objects = 1;
    for (int query = 0; query < 2; query++) {
        struct wr w = wr_heap(AUDIT_LINE_MAX);
        o.query = query ? text : STR("");
        o.classes = many;
        o.n_classes = query ? 0 : COUNT(many);
        audit_to_json(&m, &w);
        assert_false(w.bad);
        wr_done(&w);
    }
}

static bool has(struct str s, struct str part)
{
    return memmem(s.p, s.n, part.p, part.n) != NULL;
}

static void cuts_long_text_between_characters(void **state)
{
    (void)state;
    char name[131] = "x"; /* so that the cut falls into a character */
    for (size_t i = 1; i + 1 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    struct audit_participant who = {.user_id = str_of(name, 129)};
    struct audit_message m = stored;
    m.participants = &who;
    m.n_participants = 1;
    m.n_objects = 0;
    char buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    audit_to_json(&m, &w);
    assert_false(w.bad);
    assert_true(has(wr_str(&w), STR("\xc3\xa9\"")));
    assert_false(has(wr_str(&w), STR("\xef\xbf\xbd")));
}

static void refuses_lines_that_are_no_audit_message(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"chain\":\"resumed\",\"cut\":5}",
        "{\"EventIdentification\":{\"EventID\":{\"csd-code\":\"1\"}}}",
        "{\"EventIdentification\":{\"EventDateTime\":\"yesterday\"}}",
        "{\"EventIdentification\":{\"EventActionCode\":\"X\"}}",
        "{\"EventIdentification\":{\"EventOutcomeIndicator\":3}}",
        "{\"ActiveParticipant/UserID\":\"x\"}",
        "{\"ParticipantObjectIdentification/SOPClass/UID\":\"x\"}",
        "{\"ActiveParticipant\":[{\"RoleIDCode\":{\"csd-code\":\"1\"}}]}",
        "{\"ParticipantObjectIdentification\":[{\"ParticipantObjectQuery\":\"*\"}]}",
        "{\"ActiveParticipant\":[{},{},{},{},{},{},{},{},{}]}",
        "{\"ParticipantObjectIdentification\":[{\"ParticipantObjectDetail\":[{},{},{},{},{}]}]}",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct arena a = arena_init(1 << 20);
        struct audit_message m;
        if (audit_parse(str_z(bad[i]), &a, &m) == OK)
            print_error("row %zu was taken\n", i);
        assert_err(audit_parse(str_z(bad[i]), &a, &m), E_MALFORMED);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_schemas_names_as_json),
        cmocka_unit_test(writes_the_standards_xml),
        cmocka_unit_test(writes_a_line_for_people),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(every_kind_of_object_and_role_reads_back),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(the_largest_message_with_one_object_fits_a_line),
        cmocka_unit_test(cuts_long_text_between_characters),
        cmocka_unit_test(refuses_lines_that_are_no_audit_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
