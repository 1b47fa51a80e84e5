#include "archive/ingest.h"

#include "fixture.h"

static void keeps_an_object_and_finds_it(void **state)
{
    struct fixture *f = *state;
    char got[256];
    struct slice s = {.pixels = 5000};
    assert_int_equal(store_slice(f->a, &s), INGEST_STORED);
    const struct el by_id[] = {{TAG_QueryRetrieveLevel, "CS", "STUDY", 0},
                               {TAG_PatientID, "LO", "P1", 0},
                               {TAG_StudyInstanceUID, "UI", "", 0},
                               {0, NULL, NULL, 0}};
    assert_int_equal(
        ask(f->a, QUERY_STUDY_ROOT, false, by_id, TAG_StudyInstanceUID, got, sizeof got), 1);
    assert_string_equal(got, "1.2.3.4");
}

static void same_bytes_again_are_stored_once(void **state)
{
    struct fixture *f = *state;
    struct archive_state figures;
    struct slice s = {.pixels = 100};
    assert_int_equal(store_slice(f->a, &s), INGEST_STORED);
    assert_int_equal(store_slice(f->a, &s), INGEST_SAME);
    assert_ok(archive_barrier(f->a));
    assert_int_equal(store_slice(f->a, &s), INGEST_SAME);
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.instances, 1);
    assert_int_equal(figures.conflicts, 0);
}

static void other_bytes_are_kept_aside_once(void **state)
{
    struct fixture *f = *state;
    struct archive_state figures;
    struct slice first = {.pixels = 100}, second = {.pixels = 102};
    assert_int_equal(store_slice(f->a, &first), INGEST_STORED);
    assert_int_equal(store_slice(f->a, &second), INGEST_CONFLICT);
    assert_int_equal(store_slice(f->a, &second), INGEST_CONFLICT);
    assert_int_equal(store_slice(f->a, &first), INGEST_SAME);
    assert_ok(archive_barrier(f->a));
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.instances, 1);
    assert_int_equal(figures.conflicts, 1);
}

static void other_transfer_syntax_is_another_object(void **state)
{
    struct fixture *f = *state;
    struct slice s = {.pixels = 100};
    struct ingest_result result;
    assert_int_equal(store_slice(f->a, &s), INGEST_STORED);
    struct wr w = slice_bytes(&s, IMPLICIT);
    assert_ok(take_in(f->a, wr_str(&w), IMPLICIT, 1000, &result, NULL));
    assert_int_equal(result.outcome, INGEST_CONFLICT);
    wr_done(&w);
}

/* One error each for what a sender can do wrong. */
static void refused(struct fixture *f, const struct el *els, err_t expected)
{
    struct wr w = dataset_bytes(els, LE);
    struct diag d;
    assert_err(take_in(f->a, wr_str(&w), LE, 7, NULL, &d), expected);
    assert_true(d.text[0] != 0);
    wr_done(&w);
}

static void says_what_is_missing(void **state)
{
    struct fixture *f = *state;
    const struct el no_study[] = {{TAG_SOPClassUID, "UI", CT_CLASS, 0},
                                  {TAG_SOPInstanceUID, "UI", "1.2.3", 0},
                                  {TAG_SeriesInstanceUID, "UI", "1.2", 0},
                                  {0, NULL, NULL, 0}};
    const struct el no_series[] = {{TAG_SOPClassUID, "UI", CT_CLASS, 0},
                                   {TAG_SOPInstanceUID, "UI", "1.2.3", 0},
                                   {TAG_StudyInstanceUID, "UI", "1.2", 0},
                                   {0, NULL, NULL, 0}};
    const struct el no_instance[] = {{TAG_SOPClassUID, "UI", CT_CLASS, 0},
                                     {TAG_StudyInstanceUID, "UI", "1.2", 0},
                                     {TAG_SeriesInstanceUID, "UI", "1.2", 0},
                                     {0, NULL, NULL, 0}};
    refused(f, no_study, E_MISSING);
    refused(f, no_series, E_MISSING);
    refused(f, no_instance, E_MISSING);
}

static void refuses_uids_that_are_paths(void **state)
{
    struct fixture *f = *state;
    static const char longer[] =
        "1.2.840.10008.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21";
    static const char *const bad[] = {"../../etc/passwd", "1.2..3", "1.2/3", "1.2.3\\1.2.4",
                                      longer};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct el els[] = {{TAG_SOPClassUID, "UI", CT_CLASS, 0},
                                 {TAG_SOPInstanceUID, "UI", bad[i], 0},
                                 {TAG_StudyInstanceUID, "UI", "1.2", 0},
                                 {TAG_SeriesInstanceUID, "UI", "1.2.3", 0},
                                 {0, NULL, NULL, 0}};
        refused(f, els, E_BAD_UID);
    }
}

