#include "inventory_test.h"

#include <sys/stat.h>

#include "io/file.h"

/* The folder. */

static void makes_a_folder_that_only_its_owner_reads(void **state)
{
    struct site s;
    struct stat st;
    char path[128];
    bool created = false;
    struct inventory *v;
    (void)state;
    site_make(&s);
    snprintf(path, sizeof path, "%s/new", s.path);
    assert_ok(inventory_open(path, INVENTORY_CREATE, STR(""), &v, &created, NULL));
    assert_true(created);
    inventory_close(v);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/new/inventory.db", s.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/new", s.path);
    assert_ok(inventory_open(path, INVENTORY_CREATE, STR(""), &v, &created, NULL));
    assert_false(created);
    inventory_close(v);
    site_done(&s);
}

static void says_where_there_is_none(void **state)
{
    struct site s;
    struct inventory *v;
    struct diag d = {""};
    (void)state;
    site_make(&s);
    assert_err(inventory_open(s.path, INVENTORY_WORK, STR(""), &v, NULL, &d), E_NOTFOUND);
    assert_non_null(strstr(d.text, "no survey folder"));
    assert_err(inventory_open("/nonexistent/site", INVENTORY_LOOK, STR(""), &v, NULL, &d),
               E_NOTFOUND);
    site_done(&s);
}

