#include "inventory_test.h"

/* Conclusions: systems, findings, accepted risks. */

enum { SECOND = 1000000 };
static const int64_t DAY = 86400ll * SECOND;

struct fixture {
    struct site site;
    struct inventory *v;
    struct survey survey;
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    site_make(&f->site);
    f->v = site_open(&f->site, INVENTORY_CREATE);
    f->survey = survey_of(f->v, "spring");
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    inventory_close(f->v);
    site_done(&f->site);
    free(f);
    return 0;
}

static void conclude(struct inventory *v, int64_t survey, struct system *s, struct finding *f,
                     size_t n)
{
    assert_ok(inventory_conclude_begin(v, survey));
    assert_ok(inventory_put_system(v, s));
    for (size_t i = 0; i < n; i++) {
        f[i].system = s->id;
        assert_ok(inventory_put_finding(v, &f[i]));
    }
    assert_ok(inventory_conclude_end(v, NULL));
}

static struct finding finding_of(const char *kind, enum severity severity)
{
    return (struct finding){
        .kind = str_z(kind), .severity = severity, .port = 104, .cvss = -1, .cve = STR("")};
}

/* Every member has a value of its own, so that two exchanged columns show. */
static const struct system full = {
    .port = 4242,
    .ports = STR_INIT("4242/dicom 8042/http"),
    .type = TYPE_pacs,
    .type_conf = CONF_high,
    .type_why = STR_INIT("why type"),
    .product = {STR_INIT("pv"), STR_INIT("pn"), STR_INIT("pver"), CONF_medium, STR_INIT("pw"),
                false},
    .toolkit = {STR_INIT("tv"), STR_INIT("tn"), STR_INIT("tver"), CONF_low, STR_INIT("tw"), false},
    .vendor = {STR_INIT("vv"), STR_INIT("vn"), STR_INIT("vver"), CONF_high, STR_INIT("vw"), false},
    .level = VER_version,
    .open_calling = 1,
    .open_called = 0,
    .open_query = -1,
    .open_retrieve = 1,
    .open_store = 0,
    .open_print = -1,
    .cleartext = 1,
    .tls = 0,
    .web_open = -1,
    .is_public = 1,
    .studies = 12345678901,
    .images = -1,
    .clear_objects = 7,
    .clear_values = 8,
    .clear_fields = STR_INIT("PatientName 12"),
    .hostname = STR_INIT("h"),
    .country = STR_INIT("IT"),
    .city = STR_INIT("Trento"),
    .site = STR_INIT("s"),
    .zone = STR_INIT("z"),
    .owner = STR_INIT("o"),
    .organisation = STR_INIT("org"),
    .maker = STR_INIT("m"),
};

static const struct finding full_finding = {
    .kind = STR_INIT("vulnerability"),
    .severity = SEV_critical,
    .level = VER_product,
    .port = 8042,
    .evidence = STR_INIT("e"),
    .evidence_it = STR_INIT("i"),
    .cves = STR_INIT("CVE-1 CVE-2"),
    .state = STATE_all_versions,
    .cve = STR_INIT("CVE-2024-1"),
    .advisory = STR_INIT("ICSMA-1"),
    .cvss_source = STR_INIT("NVD"),
    .component = STR_INIT("DCMTK"),
    .cvss = 98,
    .exploited = true,
    .references = STR_INIT("https://a https://b"),
};

static void same_answer(const struct answer *a, const struct answer *b)
{
    assert_true(str_eq(a->vendor, b->vendor) && str_eq(a->name, b->name) &&
                str_eq(a->version, b->version) && str_eq(a->why, b->why));
    assert_int_equal(a->conf, b->conf);
}

