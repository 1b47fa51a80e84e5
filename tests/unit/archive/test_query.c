#include "archive/query.h"

#include <stdio.h>

#include "fixture.h"

#define END                                                                                        \
    {                                                                                              \
        0, NULL, NULL, 0                                                                           \
    }
#define LEVEL(text)                                                                                \
    {                                                                                              \
        TAG_QueryRetrieveLevel, "CS", text, 0                                                      \
    }

/* Four patients, five studies. */
static void fill(struct archive *a)
{
    const struct slice slices[] = {
        {.patient_id = "P1",
         .name = "M\xc3\xbcller^J\xc3\xb6rg",
         .study = "1.1",
         .series = "1.1.1",
         .sop = "1.1.1.1",
         .date = "20200101",
         .time = "080000",
         .accession = "ACC1"},
        {.patient_id = "P1",
         .name = "M\xc3\xbcller^J\xc3\xb6rg",
         .study = "1.1",
         .series = "1.1.2",
         .sop = "1.1.2.1",
         .modality = "SR",
         .date = "20200101",
         .time = "080000",
         .accession = "ACC1"},
        {.patient_id = "P1",
         .name = "M\xc3\xbcller^J\xc3\xb6rg",
         .study = "1.2",
         .series = "1.2.1",
         .sop = "1.2.1.1",
         .modality = "MR",
         .date = "20210630",
         .time = "235959",
         .accession = "ACC2",
         .description = "Knie links"},
        {.patient_id = "P2",
         .name = "Smith^John",
         .study = "2.1",
         .series = "2.1.1",
         .sop = "2.1.1.1",
         .date = "20200102",
         .time = "120000.5",
         .accession = "B%_'1"},
        {.patient_id = "P2",
         .name = "Smith^John",
         .study = "2.1",
         .series = "2.1.1",
         .sop = "2.1.1.2",
         .number = "2",
         .date = "20200102",
         .time = "120000.5",
         .accession = "B%_'1"},
        {.patient_id = "P3%",
         .name = "Yamada^Tarou=\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa\xe9\x83\x8e"
                 "=\xe3\x82\x84\xe3\x81\xbe\xe3\x81\xa0^\xe3\x81\x9f\xe3\x82\x8d\xe3\x81\x86",
         .study = "3.1",
         .series = "3.1.1",
         .sop = "3.1.1.1",
         .date = "20191231",
         .accession = ""},
        {.patient_id = "P4_",
         .name = "O'Brien^\"Q\"",
         .study = "4.1",
         .series = "4.1.1",
         .sop = "4.1.1.1",
         .date = "",
         .time = "",
         .accession = "C4",
         .issuer = "HOSP"},
    };
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        store_slice(a, &slices[i]);
}

static int filled_setup(void **state)
{
    int e = fixture_setup(state);
    fill(((struct fixture *)*state)->a);
    return e;
}

/* At study level: one key, the study UIDs that must come, joined, in any order of two spellings. */
static void study_key(struct fixture *f, tag_t tag, const char *vr, const char *value,
                      const char *expected)
{
    char got[256];
    const struct el els[] = {LEVEL("STUDY"),
                             {TAG_SpecificCharacterSet, "CS", "ISO_IR 192", 0},
                             {TAG_StudyInstanceUID, "UI", "", 0},
                             {tag, vr, value, 0},
                             END};
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_StudyInstanceUID, got, sizeof got);
    if (strcmp(got, expected) != 0)
        print_error("key \"%s\"\n", value);
    assert_string_equal(got, expected);
}

static void single_values_match_exactly(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_PatientID, "LO", "P1", "1.1|1.2");
    study_key(f, TAG_PatientID, "LO", "p1", "");
    study_key(f, TAG_PatientID, "LO", "P", "");
    study_key(f, TAG_AccessionNumber, "SH", "ACC2", "1.2");
    study_key(f, TAG_StudyDescription, "LO", "Knie links", "1.2");
    study_key(f, TAG_IssuerOfPatientID, "LO", "HOSP", "4.1");
}

