#include "inventory_test.h"

#include <pthread.h>

#include "io/file.h"
#include "survey/inventory/journal.h"

struct fixture {
    struct site site;
    struct inventory *v;
    struct journal *j;
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    site_make(&f->site);
    f->v = site_open(&f->site, INVENTORY_CREATE);
    assert_ok(journal_open(f->v, &f->j, NULL));
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    journal_close(f->j);
    inventory_close(f->v);
    site_done(&f->site);
    free(f);
    return 0;
}

/* The lines after their times, which end at a comma. */
static err_t take_line(void *ctx, uint64_t n, struct str json)
{
    (void)n;
    assert_true(str_starts(json, STR("{\"t\":\"2")));
    assert_int_equal(json.p[26], '"');
    wr_put(ctx, str_slice(json, 27, json.n));
    wr_u8(ctx, '\n');
    return OK;
}

static void lines_text(struct fixture *f, struct wr *w)
{
    struct chain_report report;
    int dir;
    assert_ok(dir_open(inventory_dir(f->v), "journal", &dir, NULL));
    assert_ok(chain_verify(dir, inventory_chain_key(f->v), take_line, w, &report, NULL));
    close(dir);
}

static void writes_what_was_done_as_lines_of_json(void **state)
{
    struct fixture *f = *state;
    const struct str pairs[] = {STR("source"), STR("shodan"), STR("file"), STR("a\"b\x1b\xff")};
    char buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    assert_ok(journal_note(f->j, "run", pairs, COUNT(pairs)));
    assert_ok(journal_note(f->j, "stop", NULL, 0));
    assert_err(journal_note(f->j, "run", pairs, 3), E_USAGE);
    assert_ok(journal_sync(f->j));
    lines_text(f, &w);
    assert_str(wr_str(&w),
               ",\"what\":\"run\",\"source\":\"shodan\",\"file\":\"a\\\"b\\u001b\xef\xbf\xbd\"}\n"
               ",\"what\":\"stop\"}\n");
}

static void too_long_a_line_is_refused_whole(void **state)
{
    struct fixture *f = *state;
    char *long_text = malloc(1 << 16);
    memset(long_text, 'x', 1 << 16);
    const struct str pairs[] = {STR("text"), str_of(long_text, 1 << 16)};
    struct chain_report report;
    assert_err(journal_note(f->j, "run", pairs, 2), E_LIMIT);
    assert_ok(journal_verify(f->v, &report, NULL));
    assert_int_equal(report.lines, 0);
    free(long_text);
}

static void *write_many(void *ctx)
{
    const struct str pairs[] = {STR("to"), STR("10.0.0.1:104/dicom")};
    for (int i = 0; i < 200; i++)
        assert_ok(journal_note(ctx, "connect", pairs, 2));
    return NULL;
}

static void takes_lines_from_any_thread(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    struct chain_report report;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, f->j), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_ok(journal_sync(f->j));
    assert_ok(journal_verify(f->v, &report, NULL));
    assert_int_equal(report.lines, 800);
    assert_false(report.torn);
}

static void goes_on_where_it_ended(void **state)
{
    struct fixture *f = *state;
    struct chain_report report;
    assert_ok(journal_note(f->j, "one", NULL, 0));
    journal_close(f->j);
    inventory_close(f->v);
    f->v = site_open(&f->site, INVENTORY_WORK);
    assert_ok(journal_open(f->v, &f->j, NULL));
    assert_ok(journal_note(f->j, "two", NULL, 0));
    assert_ok(journal_sync(f->j));
    struct inventory *look = site_open(&f->site, INVENTORY_LOOK);
    assert_ok(journal_verify(look, &report, NULL));
    inventory_close(look);
    assert_int_equal(report.lines, 2);
}

static void a_changed_line_shows(void **state)
{
    struct fixture *f = *state;
    struct chain_report report;
    struct diag d = {""};
    char path[128], *at, text[4096];
    for (int i = 0; i < 5; i++)
        assert_ok(journal_note(f->j, "connect", NULL, 0));
    assert_ok(journal_sync(f->j));
    snprintf(path, sizeof path, "%s/journal/00000001.log", f->site.path);
    int fd = open(path, O_RDWR);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = 0;
    at = strstr(text, "connect");
    assert_non_null(at);
    at = strstr(at + 1, "connect");
    assert_non_null(at);
    assert_int_equal(pwrite(fd, "CONNECT", 7, at - text), 7);
    close(fd);
    assert_err(journal_verify(f->v, &report, &d), E_DAMAGED);
    assert_int_equal(report.bad_line, 2);
    assert_true(d.text[0]);
}

static void there_is_none_before_anything_was_done(void **state)
{
    struct site s;
    struct chain_report report;
    struct diag d = {""};
    (void)state;
    site_make(&s);
    struct inventory *v = site_open(&s, INVENTORY_CREATE);
    assert_err(journal_verify(v, &report, &d), E_NOTFOUND);
    inventory_close(v);
    site_done(&s);
}

#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(writes_what_was_done_as_lines_of_json),
        JOURNAL_TEST(too_long_a_line_is_refused_whole),
        JOURNAL_TEST(takes_lines_from_any_thread),
        JOURNAL_TEST(goes_on_where_it_ended),
        JOURNAL_TEST(a_changed_line_shows),
        cmocka_unit_test(there_is_none_before_anything_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
