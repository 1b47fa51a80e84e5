#include "unit.h"

#include <stdio.h>

#include "survey/core/evidence.h"

struct set {
    struct arena arena;
    struct evidence e;
};

static int setup(void **state)
{
    struct set *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    s->arena = arena_init(1 << 20);
    evidence_init(&s->e, &s->arena);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct set *s = *state;
    arena_done(&s->arena);
    free(s);
    return 0;
}

static void one_gives_way_to_equal_or_stronger(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    assert_ok(evidence_add(e, BY_TRAFFIC, EV_transport, STR("clear")));
    assert_ok(evidence_add(e, BY_ENGINE, EV_transport, STR("tls")));
    assert_str(evidence_get(e, EV_transport), "clear");
    assert_ok(evidence_add(e, BY_TRAFFIC, EV_transport, STR("tls")));
    assert_str(evidence_get(e, EV_transport), "tls");
    assert_ok(evidence_add(e, BY_PROBE, EV_transport, STR("clear")));
    assert_str(evidence_get(e, EV_transport), "clear");
    assert_int_equal(e->n, 1);
    assert_int_equal(e->facts[0].by, BY_PROBE);
}

static void many_are_kept_once_each_with_the_strongest_party(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    assert_ok(evidence_add(e, BY_ENGINE, EV_hostname, STR("a")));
    assert_ok(evidence_add(e, BY_ENGINE, EV_hostname, STR("b")));
    assert_ok(evidence_add(e, BY_SITE, EV_hostname, STR("a")));
    assert_int_equal(e->n, 2);
    assert_int_equal(e->facts[0].by, BY_SITE);
    assert_true(evidence_is(e, EV_hostname, STR("b")));
    assert_false(evidence_is(e, EV_hostname, STR("c")));
}

static void counted_add_up_by_name(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    assert_ok(evidence_count(e, BY_TRAFFIC, EV_clear_field, STR("PatientName"), 5));
    assert_ok(evidence_count(e, BY_TRAFFIC, EV_clear_field, STR("PatientID"), 1));
    assert_ok(evidence_count(e, BY_TRAFFIC, EV_clear_field, STR("PatientName"), 7));
    assert_int_equal(e->n, 2);
    assert_str(evidence_get(e, EV_clear_field), "PatientName 12");
    assert_ok(evidence_count(e, BY_TRAFFIC, EV_clear_field, STR("PatientName"), UINT64_MAX));
    assert_str(evidence_get(e, EV_clear_field), "PatientName 18446744073709551615");
    assert_err(evidence_count(e, BY_TRAFFIC, EV_hostname, STR("x"), 1), E_INTERNAL);
}

static void merging_counts_twice_changes_nothing(void **state)
{
    struct set *s = *state;
    struct evidence more;
    evidence_init(&more, &s->arena);
    assert_ok(evidence_count(&s->e, BY_TRAFFIC, EV_dicom_command, STR("C-STORE"), 5));
    assert_ok(evidence_count(&more, BY_TRAFFIC, EV_dicom_command, STR("C-STORE"), 12));
    assert_ok(evidence_merge(&s->e, &more));
    assert_ok(evidence_merge(&s->e, &more));
    assert_int_equal(s->e.n, 1);
    assert_str(evidence_get(&s->e, EV_dicom_command), "C-STORE 12");
}

static void values_are_cleaned_and_capped(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    char text[400];
    memset(text, 'x', sizeof text);
    assert_ok(evidence_add(e, BY_ENGINE, EV_banner, str_of(text, sizeof text)));
    assert_int_equal(evidence_get(e, EV_banner).n, ev_cap(EV_banner));
    assert_ok(evidence_add(e, BY_ENGINE, EV_http_title, STR("\x1b]0;owned\x07PACS\r\n")));
    assert_str(evidence_get(e, EV_http_title), "]0;owned PACS");
    assert_ok(evidence_add(e, BY_ENGINE, EV_site, STR(" \n ")));
    assert_null(evidence_get(e, EV_site).p);
}

static void raw_bytes_stay_as_they_are_and_are_not_written(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    uint8_t buf[64];
    struct wr w = wr_fixed(buf, sizeof buf);
    assert_ok(evidence_add(e, BY_ENGINE, EV_raw_dicom, STR("\x02\x00\x1b\xff")));
    struct str raw = evidence_get(e, EV_raw_dicom);
    assert_int_equal(raw.n, 4);
    assert_memory_equal(raw.p, "\x02\x00\x1b\xff", 4);
    evidence_write(e, &w);
    assert_int_equal(w.n, 1);
}

static void equal_sets_give_equal_bytes_and_come_back(void **state)
{
    struct set *s = *state;
    struct evidence other;
    uint8_t one[512], two[512];
    struct wr w1 = wr_fixed(one, sizeof one), w2 = wr_fixed(two, sizeof two);
    evidence_init(&other, &s->arena);
    assert_ok(evidence_add(&s->e, BY_ENGINE, EV_hostname, STR("b")));
    assert_ok(evidence_add(&s->e, BY_PROBE, EV_dicom_answer, STR("accepted")));
    assert_ok(evidence_add(&s->e, BY_ENGINE, EV_hostname, STR("a")));
    assert_ok(evidence_add(&other, BY_ENGINE, EV_hostname, STR("a")));
    assert_ok(evidence_add(&other, BY_ENGINE, EV_hostname, STR("b")));
    assert_ok(evidence_add(&other, BY_PROBE, EV_dicom_answer, STR("accepted")));
    evidence_write(&s->e, &w1);
    evidence_write(&other, &w2);
    assert_int_equal(w1.n, w2.n);
    assert_memory_equal(one, two, w1.n);
    assert_ok(evidence_parse(wr_str(&w1), &other));
    assert_int_equal(other.n, 3);
    assert_str(other.facts[0].value, "accepted");
    assert_str(other.facts[2].value, "b");
    wr_clear(&w2);
    evidence_write(&other, &w2);
    assert_memory_equal(one, two, w1.n);
}