static void empty_keys_match_everything(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_PatientID, "LO", "", "1.1|1.2|2.1|3.1|4.1");
    study_key(f, TAG_PatientID, "LO", "*", "1.1|1.2|2.1|3.1|4.1");
    study_key(f, TAG_StudyDate, "DA", "", "1.1|1.2|2.1|3.1|4.1");
}

static void names_match_without_case_and_accents_in_every_group(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_PatientName, "PN", "MULLER^JORG", "1.1|1.2");
    study_key(f, TAG_PatientName, "PN", "m\xc3\xbcl*", "1.1|1.2");
    study_key(f, TAG_PatientName, "PN", "smith^j*", "2.1");
    study_key(f, TAG_PatientName, "PN", "\xe5\xb1\xb1\xe7\x94\xb0*", "3.1");
    study_key(f, TAG_PatientName, "PN", "\xe3\x83\xa4\xe3\x83\x9e*", "3.1");
    study_key(f, TAG_PatientName, "PN", "ya*", "3.1");
    study_key(f, TAG_PatientName, "PN", "?m?th*", "2.1");
}

static void leading_wildcards_find_names(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_PatientName, "PN", "*ller*", "1.1|1.2");
    study_key(f, TAG_PatientName, "PN", "*jorg", "1.1|1.2");
    study_key(f, TAG_PatientName, "PN", "*^john", "2.1");
    study_key(f, TAG_PatientName, "PN", "*\xe5\xa4\xaa*", "3.1");
    study_key(f, TAG_PatientName, "PN", "*ith*jo*", "2.1");
    study_key(f, TAG_PatientName, "PN", "*xyz*", "");
}

static void sql_wildcards_and_quotes_are_only_text(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_PatientID, "LO", "P3%", "3.1");
    study_key(f, TAG_PatientID, "LO", "%", "");
    study_key(f, TAG_PatientID, "LO", "P_", "");
    study_key(f, TAG_PatientID, "LO", "P%*", "");
    study_key(f, TAG_PatientID, "LO", "P4_*", "4.1");
    study_key(f, TAG_AccessionNumber, "SH", "B%_'1", "2.1");
    study_key(f, TAG_AccessionNumber, "SH", "B%*", "2.1");
    study_key(f, TAG_AccessionNumber, "SH", "' OR 1=1 --", "");
    study_key(f, TAG_AccessionNumber, "SH", "'; DROP TABLE study; --", "");
    study_key(f, TAG_PatientName, "PN", "o'brien^\"q\"", "4.1");
    study_key(f, TAG_PatientName, "PN", "*\"q\"*", "4.1");
    study_key(f, TAG_PatientName, "PN", "*brien^\"*", "4.1");
    study_key(f, TAG_PatientName, "PN", "*\" OR \"*", "");
    study_key(f, TAG_PatientName, "PN", "*[a-z][a-z]*", "");
    study_key(f, TAG_StudyDescription, "LO", "Tho%", "");
}

static void nul_bytes_in_keys_do_no_harm(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const tag_t tags[] = {TAG_PatientID, TAG_PatientName, TAG_AccessionNumber,
                          TAG_StudyDescription};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        const struct el els[] = {LEVEL("STUDY"), END};
        struct dcm_ds *ds = dataset_of(&arena, els), *answer;
        struct query_options o = {.model = QUERY_STUDY_ROOT};
        struct query *q;
        vr_t vr = tags[i] == TAG_PatientName ? VR('P', 'N') : VR('L', 'O');
        assert_ok(dcm_ds_set(ds, tags[i], vr, str_of("*mi\0th\0x*", 9)));
        assert_ok(query_open(f->a, &o, ds, &q, NULL, NULL));
        assert_ok(query_next(q, &answer));
        assert_null(answer);
        query_close(q);
    }
    arena_done(&arena);
}

