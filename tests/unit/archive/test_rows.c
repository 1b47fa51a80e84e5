/* Rows taken out again, and the tables' versions. */
#include "archive/rows.h"

#include <stdio.h>

#include "archive/archive_private.h"
#include "fixture.h"

#define END                                                                                        \
    {                                                                                              \
        0, NULL, NULL, 0                                                                           \
    }

struct removal {
    struct archive *a;
    const char *sop;
};

static err_t remove_one(void *ctx, struct sql *s, struct diag *d)
{
    struct removal *r = ctx;
    struct sql_stmt *find;
    struct instance_place at;
    TRY(sql_prepare(s, str_z(rows_find_sql), &find, d));
    err_t e = rows_find(find, rows_seed(r->a->rows), str_z(r->sop), &at);
    sql_free(find);
    TRY(e);
    return rows_remove(r->a->rows, at.id, d);
}

static void remove_sop(struct archive *a, const char *sop)
{
    struct removal r = {a, sop};
    assert_ok(archive_barrier(a));
    assert_ok(archive_write(a, remove_one, &r, NULL));
}

static uint64_t rows_in(struct archive *a, const char *table)
{
    char text[96];
    struct sql *s;
    struct sql_stmt *q;
    bool row;
    snprintf(text, sizeof text, "SELECT count(*) FROM %s", table);
    assert_ok(archive_read_begin(a, INT64_MAX, &s));
    assert_ok(sql_prepare(s, str_z(text), &q, NULL));
    assert_ok(sql_step(q, &row));
    uint64_t n = (uint64_t)sql_i64(q, 0);
    sql_free(q);
    archive_read_end(a, s);
    return n;
}

static void removing_the_last_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const tables[] = {"patient", "patient_name", "study",
                                         "series",  "instance",     "instance_uid"};
    struct archive_state figures;
    struct slice s = {.name = "Yamada^Tarou=\xe5\xb1\xb1\xe7\x94\xb0"};
    store_slice(f->a, &s);
    remove_sop(f->a, "1.2.3.4.1.1");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        assert_int_equal(rows_in(f->a, tables[i]), 0);
    assert_ok(archive_get_state(f->a, &figures));
    assert_int_equal(figures.instances, 0);
    assert_int_equal(figures.bytes, 0);
    const struct el els[] = {
        {TAG_QueryRetrieveLevel, "CS", "STUDY", 0}, {TAG_PatientName, "PN", "*mada*", 0}, END};
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0), 0);
    assert_int_equal(store_slice(f->a, &s), INGEST_STORED);
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, els, 0, NULL, 0), 1);
}

static void counts_and_modalities_follow(void **state)
{
    struct fixture *f = *state;
    char got[64];
    struct slice a = {.sop = "1.2.3.4.1.1"}, b = {.sop = "1.2.3.4.1.2"};
    struct slice c = {.series = "1.2.3.4.2", .sop = "1.2.3.4.2.1", .modality = "SR"};
    store_slice(f->a, &a);
    store_slice(f->a, &b);
    store_slice(f->a, &c);
    remove_sop(f->a, "1.2.3.4.2.1");
    remove_sop(f->a, "1.2.3.4.1.1");
    const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "STUDY", 0},
                             {TAG_StudyInstanceUID, "UI", "1.2.3.4", 0},
                             {TAG_ModalitiesInStudy, "CS", "", 0},
                             {TAG_NumberOfStudyRelatedInstances, "IS", "", 0},
                             {TAG_NumberOfStudyRelatedSeries, "IS", "", 0},
                             END};
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_ModalitiesInStudy, got, sizeof got);
    assert_string_equal(got, "CT");
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_NumberOfStudyRelatedInstances, got, sizeof got);
    assert_string_equal(got, "1");
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_NumberOfStudyRelatedSeries, got, sizeof got);
    assert_string_equal(got, "1");
}

static err_t remove_nothing(void *ctx, struct sql *s, struct diag *d)
{
    struct archive *a = ctx;
    (void)s;
    return rows_remove(a->rows, 12345, d);
}

static void removing_what_is_not_there_is_told(void **state)
{
    struct fixture *f = *state;
    assert_err(archive_write(f->a, remove_nothing, f->a, NULL), E_NOTFOUND);
}

static err_t set_version(void *ctx, struct sql *s, struct diag *d)
{
    (void)ctx;
    return sql_exec(s, "UPDATE archive_setting SET value = x'63' WHERE name = 'version'", d);
}

static void an_index_of_a_newer_version_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct archive_options o = {.path = f->path, .reserve = 1 << 20};
    struct archive *a;
    struct diag d = {""};
    assert_ok(archive_write(f->a, set_version, NULL, NULL));
    archive_close(f->a);
    f->a = NULL;
    assert_err(archive_open(&o, &a, NULL, &d), E_UNSUPPORTED);
    assert_non_null(strstr(d.text, "version 99"));
    o.mode = ARCHIVE_LOOK;
    assert_err(archive_open(&o, &a, NULL, &d), E_UNSUPPORTED);
}

static void one_process_at_a_time_works_and_others_may_look(void **state)
{
    struct fixture *f = *state;
    struct archive_options o = {.path = f->path, .reserve = 1 << 20};
    struct archive *a;
    struct archive_state figures;
    struct diag d = {""};
    struct slice s = {0};
    store_slice(f->a, &s);
    assert_ok(archive_barrier(f->a));
    assert_err(archive_open(&o, &a, NULL, &d), E_BUSY);
    o.mode = ARCHIVE_LOOK;
    assert_ok(archive_open(&o, &a, NULL, &d));
    assert_ok(archive_get_state(a, &figures));
    assert_int_equal(figures.instances, 1);
    assert_err(archive_write(a, remove_nothing, a, &d), E_DENIED);
    archive_close(a);
}

static void a_lost_index_is_told(void **state)
{
    struct fixture *f = *state;
    char name[96];
    struct archive_options o = {.path = f->path, .reserve = 1 << 20};
    struct archive *a;
    struct diag d = {""};
    archive_close(f->a);
    f->a = NULL;
    snprintf(name, sizeof name, "%s/index.db", f->path);
    assert_int_equal(remove(name), 0);
    assert_err(archive_open(&o, &a, NULL, &d), E_NOTFOUND);
    assert_non_null(strstr(d.text, "rebuild"));
}

int main(void)
{
#define WITH_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_ARCHIVE(removing_the_last_leaves_nothing),
        WITH_ARCHIVE(counts_and_modalities_follow),
        WITH_ARCHIVE(removing_what_is_not_there_is_told),
        WITH_ARCHIVE(an_index_of_a_newer_version_is_left_alone),
        WITH_ARCHIVE(one_process_at_a_time_works_and_others_may_look),
        WITH_ARCHIVE(a_lost_index_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