static err_t check_full(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    const struct str *texts[][2] = {
        {&s->ports, &full.ports},
        {&s->type_why, &full.type_why},
        {&s->hostname, &full.hostname},
        {&s->clear_fields, &full.clear_fields},
        {&s->country, &full.country},
        {&s->city, &full.city},
        {&s->site, &full.site},
        {&s->zone, &full.zone},
        {&s->owner, &full.owner},
        {&s->organisation, &full.organisation},
        {&s->maker, &full.maker},
        {&f->evidence, &full_finding.evidence},
        {&f->evidence_it, &full_finding.evidence_it},
        {&f->cves, &full_finding.cves},
        {&f->kind, &full_finding.kind},
        {&f->cve, &full_finding.cve},
        {&f->advisory, &full_finding.advisory},
        {&f->cvss_source, &full_finding.cvss_source},
        {&f->component, &full_finding.component},
        {&f->references, &full_finding.references},
    };
    struct ip ip = ip_z("10.0.0.7");
    assert_int_equal(n, 1);
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_true(str_eq(*texts[i][0], *texts[i][1]));
    same_answer(&s->product, &full.product);
    same_answer(&s->toolkit, &full.toolkit);
    same_answer(&s->vendor, &full.vendor);
    assert_int_equal(ip_cmp(&s->ip, &ip), 0);
    assert_int_equal(s->port, full.port);
    assert_int_equal(s->type, full.type);
    assert_int_equal(s->type_conf, full.type_conf);
    assert_int_equal(s->level, full.level);
    /* open_calling to is_public lie one after the other. */
    assert_memory_equal(&s->open_calling, &full.open_calling, 10);
    assert_int_equal(s->studies, full.studies);
    assert_int_equal(s->images, full.images);
    assert_int_equal(s->clear_objects, full.clear_objects);
    assert_int_equal(s->clear_values, full.clear_values);
    assert_int_equal(f->severity, full_finding.severity);
    assert_int_equal(f->level, full_finding.level);
    assert_int_equal(f->port, full_finding.port);
    assert_int_equal(f->state, full_finding.state);
    assert_int_equal(f->cvss, full_finding.cvss);
    assert_true(f->exploited);
    assert_int_equal(f->system, s->id);
    assert_int_equal(f->accepted_until.n, 0);
    ++*(size_t *)ctx;
    return OK;
}

static void keeps_everything_of_a_system_and_a_finding(void **state)
{
    struct fixture *f = *state;
    struct system s = full;
    struct finding one = full_finding;
    size_t n = 0;
    s.ip = ip_z("10.0.0.7");
    conclude(f->v, f->survey.id, &s, &one, 1);
    assert_true(s.id > 0);
    assert_ok(inventory_systems(f->v, f->survey.id, check_full, &n));
    assert_int_equal(n, 1);
}

/* "10.0.0.1 pacs [critical high info]; " */
static err_t write_system(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    char text[IP_TEXT_MAX];
    wr_printf(ctx, "%.*s %.*s [", STR_ARG(ip_text(&s->ip, text)), STR_ARG(type_name(s->type)));
    for (size_t i = 0; i < n; i++)
        wr_printf(ctx, "%s%.*s%s", i ? " " : "", STR_ARG(severity_name(f[i].severity)),
                  f[i].accepted_until.n ? " accepted" : "");
    wr_put(ctx, STR("]; "));
    return OK;
}

#define assert_systems(v, survey, expected)                                                        \
    do {                                                                                           \
        char buf_[2048];                                                                           \
        struct wr w_ = wr_fixed(buf_, sizeof buf_);                                                \
        assert_ok(inventory_systems((v), (survey), write_system, &w_));                            \
        assert_str(wr_str(&w_), (expected));                                                       \
    } while (0)

static void tells_systems_in_address_order_and_findings_by_severity(void **state)
{
    struct fixture *f = *state;
    struct system a = system_at("10.0.0.9", 104, TYPE_pacs),
                  b = system_at("10.0.0.1", 80, TYPE_emr);
    struct finding list[] = {finding_of("x", SEV_info), finding_of("y", SEV_critical),
                             finding_of("z", SEV_high)};
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_ok(inventory_put_system(f->v, &a));
    assert_ok(inventory_put_system(f->v, &b));
    for (size_t i = 0; i < 3; i++) {
        list[i].system = a.id;
        assert_ok(inventory_put_finding(f->v, &list[i]));
    }
    assert_ok(inventory_conclude_end(f->v, NULL));
    assert_systems(f->v, f->survey.id, "10.0.0.1 emr []; 10.0.0.9 pacs [critical high info]; ");
}

static void a_reader_sees_the_old_or_the_new(void **state)
{
    struct fixture *f = *state;
    struct system s = system_at("10.0.0.1", 104, TYPE_pacs);
    conclude(f->v, f->survey.id, &s, NULL, 0);
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    struct system t = system_at("10.0.0.2", 104, TYPE_modality);
    assert_ok(inventory_put_system(f->v, &t));
    struct inventory *look = site_open(&f->site, INVENTORY_LOOK);
    assert_systems(look, f->survey.id, "10.0.0.1 pacs []; ");
    inventory_close(look);
    assert_ok(inventory_conclude_end(f->v, NULL));
    look = site_open(&f->site, INVENTORY_LOOK);
    assert_systems(look, f->survey.id, "10.0.0.2 modality []; ");
    inventory_close(look);
}