static void dates_and_times_match_as_ranges(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_StudyDate, "DA", "20200101", "1.1");
    study_key(f, TAG_StudyDate, "DA", "20200101-20200102", "1.1|2.1");
    study_key(f, TAG_StudyDate, "DA", "-20200101", "3.1|1.1");
    study_key(f, TAG_StudyDate, "DA", "20210101-", "1.2");
    study_key(f, TAG_StudyTime, "TM", "0700-0900", "1.1");
    study_key(f, TAG_StudyTime, "TM", "120000.4-120000.6", "2.1");
}

static void date_and_time_are_one_moment_when_negotiated(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"),
                             {TAG_StudyDate, "DA", "20200101-20200102", 0},
                             {TAG_StudyTime, "TM", "090000-110000", 0},
                             {TAG_StudyInstanceUID, "UI", "", 0},
                             END};
    for (int datetime = 0; datetime < 2; datetime++) {
        struct query_options o = {.model = QUERY_STUDY_ROOT, .datetime = datetime};
        struct query *q;
        struct dcm_ds *answer;
        assert_ok(query_open(f->a, &o, dataset_of(&arena, els), &q, NULL, NULL));
        assert_ok(query_next(q, &answer));
        assert_null(answer);
        query_close(q);
    }
    const struct el wide[] = {LEVEL("STUDY"),
                              {TAG_StudyDate, "DA", "20191231-20200102", 0},
                              {TAG_StudyTime, "TM", "200000-130000", 0},
                              {TAG_StudyInstanceUID, "UI", "", 0},
                              END};
    struct query_options o = {.model = QUERY_STUDY_ROOT, .datetime = true};
    struct query *q;
    struct dcm_ds *answer;
    size_t n = 0;
    assert_ok(query_open(f->a, &o, dataset_of(&arena, wide), &q, NULL, NULL));
    while (query_next(q, &answer) == OK && answer)
        n++;
    assert_int_equal(n, 2); /* 1.1 at 8:00 on the first, 2.1 at 12:00 on the second */
    query_close(q);
    arena_done(&arena);
}

static void uid_lists_match_each_once(void **state)
{
    struct fixture *f = *state;
    study_key(f, TAG_StudyInstanceUID, "UI", "3.1\\1.2\\9.9\\1.2", "1.2|3.1");
}

static void modalities_in_study_match_any_of_them(void **state)
{
    struct fixture *f = *state;
    char got[64];
    study_key(f, TAG_ModalitiesInStudy, "CS", "SR", "1.1");
    study_key(f, TAG_ModalitiesInStudy, "CS", "CT", "1.1|2.1|3.1|4.1");
    study_key(f, TAG_ModalitiesInStudy, "CS", "MR\\SR", "1.1|1.2");
    const struct el els[] = {LEVEL("STUDY"),
                             {TAG_StudyInstanceUID, "UI", "1.1", 0},
                             {TAG_ModalitiesInStudy, "CS", "", 0},
                             END};
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_ModalitiesInStudy, got, sizeof got);
    assert_string_equal(got, "CT\\SR");
}

static void counts_are_right_at_each_level(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *level;
        tag_t tag;
        const char *expected;
    } cases[] = {
        {"PATIENT", TAG_NumberOfPatientRelatedStudies, "2"},
        {"PATIENT", TAG_NumberOfPatientRelatedSeries, "3"},
        {"PATIENT", TAG_NumberOfPatientRelatedInstances, "3"},
    };
    char got[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct el els[] = {LEVEL(cases[i].level),
                                 {TAG_PatientID, "LO", "P1", 0},
                                 {cases[i].tag, "IS", "", 0},
                                 END};
        ask(f->a, QUERY_PATIENT_ROOT, false, els, cases[i].tag, got, sizeof got);
        assert_string_equal(got, cases[i].expected);
    }
    const struct el series[] = {LEVEL("SERIES"),
                                {TAG_StudyInstanceUID, "UI", "2.1", 0},
                                {TAG_NumberOfSeriesRelatedInstances, "IS", "", 0},
                                END};
    ask(f->a, QUERY_STUDY_ROOT, false, series, TAG_NumberOfSeriesRelatedInstances, got, sizeof got);
    assert_string_equal(got, "2");
    const struct el study[] = {LEVEL("STUDY"),
                               {TAG_StudyInstanceUID, "UI", "1.1", 0},
                               {TAG_NumberOfStudyRelatedSeries, "IS", "", 0},
                               {TAG_SOPClassesInStudy, "UI", "", 0},
                               END};
    ask(f->a, QUERY_STUDY_ROOT, false, study, TAG_NumberOfStudyRelatedSeries, got, sizeof got);
    assert_string_equal(got, "2");
    ask(f->a, QUERY_STUDY_ROOT, false, study, TAG_SOPClassesInStudy, got, sizeof got);
    assert_string_equal(got, CT_CLASS);
}

