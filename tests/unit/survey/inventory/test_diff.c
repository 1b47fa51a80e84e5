#include "inventory_test.h"

#include "survey/inventory/diff.h"

struct fixture {
    struct site site;
    struct inventory *v;
    struct survey before, after;
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    site_make(&f->site);
    f->v = site_open(&f->site, INVENTORY_CREATE);
    f->before = survey_of(f->v, "2025");
    f->after = survey_of(f->v, "2026");
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

/* A system with its findings. */
struct told {
    struct system system;
    struct finding findings[4];
    size_t n;
};

static void conclude(struct fixture *f, const struct survey *y, struct told *list, size_t n)
{
    assert_ok(inventory_conclude_begin(f->v, y->id));
    for (size_t i = 0; i < n; i++) {
        assert_ok(inventory_put_system(f->v, &list[i].system));
        for (size_t k = 0; k < list[i].n; k++) {
            list[i].findings[k].system = list[i].system.id;
            assert_ok(inventory_put_finding(f->v, &list[i].findings[k]));
        }
    }
    assert_ok(inventory_conclude_end(f->v, NULL));
}

static struct told pacs(const char *ip, const char *product, const char *version)
{
    struct told t = {.system = system_at(ip, 104, TYPE_pacs)};
    t.system.ports = STR("104/dicom");
    t.system.product.name = str_z(product);
    t.system.product.version = str_z(version);
    return t;
}

static void find(struct told *t, const char *kind, const char *cve, enum severity severity)
{
    t->findings[t->n++] = (struct finding){.kind = str_z(kind),
                                           .cve = str_z(cve),
                                           .severity = severity,
                                           .level = VER_protocol,
                                           .cvss = -1};
}

static const char *const words[DIFF_COUNT] = {"new", "gone", "fixed", "worse", "changed"};

static err_t write_row(void *ctx, const struct diff_row *r)
{
    char text[IP_TEXT_MAX];
    const struct system *s = r->after ? r->after : r->before;
    assert_int_equal(r->before == NULL, r->what == DIFF_new);
    assert_int_equal(r->after == NULL, r->what == DIFF_gone);
    wr_printf(ctx, "%s %.*s %.*s\n", words[r->what], STR_ARG(ip_text(&s->ip, text)),
              STR_ARG(r->text));
    return OK;
}

static struct diff_sum diff(struct fixture *f, const char *expected)
{
    char buf[4096];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct diff_sum sum, again;
    assert_ok(diff_surveys(f->v, f->before.id, f->v, f->after.id, write_row, &w, &sum, NULL));
    wr_u8(&w, 0);
    assert_string_equal(buf, expected);
    assert_ok(diff_surveys(f->v, f->before.id, f->v, f->after.id, NULL, NULL, &again, NULL));
    assert_memory_equal(&sum, &again, sizeof sum);
    return sum;
}

/* One system of each side. */
static void diff_two(struct fixture *f, struct told before, struct told after, const char *expected)
{
    conclude(f, &f->before, &before, 1);
    conclude(f, &f->after, &after, 1);
    (void)diff(f, expected);
}

static void tells_what_is_new_and_gone(void **state)
{
    struct fixture *f = *state;
    struct told before[] = {pacs("10.0.0.1", "Orthanc", "1.9.7"), pacs("10.0.0.3", "", ""),
                            pacs("10.0.0.9", "dcm4chee", "")};
    struct told after[] = {pacs("10.0.0.2", "Orthanc", "1.12.6"), pacs("10.0.0.3", "", ""),
                           pacs("fd00::1", "", "")};
    conclude(f, &f->before, before, 3);
    conclude(f, &f->after, after, 3);
    struct diff_sum sum = diff(f, "gone 10.0.0.1 pacs, Orthanc 1.9.7, 104/dicom\n"
                                  "new 10.0.0.2 pacs, Orthanc 1.12.6, 104/dicom\n"
                                  "gone 10.0.0.9 pacs, dcm4chee, 104/dicom\n"
                                  "new fd00::1 pacs, 104/dicom\n");
    assert_int_equal(sum.systems_before, 3);
    assert_int_equal(sum.systems_after, 3);
    assert_int_equal(sum.counts[DIFF_new], 2);
    assert_int_equal(sum.counts[DIFF_gone], 2);
    assert_int_equal(sum.counts[DIFF_changed], 0);
}

static void two_empty_surveys_do_not_differ(void **state)
{
    struct fixture *f = *state;
    struct diff_sum sum = diff(f, "");
    assert_int_equal(sum.systems_before + sum.systems_after, 0);
}

static void counts_types_and_dicom_servers(void **state)
{
    struct fixture *f = *state;
    struct told before[] = {pacs("10.0.0.1", "", ""), pacs("10.0.0.2", "", "")};
    struct told after[] = {pacs("10.0.0.1", "", ""), pacs("10.0.0.2", "", ""),
                           pacs("10.0.0.3", "", ""), pacs("10.0.0.4", "", ""),
                           pacs("10.0.0.5", "", "")};
    before[1].system.type = TYPE_modality;
    before[1].system.ports = STR("8042/http 104/dicom-tls");
    after[2].system.type = TYPE_honeypot;
    after[3].system.type = TYPE_emr;
    after[3].system.ports = STR("443/https");
    conclude(f, &f->before, before, 2);
    conclude(f, &f->after, after, 5);
    struct diff_sum sum;
    assert_ok(diff_surveys(f->v, f->before.id, f->v, f->after.id, NULL, NULL, &sum, NULL));
    assert_int_equal(sum.types_before[TYPE_pacs], 1);
    assert_int_equal(sum.types_before[TYPE_modality], 1);
    assert_int_equal(sum.types_after[TYPE_pacs], 3);
    assert_int_equal(sum.types_after[TYPE_honeypot], 1);
    assert_int_equal(sum.dicom_before, 2);
    assert_int_equal(sum.dicom_after, 3);
}

static void tells_what_was_fixed(void **state)
{
    struct fixture *f = *state;
    struct told before = pacs("10.0.0.1", "Orthanc", "1.9.7"), after = before;
    find(&before, "vulnerability", "CVE-2024-1", SEV_high);
    find(&before, "vulnerability", "CVE-2024-2", SEV_high);
    find(&before, "vulnerability", "CVE-2024-2", SEV_low);
    find(&after, "vulnerability", "CVE-2024-1", SEV_high);
    diff_two(f, before, after, "fixed 10.0.0.1 vulnerability CVE-2024-2: not there any more\n");
}

static void an_accepted_finding_is_neither_fixed_nor_worse(void **state)
{
    struct fixture *f = *state;
    struct told before = pacs("10.0.0.1", "Orthanc", ""), after = before;
    const struct risk risk = {.kind = STR("store_open"),
                              .cve = STR(""),
                              .where = STR(""),
                              .owner = STR("o"),
                              .why = STR(""),
                              .until = STR("2999-01-01")};
    assert_ok(inventory_accept(f->v, &risk, NULL, NULL));
    find(&before, "store_open", "", SEV_medium);
    find(&after, "store_open", "", SEV_high);
    diff_two(f, before, after, "");
    diff_two(f, pacs("10.0.0.1", "Orthanc", ""), after, "");
}

static void what_was_not_looked_at_is_not_fixed(void **state)
{
    struct fixture *f = *state;
    struct told before = pacs("10.0.0.1", "", ""), after = before;
    find(&before, "query_open", "", SEV_high);
    before.system.open_query = 1;
    diff_two(f, before, after, "");
    after.system.open_query = 0;
    diff_two(f, before, after,
             "fixed 10.0.0.1 query_open: not there any more\n"
             "changed 10.0.0.1 query: closed now, was open\n");
    before.findings[0].kind = STR("obsolete_tls");
    before.system.open_query = after.system.open_query = -1;
    after.system.level = VER_port;
    diff_two(f, before, after, "");
    before.findings[0].kind = STR("patient_data_in_clear");
    after.system.level = VER_version;
    diff_two(f, before, after, "");
    after.system.cleartext = 0;
    diff_two(f, before, after, "fixed 10.0.0.1 patient_data_in_clear: not there any more\n");
}

static void tells_what_is_worse(void **state)
{
    struct fixture *f = *state;
    struct told before = pacs("10.0.0.1", "", ""), after = before;
    find(&before, "vulnerability", "CVE-2024-1", SEV_medium);
    find(&after, "vulnerability", "CVE-2024-1", SEV_critical);
    find(&after, "self_signed_certificate", "", SEV_low);
    before.system.studies = 100;
    after.system.studies = 250;
    before.system.images = 5;
    after.system.images = 4;
    before.system.open_store = 0;
    after.system.open_store = 1;
    before.system.open_query = -1;
    after.system.open_query = 1;
    diff_two(f, before, after,
             "worse 10.0.0.1 vulnerability CVE-2024-1: critical now, was medium\n"
             "worse 10.0.0.1 self_signed_certificate: new, low\n"
             "worse 10.0.0.1 250 studies within reach, were 100\n"
             "worse 10.0.0.1 store: open now, was closed\n");
    find(&after, "store_open", "", SEV_high);
    before.n = after.n = 3;
    after.findings[0] = after.findings[1] = after.findings[2];
    before.n = 0;
    before.system.studies = -1;
    diff_two(f, before, after, "worse 10.0.0.1 store_open: new, high\n");
}

static void tells_what_changed(void **state)
{
    struct fixture *f = *state;
    struct told before = pacs("10.0.0.1", "Orthanc", "1.9.7"),
                after = pacs("10.0.0.1", "Orthanc", "1.12.6");
    after.system.ports = STR("104/dicom 8042/http");
    after.system.toolkit.name = STR("DCMTK");
    diff_two(f, before, after,
             "changed 10.0.0.1 product Orthanc 1.12.6, was Orthanc 1.9.7; toolkit DCMTK, was none; "
             "ports 104/dicom 8042/http, was 104/dicom\n");
    after = before;
    after.system.type = TYPE_viewer;
    diff_two(f, before, after, "changed 10.0.0.1 type viewer, was pacs\n");
}

static void systems_of_one_host_are_not_taken_for_each_other(void **state)
{
    struct fixture *f = *state;
    struct told before[] = {pacs("10.0.0.1", "Orthanc", ""), pacs("10.0.0.1", "dcm4chee", "")};
    struct told after[] = {pacs("10.0.0.1", "dcm4chee", ""), pacs("10.0.0.1", "Horos", ""),
                           pacs("10.0.0.1", "Orthanc", "")};
    before[1].system.port = 11112;
    after[1].system.port = 11112;
    conclude(f, &f->before, before, 2);
    conclude(f, &f->after, after, 3);
    (void)diff(f, "new 10.0.0.1 pacs, Horos, 104/dicom\n");
}

static void a_host_with_hundreds_of_systems_is_counted_whole(void **state)
{
    struct fixture *f = *state;
    struct diff_sum sum;
    assert_ok(inventory_conclude_begin(f->v, f->after.id));
    for (unsigned i = 1; i <= 500; i++) {
        struct system s = system_at("10.0.0.1", (uint16_t)i, TYPE_pacs);
        assert_ok(inventory_put_system(f->v, &s));
    }
    assert_ok(inventory_conclude_end(f->v, NULL));
    assert_ok(diff_surveys(f->v, f->before.id, f->v, f->after.id, NULL, NULL, &sum, NULL));
    assert_int_equal(sum.systems_after, 500);
    assert_true(sum.counts[DIFF_new] > 100);
}

static void compares_two_inventories(void **state)
{
    struct fixture *f = *state;
    struct site other;
    struct told then = pacs("10.0.0.1", "Orthanc", "1"), now = pacs("10.0.0.1", "Orthanc", "2");
    struct diff_sum sum;
    char buf[256];
    struct wr w = wr_fixed(buf, sizeof buf);
    site_make(&other);
    struct fixture o = {.v = site_open(&other, INVENTORY_CREATE)};
    o.before = survey_of(o.v, "x");
    conclude(&o, &o.before, &then, 1);
    conclude(f, &f->after, &now, 1);
    inventory_close(o.v);
    o.v = site_open(&other, INVENTORY_LOOK);
    assert_ok(diff_surveys(o.v, o.before.id, f->v, f->after.id, write_row, &w, &sum, NULL));
    assert_str(wr_str(&w), "changed 10.0.0.1 product Orthanc 2, was Orthanc 1\n");
    inventory_close(o.v);
    site_done(&other);
}

static err_t stop(void *ctx, const struct diff_row *r)
{
    (void)ctx;
    (void)r;
    return E_CANCELLED;
}

static void the_callers_error_comes_back(void **state)
{
    struct fixture *f = *state;
    struct told now = pacs("10.0.0.1", "", "");
    struct diff_sum sum;
    conclude(f, &f->after, &now, 1);
    assert_err(diff_surveys(f->v, f->before.id, f->v, f->after.id, stop, NULL, &sum, NULL),
               E_CANCELLED);
}

#define DIFF_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIFF_TEST(tells_what_is_new_and_gone),
        DIFF_TEST(two_empty_surveys_do_not_differ),
        DIFF_TEST(counts_types_and_dicom_servers),
        DIFF_TEST(tells_what_was_fixed),
        DIFF_TEST(an_accepted_finding_is_neither_fixed_nor_worse),
        DIFF_TEST(what_was_not_looked_at_is_not_fixed),
        DIFF_TEST(tells_what_is_worse),
        DIFF_TEST(tells_what_changed),
        DIFF_TEST(systems_of_one_host_are_not_taken_for_each_other),
        DIFF_TEST(a_host_with_hundreds_of_systems_is_counted_whole),
        DIFF_TEST(compares_two_inventories),
        DIFF_TEST(the_callers_error_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
