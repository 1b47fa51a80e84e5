/* Which index leads for which keys, and that the engine does as it is told: nothing that is
 * promised to be quick looks at every row or sorts. */
#include "archive/plan.h"

#include <stdio.h>

#include "archive/archive_private.h"
#include "fixture.h"

#define END                                                                                        \
    {                                                                                              \
        0, NULL, NULL, 0                                                                           \
    }
#define LEVEL(text)                                                                                \
    {                                                                                              \
        TAG_QueryRetrieveLevel, "CS", text, 0                                                      \
    }

/* What the engine says it will do, one line a step. */
static void explain(struct archive *a, const struct plan *p, bool resume, char *text, size_t cap)
{
    char sql[PLAN_SQL_MAX + 32];
    struct wr w = wr_fixed(sql, sizeof sql), out = wr_fixed(text, cap - 1);
    struct sql *s;
    struct sql_stmt *q;
    bool row;
    wr_put(&w, STR("EXPLAIN QUERY PLAN "));
    plan_sql(p, resume, &w);
    assert_false(w.bad);
    assert_ok(archive_read_begin(a, INT64_MAX, &s));
    assert_ok(sql_prepare(s, wr_str(&w), &q, NULL));
    while (sql_step(q, &row) == OK && row)
        wr_printf(&out, "%.*s\n", STR_ARG(sql_text(q, 3)));
    text[out.n] = 0;
    sql_free(q);
    archive_read_end(a, s);
}

static void planned(struct fixture *f, bool relational, const struct el *els, enum plan_lead lead)
{
    struct arena arena = arena_init(1 << 20);
    struct query_options o = {.model = QUERY_STUDY_ROOT, .relational = relational};
    struct keys_of *k = malloc(sizeof *k);
    char text[2048];
    assert_ok(keys_parse(dataset_of(&arena, els), &o, false, k, NULL, NULL));
    struct plan p = plan_make(k);
    assert_int_equal(p.lead, lead);
    for (int resume = 0; resume < 2; resume++) {
        explain(f->a, &p, resume, text, sizeof text);
        bool quick = lead != LEAD_GRAM && lead != LEAD_NAME_PART && lead != LEAD_ALL_STUDIES;
        if (strstr(text, "SCAN") && quick)
            print_error("%s", text);
        assert_true(!quick || !strstr(text, "SCAN"));
        assert_true(lead != LEAD_NAME_PART || strstr(text, "n USING PRIMARY KEY"));
        assert_true(lead != LEAD_GRAM || strstr(text, "M1"));
        assert_null(strstr(text, "AUTOMATIC"));
        if (strstr(text, "TEMP B-TREE"))
            print_error("%s", text);
        assert_null(strstr(text, "TEMP B-TREE"));
    }
    keys_done(k);
    free(k);
    arena_done(&arena);
}

