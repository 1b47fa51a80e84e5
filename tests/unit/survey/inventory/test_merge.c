#include "inventory_test.h"

#include "io/file.h"
#include "store/keys.h"
#include "store/sql.h"

enum { SECOND = 1000000 };

struct fixture {
    struct site site, shard;
    struct inventory *v, *from;
    struct survey survey, theirs;
    struct run run; /* of the shard */
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    site_make(&f->site);
    site_make(&f->shard);
    f->v = site_open(&f->site, INVENTORY_CREATE);
    f->from = site_open(&f->shard, INVENTORY_CREATE);
    f->survey = survey_of(f->v, "all");
    f->theirs = survey_of(f->from, "part");
    f->run = run_of(f->from, f->theirs.id, "export.json");
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    inventory_close(f->v);
    inventory_close(f->from);
    site_done(&f->site);
    site_done(&f->shard);
    free(f);
    return 0;
}

static void fill(struct fixture *f)
{
    struct flow flow = {.client = ip_z("10.0.0.5"),
                        .server = ip_z("10.0.0.1"),
                        .port = 104,
                        .protocol = STR("dicom"),
                        .clear = true,
                        .connections = 3,
                        .bytes = 10,
                        .messages = 1,
                        .fields = STR("PatientName 2"),
                        .details = STR(""),
                        .client_mac = STR(""),
                        .server_mac = STR(""),
                        .vantage = STR("")};
    put(f->from, &f->run, "10.0.0.1", 104, BY_ENGINE, EV_dicom_answer, "accepted", 5 * SECOND);
    put(f->from, &f->run, "10.0.0.2", 80, BY_ENGINE, EV_http_title, "Orthanc", 6 * SECOND);
    assert_ok(inventory_put_flow(f->from, &f->run, &flow));
    f->run.position = f->run.records = 3;
    assert_ok(inventory_note(f->from, f->theirs.id, STR("scope"), STR("theirs")));
    assert_ok(inventory_note(f->from, f->theirs.id, STR("owner"), STR("ASL 1")));
    assert_ok(inventory_run_end(f->from, &f->run, STR("3 records")));
}