static void image_level_answers_from_index_and_object(void **state)
{
    struct fixture *f = *state;
    char got[64];
    const struct el els[] = {LEVEL("IMAGE"),
                             {TAG_StudyInstanceUID, "UI", "2.1", 0},
                             {TAG_SeriesInstanceUID, "UI", "2.1.1", 0},
                             {TAG_SOPInstanceUID, "UI", "", 0},
                             {TAG_InstanceNumber, "IS", "", 0},
                             {TAG_Rows, "US", NULL, 512},
                             {TAG_PatientBirthDate, "DA", "", 0},
                             END};
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_InstanceNumber, got, sizeof got),
                     2);
    assert_string_equal(got, "1|2");
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_SOPInstanceUID, got, sizeof got);
    assert_string_equal(got, "2.1.1.1|2.1.1.2");
    const struct el no_rows[] = {LEVEL("IMAGE"),
                                 {TAG_StudyInstanceUID, "UI", "2.1", 0},
                                 {TAG_SeriesInstanceUID, "UI", "2.1.1", 0},
                                 {TAG_Rows, "US", NULL, 513},
                                 END};
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, no_rows, 0, NULL, 0), 0);
}

static void any_attribute_of_an_image_is_matched_and_returned(void **state)
{
    struct fixture *f = *state;
    char got[64];
    const struct el more[] = {{TAG_ImageType, "CS", "ORIGINAL\\PRIMARY\\AXIAL", 0},
                              {TAG_SliceThickness, "DS", "1.25", 0},
                              {TAG_ImageComments, "LT", "K\xc3\xb6ln", 0},
                              END};
    struct slice s = {.study = "5.1", .series = "5.1.1", .sop = "5.1.1.1", .more = more};
    store_slice(f->a, &s);
    struct el els[] = {LEVEL("IMAGE"),
                       {TAG_StudyInstanceUID, "UI", "5.1", 0},
                       {TAG_SeriesInstanceUID, "UI", "5.1.1", 0},
                       {TAG_ImageType, "CS", "AXIAL", 0},
                       {TAG_ImageComments, "LT", "", 0},
                       {TAG_SliceThickness, "DS", "1.250", 0},
                       END};
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_ImageComments, got, sizeof got),
                     1);
    assert_string_equal(got, "K\xc3\xb6ln");
    els[3].text = "LOCALIZER";
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0), 0);
}

static struct dcm_ds *with_request(struct arena *a, const char *step, bool two)
{
    const struct el els[] = {LEVEL("SERIES"), {TAG_StudyInstanceUID, "UI", "6.1", 0}, END};
    struct dcm_ds *ds = dataset_of(a, els), *item;
    assert_ok(dcm_ds_add_item(ds, TAG_RequestAttributesSequence, &item));
    assert_ok(dcm_ds_set(item, TAG_ScheduledProcedureStepID, VR('S', 'H'), str_z(step)));
    if (two)
        assert_ok(dcm_ds_set(item, TAG_RequestedProcedureID, VR('S', 'H'), STR("")));
    return ds;
}

