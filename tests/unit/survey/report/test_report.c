#include "unit.h"

#include <stdio.h>

#include "base/size.h"
#include "fixture.h"
#include "io/thread.h"
#include "survey/report/clean.h"
#include "survey/report/counts.h"
#include "survey/report/words.h"

struct made {
    char folder[FIXTURE_PATH];
    struct inventory *v;
    struct report *r;
    struct wr w;
};

static void open_one(struct made *m)
{
    *m = (struct made){.w = wr_heap(64 << 20)};
    assert_ok(fixture_open(m->folder, &m->v));
}

static void report_on(struct made *m, enum language l, bool redact)
{
    struct diag d = {""};
    struct report_options o = {.language = l, .redact = redact, .today = "2026-11-22"};
    assert_ok(report_new(m->v, STR(""), &o, &m->r, &d));
}

static void close_one(struct made *m)
{
    report_free(m->r);
    wr_done(&m->w);
    fixture_close(m->folder, m->v);
}

static bool contains(struct str text, struct str what)
{
    return memmem(text.p, text.n, what.p, what.n) != NULL;
}

static err_t (*const formats[])(struct report *r, struct wr *w, struct diag *d) = {
    report_html, report_json, report_csv, report_csv_findings, report_sarif, report_text};

/* A system as it would be counted. */
static struct system plain(void)
{
    return (struct system){.ports = STR("104/dicom 8042/http"),
                           .type = TYPE_pacs,
                           .open_calling = -1,
                           .open_called = -1,
                           .open_query = -1,
                           .open_retrieve = -1,
                           .open_store = -1,
                           .open_print = -1,
                           .cleartext = -1,
                           .tls = -1,
                           .web_open = -1,
                           .is_public = -1,
                           .studies = -1,
                           .images = -1};
}

static void open_means_that_something_was_granted(void **state)
{
    (void)state;
    struct report r = {.today = STR("2026-11-22")};
    uint8_t marks[COUNTERS];
    struct system s = plain();
    system_marks(&r, &s, NULL, 0, marks);
    assert_false(marks[N_open]);
    assert_true(marks[N_dicom] && marks[N_no_transport]);
    s.open_called = 1; /* a wrong called title alone lets nobody in */
    system_marks(&r, &s, NULL, 0, marks);
    assert_false(marks[N_open]);
    s.open_calling = 1;
    system_marks(&r, &s, NULL, 0, marks);
    assert_true(marks[N_open]);
    s = plain();
    s.web_open = 1;
    s.cleartext = s.tls = 1;
    system_marks(&r, &s, NULL, 0, marks);
    assert_true(marks[N_open] && marks[N_clear] && marks[N_clear_tls]);
    assert_false(marks[N_clear_only] || marks[N_tls_only] || marks[N_no_transport]);
}

static void matches_are_counted_apart(void **state)
{
    (void)state;
    static const struct {
        enum match_state match;
        const char *component;
        enum counter expected;
    } cases[] = {{STATE_confirmed, "", N_strict},    {STATE_all_versions, "", N_strict},
                 {STATE_potential, "", N_component}, {STATE_confirmed, "DCMTK", N_component},
                 {STATE_asserted, "", N_asserted},   {STATE_asserted, "DCMTK", N_asserted},
                 {STATE_unknown, "", N_unknown}};
    struct report r = {.today = STR("2026-11-22")};
    struct system s = plain();
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t marks[COUNTERS];
        struct finding f = {.cve = STR("CVE-2022-2119"),
                            .state = cases[i].match,
                            .component = str_z(cases[i].component),
                            .exploited = true};
        system_marks(&r, &s, &f, 1, marks);
        for (enum counter c = N_strict; c <= N_unknown; c++)
            assert_int_equal(marks[c], c == cases[i].expected);
        f.cve = STR(""); /* several, summed up */
        system_marks(&r, &s, &f, 1, marks);
        assert_int_equal(marks[cases[i].expected], 1);
        assert_int_equal(marks[N_any], cases[i].expected != N_unknown);
        assert_int_equal(marks[N_exploited], cases[i].expected <= N_component);
    }
}