static void a_conclusion_that_was_cancelled_leaves_the_old(void **state)
{
    struct fixture *f = *state;
    struct system s = system_at("10.0.0.1", 104, TYPE_pacs), t = system_at("10.0.0.2", 1, TYPE_emr);
    conclude(f->v, f->survey.id, &s, NULL, 0);
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_ok(inventory_put_system(f->v, &t));
    inventory_conclude_cancel(f->v);
    assert_systems(f->v, f->survey.id, "10.0.0.1 pacs []; ");
    assert_err(inventory_put_system(f->v, &t), E_INTERNAL);
    assert_err(inventory_conclude_end(f->v, NULL), E_INTERNAL);
    assert_err(inventory_put_finding(f->v, &(struct finding){0}), E_INTERNAL);
    inventory_conclude_cancel(f->v);
}

/* The way of assess_survey: conclusions are written while the hosts are read. */
static err_t conclude_host(void *ctx, const struct host *h)
{
    char text[IP_TEXT_MAX];
    struct fixture *f = ctx;
    struct str at = ip_text(&h->ip, text);
    text[at.n] = 0;
    struct system s = system_at(text, h->endpoints[0].port, TYPE_pacs);
    struct finding one = finding_of("cleartext", SEV_medium);
    TRY(inventory_put_system(f->v, &s));
    one.system = s.id;
    return inventory_put_finding(f->v, &one);
}

static void hosts_are_read_while_conclusions_are_written(void **state)
{
    struct fixture *f = *state;
    struct run r = run_of(f->v, f->survey.id, "a");
    struct survey y;
    char ip[32];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(ip, sizeof ip, "10.0.%u.%u", i >> 8, i & 0xff);
        put(f->v, &r, ip, 104, BY_PROBE, EV_port_open, "yes", SECOND);
    }
    assert_ok(inventory_run_end(f->v, &r, STR("")));
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_ok(inventory_hosts(f->v, f->survey.id, conclude_host, f));
    assert_ok(inventory_conclude_end(f->v, NULL));
    assert_ok(inventory_find(f->v, STR("spring"), &y));
    assert_true(y.concluded);
    char *buf = malloc(1 << 17);
    struct wr w = wr_fixed(buf, 1 << 17);
    assert_ok(inventory_systems(f->v, f->survey.id, write_system, &w));
    assert_true(str_starts(wr_str(&w), STR("10.0.0.0 pacs [medium]; 10.0.0.1 pacs [medium]; ")));
    assert_true(str_ends(wr_str(&w), STR("10.0.3.231 pacs [medium]; ")));
    free(buf);
}

/* History. */

static err_t write_history(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    (void)f;
    (void)n;
    wr_printf(ctx, "%.*s %.*s %s", STR_ARG(s->first_seen), STR_ARG(s->last_seen),
              s->changed.n ? "changed" : "-");
    wr_put(ctx, s->stale ? STR(" stale; ") : STR("; "));
    return OK;
}

#define assert_history(v, survey, expected)                                                        \
    do {                                                                                           \
        char buf_[512];                                                                            \
        struct wr w_ = wr_fixed(buf_, sizeof buf_);                                                \
        assert_ok(inventory_systems((v), (survey), write_history, &w_));                           \
        assert_str(wr_str(&w_), (expected));                                                       \
    } while (0)