/* An object with a request, in Latin-1. */
static void take_requested(struct archive *a, struct arena *arena)
{
    const struct el base[] = {{TAG_SOPClassUID, "UI", CT_CLASS, 0},
                              {TAG_SOPInstanceUID, "UI", "6.1.1.1", 0},
                              {TAG_StudyInstanceUID, "UI", "6.1", 0},
                              {TAG_SeriesInstanceUID, "UI", "6.1.1", 0},
                              {TAG_SpecificCharacterSet, "CS", "ISO_IR 100", 0},
                              END};
    struct dcm_ds *object = dataset_of(arena, base), *item;
    assert_ok(dcm_ds_add_item(object, TAG_RequestAttributesSequence, &item));
    assert_ok(dcm_ds_set(item, TAG_ScheduledProcedureStepID, VR('S', 'H'), STR("SPS7")));
    assert_ok(dcm_ds_set(item, TAG_RequestedProcedureID, VR('S', 'H'), STR("RP\xe9")));
    struct wr w = wr_heap(1 << 20);
    dcm_ds_write(object, DCM_EXPLICIT_LE, &w);
    assert_ok(take_in(a, wr_str(&w), LE, 50, NULL, NULL));
    wr_done(&w);
}

static void request_attributes_match_within_an_item(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    struct dcm_ds *answer;
    take_requested(f->a, &arena);
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct query *q;
    assert_ok(query_open(f->a, &o, with_request(&arena, "SPS7", true), &q, NULL, NULL));
    assert_ok(query_next(q, &answer));
    assert_non_null(answer);
    const struct dcm_elem *e = dcm_ds_get(answer, TAG_RequestAttributesSequence);
    assert_int_equal(e->n_items, 1);
    assert_str(dcm_ds_text(e->items[0], TAG_RequestedProcedureID, &arena), "RP\xc3\xa9");
    assert_str(dcm_ds_str(answer, TAG_SpecificCharacterSet), "ISO_IR 192");
    query_close(q);
    assert_ok(query_open(f->a, &o, with_request(&arena, "SPS8", false), &q, NULL, NULL));
    assert_ok(query_next(q, &answer));
    assert_null(answer);
    query_close(q);
    arena_done(&arena);
}

/* PS3.4 C.2.2.2.6 */
static void a_sequence_key_without_items_asks_for_all_of_it(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("SERIES"), {TAG_StudyInstanceUID, "UI", "6.1", 0}, END};
    const struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct dcm_ds *keys = dataset_of(&arena, els), *answer;
    struct query *q;
    take_requested(f->a, &arena);
    assert_ok(dcm_ds_set(keys, TAG_RequestAttributesSequence, VR('S', 'Q'), STR("")));
    assert_ok(query_open(f->a, &o, keys, &q, NULL, NULL));
    assert_ok(query_next(q, &answer));
    const struct dcm_ds *item = dcm_ds_item(answer, TAG_RequestAttributesSequence, 0);
    assert_non_null(item);
    assert_str(dcm_ds_text(item, TAG_ScheduledProcedureStepID, &arena), "SPS7");
    assert_str(dcm_ds_text(item, TAG_RequestedProcedureID, &arena), "RP\xc3\xa9");
    query_close(q);
    arena_done(&arena);
}

/* With a value it says in which zone the requester's times are; without one it is a return key. */
static void the_timezone_is_returned_where_it_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    char got[64];
    const struct el object[] = {
        {TAG_SOPClassUID, "UI", CT_CLASS, 0},          {TAG_SOPInstanceUID, "UI", "7.1.1.1", 0},
        {TAG_StudyInstanceUID, "UI", "7.1", 0},        {TAG_SeriesInstanceUID, "UI", "7.1.1", 0},
        {TAG_TimezoneOffsetFromUTC, "SH", "-0400", 0}, END};
    struct el els[] = {LEVEL("STUDY"),
                       {TAG_StudyInstanceUID, "UI", "7.1", 0},
                       {TAG_TimezoneOffsetFromUTC, "SH", "", 0},
                       END};
    struct wr w = wr_heap(1 << 20);
    dcm_ds_write(dataset_of(&arena, object), DCM_EXPLICIT_LE, &w);
    assert_ok(take_in(f->a, wr_str(&w), LE, 50, NULL, NULL));
    wr_done(&w);
    assert_int_equal(
        ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_TimezoneOffsetFromUTC, got, sizeof got), 1);
    assert_string_equal(got, "-0400");
    els[2].text = "+0100";
    assert_int_equal(
        ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_TimezoneOffsetFromUTC, got, sizeof got), 1);
    assert_string_equal(got, "");
    arena_done(&arena);
}

