/* What answers say, what an identifier must say, and answers too many for one leg. */
#include "archive/query.h"

#include <stdio.h>

#include "query_fixture.h"

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

/* One reading connection in all: a query that has answered and not ended must not hold it, nor a
 * read transaction that the log would have to be kept for. */
static void a_slow_requester_holds_nothing(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "", 0}, END};
    struct archive_options o = {.path = f->path, .reserve = 1 << 20, .readers = 1};
    struct query_options qo = {.model = QUERY_STUDY_ROOT};
    struct query *slow;
    struct dcm_ds *answer;
    archive_close(f->a);
    assert_ok(archive_open(&o, &f->a, NULL, NULL));
    assert_ok(query_open(f->a, &qo, dataset_of(&arena, els), &slow, NULL, NULL));
    assert_ok(query_next(slow, &answer));
    assert_non_null(answer);
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0), 5);
    struct slice s = {.study = "11.1", .series = "11.1.1", .sop = "11.1.1.1"};
    store_slice(f->a, &s);
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0), 6);
    query_close(slow);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILLED(answers_come_in_the_requesters_character_set),
        FILLED(answers_say_where_and_whether),
        FILLED(keys_of_other_levels_are_told_as_unsupported),
        FILLED(hierarchy_is_kept),
        FILLED(values_that_are_none_are_malformed),
        FILLED(relational_queries_need_no_keys_above),
        FILLED(long_answers_come_complete_and_each_once),
        FILLED(ends_at_the_limit_and_when_cancelled),
        FILLED(a_slow_requester_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
