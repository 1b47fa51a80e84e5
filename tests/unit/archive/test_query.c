/* Every kind of matching, by the whole way from identifier to answer. */
#include "archive/query.h"

#include <stdio.h>

#include "query_fixture.h"

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
    study_key(f, TAG_PatientName, "PN", "*\xe7\x94\xb0*", "3.1");
    study_key(f, TAG_PatientName, "PN", "*\xe3\x83\x9e*", "3.1");
    study_key(f, TAG_PatientName, "PN", "*a*", "3.1");
    study_key(f, TAG_PatientName, "PN", "?m*", "2.1");
    study_key(f, TAG_PatientName, "PN", "*r^j*", "1.1|1.2");
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

int main(void)
{
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