static err_t as_other(struct archive *a, struct str sop_class, struct str sop_instance)
{
    struct slice s = {.pixels = 10};
    struct ingest *in;
    struct ingest_result result;
    struct wr w = slice_bytes(&s, LE);
    struct ingest_request rq = {
        .transfer_syntax = STR(LE), .sop_class = sop_class, .sop_instance = sop_instance};
    assert_ok(ingest_new(a, &in));
    err_t e = ingest_begin(in, &rq);
    if (e == OK)
        e = ingest_data(in, wr_str(&w));
    if (e == OK)
        e = ingest_end(in, &result);
    assert_true(e == OK || ingest_diag(in)->text[0]);
    ingest_free(in);
    wr_done(&w);
    return e;
}

static void the_request_must_say_what_the_data_set_is(void **state)
{
    struct fixture *f = *state;
    assert_err(as_other(f->a, STR("1.2.840.10008.5.1.4.1.1.4"), STR("1.2.3.4.1.1")), E_MISMATCH);
    assert_err(as_other(f->a, STR(CT_CLASS), STR("1.2.3.4.1.2")), E_MISMATCH);
    assert_err(as_other(f->a, STR(CT_CLASS), STR("1.2.3.4.1.x")), E_BAD_UID);
    assert_ok(as_other(f->a, STR(CT_CLASS), STR("1.2.3.4.1.1")));
}

static void a_truncated_object_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct archive_state figures;
    struct slice s = {.pixels = 4000};
    struct wr w = slice_bytes(&s, LE);
    size_t cuts[] = {1, 9, 100, w.n - 4001, w.n - 2000, w.n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        err_t e = take_in(f->a, str_slice(wr_str(&w), 0, cuts[i]), LE, 333, NULL, NULL);
        assert_true(e == E_MALFORMED || e == E_MISSING);
    }
    wr_done(&w);
    assert_ok(archive_barrier(f->a));
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.instances, 0);
    fixture_reopen(f);
    assert_int_equal(f->recovery.replayed, 0);
}

static void garbage_and_whole_files_are_malformed(void **state)
{
    struct fixture *f = *state;
    char zeros[512] = {0};
    assert_true(take_in(f->a, STR("hello, this is no DICOM at all"), LE, 5, NULL, NULL) != OK);
    memcpy(zeros + 128, "DICM", 4);
    assert_true(take_in(f->a, str_of(zeros, sizeof zeros), LE, 100, NULL, NULL) != OK);
    assert_err(take_in(f->a, str_of("", 0), LE, 1, NULL, NULL), E_MISSING);
}

static void syntaxes_that_encode_no_data_set_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_err(take_in(f->a, STR("x"), "1.2.840.10008.1.2.6.1", 1, NULL, NULL), E_UNSUPPORTED);
    assert_err(take_in(f->a, STR("x"), "", 1, NULL, NULL), E_UNSUPPORTED);
}

/* The bytes of the only instance, as the archive gives them back. */
static void read_back(struct archive *a, struct wr *w)
{
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "STUDY", 0},
                             {TAG_StudyInstanceUID, "UI", "1.2.3.4", 0},
                             {0, NULL, NULL, 0}};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct fetch *fetch;
    const struct fetch_item *item;
    struct object *object;
    bool last = false;
    assert_ok(fetch_open(a, &o, dataset_of(&arena, els), &fetch, NULL, NULL));
    assert_int_equal(fetch_count(fetch), 1);
    assert_ok(fetch_next(fetch, &item));
    assert_non_null(item);
    assert_ok(object_open(a, item, STR(""), &object, NULL));
    while (!last) {
        struct str piece;
        assert_ok(object_next(object, &piece, &last));
        wr_put(w, piece);
    }
    object_free(object);
    fetch_close(fetch);
    arena_done(&arena);
}

static void every_encoding_comes_back_bit_for_bit(void **state)
{
    struct fixture *f = *state;
    static const char *const syntaxes[] = {LE, IMPLICIT, BE, DEFLATED, "1.2.840.10008.1.2.4.99999"};
    const uint32_t pixels[] = {0, 2, 70000, 600000};
    const size_t pieces[] = {1 << 20, 16384, 101};
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++) {
        for (size_t k = 0; k < sizeof pixels / sizeof *pixels; k++) {
            struct slice s = {.pixels = pixels[k]};
            struct wr w = slice_bytes(&s, syntaxes[i]), back = wr_heap(64 << 20);
            assert_ok(take_in(f->a, wr_str(&w), syntaxes[i], pieces[(i + k) % 3], NULL, NULL));
            read_back(f->a, &back);
            assert_int_equal(back.n, w.n);
            assert_memory_equal(back.p, w.p, w.n);
            wr_done(&w);
            wr_done(&back);
            fixture_teardown(state);
            fixture_setup(state);
            f = *state;
        }
    }
}