static void answers_come_in_the_requesters_character_set(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    static const struct {
        const char *asked, *key, *set, *name;
    } cases[] = {
        {"ISO_IR 100", "M\xfcller*", "ISO_IR 100", "M\xfcller^J\xf6rg"},
        {"ISO_IR 144", "Muller*", "ISO_IR 192", "M\xc3\xbcller^J\xc3\xb6rg"},
        {"", "Muller*", "ISO_IR 192", "M\xc3\xbcller^J\xc3\xb6rg"},
        {"ISO_IR 100", "Smith*", "", "Smith^John"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct el els[] = {LEVEL("STUDY"),
                                 {TAG_SpecificCharacterSet, "CS", cases[i].asked, 0},
                                 {TAG_PatientName, "PN", cases[i].key, 0},
                                 END};
        struct query_options o = {.model = QUERY_STUDY_ROOT};
        struct query *q;
        struct dcm_ds *answer;
        assert_ok(query_open(f->a, &o, dataset_of(&arena, els), &q, NULL, NULL));
        assert_ok(query_next(q, &answer));
        assert_non_null(answer);
        assert_str(dcm_ds_str(answer, TAG_SpecificCharacterSet), cases[i].set);
        assert_str(dcm_ds_str(answer, TAG_PatientName), cases[i].name);
        query_close(q);
    }
    arena_done(&arena);
}

static void answers_say_where_and_whether(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"),
                             {TAG_StudyInstanceUID, "UI", "1.1", 0},
                             {TAG_InstanceAvailability, "CS", "", 0},
                             END};
    struct query_options o = {.model = QUERY_STUDY_ROOT, .retrieve_ae = STR("LASTRA")};
    struct query *q;
    struct dcm_ds *answer;
    assert_ok(query_open(f->a, &o, dataset_of(&arena, els), &q, NULL, NULL));
    assert_false(query_has_unsupported(q));
    assert_ok(query_next(q, &answer));
    assert_str(dcm_ds_str(answer, TAG_QueryRetrieveLevel), "STUDY");
    assert_str(dcm_ds_str(answer, TAG_RetrieveAETitle), "LASTRA");
    assert_str(dcm_ds_str(answer, TAG_InstanceAvailability), "ONLINE");
    query_close(q);
    arena_done(&arena);
}

static void keys_of_other_levels_are_told_as_unsupported(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"), {TAG_Modality, "CS", "CT", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct query *q;
    struct dcm_ds *answer;
    assert_ok(query_open(f->a, &o, dataset_of(&arena, els), &q, NULL, NULL));
    assert_true(query_has_unsupported(q));
    assert_ok(query_next(q, &answer));
    assert_null(dcm_ds_get(answer, TAG_Modality));
    query_close(q);
    arena_done(&arena);
}

static void offends(struct fixture *f, enum query_model model, const struct el *els, err_t expected,
                    tag_t tag)
{
    struct arena arena = arena_init(1 << 20);
    struct query_options o = {.model = model};
    struct query *q;
    struct diag d = {""};
    tag_t offending = 0;
    assert_err(query_open(f->a, &o, dataset_of(&arena, els), &q, &offending, &d), expected);
    assert_int_equal(offending, tag);
    assert_true(d.text[0] != 0);
    arena_done(&arena);
}