static void merge(struct fixture *f)
{
    struct diag d = {""};
    err_t e = inventory_merge(f->v, f->survey.id, f->from, f->theirs.id, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
}

static err_t count_flow(void *ctx, const struct flow *f)
{
    wr_printf(ctx, "%llu %.*s; ", (unsigned long long)f->connections, STR_ARG(f->fields));
    return OK;
}

static err_t write_run(void *ctx, const struct run_info *r)
{
    wr_printf(ctx, "%.*s %llu %d; ", STR_ARG(r->input), (unsigned long long)r->run.records,
              r->run.finished);
    return OK;
}

/* Everything of the survey merged into, as text. */
static void all_text(struct fixture *f, struct wr *w)
{
    struct survey y;
    hosts_text(f->v, f->survey.id, w);
    w->n--;
    assert_ok(inventory_flows(f->v, f->survey.id, count_flow, w));
    assert_ok(inventory_runs(f->v, f->survey.id, write_run, w));
    assert_ok(inventory_note_get(f->v, f->survey.id, STR("scope"), w));
    wr_u8(w, ' ');
    assert_ok(inventory_note_get(f->v, f->survey.id, STR("owner"), w));
    assert_ok(inventory_find(f->v, STR("all"), &y));
    wr_printf(w, y.concluded ? " concluded" : " open");
    wr_u8(w, 0);
    assert_false(w->bad);
}

#define assert_all(f, expected)                                                                    \
    do {                                                                                           \
        char buf_[4096];                                                                           \
        struct wr w_ = wr_fixed(buf_, sizeof buf_);                                                \
        all_text((f), &w_);                                                                        \
        assert_string_equal(buf_, (expected));                                                     \
    } while (0)

static const char MERGED[] = "10.0.0.1:104 dicom_answer=accepted;\n10.0.0.2:80 "
                             "http_title=Orthanc;\n3 PatientName 2; export.json 3 1; theirs ASL 1 ";

static void brings_endpoints_flows_runs_and_notes(void **state)
{
    struct fixture *f = *state;
    char expected[512];
    fill(f);
    merge(f);
    snprintf(expected, sizeof expected, "%sopen", MERGED);
    assert_all(f, expected);
}

static void merged_again_it_changes_nothing(void **state)
{
    struct fixture *f = *state;
    char expected[512];
    struct survey before, after;
    fill(f);
    merge(f);
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_ok(inventory_conclude_end(f->v, NULL));
    assert_ok(inventory_find(f->v, STR("all"), &before));
    merge(f);
    snprintf(expected, sizeof expected, "%sconcluded", MERGED);
    assert_all(f, expected);
    assert_ok(inventory_find(f->v, STR("all"), &after));
    assert_int_equal(before.changed_us, after.changed_us);
}

static void what_came_since_is_brought_and_nothing_counted_twice(void **state)
{
    struct fixture *f = *state;
    struct flow flow = {.client = ip_z("10.0.0.5"),
                        .server = ip_z("10.0.0.1"),
                        .port = 104,
                        .protocol = STR("dicom"),
                        .clear = true,
                        .connections = 2,
                        .fields = STR("PatientName 1"),
                        .details = STR(""),
                        .client_mac = STR(""),
                        .server_mac = STR(""),
                        .vantage = STR("")};
    assert_ok(inventory_put_flow(f->from, &f->run, &flow));
    f->run.records = 1;
    assert_ok(inventory_run_mark(f->from, &f->run));
    merge(f);
    assert_all(f, "2 PatientName 1; export.json 1 0;   open");
    assert_ok(inventory_put_flow(f->from, &f->run, &flow));
    put(f->from, &f->run, "10.0.0.9", 104, BY_ENGINE, EV_port_open, "yes", SECOND);
    f->run.records = 2;
    assert_ok(inventory_run_end(f->from, &f->run, STR("")));
    merge(f);
    assert_all(f, "10.0.0.9:104 port_open=yes;\n4 PatientName 2; export.json 2 1;   open");
}

static void evidence_meets_what_is_there_and_the_newer_wins(void **state)
{
    struct fixture *f = *state;
    struct run own = run_of(f->v, f->survey.id, "own");
    put(f->v, &own, "10.0.0.1", 104, BY_ENGINE, EV_dicom_answer, "silent", 9 * SECOND);
    put(f->v, &own, "10.0.0.1", 104, BY_ENGINE, EV_dicom_ae, "PACS", 9 * SECOND);
    put(f->v, &own, "10.0.0.2", 80, BY_ENGINE, EV_http_status, "200", SECOND);
    put(f->from, &f->run, "10.0.0.1", 104, BY_ENGINE, EV_dicom_answer, "accepted", 5 * SECOND);
    put(f->from, &f->run, "10.0.0.2", 80, BY_ENGINE, EV_http_status, "401", 6 * SECOND);
    assert_ok(inventory_note(f->v, f->survey.id, STR("scope"), STR("ours")));
    merge(f);
    for (int i = 0; i < 2; i++) {
        assert_hosts(f->v, f->survey.id,
                     "10.0.0.1:104 dicom_answer=silent; dicom_ae=PACS;\n"
                     "10.0.0.2:80 http_status=401;\n");
        /* Another record there: the digest differs, and everything is walked again. */
        assert_ok(inventory_run_end(f->from, &f->run, STR("")));
        merge(f);
    }
}

static void copy_file(const struct site *from, const struct site *to, const char *name)
{
    char path[128];
    struct wr w = wr_heap(1 << 20);
    snprintf(path, sizeof path, "%s/%s", from->path, name);
    assert_ok(file_load(AT_FDCWD, path, 1 << 20, &w, NULL));
    snprintf(path, sizeof path, "%s/%s", to->path, name);
    assert_ok(file_save(AT_FDCWD, path, 0600, wr_str(&w), NULL));
    wr_done(&w);
}

/* With its key, and closed: there is no log beside the database. */
static void copy_folder(const struct site *from, const struct site *to)
{
    char path[128];
    int dir;
    snprintf(path, sizeof path, "%s/keys", to->path);
    assert_ok(dir_make(AT_FDCWD, path, &dir, NULL));
    close(dir);
    copy_file(from, to, "keys/master.key");
    copy_file(from, to, "inventory.db");
}

static void an_older_copy_does_not_take_back(void **state)
{
    struct fixture *f = *state;
    struct flow flow = {.client = ip_z("10.0.0.5"),
                        .server = ip_z("10.0.0.1"),
                        .protocol = STR("dicom"),
                        .connections = 2,
                        .fields = STR(""),
                        .details = STR(""),
                        .client_mac = STR(""),
                        .server_mac = STR(""),
                        .vantage = STR("")};
    struct site old;
    site_make(&old);
    assert_ok(inventory_put_flow(f->from, &f->run, &flow));
    f->run.records = 1;
    assert_ok(inventory_run_mark(f->from, &f->run));
    inventory_close(f->from);
    copy_folder(&f->shard, &old);
    f->from = site_open(&f->shard, INVENTORY_WORK);
    assert_ok(inventory_put_flow(f->from, &f->run, &flow));
    f->run.records = 2;
    assert_ok(inventory_run_end(f->from, &f->run, STR("")));
    merge(f);
    struct inventory *copy = site_open(&old, INVENTORY_LOOK);
    assert_ok(inventory_merge(f->v, f->survey.id, copy, f->theirs.id, NULL));
    inventory_close(copy);
    assert_all(f, "4 ; export.json 2 1;   open");
    site_done(&old);
}

static void refuses_itself_and_what_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct diag d = {""};
    assert_err(inventory_merge(f->v, f->survey.id, f->v, f->survey.id, &d), E_USAGE);
    assert_err(inventory_merge(f->v, f->survey.id, f->from, 4711, &d), E_NOTFOUND);
    struct inventory *look = site_open(&f->site, INVENTORY_LOOK);
    assert_err(inventory_merge(look, f->survey.id, f->from, f->theirs.id, &d), E_DENIED);
    inventory_close(look);
}