static void tells_when_a_system_was_first_and_last_seen(void **state)
{
    struct fixture *f = *state;
    struct survey later = survey_of(f->v, "autumn");
    struct run r = run_of(f->v, f->survey.id, "a"), q = run_of(f->v, later.id, "b");
    struct system s = system_at("10.0.0.1", 104, TYPE_pacs);
    s.ports = STR("104/dicom 8042/http");
    put(f->v, &r, "10.0.0.1", 8042, BY_PROBE, EV_port_open, "yes", 10 * DAY);
    put(f->v, &r, "10.0.0.1", 9999, BY_PROBE, EV_port_open, "yes", 2 * DAY);
    put(f->v, &q, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", 30 * DAY);
    assert_ok(inventory_run_end(f->v, &q, STR("")));
    conclude(f->v, later.id, &s, NULL, 0);
    assert_history(f->v, later.id, "1970-01-11 1970-01-31 -; ");
}

static void tells_when_the_conclusion_last_differed(void **state)
{
    struct fixture *f = *state;
    struct survey second = survey_of(f->v, "summer"), third = survey_of(f->v, "autumn");
    struct system s = system_at("10.0.0.1", 104, TYPE_pacs);
    s.product.name = STR("Orthanc");
    s.product.version = STR("1.9.7");
    conclude(f->v, f->survey.id, &s, NULL, 0);
    conclude(f->v, second.id, &s, NULL, 0);
    assert_history(f->v, second.id, "  -; ");
    s.product.version = STR("1.12.6");
    conclude(f->v, third.id, &s, NULL, 0);
    assert_history(f->v, third.id, "  changed; ");
    assert_history(f->v, f->survey.id, "  -; ");
    /* Of another type it is another system. */
    s.type = TYPE_viewer;
    conclude(f->v, third.id, &s, NULL, 0);
    assert_history(f->v, third.id, "  -; ");
}

static void what_a_second_look_did_not_see_is_stale(void **state)
{
    struct fixture *f = *state;
    struct system s = system_at("10.0.0.1", 104, TYPE_pacs),
                  t = system_at("10.0.0.2", 104, TYPE_pacs),
                  u = system_at("10.0.0.3", 104, TYPE_pacs);
    struct run r = run_of(f->v, f->survey.id, "scope"), q = run_of(f->v, f->survey.id, "other");
    put(f->v, &r, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", DAY);
    put(f->v, &r, "10.0.0.2", 104, BY_PROBE, EV_port_open, "yes", DAY);
    assert_ok(inventory_run_end(f->v, &r, STR("")));
    put(f->v, &q, "10.0.0.3", 104, BY_PROBE, EV_port_open, "yes", DAY);
    assert_ok(inventory_run_end(f->v, &q, STR("")));
    r = run_of(f->v, f->survey.id, "scope");
    put(f->v, &r, "10.0.0.2", 104, BY_PROBE, EV_port_open, "yes", 2 * DAY);
    assert_ok(inventory_run_end(f->v, &r, STR("")));
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_ok(inventory_put_system(f->v, &s));
    assert_ok(inventory_put_system(f->v, &t));
    assert_ok(inventory_put_system(f->v, &u));
    assert_ok(inventory_conclude_end(f->v, NULL));
    assert_history(f->v, f->survey.id,
                   "1970-01-02 1970-01-02 - stale; 1970-01-02 1970-01-03 -; "
                   "1970-01-02 1970-01-02 -; ");
}

/* Accepted risks. */

static int64_t accept_risk(struct fixture *f, const char *kind, const char *cve, const char *where,
                           const char *until)
{
    struct risk r = {.kind = str_z(kind),
                     .cve = str_z(cve),
                     .where = str_z(where),
                     .owner = STR("Dr. Rossi"),
                     .why = STR("replaced in June"),
                     .until = str_z(until)};
    struct diag d = {""};
    int64_t id = 0;
    err_t e = inventory_accept(f->v, &r, &id, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
    return id;
}

static void an_accepted_risk_covers_what_it_names(void **state)
{
    static const struct {
        const char *kind, *cve, *where, *until;
        bool covers;
    } rows[] = {
        {"vulnerability", "", "", "2999-12-31", true},
        {"vulnerability", "CVE-2024-1", "", "2999-12-31", true},
        {"vulnerability", "cve-2024-1", "", "2999-12-31", true},
        {"vulnerability", "CVE-2024-2", "", "2999-12-31", false},
        {"cleartext", "", "", "2999-12-31", false},
        {"vulnerability", "", "10.0.0.7", "2999-12-31", true},
        {"vulnerability", "", "10.0.0.8", "2999-12-31", false},
        {"vulnerability", "", "10.0.0.7:8042", "2999-12-31", true},
        {"vulnerability", "", "10.0.0.7:104", "2999-12-31", false},
        {"vulnerability", "", "10.0.0.0/24", "2999-12-31", true},
        {"vulnerability", "", "10.0.1.0/24", "2999-12-31", false},
        {"vulnerability", "", "fd00::/8", "2999-12-31", false},
        {"vulnerability", "", "[fd00::1]:8042", "2999-12-31", false},
        {"vulnerability", "", "", "2001-01-01", false},
    };
    struct fixture *f = *state;
    struct system s = system_at("10.0.0.7", 104, TYPE_pacs);
    struct finding one = full_finding;
    conclude(f->v, f->survey.id, &s, &one, 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t id = accept_risk(f, rows[i].kind, rows[i].cve, rows[i].where, rows[i].until);
        assert_systems(f->v, f->survey.id,
                       rows[i].covers ? "10.0.0.7 pacs [critical accepted]; "
                                      : "10.0.0.7 pacs [critical]; ");
        assert_ok(inventory_unaccept(f->v, id));
        assert_err(inventory_unaccept(f->v, id), E_NOTFOUND);
    }
}

static err_t take_accepted(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    (void)s;
    assert_int_equal(n, 1);
    wr_printf(ctx, "%.*s|%.*s|%.*s", STR_ARG(f->accepted_by), STR_ARG(f->accepted_until),
              STR_ARG(f->accepted_why));
    return OK;
}

static void of_several_the_longest_counts(void **state)
{
    struct fixture *f = *state;
    struct system s = system_at("10.0.0.7", 104, TYPE_pacs);
    struct finding one = full_finding;
    char buf[128];
    struct wr w = wr_fixed(buf, sizeof buf);
    conclude(f->v, f->survey.id, &s, &one, 1);
    accept_risk(f, "vulnerability", "", "", "2990-01-01");
    accept_risk(f, "vulnerability", "CVE-2024-1", "", "2995-01-01");
    accept_risk(f, "vulnerability", "", "10.0.0.7", "2992-01-01");
    assert_ok(inventory_systems(f->v, f->survey.id, take_accepted, &w));
    assert_str(wr_str(&w), "Dr. Rossi|2995-01-01|replaced in June");
}

static void refuses_risks_that_say_too_little(void **state)
{
    static const struct risk bad[] = {
        {.kind = STR_INIT(""), .owner = STR_INIT("o"), .until = STR_INIT("2999-01-01")},
        {.kind = STR_INIT("k"), .owner = STR_INIT(""), .until = STR_INIT("2999-01-01")},
        {.kind = STR_INIT("k"), .owner = STR_INIT("o"), .until = STR_INIT("")},
        {.kind = STR_INIT("k"), .owner = STR_INIT("o"), .until = STR_INIT("2999-02-29")},
        {.kind = STR_INIT("k"), .owner = STR_INIT("o"), .until = STR_INIT("2999-1-1")},
        {.kind = STR_INIT("k"), .owner = STR_INIT("o"), .until = STR_INIT("tomorrow!!")},
        {.kind = STR_INIT("k\n"), .owner = STR_INIT("o"), .until = STR_INIT("2999-01-01")},
        {.kind = STR_INIT("k"),
         .owner = STR_INIT("o"),
         .until = STR_INIT("2999-01-01"),
         .where = STR_INIT("10.0.0.7:0")},
        {.kind = STR_INIT("k"),
         .owner = STR_INIT("o"),
         .until = STR_INIT("2999-01-01"),
         .where = STR_INIT("10.0.0.0/24:104")},
        {.kind = STR_INIT("k"),
         .owner = STR_INIT("o"),
         .until = STR_INIT("2999-01-01"),
         .where = STR_INIT("pacs.example")},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct diag d = {""};
        assert_err(inventory_accept(f->v, &bad[i], NULL, &d), E_USAGE);
        assert_true(d.text[0]);
    }
}

static err_t write_risk(void *ctx, const struct risk *r)
{
    wr_printf(ctx, "%.*s %.*s %.*s; ", STR_ARG(r->kind), STR_ARG(r->where), STR_ARG(r->until));
    return OK;
}

static void tells_all_accepted_risks_by_their_end(void **state)
{
    struct fixture *f = *state;
    char buf[128];
    struct wr w = wr_fixed(buf, sizeof buf);
    accept_risk(f, "a", "", "10.0.0.1", "2999-01-01");
    accept_risk(f, "b", "", "", "2001-01-01");
    assert_ok(inventory_risks(f->v, write_risk, &w));
    assert_str(wr_str(&w), "b  2001-01-01; a 10.0.0.1 2999-01-01; ");
}

#define CONCLUDE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONCLUDE_TEST(keeps_everything_of_a_system_and_a_finding),
        CONCLUDE_TEST(tells_systems_in_address_order_and_findings_by_severity),
        CONCLUDE_TEST(a_reader_sees_the_old_or_the_new),
        CONCLUDE_TEST(a_conclusion_that_was_cancelled_leaves_the_old),
        CONCLUDE_TEST(hosts_are_read_while_conclusions_are_written),
        CONCLUDE_TEST(tells_when_a_system_was_first_and_last_seen),
        CONCLUDE_TEST(tells_when_the_conclusion_last_differed),
        CONCLUDE_TEST(what_a_second_look_did_not_see_is_stale),
        CONCLUDE_TEST(an_accepted_risk_covers_what_it_names),
        CONCLUDE_TEST(of_several_the_longest_counts),
        CONCLUDE_TEST(refuses_risks_that_say_too_little),
        CONCLUDE_TEST(tells_all_accepted_risks_by_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
