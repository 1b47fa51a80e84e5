/* A whole survey concluded: an inventory in, systems and findings out. */
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "survey/assess/assess.h"
#include "unit.h"

enum { SECOND = 1000000 };

struct fixture {
    char path[64];
    struct inventory *v;
    struct survey survey;
    struct advisories *advisories;
    struct assess_options o;
    struct run run;
    struct arena arena;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "/tmp/lastra-assess-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    assert_ok(inventory_open(f->path, INVENTORY_CREATE, STR(""), &f->v, NULL, NULL));
    assert_ok(inventory_survey(f->v, STR("autumn"), &f->survey, NULL));
    assert_ok(advisories_new(&f->advisories, NULL));
    f->arena = arena_init(4 << 20);
    f->o = (struct assess_options){.advisories = f->advisories, .today = "2026-11-22"};
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    inventory_close(f->v);
    advisories_free(f->advisories);
    arena_done(&f->arena);
    (void)nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static void run_begin(struct fixture *f, const char *source)
{
    assert_ok(
        inventory_run_begin(f->v, f->survey.id, str_z(source), STR("x"), STR(""), &f->run, NULL));
}

static void run_end(struct fixture *f)
{
    assert_ok(inventory_run_end(f->v, &f->run, STR("")));
}

struct pair {
    enum ev_kind kind;
    const char *value;
};

static void put(struct fixture *f, const char *address, uint16_t port, enum ev_by by,
                const struct pair *pairs, size_t n, int64_t when)
{
    struct evidence e;
    struct ip ip;
    assert_ok(ip_parse(str_z(address), &ip));
    evidence_init(&e, &f->arena);
    for (size_t i = 0; i < n; i++)
        assert_ok(evidence_add(&e, by, pairs[i].kind, str_z(pairs[i].value)));
    f->run.position++;
    assert_ok(inventory_put(f->v, &f->run, &ip, port, &e, when));
}

static const struct pair dcmtk[] = {
    {EV_dicom_answer, "accepted"},
    {EV_transport, "clear"},
    {EV_dicom_any_calling, "yes"},
    {EV_protocol, "dicom"},
    {EV_dicom_class_uid, "1.2.276.0.7230010.3.0.3.6.5"},
    {EV_dicom_version_name, "OFFIS_DCMTK_365"},
    {EV_match, "fp002 3.6.5"},
    {EV_match, "fp001 3.6.5"},
};

struct seen {
    size_t systems, findings, kinds[64];
    int8_t stale[16];
    char zone[16][32];
    char text[400];
};

static err_t on_system(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    struct seen *t = ctx;
    if (t->systems < COUNT(t->stale)) {
        t->stale[t->systems] = s->stale;
        (void)snprintf(t->zone[t->systems], sizeof t->zone[0], "%.*s", STR_ARG(s->zone));
    }
    t->systems++;
    for (size_t i = 0; i < n; i++) {
        const struct finding_kind *k = finding_by_name(f[i].kind);
        assert_non_null(k);
        assert_int_equal(f[i].system, s->id);
        t->kinds[k->first]++;
        t->findings++;
    }
    return OK;
}

static size_t count(const struct seen *t, const char *kind)
{
    return t->kinds[finding_by_name(str_z(kind))->first];
}

static struct assess_sum conclude(struct fixture *f, struct seen *ret)
{
    struct assess_sum sum = {0};
    struct diag d = {0};
    *ret = (struct seen){0};
    err_t e = assess_survey(f->v, f->survey.id, &f->o, &sum, &d);
    if (e != OK)
        fail_msg("%s", diag_text(&d, e));
    assert_ok(inventory_systems(f->v, f->survey.id, on_system, ret));
    assert_int_equal(ret->systems, sum.systems);
    assert_int_equal(ret->findings, sum.findings);
    return sum;
}

static void a_survey_is_concluded_and_again(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    run_begin(f, "probe");
    put(f, "10.0.0.7", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    put(f, "10.0.0.8", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    run_end(f);
    struct assess_sum sum = conclude(f, &seen);
    assert_int_equal(sum.hosts, 2);
    assert_int_equal(sum.systems, 2);
    assert_int_equal(count(&seen, "accepts_any_calling_ae"), 2);
    assert_int_equal(count(&seen, "cleartext_dicom"), 2);
    assert_true(count(&seen, "vulnerable_toolkit") >= 4);
    assert_int_equal(count(&seen, "vulnerability"), 0);
    assert_int_equal(count(&seen, "unmanaged"), 0);
    size_t before = seen.findings;
    (void)conclude(f, &seen); /* the same again, not twice as many */
    assert_int_equal(seen.findings, before);
    assert_int_equal(seen.systems, 2);
}

static void the_sites_list_makes_the_others_unmanaged(void **state)
{
    struct fixture *f = *state;
    static const struct pair owner[] = {{EV_owner, "Radiology"}};
    struct seen seen;
    run_begin(f, "probe");
    put(f, "10.0.0.7", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    put(f, "10.0.0.8", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    run_end(f);
    run_begin(f, "hosts");
    put(f, "10.0.0.7", 0, BY_SITE, owner, COUNT(owner), SECOND);
    run_end(f);
    (void)conclude(f, &seen);
    assert_int_equal(count(&seen, "unmanaged"), 1);
}

static void put_flow(struct fixture *f, const char *client, const char *server, const char *fields)
{
    struct flow flow = {.port = 104,
                        .protocol = STR("dicom"),
                        .clear = true,
                        .connections = 2,
                        .fields = str_z(fields),
                        .details = STR(""),
                        .client_mac = STR(""),
                        .server_mac = STR(""),
                        .vantage = STR("core")};
    assert_ok(ip_parse(str_z(client), &flow.client));
    assert_ok(ip_parse(str_z(server), &flow.server));
    assert_ok(inventory_put_flow(f->v, &f->run, &flow));
}

static void flows_are_held_against_the_policy(void **state)
{
    struct fixture *f = *state;
    struct policy *p;
    struct seen seen;
    assert_ok(
        policy_parse(STR("zone pacs = 10.0.0.0/24\nzone office = 10.1.0.0/16\n"), "p", &p, NULL));
    f->o.policy = p;
    run_begin(f, "capture");
    put(f, "10.0.0.7", 104, BY_TRAFFIC, dcmtk, COUNT(dcmtk), SECOND);
    put(f, "10.0.0.8", 104, BY_TRAFFIC, dcmtk, COUNT(dcmtk), SECOND);
    put_flow(f, "10.1.0.9", "10.0.0.7", "PatientName 3, PatientID 3");
    put_flow(f, "10.0.0.9", "10.0.0.8", "");
    run_end(f);
    (void)conclude(f, &seen);
    assert_int_equal(count(&seen, "segmentation_violation"), 1);
    assert_int_equal(count(&seen, "patient_data_in_clear"), 1);
    assert_string_equal(seen.zone[0], "pacs");
    policy_free(p);
}

static void a_probe_stands_where_its_note_says(void **state)
{
    struct fixture *f = *state;
    struct policy *p;
    struct seen seen;
    assert_ok(
        policy_parse(STR("zone pacs = 10.0.0.0/24\nzone office = 10.1.0.0/16\n"), "p", &p, NULL));
    f->o.policy = p;
    run_begin(f, "probe");
    put(f, "10.0.0.7", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    run_end(f);
    assert_ok(inventory_note(f->v, f->survey.id, STR("vantage"), STR("office")));
    (void)conclude(f, &seen);
    assert_int_equal(count(&seen, "segmentation_violation"), 1);
    policy_free(p);
}

static void what_a_second_look_misses_is_stale(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    run_begin(f, "probe");
    put(f, "10.0.0.7", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    put(f, "10.0.0.8", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    run_end(f);
    (void)conclude(f, &seen);
    assert_int_equal(seen.stale[0] + seen.stale[1], 0);
    run_begin(f, "probe");
    put(f, "10.0.0.8", 104, BY_PROBE, dcmtk, COUNT(dcmtk), INT64_MAX / 2);
    run_end(f);
    (void)conclude(f, &seen);
    assert_int_equal(seen.systems, 2);
    assert_int_equal(seen.stale[0], 1);
    assert_int_equal(seen.stale[1], 0);
    assert_int_equal(count(&seen, "not_seen_lately"), 1);
}

static void a_stop_leaves_the_earlier_conclusion(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    struct stop stop;
    struct assess_sum sum;
    assert_ok(stop_init(&stop));
    run_begin(f, "probe");
    put(f, "10.0.0.7", 104, BY_PROBE, dcmtk, COUNT(dcmtk), SECOND);
    run_end(f);
    (void)conclude(f, &seen);
    stop_set(&stop);
    f->o.stop = &stop;
    assert_err(assess_survey(f->v, f->survey.id, &f->o, &sum, NULL), E_STOPPED);
    seen = (struct seen){0};
    assert_ok(inventory_systems(f->v, f->survey.id, on_system, &seen));
    assert_int_equal(seen.systems, 1);
    stop_done(&stop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_survey_is_concluded_and_again, begin, end),
        cmocka_unit_test_setup_teardown(the_sites_list_makes_the_others_unmanaged, begin, end),
        cmocka_unit_test_setup_teardown(flows_are_held_against_the_policy, begin, end),
        cmocka_unit_test_setup_teardown(a_probe_stands_where_its_note_says, begin, end),
        cmocka_unit_test_setup_teardown(what_a_second_look_misses_is_stale, begin, end),
        cmocka_unit_test_setup_teardown(a_stop_leaves_the_earlier_conclusion, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
