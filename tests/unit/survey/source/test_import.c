#include "import_test.h"

#include <zlib.h>

enum { MANY = 20000 };

static void write_record(struct wr *w, unsigned i)
{
    wr_printf(w, "{\"ip_str\":\"198.51.%u.%u\",\"port\":%u,\"product\":\"p%u\",\"org\":\"o%u\"}\n",
              i / 256 % 256, i % 256, 1 + i % 4, i, i % 7);
}

static void write_many(struct wr *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        write_record(w, i);
}

/* A stop switch that is set once so many lines were told of. */
struct brake {
    struct site *s;
    struct stop stop;
};

static void stop_at_note(void *ctx, const char *text)
{
    struct brake *b = ctx;
    (void)text;
    stop_set(&b->stop);
}

static void a_malformed_line_is_named_counted_and_passed_over(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(8 << 20);
    write_many(&w, 3000);
    wr_put(&w, STR("{\"ip_str\": \"192.0.2.1\", \"port\": 80, \"data\": \"broken\n"));
    write_record(&w, 3001);
    assert_ok(site_import(s, "", wr_str(&w)));
    assert_int_equal(s->sum.records, 3001);
    assert_int_equal(s->sum.bad, 1);
    assert_non_null(strstr(site_notes(s), "line 3,001: not JSON"));
    has_not(s, "192.0.2.1");
    has(s, "198.51.11.185:2 search engine said_product=p3001");
    wr_done(&w);
}

static void a_line_past_the_limit_is_named_and_passed_over(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(24 << 20);
    write_record(&w, 1);
    wr_put(&w, STR("{\"data\":\""));
    wr_fill(&w, 'x', INPUT_LINE_MAX + 5);
    wr_put(&w, STR("\"}\n"));
    write_record(&w, 2);
    assert_ok(site_import(s, "shodan", wr_str(&w)));
    assert_int_equal(s->sum.records, 2);
    assert_string_equal(site_notes(s), "line 2: longer than 4 MiB\n");
    has(s, "198.51.0.2:3 search engine said_product=p2");
    wr_done(&w);
}

static void a_string_past_the_limit_is_a_bad_record(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(24 << 20);
    wr_put(&w, STR("{\"ip_str\":\"192.0.2.1\",\"port\":80,\"data\":\""));
    wr_fill(&w, 'x', 10 << 20);
    wr_put(&w, STR("\"}\n"));
    write_record(&w, 2);
    assert_ok(site_import(s, "shodan", wr_str(&w)));
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.bad, 1);
    wr_done(&w);
}

static void gzip(struct site *s, struct str text)
{
    gzFile f = gzopen(s->file, "wb6");
    assert_int_equal(gzwrite(f, text.p, (unsigned)text.n), text.n);
    gzclose(f);
}

static void a_gzip_that_is_cut_off_keeps_what_was_whole(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(8 << 20);
    write_many(&w, MANY);
    gzip(s, wr_str(&w));
    struct stat st;
    assert_int_equal(stat(s->file, &st), 0);
    assert_int_equal(truncate(s->file, st.st_size / 2), 0);
    assert_err(site_import(s, "", STR("")), E_DAMAGED);
    assert_non_null(strstr(s->d.text, "cut off"));
    assert_in_range(s->sum.records, MANY / 4, MANY * 3 / 4);
    has(s, "198.51.0.1:2 search engine said_product=p1");
    wr_done(&w);
}

static void a_gzip_bomb_is_refused(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(64 << 20);
    write_record(&w, 1);
    wr_fill(&w, '\n', 48 << 20);
    gzip(s, wr_str(&w));
    wr_done(&w);
    assert_err(site_import(s, "", STR("")), E_LIMIT);
    assert_non_null(strstr(s->d.text, "bomb"));
}

static void what_is_no_export_is_refused(void **state)
{
    struct site *s = *state;
    assert_err(site_import(s, "", STR("hello world\n")), E_UNSUPPORTED);
    assert_non_null(strstr(s->d.text, "shodan"));
    assert_err(site_import(s, "pdf", STR("")), E_USAGE);
}

static void an_empty_export_under_its_name_is_no_error(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "shodan", STR("")));
    assert_int_equal(s->sum.records, 0);
}

/* The whole of it in one go, for comparison. */
static char *whole(struct site *s, struct str text)
{
    assert_ok(site_import(s, "", text));
    assert_false(s->sum.resumed);
    return strdup(site_dump(s));
}

static void new_site(struct site *s, void **fresh)
{
    (void)s;
    assert_int_equal(site_setup(fresh), 0);
}

/* Stopped and begun again until it is done. Returns how often. */
static int in_parts(struct site *s, struct str text)
{
    int parts = 1;
    struct brake b = {.s = s, .stop = {.fd = -1}};
    site_append(s, text);
    s->r.format = STR("");
    s->r.note = stop_at_note;
    s->r.ctx = &b;
    for (;; parts++) {
        assert_ok(stop_init(&b.stop));
        s->r.stop = &b.stop;
        assert_ok(source_import(&s->r, &s->sum, &s->d));
        stop_done(&b.stop);
        assert_int_equal(s->sum.resumed, parts > 1);
        if (!s->sum.stopped)
            return parts;
        assert_in_range(parts, 1, 50);
    }
}

