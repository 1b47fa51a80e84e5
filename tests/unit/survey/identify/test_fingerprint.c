#include "survey/identify/fingerprint.h"

#include "survey/identify/fp_table.h"
#include "survey/identify/fp_version.h"
#include "survey/identify/texts.h"
#include "unit.h"

static struct fp_matcher *matcher;

static int set_up(void **state)
{
    struct diag d = {""};
    (void)state;
    assert_ok(fp_matcher_new(&matcher, &d));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fp_matcher_free(matcher);
    return 0;
}

static bool is_layer(const struct fingerprint *fp, const char *layer)
{
    return str_eq(fp->layer, str_z(layer));
}

/* Whether the row is among those that a value of this kind matches. */
static bool hits(const struct fingerprint *fp, enum ev_kind kind, struct str value, struct arena *a,
                 struct str *ret_version)
{
    struct fp_match found[64];
    struct fact f = {kind, BY_PROBE, value};
    size_t n = fp_match_fact(matcher, &f, a, found, 64);
    assert_in_range(n, 0, 64);
    for (size_t i = 0; i < n; i++) {
        if (found[i].fp == fp) {
            *ret_version = found[i].version;
            return true;
        }
    }
    return false;
}

static void check_example(const struct fingerprint *fp, enum ev_kind kind)
{
    struct arena a = arena_init(1 << 20);
    struct str version = {NULL, 0};
    char spoilt[512];
    size_t missed = 0, n = fp->example.n;
    assert_in_range(n, 1, sizeof(spoilt));
    if (!hits(fp, kind, fp->example, &a, &version))
        fail_msg("%.*s: its example does not match it", STR_ARG(fp->id));
    if (fp->version_rule.n && version.n == 0)
        fail_msg("%.*s: no version in its example", STR_ARG(fp->id));
    if (!fp->version_rule.n && version.n)
        fail_msg("%.*s: a version without a rule", STR_ARG(fp->id));
    for (size_t i = 0; i < n; i++) {
        memcpy(spoilt, fp->example.p, n);
        spoilt[i] = (char)(spoilt[i] == 'Q' ? '#' : 'Q');
        missed += !hits(fp, kind, str_of(spoilt, n), &a, &version);
    }
    if (missed == 0)
        fail_msg("%.*s: it matches whatever stands there", STR_ARG(fp->id));
    if (str_eq(fp->match, STR("exact")) && missed != n)
        fail_msg("%.*s: it is exact, but matches something else", STR_ARG(fp->id));
    arena_done(&a);
}

static void each_row_matches_its_example_in_each_kind_of_its_layer(void **state)
{
    (void)state;
    for (size_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fp = fingerprint_at(i);
        uint32_t layer = fp_table_plan(i)->layer;
        size_t kinds = 0;
        for (unsigned k = 0; k < EV_KINDS; k++) {
            if (fp_table_layers((enum ev_kind)k) & layer) {
                check_example(fp, (enum ev_kind)k);
                kinds++;
            }
        }
        if (kinds == 0 && !is_layer(fp, "port") && !is_layer(fp, "correlation"))
            fail_msg("%.*s: no kind of fact reaches it", STR_ARG(fp->id));
    }
}

static void each_row_is_whole(void **state)
{
    (void)state;
    assert_true(fingerprint_count() >= 224);
    for (size_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fp = fingerprint_at(i);
        assert_ptr_equal(fingerprint_by_id(fp->id), fp);
        assert_true(fp->source.n > 0 && fp->example.n > 0 && fp->conf != CONF_none);
        if (fp->role == ROLE_toolkit || fp->role == ROLE_honeypot)
            assert_true(fp->product.n > 0);
        if (fp->role == ROLE_vendor)
            assert_true(fp->product.n == 0 && fp->vendor.n > 0);
        if (strstr(fp->note.p, "unverified") && fp->conf != CONF_low)
            assert_true(fp->weak);
    }
    assert_null(fingerprint_at(fingerprint_count()));
    assert_null(fingerprint_by_id(STR("fp000")));
    assert_null(fingerprint_by_id(STR("")));
}