static void write_file(const struct site *s, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->path, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void makes_nothing_in_a_folder_of_something_else(void **state)
{
    struct site s;
    struct inventory *v;
    struct diag d = {""};
    (void)state;
    site_make(&s);
    write_file(&s, "lastra.conf", "port = 104\n");
    assert_err(inventory_open(s.path, INVENTORY_CREATE, STR(""), &v, NULL, &d), E_DENIED);
    assert_non_null(strstr(d.text, "not empty"));
    site_done(&s);
}

static void opens_with_its_passphrase_only(void **state)
{
    struct site s;
    struct inventory *v;
    struct diag d = {""};
    (void)state;
    site_make(&s);
    assert_ok(inventory_open(s.path, INVENTORY_CREATE, STR("correct horse"), &v, NULL, NULL));
    inventory_close(v);
    assert_err(inventory_open(s.path, INVENTORY_LOOK, STR("wrong"), &v, NULL, &d), E_DENIED);
    assert_true(d.text[0]);
    assert_err(inventory_open(s.path, INVENTORY_CREATE, STR(""), &v, NULL, &d), E_DENIED);
    assert_ok(inventory_open(s.path, INVENTORY_WORK, STR("correct horse"), &v, NULL, NULL));
    inventory_close(v);
    site_done(&s);
}

static void makes_no_second_key_for_a_database_that_lost_its_own(void **state)
{
    struct site s;
    struct inventory *v;
    struct diag d = {""};
    char path[128];
    (void)state;
    site_make(&s);
    inventory_close(site_open(&s, INVENTORY_CREATE));
    snprintf(path, sizeof path, "%s/keys", s.path);
    remove_tree(path);
    assert_err(inventory_open(s.path, INVENTORY_CREATE, STR(""), &v, NULL, &d), E_NOTFOUND);
    assert_non_null(strstr(d.text, "key"));
    site_done(&s);
}

static void does_not_open_another_sites_database(void **state)
{
    struct site a, b;
    struct inventory *v;
    struct diag d = {""};
    char from[128], to[128];
    (void)state;
    site_make(&a);
    site_make(&b);
    inventory_close(site_open(&a, INVENTORY_CREATE));
    inventory_close(site_open(&b, INVENTORY_CREATE));
    snprintf(from, sizeof from, "%s/inventory.db", a.path);
    snprintf(to, sizeof to, "%s/inventory.db", b.path);
    assert_int_equal(rename(from, to), 0);
    assert_err(inventory_open(b.path, INVENTORY_LOOK, STR(""), &v, NULL, &d), E_DENIED);
    write_file(&b, "inventory.db",
               "this is no database at all, but it is long enough to be looked "
               "at as if it were one, page by page, byte by byte by byte");
    assert_err(inventory_open(b.path, INVENTORY_WORK, STR(""), &v, NULL, &d), E_DENIED);
    site_done(&a);
    site_done(&b);
}

static void one_works_and_others_look(void **state)
{
    struct site s;
    struct inventory *v, *other;
    struct diag d = {""};
    (void)state;
    site_make(&s);
    v = site_open(&s, INVENTORY_CREATE);
    assert_err(inventory_open(s.path, INVENTORY_WORK, STR(""), &other, NULL, &d), E_BUSY);
    assert_ok(inventory_open(s.path, INVENTORY_LOOK, STR(""), &other, NULL, &d));
    struct survey found;
    assert_err(inventory_survey(other, STR("spring"), &found, &d), E_DENIED);
    inventory_close(other);
    inventory_close(v);
    site_done(&s);
}

static void a_look_sees_one_moment(void **state)
{
    struct site s;
    (void)state;
    site_make(&s);
    struct inventory *v = site_open(&s, INVENTORY_CREATE);
    struct survey y = survey_of(v, "spring");
    struct run r = run_of(v, y.id, "a");
    put(v, &r, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", 1000);
    assert_ok(inventory_run_mark(v, &r));
    struct inventory *look = site_open(&s, INVENTORY_LOOK);
    put(v, &r, "10.0.0.2", 104, BY_PROBE, EV_port_open, "yes", 1000);
    assert_ok(inventory_run_mark(v, &r));
    assert_hosts(look, y.id, "10.0.0.1:104 port_open=yes;\n");
    assert_hosts(v, y.id, "10.0.0.1:104 port_open=yes;\n10.0.0.2:104 port_open=yes;\n");
    inventory_close(look);
    look = site_open(&s, INVENTORY_LOOK);
    assert_hosts(look, y.id, "10.0.0.1:104 port_open=yes;\n10.0.0.2:104 port_open=yes;\n");
    inventory_close(look);
    inventory_close(v);
    site_done(&s);
}

/* Surveys and notes. */

static err_t write_name(void *ctx, const struct survey *s)
{
    wr_printf(ctx, "%s ", s->name);
    return OK;
}

static void keeps_surveys_by_name(void **state)
{
    struct site s;
    struct survey y;
    char buf[256] = "";
    struct wr w = wr_fixed(buf, sizeof buf);
    (void)state;
    site_make(&s);
    struct inventory *v = site_open(&s, INVENTORY_CREATE);
    assert_err(inventory_find(v, STR(""), &y), E_NOTFOUND);
    assert_err(inventory_find(v, STR("spring"), &y), E_NOTFOUND);
    struct survey spring = survey_of(v, "spring"), autumn = survey_of(v, "autumn");
    assert_int_equal(survey_of(v, "spring").id, spring.id);
    assert_ok(inventory_find(v, STR(""), &y));
    assert_int_equal(y.id, autumn.id);
    assert_string_equal(y.name, "autumn");
    assert_false(y.concluded);
    assert_ok(inventory_surveys(v, write_name, &w));
    assert_str(wr_str(&w), "spring autumn ");
    inventory_close(v);
    site_done(&s);
}

static void a_survey_without_a_name_is_of_today(void **state)
{
    struct site s;
    struct survey y;
    uint64_t n;
    (void)state;
    site_make(&s);
    struct inventory *v = site_open(&s, INVENTORY_CREATE);
    assert_ok(inventory_survey(v, STR(""), &y, NULL));
    assert_int_equal(strlen(y.name), 10);
    assert_true(str_to_u64(str_of(y.name, 4), 9999, &n) && n > 2000);
    inventory_close(v);
    site_done(&s);
}

static void refuses_names_that_are_none(void **state)
{
    static const struct str bad[] = {
        STR_INIT("a\nb"), STR_INIT("\x1b[31m"), STR_INIT("\xff"), STR_INIT(" spring"),
        STR_INIT("0123456789012345678901234567890123456789012345678901234567"
                 "8901234")};
    struct site s;
    struct survey y;
    struct diag d = {""};
    (void)state;
    site_make(&s);
    struct inventory *v = site_open(&s, INVENTORY_CREATE);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_err(inventory_survey(v, bad[i], &y, &d), E_USAGE);
    inventory_close(v);
    site_done(&s);
}

static void keeps_notes(void **state)
{
    struct site s;
    char buf[64];
    struct wr w = wr_fixed(buf, sizeof buf);
    (void)state;
    site_make(&s);
    struct inventory *v = site_open(&s, INVENTORY_CREATE);
    struct survey y = survey_of(v, "spring");
    assert_ok(inventory_note_get(v, y.id, STR("owner"), &w));
    assert_int_equal(w.n, 0);
    assert_ok(inventory_note(v, y.id, STR("owner"), STR("ASL 1")));
    assert_ok(inventory_note(v, y.id, STR("owner"), STR("Ospedale \x1b[2J'); DROP TABLE note;--")));
    assert_ok(inventory_note_get(v, y.id, STR("owner"), &w));
    assert_str(wr_str(&w), "Ospedale [2J'); DROP TABLE note;--");
    inventory_close(v);
    site_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_a_folder_that_only_its_owner_reads),
        cmocka_unit_test(says_where_there_is_none),
        cmocka_unit_test(makes_nothing_in_a_folder_of_something_else),
        cmocka_unit_test(opens_with_its_passphrase_only),
        cmocka_unit_test(makes_no_second_key_for_a_database_that_lost_its_own),
        cmocka_unit_test(does_not_open_another_sites_database),
        cmocka_unit_test(one_works_and_others_look),
        cmocka_unit_test(a_look_sees_one_moment),
        cmocka_unit_test(keeps_surveys_by_name),
        cmocka_unit_test(a_survey_without_a_name_is_of_today),
        cmocka_unit_test(refuses_names_that_are_none),
        cmocka_unit_test(keeps_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