static void one_byte_at_a_time_is_the_same_object(void **state)
{
    struct fixture *f = *state;
    struct slice s = {.pixels = 3000};
    struct wr w = slice_bytes(&s, DEFLATED);
    struct ingest_result result;
    assert_ok(take_in(f->a, wr_str(&w), DEFLATED, 1, NULL, NULL));
    assert_ok(take_in(f->a, wr_str(&w), DEFLATED, 1 << 20, &result, NULL));
    assert_int_equal(result.outcome, INGEST_SAME);
    wr_done(&w);
}

static void a_long_header_is_cut_and_the_object_whole(void **state)
{
    struct fixture *f = *state;
    enum { LONG = 3 << 20 };
    char *text = calloc(1, LONG + 1);
    memset(text, 'x', LONG);
    const struct el more[] = {{TAG_TextValue, "UT", text, 0}, {0, NULL, NULL, 0}};
    struct slice s = {.more = more};
    struct wr w = slice_bytes(&s, LE), back = wr_heap(64 << 20);
    assert_ok(take_in(f->a, wr_str(&w), LE, 100000, NULL, NULL));
    read_back(f->a, &back);
    assert_int_equal(back.n, w.n);
    assert_memory_equal(back.p, w.p, w.n);
    wr_done(&w);
    wr_done(&back);
    free(text);
}

static void patients_without_id_stay_apart(void **state)
{
    struct fixture *f = *state;
    struct archive_state figures;
    struct slice a = {
        .patient_id = "", .name = "A^A", .study = "1.1", .series = "1.1.1", .sop = "1.1.1.1"};
    struct slice b = {
        .patient_id = "", .name = "B^B", .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1"};
    store_slice(f->a, &a);
    store_slice(f->a, &b);
    assert_ok(archive_barrier(f->a));
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.patients, 2);
    assert_int_equal(figures.flagged_studies, 0);
}

static void a_study_stays_under_its_first_patient_and_is_flagged(void **state)
{
    struct fixture *f = *state;
    struct archive_state figures;
    char got[256];
    struct slice a = {.patient_id = "P1"}, b = {.patient_id = "P2", .sop = "1.2.3.4.1.2"};
    store_slice(f->a, &a);
    store_slice(f->a, &b);
    const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "STUDY", 0},
                             {TAG_StudyInstanceUID, "UI", "1.2.3.4", 0},
                             {TAG_PatientID, "LO", "", 0},
                             {TAG_NumberOfStudyRelatedInstances, "IS", "", 0},
                             {0, NULL, NULL, 0}};
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_PatientID, got, sizeof got), 1);
    assert_string_equal(got, "P1");
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_NumberOfStudyRelatedInstances, got, sizeof got);
    assert_string_equal(got, "2");
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.patients, 1);
    assert_int_equal(figures.flagged_studies, 1);
}

static void later_series_fill_what_the_first_left_open(void **state)
{
    struct fixture *f = *state;
    char got[256];
    struct slice a = {.description = "", .accession = "", .date = "", .time = "", .name = ""};
    struct slice b = {.series = "1.2.3.4.2", .sop = "1.2.3.4.2.1"};
    store_slice(f->a, &a);
    store_slice(f->a, &b);
    const struct el els[] = {
        {TAG_QueryRetrieveLevel, "CS", "STUDY", 0}, {TAG_StudyDate, "DA", "20240517", 0},
        {TAG_AccessionNumber, "SH", "A1", 0},       {TAG_PatientName, "PN", "doe*", 0},
        {TAG_StudyDescription, "LO", "", 0},        {0, NULL, NULL, 0}};
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_StudyDescription, got, sizeof got),
                     1);
    assert_string_equal(got, "Thorax");
}

int main(void)
{
#define WITH_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_ARCHIVE(keeps_an_object_and_finds_it),
        WITH_ARCHIVE(same_bytes_again_are_stored_once),
        WITH_ARCHIVE(other_bytes_are_kept_aside_once),
        WITH_ARCHIVE(other_transfer_syntax_is_another_object),
        WITH_ARCHIVE(says_what_is_missing),
        WITH_ARCHIVE(refuses_uids_that_are_paths),
        WITH_ARCHIVE(the_request_must_say_what_the_data_set_is),
        WITH_ARCHIVE(a_truncated_object_leaves_nothing),
        WITH_ARCHIVE(garbage_and_whole_files_are_malformed),
        WITH_ARCHIVE(syntaxes_that_encode_no_data_set_are_refused),
        WITH_ARCHIVE(every_encoding_comes_back_bit_for_bit),
        WITH_ARCHIVE(one_byte_at_a_time_is_the_same_object),
        WITH_ARCHIVE(a_long_header_is_cut_and_the_object_whole),
        WITH_ARCHIVE(patients_without_id_stay_apart),
        WITH_ARCHIVE(a_study_stays_under_its_first_patient_and_is_flagged),
        WITH_ARCHIVE(later_series_fill_what_the_first_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