/* No example of a product's row is another product's too: the rows would contradict each other. */
static void no_example_names_two_products(void **state)
{
    struct arena a = arena_init(1 << 20);
    (void)state;
    for (size_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fp = fingerprint_at(i);
        for (unsigned k = 0; k < EV_KINDS && fp->product.n; k++) {
            struct fact f = {(enum ev_kind)k, BY_PROBE, fp->example};
            struct fp_match found[64];
            if (!(fp_table_layers(f.kind) & fp_table_plan(i)->layer) || fp->role != ROLE_system)
                continue;
            size_t n = fp_match_fact(matcher, &f, &a, found, 64);
            for (size_t j = 0; j < n; j++)
                if (found[j].fp->role == ROLE_system && found[j].fp->product.n &&
                    !str_eq(found[j].fp->product, fp->product))
                    fail_msg("%.*s and %.*s", STR_ARG(fp->id), STR_ARG(found[j].fp->id));
        }
    }
    arena_done(&a);
}

static void match(enum ev_kind kind, struct str value, const char *id, const char *version)
{
    struct arena a = arena_init(1 << 16);
    struct str got = {NULL, 0};
    const struct fingerprint *fp = fingerprint_by_id(str_z(id));
    assert_non_null(fp);
    if (!hits(fp, kind, value, &a, &got))
        fail_msg("%s does not match %.*s", id, STR_ARG(value));
    assert_int_equal(got.n, strlen(version));
    assert_memory_equal(got.n ? got.p : "", version, got.n);
    arena_done(&a);
}

static void no_match(enum ev_kind kind, struct str value)
{
    struct arena a = arena_init(1 << 16);
    struct fp_match found[8];
    struct fact f = {kind, BY_PROBE, value};
    assert_int_equal(fp_match_fact(matcher, &f, &a, found, 8), 0);
    arena_done(&a);
}

static void versions_are_taken_out_of_values(void **state)
{
    (void)state;
    match(EV_dicom_class_uid, STR("1.2.276.0.7230010.3.0.3.6.7"), "fp001", "3.6.7");
    match(EV_dicom_class_uid, STR("1.2.276.0.7230010.3.0.3.6"), "fp001", "");
}

static void rules_of_versions(void **state)
{
    char buf[16];
    struct wr w = wr_fixed(buf, sizeof(buf));
    struct fp_caught c = {.groups = {STR_INIT("all"), STR_INIT("3"), STR_INIT("6")},
                          .after = STR_INIT("7.2")};
    (void)state;
    assert_true(fp_version(STR("\\1.\\2"), &c, &w));
    assert_str(wr_str(&w), "3.6");
    wr_clear(&w);
    assert_true(fp_version(STR("3.{1}.{2}"), &c, &w));
    assert_str(wr_str(&w), "3.7.2");
    wr_clear(&w);
    assert_false(fp_version(STR("3.{1}.{3}"), &c, &w));
    assert_false(fp_version(STR("\\3"), &c, &w));
    assert_false(fp_version(STR(""), &c, &w));
    assert_int_equal(w.n, 0);
    assert_true(fp_version(STR("=1.5 {1}"), &c, &w));
    assert_str(wr_str(&w), "1.5 {1}");
    wr_clear(&w);
    assert_false(fp_version(STR("=12345678901234567"), &c, &w));
}

static void next_version_is_behind_the_name(void **state)
{
    static const struct {
        struct str after;
        const char *version;
    } t[] = {{STR_INIT(" 1.12.6"), "1.12.6"},
             {STR_INIT("/v2.5 (x)"), "2.5"},
             {STR_INIT(":3.6.4:*:*"), "3.6.4"},
             {STR_INIT(" Server 6.2.1."), "6.2.1"},
             {STR_INIT(" version 4.0b1"), "4.0b1"},
             {STR_INIT(" viewer 4"), ""},
             {STR_INIT(""), ""},
             {STR_INIT(":*:*"), ""},
             {STR_INIT(" v"), ""}};
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
        char buf[32];
        struct wr w = wr_fixed(buf, sizeof(buf));
        struct fp_caught c = {.after = t[i].after};
        assert_int_equal(fp_version(STR("{next}"), &c, &w), t[i].version[0] != 0);
        assert_str(wr_str(&w), t[i].version);
    }
}