static void hierarchy_is_kept(void **state)
{
    struct fixture *f = *state;
    const struct el no_level[] = {{TAG_PatientID, "LO", "P1", 0}, END};
    const struct el patient[] = {LEVEL("PATIENT"), END};
    const struct el series[] = {LEVEL("SERIES"), END};
    const struct el image[] = {LEVEL("IMAGE"), {TAG_StudyInstanceUID, "UI", "1.1", 0}, END};
    const struct el list[] = {LEVEL("SERIES"), {TAG_StudyInstanceUID, "UI", "1.1\\1.2", 0}, END};
    const struct el study[] = {LEVEL("STUDY"), END};
    const struct el wild[] = {LEVEL("STUDY"), {TAG_PatientID, "LO", "P*", 0}, END};
    offends(f, QUERY_STUDY_ROOT, no_level, E_MISMATCH, TAG_QueryRetrieveLevel);
    offends(f, QUERY_STUDY_ROOT, patient, E_MISMATCH, TAG_QueryRetrieveLevel);
    offends(f, QUERY_PATIENT_STUDY_ONLY, series, E_MISMATCH, TAG_QueryRetrieveLevel);
    offends(f, QUERY_STUDY_ROOT, series, E_MISMATCH, TAG_StudyInstanceUID);
    offends(f, QUERY_STUDY_ROOT, image, E_MISMATCH, TAG_SeriesInstanceUID);
    offends(f, QUERY_STUDY_ROOT, list, E_MISMATCH, TAG_StudyInstanceUID);
    offends(f, QUERY_PATIENT_ROOT, study, E_MISMATCH, TAG_PatientID);
    offends(f, QUERY_PATIENT_ROOT, wild, E_MISMATCH, TAG_PatientID);
}

static void values_that_are_none_are_malformed(void **state)
{
    struct fixture *f = *state;
    const struct el date[] = {LEVEL("STUDY"), {TAG_StudyDate, "DA", "yesterday", 0}, END};
    const struct el uid[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "1.2.x' OR", 0}, END};
    offends(f, QUERY_STUDY_ROOT, date, E_MALFORMED, TAG_StudyDate);
    offends(f, QUERY_STUDY_ROOT, uid, E_MALFORMED, TAG_StudyInstanceUID);
}

static void relational_queries_need_no_keys_above(void **state)
{
    struct fixture *f = *state;
    char got[128];
    const struct el image[] = {LEVEL("IMAGE"),
                               {TAG_SOPInstanceUID, "UI", "2.1.1.2", 0},
                               {TAG_PatientID, "LO", "", 0},
                               END};
    ask(f->a, QUERY_PATIENT_ROOT, true, image, TAG_PatientID, got, sizeof got);
    assert_string_equal(got, "P2");
    const struct el series[] = {
        LEVEL("SERIES"), {TAG_SeriesInstanceUID, "UI", "", 0}, {TAG_Modality, "CS", "MR", 0}, END};
    ask(f->a, QUERY_STUDY_ROOT, true, series, TAG_SeriesInstanceUID, got, sizeof got);
    assert_string_equal(got, "1.2.1");
    const struct el by_name[] = {
        LEVEL("IMAGE"), {TAG_PatientName, "PN", "mul*", 0}, {TAG_SOPInstanceUID, "UI", "", 0}, END};
    ask(f->a, QUERY_STUDY_ROOT, true, by_name, TAG_SOPInstanceUID, got, sizeof got);
    assert_string_equal(got, "1.1.1.1|1.1.2.1|1.2.1.1");
}