static void keep_copies(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    char text[] = "first";
    assert_ok(evidence_keep(e, BY_ENGINE, EV_hostname, str_z(text)));
    text[0] = 'X';
    assert_str(evidence_get(e, EV_hostname), "first");
    assert_ok(evidence_addf(e, BY_ENGINE, EV_http_path, "%d %s", 200, "/app"));
    assert_str(evidence_get(e, EV_http_path), "200 /app");
}

static void one_kind_does_not_crowd_out_the_others(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    for (int i = 0; i < 1000; i++)
        assert_ok(evidence_addf(e, BY_ENGINE, EV_said_cve, "CVE-2020-%04d", i));
    assert_true(e->full);
    assert_ok(evidence_add(e, BY_ENGINE, EV_http_title, STR("PACS")));
    assert_str(evidence_get(e, EV_http_title), "PACS");
    for (int i = 0; i < 1000; i++)
        assert_ok(evidence_addf(e, BY_ENGINE, EV_hostname, "h%d", i));
    assert_int_equal(e->n, FACTS_MAX);
}

static void damaged(const char *p, size_t n)
{
    struct arena a = arena_init(0);
    struct evidence e;
    evidence_init(&e, &a);
    assert_err(evidence_parse(str_of(p, n), &e), E_DAMAGED);
    assert_int_equal(e.n, 0);
}

#define DAMAGED(text) damaged(text, sizeof(text) - 1)

static void what_it_would_not_write_is_damaged(void **state)
{
    (void)state;
    DAMAGED("");
    DAMAGED("\x02");                           /* another form */
    DAMAGED("\x01\x01\x20");                   /* torn */
    DAMAGED("\x01\x01\x20\x05y");              /* a length past the end */
    DAMAGED("\x01\x00\x20\x01y");              /* no kind */
    DAMAGED("\x01\x01\x00\x01y");              /* nobody says so */
    DAMAGED("\x01\x01\xe0\x01y");              /* an unknown party */
    DAMAGED("\x01\x01\x20\x00");               /* an empty value */
    DAMAGED("\x01\x01\x20\x01\x1b");           /* a control character */
    DAMAGED("\x01\xc8\x20\x01y");              /* raw */
    DAMAGED("\x01\x05\x20\x09yyyyyyyyy");      /* over its cap */
    DAMAGED("\x01\x05\x20\x01y\x01\x20\x01y"); /* not in order */
    DAMAGED("\x01\x01\x20\x01y\x01\x20\x01z"); /* ONE twice */
    DAMAGED("\x01\x03\x20\x01y\x03\x40\x01y"); /* the same twice */
}

static void each_kind_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned k = 1; k < EV_KINDS; k++)
        if (ev_name((enum ev_kind)k).n) {
            assert_int_equal(ev_by_name(ev_name((enum ev_kind)k)), k);
            assert_true(ev_help((enum ev_kind)k).n > 0 && ev_cap((enum ev_kind)k) > 0);
        }
    assert_int_equal(ev_by_name(STR("nonsense")), EV_NONE);
    assert_int_equal(ev_by_name(STR("")), EV_NONE);
    assert_true(ev_is_raw(EV_raw_dicom));
    assert_false(ev_is_raw(EV_banner));
    assert_true(ev_is_counted(EV_clear_field) && ev_is_many(EV_clear_field));
    assert_false(ev_is_many(EV_dicom_answer));
    assert_str(ev_by_text(BY_ENGINE), "search engine");
}

static void no_kind_and_nobody_are_our_own_bugs(void **state)
{
    struct evidence *e = &((struct set *)*state)->e;
    assert_err(evidence_add(e, BY_PROBE, EV_NONE, STR("x")), E_INTERNAL);
    assert_err(evidence_add(e, BY_PROBE, (enum ev_kind)199, STR("x")), E_INTERNAL);
    assert_err(evidence_add(e, BY_NOBODY, EV_banner, STR("x")), E_INTERNAL);
}

#define WITH_SET(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET(one_gives_way_to_equal_or_stronger),
        WITH_SET(many_are_kept_once_each_with_the_strongest_party),
        WITH_SET(counted_add_up_by_name),
        WITH_SET(merging_counts_twice_changes_nothing),
        WITH_SET(values_are_cleaned_and_capped),
        WITH_SET(raw_bytes_stay_as_they_are_and_are_not_written),
        WITH_SET(equal_sets_give_equal_bytes_and_come_back),
        WITH_SET(keep_copies),
        WITH_SET(one_kind_does_not_crowd_out_the_others),
        cmocka_unit_test(what_it_would_not_write_is_damaged),
        cmocka_unit_test(each_kind_is_found_by_its_name),
        WITH_SET(no_kind_and_nobody_are_our_own_bugs),
    };
    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