static void study_keys_lead_by_their_index(void **state)
{
    struct fixture *f = *state;
    static const struct {
        tag_t tag;
        const char *vr, *value;
        enum plan_lead lead;
    } cases[] = {
        {TAG_StudyInstanceUID, "UI", "1.2.3", LEAD_STUDY_UID},
        {TAG_StudyInstanceUID, "UI", "1.2.3\\1.2.4", LEAD_STUDY_UID},
        {TAG_PatientID, "LO", "P1", LEAD_PATIENT_ID},
        {TAG_PatientID, "LO", "P12*", LEAD_PATIENT_ID_PREFIX},
        {TAG_AccessionNumber, "SH", "A1", LEAD_ACCESSION},
        {TAG_AccessionNumber, "SH", "A12?", LEAD_ACCESSION_PREFIX},
        {TAG_StudyDate, "DA", "20200101", LEAD_DATE},
        {TAG_StudyDate, "DA", "20200101-20201231", LEAD_DATE},
        {TAG_StudyDate, "DA", "20200101-", LEAD_DATE},
        {TAG_PatientName, "PN", "Smith*", LEAD_NAME},
        {TAG_PatientName, "PN", "Smith^John", LEAD_NAME},
        {TAG_PatientName, "PN", "S*", LEAD_NAME},
        {TAG_PatientName, "PN", "*mith*", LEAD_GRAM},
        {TAG_PatientName, "PN", "?mith", LEAD_GRAM},
        {TAG_PatientName, "PN", "*an*", LEAD_NAME_PART},
        {TAG_PatientName, "PN", "?an*o*", LEAD_NAME_PART},
        {TAG_PatientName, "PN", "*", LEAD_ALL_STUDIES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct el els[] = {
            LEVEL("STUDY"), {cases[i].tag, cases[i].vr, cases[i].value, 0}, END};
        planned(f, false, els, cases[i].lead);
    }
}

static void lower_levels_go_down_by_index(void **state)
{
    struct fixture *f = *state;
    const struct el series[] = {LEVEL("SERIES"), {TAG_StudyInstanceUID, "UI", "1.2", 0}, END};
    const struct el image[] = {LEVEL("IMAGE"),
                               {TAG_StudyInstanceUID, "UI", "1.2", 0},
                               {TAG_SeriesInstanceUID, "UI", "1.2.1", 0},
                               END};
    const struct el sop[] = {LEVEL("IMAGE"), {TAG_SOPInstanceUID, "UI", "1.2.3", 0}, END};
    const struct el name[] = {LEVEL("IMAGE"), {TAG_PatientName, "PN", "Smith*", 0}, END};
    const struct el day[] = {LEVEL("SERIES"), {TAG_StudyDate, "DA", "20200101", 0}, END};
    planned(f, false, series, LEAD_STUDY_UID);
    planned(f, false, image, LEAD_SERIES_UID);
    planned(f, true, sop, LEAD_SOP_UID);
    planned(f, true, name, LEAD_NAME);
    planned(f, true, day, LEAD_DATE);
}

static void the_narrowest_key_leads(void **state)
{
    struct fixture *f = *state;
    const struct el id_and_name[] = {LEVEL("STUDY"),
                                     {TAG_PatientName, "PN", "Smith*", 0},
                                     {TAG_PatientID, "LO", "P1", 0},
                                     {TAG_StudyDate, "DA", "20200101", 0},
                                     END};
    const struct el day_and_letter[] = {LEVEL("STUDY"),
                                        {TAG_PatientName, "PN", "S*", 0},
                                        {TAG_StudyDate, "DA", "20200101-20200103", 0},
                                        END};
    planned(f, false, id_and_name, LEAD_PATIENT_ID);
    planned(f, false, day_and_letter, LEAD_DATE);
}

static void keys_without_index_look_at_every_study(void **state)
{
    (void)state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyDescription, "LO", "Thorax", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct keys_of *k = malloc(sizeof *k);
    assert_ok(keys_parse(dataset_of(&arena, els), &o, false, k, NULL, NULL));
    assert_int_equal(plan_make(k).lead, LEAD_ALL_STUDIES);
    keys_done(k);
    free(k);
    arena_done(&arena);
}

/* Whatever the key: the text is made of constants, so that it cannot hold any of it. */
static void no_value_is_in_the_statement(void **state)
{
    (void)state;
    static const char *const values[] = {"x' OR '1'='1", "%", "_", "a;b", "\"", "x--"};
    char first[PLAN_SQL_MAX], sql[PLAN_SQL_MAX];
    struct wr one = wr_fixed(first, sizeof first);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct arena arena = arena_init(1 << 20);
        const struct el els[] = {LEVEL("STUDY"), {TAG_PatientID, "LO", values[i], 0}, END};
        struct query_options o = {.model = QUERY_STUDY_ROOT};
        struct keys_of *k = malloc(sizeof *k);
        struct wr w = wr_fixed(sql, sizeof sql);
        assert_ok(keys_parse(dataset_of(&arena, els), &o, false, k, NULL, NULL));
        struct plan p = plan_make(k);
        plan_sql(&p, false, &w);
        if (!i)
            plan_sql(&p, false, &one);
        assert_true(str_eq(wr_str(&w), wr_str(&one)));
        keys_done(k);
        free(k);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(study_keys_lead_by_their_index, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(lower_levels_go_down_by_index, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_narrowest_key_leads, fixture_setup, fixture_teardown),
        cmocka_unit_test(keys_without_index_look_at_every_study),
        cmocka_unit_test(no_value_is_in_the_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