static void stops_and_resumes(struct site *one, struct str text)
{
    void *fresh;
    char *expected = whole(one, text);
    new_site(one, &fresh);
    struct site *two = fresh;
    assert_in_range(in_parts(two, text), 2, 50);
    assert_string_equal(site_dump(two), expected);
    free(expected);
    site_teardown(&fresh);
}

static void stopped_and_resumed_it_is_the_same_inventory(void **state)
{
    struct wr w = wr_heap(16 << 20);
    for (unsigned i = 0; i < MANY; i++) {
        write_record(&w, i);
        if (i % 6000 == 3000)
            wr_put(&w, STR("malformed\n"));
    }
    stops_and_resumes(*state, wr_str(&w));
    wr_done(&w);
}

static void a_table_stopped_and_resumed_is_the_same_inventory(void **state)
{
    struct wr w = wr_heap(16 << 20);
    wr_put(&w, STR("ip,port,title\n"));
    for (unsigned i = 0; i < 4 * MANY; i++)
        wr_printf(&w, i % 30000 == 15000 ? "x\n" : "198.51.%u.%u,80,\"t\n%u\"\n", i / 256 % 256,
                  i % 256, i);
    stops_and_resumes(*state, wr_str(&w));
    wr_done(&w);
}

static void the_same_again_begins_anew_and_changes_nothing(void **state)
{
    struct site *s = *state;
    struct wr w = wr_heap(8 << 20);
    write_many(&w, 1000);
    char *expected = whole(s, wr_str(&w));
    assert_ok(source_import(&s->r, &s->sum, &s->d));
    assert_false(s->sum.resumed);
    assert_int_equal(s->sum.records, 1000);
    assert_string_equal(site_dump(s), expected);
    free(expected);
    wr_done(&w);
}

static void shards_are_apart_and_together_all(void **state)
{
    enum { SHARDS = 3, RECORDS = 3000 };
    struct site *s = *state;
    struct wr w = wr_heap(8 << 20);
    uint64_t endpoints[SHARDS], sum = 0;
    write_many(&w, RECORDS);
    char *expected = whole(s, wr_str(&w));
    uint64_t all = s->sum.endpoints;
    void *fresh;
    new_site(s, &fresh);
    struct site *parts = fresh;
    site_append(parts, wr_str(&w));
    for (unsigned i = 0; i < SHARDS; i++) {
        parts->r.shard = i;
        parts->r.shards = SHARDS;
        assert_ok(source_import(&parts->r, &parts->sum, &parts->d));
        assert_false(parts->sum.resumed);
        endpoints[i] = parts->sum.endpoints;
        assert_in_range(endpoints[i], all / SHARDS / 2, all / SHARDS * 2);
        sum += endpoints[i];
    }
    assert_int_equal(sum, all);
    assert_string_equal(site_dump(parts), expected);
    free(expected);
    site_teardown(&fresh);
    wr_done(&w);
}

static void a_journal_line_and_a_note_tell_of_the_run(void **state)
{
    struct site *s = *state;
    struct chain_report report;
    struct journal *j;
    assert_ok(journal_open(s->v, &j, &s->d));
    s->r.journal = j;
    assert_ok(site_import(s, "shodan", STR("{\"ip_str\":\"192.0.2.1\",\"port\":80}\nx\n")));
    journal_close(j);
    assert_ok(journal_verify(s->v, &report, &s->d));
    assert_int_equal(report.lines, 1);
}

static void every_importer_has_a_name_and_can_be_named(void **state)
{
    size_t n = 0;
    (void)state;
    for (; importer_at(n); n++) {
        assert_true(importer_at(n)->name[0] && importer_at(n)->about[0]);
        assert_non_null(importer_at(n)->reader);
    }
    assert_int_equal(n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_malformed_line_is_named_counted_and_passed_over),
        WITH_SITE(a_line_past_the_limit_is_named_and_passed_over),
        WITH_SITE(a_string_past_the_limit_is_a_bad_record),
        WITH_SITE(a_gzip_that_is_cut_off_keeps_what_was_whole),
        WITH_SITE(a_gzip_bomb_is_refused),
        WITH_SITE(what_is_no_export_is_refused),
        WITH_SITE(an_empty_export_under_its_name_is_no_error),
        WITH_SITE(stopped_and_resumed_it_is_the_same_inventory),
        WITH_SITE(a_table_stopped_and_resumed_is_the_same_inventory),
        WITH_SITE(the_same_again_begins_anew_and_changes_nothing),
        WITH_SITE(shards_are_apart_and_together_all),
        WITH_SITE(a_journal_line_and_a_note_tell_of_the_run),
        cmocka_unit_test(every_importer_has_a_name_and_can_be_named),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