/* The shard's database in other hands. */
static void tamper(struct fixture *f, const char *text)
{
    char uri[128], path[96];
    struct keys k;
    struct sql *db;
    int dir;
    inventory_close(f->from);
    snprintf(path, sizeof path, "%s/keys", f->shard.path);
    assert_ok(dir_open(AT_FDCWD, path, &dir, NULL));
    assert_ok(keys_load(dir, STR(""), &k, NULL));
    close(dir);
    snprintf(uri, sizeof uri, "sqlcipher:%s/inventory.db", f->shard.path);
    const struct sql_options o = {.uri = uri, .key = &k.index, .busy_ms = 1000};
    assert_ok(sql_open(&o, &db, NULL));
    assert_ok(sql_exec(db, text, NULL));
    sql_close(db);
    f->from = NULL;
}

static void a_damaged_one_changes_nothing(void **state)
{
    static const char *const damages[] = {
        "UPDATE endpoint SET evidence=x'01ff' WHERE place>x'06ffff0a000001ffff'",
        "UPDATE endpoint SET evidence='text' WHERE id=2",
        "UPDATE endpoint SET evidence=zeroblob(60000) WHERE id=2",
        "UPDATE endpoint SET place=x'00' WHERE id=2",
        "UPDATE flow SET client=x'11'",
        "UPDATE run SET uid=x''",
    };
    struct fixture *f = *state;
    fill(f);
    for (size_t i = 0; i < COUNT(damages); i++) {
        struct diag d = {""};
        tamper(f, "DROP TABLE IF EXISTS kept;CREATE TABLE kept AS SELECT * FROM endpoint");
        tamper(f, damages[i]);
        f->from = site_open(&f->shard, INVENTORY_LOOK);
        assert_err(inventory_merge(f->v, f->survey.id, f->from, f->theirs.id, &d), E_DAMAGED);
        assert_non_null(strstr(d.text, "damaged"));
        assert_all(f, "  open");
        tamper(f, "UPDATE endpoint SET evidence=k.evidence,place=k.place FROM kept k WHERE "
                  "k.id=endpoint.id;UPDATE flow SET client=x'06ffff0a000005'");
    }
}

static void hostile_texts_and_numbers_come_in_clean(void **state)
{
    struct fixture *f = *state;
    fill(f);
    tamper(f, "UPDATE run SET input=char(27)||'[2J'||x'ff',note=hex(zeroblob(9000)),began=-5,"
              "records=-1,position=-1;"
              "UPDATE endpoint SET first=9223372036854775807,span=9223372036854775807,run=99;"
              "UPDATE flow SET connections=-7,bytes=9223372036854775807,fields=char(10)||'x 1',"
              "protocol=hex(zeroblob(300))");
    f->from = site_open(&f->shard, INVENTORY_LOOK);
    merge(f);
    assert_all(f, "10.0.0.1:104 dicom_answer=accepted;\n10.0.0.2:80 http_title=Orthanc;\n"
                  "0 x 1; [2J\xef\xbf\xbd 0 1; theirs ASL 1 open");
}