static void an_accepted_finding_is_not_severe_until_it_runs_out(void **state)
{
    (void)state;
    struct report r = {.today = STR("2026-11-22")};
    struct system s = plain();
    struct finding f = {.severity = SEV_critical, .accepted_until = STR("2026-11-22")};
    uint8_t marks[COUNTERS];
    system_marks(&r, &s, &f, 1, marks);
    assert_false(marks[N_severe]);
    assert_int_equal(system_score(&r, &s, &f, 1), 0);
    f.accepted_until = STR("2026-11-21");
    system_marks(&r, &s, &f, 1, marks);
    assert_true(marks[N_severe]);
}

static void lists_of_fields_are_read(void **state)
{
    (void)state;
    struct str rest = STR("PatientName 12, Patient's Size 3,, bad, PatientID 4 "), name;
    uint64_t n;
    assert_true(next_count(&rest, &name, &n));
    assert_str(name, "PatientName");
    assert_int_equal(n, 12);
    assert_true(next_count(&rest, &name, &n));
    assert_str(name, "Patient's Size");
    assert_true(next_count(&rest, &name, &n));
    assert_str(name, "PatientID");
    assert_int_equal(n, 4);
    assert_false(next_count(&rest, &name, &n));
}

static void counts_of_a_survey_add_up(void **state)
{
    (void)state;
    struct made m;
    open_one(&m);
    assert_ok(fixture_study(m.v));
    report_on(&m, LANG_en, false);
    const struct totals *t = &m.r->t;
    assert_int_equal(t->n[N_systems], 300);
    assert_int_equal(t->honeypots, 2);
    assert_int_equal(t->hosts, 302);
    uint64_t by_type = 0, by_country = m.r->countries.others.n[N_systems], by_level = 0;
    for (size_t i = 0; i < TYPE_COUNT; i++)
        by_type += m.r->types[i].n[N_systems];
    for (size_t i = 0; i < m.r->countries.n; i++)
        by_country += m.r->countries.rows[i].n[N_systems];
    for (size_t i = 0; i <= VER_version; i++)
        by_level += t->levels[i];
    assert_int_equal(by_type, 302);
    assert_int_equal(by_country, 300);
    assert_int_equal(by_level, 300);
    assert_int_equal(
        t->n[N_clear_only] + t->n[N_clear_tls] + t->n[N_tls_only] + t->n[N_no_transport], 300);
    assert_int_equal(m.r->types[0].type, TYPE_pacs);
    assert_int_equal(m.r->types[0].n[N_systems], 140);
    assert_str(m.r->countries.rows[0].key, "US");
    assert_true(t->accepted > 0 && t->accepted < t->findings);
    assert_int_equal(m.r->risks_all, 2);
    assert_int_equal(m.r->risks_expired, 1);
    close_one(&m);
}

static void the_survey_before_is_found_and_compared(void **state)
{
    (void)state;
    struct made m;
    open_one(&m);
    assert_ok(fixture_study(m.v));
    report_on(&m, LANG_en, false);
    assert_true(m.r->has_before);
    assert_string_equal(m.r->before.name, "spring");
    assert_int_equal(m.r->n_points, 2);
    assert_int_equal(m.r->points[1].systems, 300);
    assert_int_equal(m.r->diff.dicom_after, m.r->t.n[N_dicom]);
    assert_true(m.r->diff.dicom_before < m.r->diff.dicom_after);
    assert_int_equal(m.r->diff.counts[DIFF_new], 38);
    close_one(&m);
}

static void a_survey_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    open_one(&m);
    assert_ok(fixture_empty(m.v));
    struct report_options o = {.today = "2026-11-22"};
    assert_err(report_new(m.v, STR("winter"), &o, &m.r, &d), E_NOTFOUND);
    o.before = STR("winter");
    assert_err(report_new(m.v, STR(""), &o, &m.r, &d), E_NOTFOUND);
    assert_true(contains(str_z(d.text), STR("winter")));
    close_one(&m);
}