/* Far more answers than one leg holds, for each kind of leading index. */
static void long_answers_come_complete_and_each_once(void **state)
{
    struct fixture *f = *state;
    enum { STUDIES = 700 };
    for (int i = 0; i < STUDIES; i++) {
        char study[32], series[32], sop[32], pid[32], name[64], accession[32];
        snprintf(study, sizeof study, "7.%d", i + 1);
        snprintf(series, sizeof series, "7.%d.1", i + 1);
        snprintf(sop, sizeof sop, "7.%d.1.1", i + 1);
        snprintf(pid, sizeof pid, "Q%d", i % 40);
        snprintf(name, sizeof name, "Long^N%02d=Long^I%02d", i % 40, i % 40);
        snprintf(accession, sizeof accession, "LA%d", i);
        struct slice s = {.study = study,
                          .series = series,
                          .sop = sop,
                          .patient_id = pid,
                          .name = name,
                          .accession = accession,
                          .date = i % 3 ? "20230405" : "20230406",
                          .time = i % 2 ? "" : "0102"};
        store_slice(f->a, &s);
    }
    const struct {
        tag_t tag;
        const char *vr, *key;
        size_t n;
    } cases[] = {
        {TAG_PatientName, "PN", "long*", STUDIES},
        {TAG_PatientName, "PN", "*ong^*", STUDIES},
        {TAG_StudyDate, "DA", "20230405-20230406", STUDIES},
        {TAG_StudyDate, "DA", "20230101-20231231", STUDIES},
        {TAG_PatientID, "LO", "Q*", STUDIES},
        {TAG_AccessionNumber, "SH", "LA*", STUDIES},
        {TAG_StudyDescription, "LO", "Thor*", STUDIES + 4},
        {TAG_PatientID, "LO", "Q7", 18},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct el els[] = {LEVEL("STUDY"),
                                 {TAG_StudyInstanceUID, "UI", "", 0},
                                 {cases[i].tag, cases[i].vr, cases[i].key, 0},
                                 END};
        size_t n = ask(f->a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0);
        if (n != cases[i].n)
            print_error("key %s\n", cases[i].key);
        assert_int_equal(n, cases[i].n);
    }
    const struct el patients[] = {LEVEL("PATIENT"), {TAG_PatientName, "PN", "lo*", 0}, END};
    assert_int_equal(ask(f->a, QUERY_PATIENT_ROOT, false, patients, 0, NULL, 0), 40);
}

static void ends_at_the_limit_and_when_cancelled(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT, .max_answers = 2};
    struct query *q;
    struct dcm_ds *answer;
    assert_ok(query_open(f->a, &o, dataset_of(&arena, els), &q, NULL, NULL));
    assert_ok(query_next(q, &answer));
    assert_ok(query_next(q, &answer));
    assert_err(query_next(q, &answer), E_LIMIT);
    query_close(q);
    assert_ok(query_open(f->a, &o, dataset_of(&arena, els), &q, NULL, NULL));
    query_cancel(q);
    assert_err(query_next(q, &answer), E_CANCELLED);
    query_close(q);
    arena_done(&arena);
}

int main(void)
{
#define FILLED(test) cmocka_unit_test_setup_teardown(test, filled_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        FILLED(single_values_match_exactly),
        FILLED(empty_keys_match_everything),
        FILLED(names_match_without_case_and_accents_in_every_group),
        FILLED(leading_wildcards_find_names),
        FILLED(sql_wildcards_and_quotes_are_only_text),
        FILLED(nul_bytes_in_keys_do_no_harm),
        FILLED(dates_and_times_match_as_ranges),
        FILLED(date_and_time_are_one_moment_when_negotiated),
        FILLED(uid_lists_match_each_once),
        FILLED(modalities_in_study_match_any_of_them),
        FILLED(counts_are_right_at_each_level),
        FILLED(image_level_answers_from_index_and_object),
        FILLED(any_attribute_of_an_image_is_matched_and_returned),
        FILLED(request_attributes_match_within_an_item),
        FILLED(a_sequence_key_without_items_asks_for_all_of_it),
        FILLED(the_timezone_is_returned_where_it_is_asked_for),
        FILLED(answers_come_in_the_requesters_character_set),
        FILLED(answers_say_where_and_whether),
        FILLED(keys_of_other_levels_are_told_as_unsupported),
        FILLED(hierarchy_is_kept),
        FILLED(values_that_are_none_are_malformed),
        FILLED(relational_queries_need_no_keys_above),
        FILLED(long_answers_come_complete_and_each_once),
        FILLED(ends_at_the_limit_and_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