static void a_database_with_code_in_it_is_not_opened(void **state)
{
    static const char view[] = "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT "
                               "x+1 FROM n) SELECT x FROM n";
    static const char *const codes[] = {
        view,
        "DROP VIEW v;CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM survey; END",
        "DROP TRIGGER t;PRAGMA user_version=99",
        "PRAGMA user_version=1;PRAGMA application_id=7",
    };
    static const err_t errors[] = {E_DENIED, E_DENIED, E_UNSUPPORTED, E_DENIED};
    struct fixture *f = *state;
    struct diag d;
    fill(f);
    for (size_t i = 0; i < COUNT(codes); i++) {
        tamper(f, codes[i]);
        assert_err(inventory_open(f->shard.path, INVENTORY_LOOK, STR(""), &f->from, NULL, &d),
                   errors[i]);
        assert_err(inventory_open(f->shard.path, INVENTORY_WORK, STR(""), &f->from, NULL, &d),
                   errors[i]);
    }
    f->from = NULL;
}

static void an_older_one_is_brought_up_to_date_even_to_look(void **state)
{
    struct fixture *f = *state;
    struct survey y;
    fill(f);
    tamper(f, "DROP TABLE survey;DROP TABLE run;DROP TABLE endpoint;DROP TABLE touch;"
              "DROP TABLE flow;DROP TABLE note;DROP TABLE merged;DROP TABLE risk;"
              "DROP TABLE system;DROP TABLE finding;DELETE FROM sqlite_sequence;"
              "PRAGMA user_version=0");
    f->from = site_open(&f->shard, INVENTORY_LOOK);
    assert_err(inventory_find(f->from, STR(""), &y), E_NOTFOUND);
    inventory_close(f->from);
    f->from = site_open(&f->shard, INVENTORY_WORK);
    assert_int_equal(survey_of(f->from, "again").id, 1);
}

static void values_of_any_size_are_not_loaded(void **state)
{
    struct fixture *f = *state;
    struct diag d = {""};
    fill(f);
    tamper(f, "UPDATE endpoint SET evidence=zeroblob(20000000) WHERE id=1");
    f->from = site_open(&f->shard, INVENTORY_LOOK);
    assert_err(inventory_merge(f->v, f->survey.id, f->from, f->theirs.id, &d), E_LIMIT);
    assert_true(d.text[0]);
    assert_all(f, "  open");
}

static void a_broken_page_is_an_answer(void **state)
{
    struct fixture *f = *state;
    char path[96], page[4096];
    struct diag d = {""};
    fill(f);
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(path, sizeof path, "10.9.%u.%u", i >> 8, i & 0xff);
        put(f->from, &f->run, path, 104, BY_ENGINE, EV_banner, "some text to fill a page", SECOND);
    }
    assert_ok(inventory_run_mark(f->from, &f->run));
    inventory_close(f->from);
    snprintf(path, sizeof path, "%s/inventory.db", f->shard.path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    memset(page, 0xa5, sizeof page);
    assert_int_equal(pwrite(fd, page, sizeof page, 40 * 4096), (ssize_t)sizeof page);
    close(fd);
    f->from = site_open(&f->shard, INVENTORY_LOOK);
    err_t e = inventory_merge(f->v, f->survey.id, f->from, f->theirs.id, &d);
    assert_true(e == E_DAMAGED || e == E_IO);
    assert_true(d.text[0]);
    assert_all(f, "  open");
}

#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MERGE_TEST(brings_endpoints_flows_runs_and_notes),
        MERGE_TEST(merged_again_it_changes_nothing),
        MERGE_TEST(what_came_since_is_brought_and_nothing_counted_twice),
        MERGE_TEST(evidence_meets_what_is_there_and_the_newer_wins),
        MERGE_TEST(an_older_copy_does_not_take_back),
        MERGE_TEST(refuses_itself_and_what_is_not_there),
        MERGE_TEST(a_damaged_one_changes_nothing),
        MERGE_TEST(hostile_texts_and_numbers_come_in_clean),
        MERGE_TEST(a_database_with_code_in_it_is_not_opened),
        MERGE_TEST(an_older_one_is_brought_up_to_date_even_to_look),
        MERGE_TEST(values_of_any_size_are_not_loaded),
        MERGE_TEST(a_broken_page_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