static void an_empty_survey_makes_every_format(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    open_one(&m);
    assert_ok(fixture_empty(m.v));
    for (unsigned l = 0; l < LANGUAGES; l++) {
        report_on(&m, (enum language)l, false);
        for (size_t i = 0; i < COUNT(formats); i++) {
            wr_clear(&m.w);
            assert_ok(formats[i](m.r, &m.w, &d));
            assert_true(m.w.n > 0 && str_is_utf8(wr_str(&m.w)));
        }
        report_free(m.r);
        m.r = NULL;
    }
    close_one(&m);
}

/* None of these may come through as it is, in any format. */
static const struct {
    struct str evil, never;
} attacks[] = {
    {STR_INIT("<script>alert(1)</script>"), STR_INIT("<script")},
    {STR_INIT("\"><img src=x onerror=alert(1)>"), STR_INIT("<img")},
    {STR_INIT("</style></title><svg onload=x>"), STR_INIT("<svg onload")},
    {STR_INIT("\x1b]0;owned\x07\x1b[2J"), STR_INIT("\x1b")},
    {STR_INIT("\xc2\x9b"
              "31m"),
     STR_INIT("\xc2\x9b")},
    {STR_INIT("\xe2\x80\xae"
              "fdp.exe"),
     STR_INIT("\xe2\x80\xae")},
    {STR_INIT("\xff\xfe\x80"), STR_INIT("\xff")},
    {STR_INIT("a\nb\r\nc\",\"x\":1}"), STR_INIT("a\nb")},
};

static void hostile_banners_are_harmless_in_every_format(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(attacks); k++) {
        struct made m;
        struct diag d = {""};
        open_one(&m);
        assert_ok(fixture_hostile(m.v, attacks[k].evil));
        for (unsigned l = 0; l < LANGUAGES * 2; l++) {
            report_on(&m, (enum language)(l / 2), l % 2);
            for (size_t i = 0; i < COUNT(formats); i++) {
                wr_clear(&m.w);
                assert_ok(formats[i](m.r, &m.w, &d));
                assert_true(str_is_utf8(wr_str(&m.w)));
                bool data = formats[i] == report_csv || formats[i] == report_csv_findings ||
                            formats[i] == report_text;
                if (!data || attacks[k].never.p[0] != '<') /* CSV and terminals know no tags */
                    assert_false(contains(wr_str(&m.w), attacks[k].never));
            }
            report_free(m.r);
            m.r = NULL;
        }
        close_one(&m);
    }
}