static void values_that_only_resemble_match_nothing(void **state)
{
    (void)state;
    no_match(EV_dicom_class_uid, STR("1.2.276.0.7230010.3.1.4"));
    no_match(EV_dicom_class_uid, STR("11.2.276.0.7230010.3.0.3.6.7"));
    no_match(EV_dicom_class_uid, STR(""));
    no_match(EV_dicom_version_name, STR("XOFFIS_DCMTK_367"));
    no_match(EV_http_title, STR("Welcome to nginx!"));
    no_match(EV_http_title, STR("Orthanc Explorer 2 manual"));
    no_match(EV_port_open, STR("tcp/104"));
    no_match(EV_match, STR("fp999 1.0"));
    no_match(EV_match, STR(""));
    no_match(EV_mac, STR("00:40"));
    no_match(EV_mac, STR("zz:40:b1:00:00:00"));
}

static void raw_bytes_may_be_anything(void **state)
{
    (void)state;
    match(EV_raw_dicom, STR("\x02\0\0\0\0\xb8\0\1\0\0\xff\xfe"), "fp047", "");
    match(EV_raw_http_body, STR("\0\xff\xfe\x80 PacsOne Server 7.1.1 \0"), "fp095", "7.1.1");
    no_match(EV_raw_dicom, STR("\x02"));
    no_match(EV_raw_dicom, str_of(NULL, 0));
}

static void addresses_of_devices_keep_packets_away(void **state)
{
    (void)state;
    assert_str(fp_by_mac(STR("00:09:FB:00:00:01"))->vendor, "Philips");
    assert_non_null(fp_never_probe_mac(STR("0009fb000001")));
    assert_non_null(fp_never_probe_mac(STR("00-09-fb-00-00-01")));
    assert_non_null(fp_never_probe_mac(STR("f023.b9b1.0000")));
    assert_null(fp_by_mac(STR("f0:23:b9:01:00:00")));
    assert_null(fp_never_probe_mac(STR("00:21:7d:01:02:03")));
    assert_null(fp_never_probe_mac(STR("00:00:00:00:00:00")));
    assert_null(fp_by_mac(STR("")));
    assert_null(fp_by_mac(STR("00:09:fb:00:00:01:02")));
}

static void observing_leaves_matches_and_no_raw_facts(void **state)
{
    struct arena a = arena_init(1 << 20);
    struct evidence *e = ARENA_NEW(&a, struct evidence);
    (void)state;
    evidence_init(e, &a);
    assert_ok(evidence_add(e, BY_ENGINE, EV_http_title, STR("PACS")));
    assert_ok(evidence_add(e, BY_ENGINE, EV_raw_http_body, STR("<b>PacsOne Server 7.1.1</b>")));
    assert_ok(evidence_add(e, BY_ENGINE, EV_raw_banner, STR("\x1b[31mnothing")));
    assert_ok(observe(matcher, e));
    assert_int_equal(e->n, 2);
    assert_str(evidence_get(e, EV_match), "fp095 7.1.1");
    size_t i = 0;
    assert_int_equal(evidence_next(e, EV_match, &i)->by, BY_ENGINE);
    assert_ok(observe(matcher, e));
    assert_int_equal(e->n, 2);
    match(EV_match, STR("fp095 7.1.1"), "fp095", "7.1.1");
    arena_done(&a);
}

static void a_full_set_still_takes_what_its_page_told(void **state)
{
    struct arena a = arena_init(1 << 20);
    struct evidence *e = ARENA_NEW(&a, struct evidence);
    (void)state;
    evidence_init(e, &a);
    assert_ok(evidence_add(e, BY_PROBE, EV_raw_http_body, STR("PacsOne Server 7.1.1")));
    while (e->n < FACTS_MAX)
        e->facts[e->n++] = (struct fact){EV_said_cve, BY_PROBE, STR("CVE-2026-1")};
    assert_ok(observe(matcher, e));
    assert_str(evidence_get(e, EV_match), "fp095 7.1.1");
    arena_done(&a);
}

/* A page made to send an expression through every path there is must end soon, matched or not. */
static void hostile_pages_end(void **state)
{
    enum { PAGE = 65536 };
    static const char *const pieces[] = {"MSA|AE|",
                                         "Welcome to the SIGMA Spectrum Diagnostic Terminal",
                                         "WWW-Authenticate: ",
                                         "[ANGLESTATUS",
                                         "<title>OpenEMR Login</title>",
                                         "\"codeVersion\">Version: ",
                                         "<title>",
                                         "a",
                                         "\x07\0\0\0\0\4\0\0\2\0"};
    static const enum ev_kind kinds[] = {EV_raw_http_body, EV_raw_banner, EV_raw_hl7, EV_raw_dicom,
                                         EV_raw_http_header};
    char *page = malloc(PAGE);
    (void)state;
    for (size_t p = 0; p < sizeof(pieces) / sizeof(*pieces); p++) {
        size_t n = p == 8 ? 10 : strlen(pieces[p]);
        for (size_t i = 0; i < PAGE; i++)
            page[i] = pieces[p][i % n];
        for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
            struct arena a = arena_init(1 << 20);
            struct fp_match found[16];
            struct fact f = {kinds[k], BY_PROBE, str_of(page, PAGE)};
            assert_in_range(fp_match_fact(matcher, &f, &a, found, 16), 0, 16);
            arena_done(&a);
        }
    }
    free(page);
}

static void texts_are_found_where_they_overlap(void **state)
{
    static const struct str all[] = {STR_INIT("her"),  STR_INIT("she"),  STR_INIT("his"),
                                     STR_INIT("hers"), STR_INIT("HERS"), STR_INIT("not"),
                                     STR_INIT("s-n")};
    static const bool wanted[] = {true, true, true, true, true, false, true};
    static const size_t want[][2] = {{1, 4}, {4, 6}, {3, 6}, {0, 5}, {6, 8}};
    struct texts *t;
    size_t text, end, n = 0;
    (void)state;
    assert_ok(texts_new(all, wanted, 7, &t));
    struct texts_scan s = texts_scan_of(t, STR("uSHers not hi"));
    while (texts_next(&s, &text, &end)) {
        assert_in_range(n, 0, 4);
        assert_int_equal(text, want[n][0]);
        assert_int_equal(end, want[n][1]);
        n++;
    }
    assert_int_equal(n, 5);
    s = texts_scan_of(t, str_of(NULL, 0));
    assert_false(texts_next(&s, &text, &end));
    s = texts_scan_of(t, STR("he"));
    assert_false(texts_next(&s, &text, &end));
    texts_free(t);
    texts_free(NULL);
}

static void a_text_too_short_to_look_for_is_refused(void **state)
{
    static const struct str all[] = {STR_INIT("ab")};
    static const bool wanted[] = {true};
    struct texts *t;
    (void)state;
    assert_err(texts_new(all, wanted, 1, &t), E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_whole),
        cmocka_unit_test(each_row_matches_its_example_in_each_kind_of_its_layer),
        cmocka_unit_test(no_example_names_two_products),
        cmocka_unit_test(versions_are_taken_out_of_values),
        cmocka_unit_test(rules_of_versions),
        cmocka_unit_test(next_version_is_behind_the_name),
        cmocka_unit_test(values_that_only_resemble_match_nothing),
        cmocka_unit_test(raw_bytes_may_be_anything),
        cmocka_unit_test(addresses_of_devices_keep_packets_away),
        cmocka_unit_test(observing_leaves_matches_and_no_raw_facts),
        cmocka_unit_test(a_full_set_still_takes_what_its_page_told),
        cmocka_unit_test(hostile_pages_end),
        cmocka_unit_test(texts_are_found_where_they_overlap),
        cmocka_unit_test(a_text_too_short_to_look_for_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