static void formulas_are_quoted_in_csv(void **state)
{
    (void)state;
    static const char *const formulas[] = {
        "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "  =1+1", "\uff1d1+1", "|x", "%y"};
    for (size_t k = 0; k < COUNT(formulas); k++) {
        struct made m;
        struct diag d = {""};
        char bare[64];
        open_one(&m);
        assert_ok(fixture_hostile(m.v, str_z(formulas[k])));
        report_on(&m, LANG_en, false);
        assert_ok(report_csv(m.r, &m.w, &d));
        assert_ok(report_csv_findings(m.r, &m.w, &d));
        int n = snprintf(bare, sizeof bare, "\"%.4s", formulas[k]);
        assert_false(contains(wr_str(&m.w), str_of(bare, (size_t)n)));
        assert_true(contains(wr_str(&m.w), STR("\"'")));
        close_one(&m);
    }
}

static void a_long_banner_is_cut_in_every_format(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    char *evil = malloc(10000);
    assert_non_null(evil);
    memset(evil, 'A', 10000);
    open_one(&m);
    assert_ok(fixture_hostile(m.v, str_of(evil, 10000)));
    report_on(&m, LANG_en, false);
    for (size_t i = 0; i < COUNT(formats); i++) {
        wr_clear(&m.w);
        assert_ok(formats[i](m.r, &m.w, &d));
        assert_false(contains(wr_str(&m.w), str_of(evil, CLEAN_MAX * 4 + 1)));
    }
    free(evil);
    close_one(&m);
}

static bool contains_nocase(struct str text, struct str what)
{
    for (size_t i = 0; i + what.n <= text.n; i++)
        if (str_eq_nocase(str_slice(text, i, what.n), what))
            return true;
    return false;
}

static void redacted_reports_name_nobody(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    open_one(&m);
    assert_ok(fixture_secret(m.v));
    for (unsigned redact = 0; redact < 2; redact++) {
        size_t named = 0;
        report_on(&m, LANG_it, redact);
        for (size_t i = 0; i < COUNT(formats); i++) {
            wr_clear(&m.w);
            assert_ok(formats[i](m.r, &m.w, &d));
            for (size_t k = 0; fixture_secrets[k]; k++)
                named += contains_nocase(wr_str(&m.w), str_z(fixture_secrets[k]));
            if (redact && formats[i] != report_text)
                assert_true(contains(wr_str(&m.w), STR("S-0001")));
        }
        if (redact)
            assert_int_equal(named, 0);
        else
            assert_true(named > 30);
        report_free(m.r);
        m.r = NULL;
    }
    close_one(&m);
}

static void the_worst_systems_stand_first_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    open_one(&m);
    assert_ok(fixture_many(m.v, INVENTORY_ROWS + 50));
    report_on(&m, LANG_en, false);
    assert_int_equal(m.r->n_ranks, INVENTORY_ROWS);
    for (size_t i = 1; i < m.r->n_ranks; i++)
        assert_true(m.r->ranks[i - 1].score >= m.r->ranks[i].score);
    assert_ok(report_html(m.r, &m.w, &d));
    assert_true(contains(wr_str(&m.w), STR("And <b>50</b> more: see the CSV.")));
    close_one(&m);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    open_one(&m);
    assert_ok(fixture_study(m.v));
    report_on(&m, LANG_en, false);
    for (size_t i = 0; i < COUNT(formats); i++) {
        char small[64];
        struct wr w = wr_fixed(small, sizeof small);
        assert_int_not_equal(formats[i](m.r, &w, &d), OK);
    }
    close_one(&m);
}

static void a_stop_ends_the_counting(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    struct stop stop;
    assert_ok(stop_init(&stop));
    stop_set(&stop);
    open_one(&m);
    assert_ok(fixture_study(m.v));
    struct report_options o = {.today = "2026-11-22", .stop = &stop};
    assert_err(report_new(m.v, STR(""), &o, &m.r, &d), E_STOPPED);
    stop_done(&stop);
    close_one(&m);
}

static void the_terminal_gets_a_screenful(void **state)
{
    (void)state;
    struct made m;
    struct diag d = {""};
    open_one(&m);
    assert_ok(fixture_study(m.v));
    for (unsigned l = 0; l < LANGUAGES; l++) {
        report_on(&m, (enum language)l, false);
        wr_clear(&m.w);
        assert_ok(report_text(m.r, &m.w, &d));
        size_t lines = 0, column = 0;
        for (size_t i = 0; i < m.w.n; i++) {
            lines += m.w.p[i] == '\n';
            column = m.w.p[i] == '\n' ? 0 : column + ((m.w.p[i] & 0xc0) != 0x80);
            assert_true(column <= 80);
        }
        assert_true(lines <= 24);
        report_free(m.r);
        m.r = NULL;
    }
    close_one(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_means_that_something_was_granted),
        cmocka_unit_test(matches_are_counted_apart),
        cmocka_unit_test(an_accepted_finding_is_not_severe_until_it_runs_out),
        cmocka_unit_test(lists_of_fields_are_read),
        cmocka_unit_test(counts_of_a_survey_add_up),
        cmocka_unit_test(the_survey_before_is_found_and_compared),
        cmocka_unit_test(a_survey_that_is_not_there_is_said),
        cmocka_unit_test(an_empty_survey_makes_every_format),
        cmocka_unit_test(hostile_banners_are_harmless_in_every_format),
        cmocka_unit_test(formulas_are_quoted_in_csv),
        cmocka_unit_test(a_long_banner_is_cut_in_every_format),
        cmocka_unit_test(redacted_reports_name_nobody),
        cmocka_unit_test(the_worst_systems_stand_first_and_the_rest_is_counted),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_stop_ends_the_counting),
        cmocka_unit_test(the_terminal_gets_a_screenful),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
