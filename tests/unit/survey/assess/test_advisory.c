/* Advisories: our table, each format, joined by CVE, looked up by product. */
#include "survey/assess/advisory.h"

#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "survey/assess/advisory_add.h"
#include "survey/assess/eol.h"
#include "unit.h"

struct found {
    size_t n, states[STATE_COUNT];
    struct advisory last, wanted;
    enum match_state wanted_state;
    struct str cve;
};

static err_t on_hit(void *ctx, const struct advisory_hit *h)
{
    struct found *f = ctx;
    f->n++;
    f->states[h->state]++;
    f->last = *h->advisory;
    if (str_eq(h->advisory->cve, f->cve)) {
        f->wanted = *h->advisory;
        f->wanted_state = h->state;
    }
    return OK;
}

/* How a CVE stands to a product; the counts of all in *ret. */
static enum match_state match(const struct advisories *a, const char *vendor, const char *product,
                              const char *version, const char *cve, struct found *ret)
{
    *ret = (struct found){.cve = str_z(cve)};
    assert_ok(
        advisories_match(a, str_z(vendor), str_z(product), str_z(version), false, on_hit, ret));
    return ret->wanted_state;
}

static struct advisories *fresh(void)
{
    struct advisories *a;
    struct diag d = {0};
    assert_ok(advisories_new(&a, &d));
    return a;
}

static struct advisories *with(const char *file, struct advisory_sum *sum)
{
    char path[400];
    struct advisories *a = fresh();
    struct diag d = {0};
    (void)snprintf(path, sizeof path, "%s/%s", SAMPLES, file);
    err_t e = advisories_load(a, path, sum, &d);
    if (e != OK)
        fail_msg("%s: %s", file, diag_text(&d, e));
    return a;
}

static void our_table_gives_each_state(void **state)
{
    struct found f;
    struct advisories *a = fresh();
    (void)state;
    assert_true(advisories_count(a) > 1100);
    /* confirmed */
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.12.0", "CVE-2026-5437", &f),
                     STATE_confirmed);
    assert_str(f.wanted.fixed, "1.12.11");
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.13.0", "CVE-2026-5437", &f), STATE_none);
    assert_int_equal(f.n, 0);
    /* potential: a toolkit's banner */
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.6", "CVE-2022-2119", &f), STATE_potential);
    assert_int_equal(f.states[STATE_confirmed], 0);
    /* all versions */
    assert_int_equal(match(a, "Contec", "CMS8000", "", "CVE-2025-0626", &f), STATE_all_versions);
    /* unknown version */
    (void)match(a, "Orthanc", "Orthanc", "", "", &f);
    assert_true(f.states[STATE_unknown] > 5);
    assert_int_equal(f.n, f.states[STATE_unknown]);
    /* a family: its members, never for sure */
    (void)match(a, "Philips", "IntelliSpace", "4.0", "", &f);
    assert_true(f.states[STATE_unknown] > 20);
    assert_int_equal(f.n, f.states[STATE_unknown]);
    advisories_free(a);
}

static void a_cve_is_told_once(void **state)
{
    struct found f;
    struct advisories *a = fresh();
    size_t before;
    struct advisory_sum sum = {0};
    struct advisory in = {.cve = STR("CVE-2026-5437"),
                          .vendor = STR("orthanc-server"),
                          .product = STR("orthanc"),
                          .range = STR("<1.0"),
                          .cvss = -1};
    (void)state;
    (void)match(a, "Orthanc", "Orthanc", "1.12.0", "", &f);
    before = f.n;
    assert_ok(advisories_add(a, &in, true, &sum));
    assert_ok(advisories_ready(a));
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.12.0", "CVE-2026-5437", &f),
                     STATE_confirmed);
    assert_int_equal(f.n, before);
    advisories_free(a);
}

static err_t feed(struct advisories *a, const struct advisory_format *f, const char *text,
                  struct advisory_sum *sum)
{
    struct advisory_stream *s;
    *sum = (struct advisory_sum){0};
    assert_ok(advisory_stream_new(a, f, sum, &s));
    err_t e = advisory_stream_feed(s, str_z(text), NULL);
    if (e == OK)
        e = advisory_stream_end(s, NULL);
    advisory_stream_free(s);
    return e;
}

static void csaf_is_read(void **state)
{
    struct found f;
    struct advisory_sum sum;
    struct advisories *a = with("csaf.json", &sum);
    (void)state;
    assert_int_equal(sum.records, 1);
    assert_int_equal(sum.added, 3);
    assert_int_equal(sum.bad, 0);
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.6", "CVE-2026-90001", &f), STATE_potential);
    assert_int_equal(f.wanted.cvss, 98);
    assert_str(f.wanted.cvss_source, "CISA CSAF (CVSS:3.1)");
    assert_str(f.wanted.id, "ICSMA-26-001-01");
    assert_str(f.wanted.range, "<3.6.7 ; 3.6.9");
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.9", "CVE-2026-90001", &f), STATE_potential);
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.8", "CVE-2026-90001", &f), STATE_none);
    assert_int_equal(match(a, "OFFIS", "Example Viewer", "", "CVE-2026-90001", &f),
                     STATE_all_versions);
    /* through a relationship; the id that stands nowhere is passed over */
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.0", "CVE-2026-90002", &f), STATE_potential);
    advisories_free(a);
}

/* As makers publish them who have no tree: the maker, product and range are in one name. */
static void csaf_products_outside_the_tree_are_read(void **state)
{
    static const char text[] =
        "{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"X-7\"},"
        "\"publisher\":{\"category\":\"vendor\",\"name\":\"Orthanc\"}},"
        "\"product_tree\":{\"full_product_names\":["
        "{\"product_id\":\"A\",\"name\":\"OFFIS DCMTK < 3.6.9\"},"
        "{\"product_id\":\"B\",\"name\":\"Our own words\",\"product_identification_helper\":"
        "{\"cpe\":\"cpe:2.3:a:open-emr:openemr:7.0.1:*:*:*:*:*:*:*\"}},"
        "{\"product_id\":\"C\",\"name\":\"Orthanc version 1.12.3 and prior\"},"
        "{\"product_id\":\"D\",\"name\":\"Philips Vue PACS\"}]},"
        "\"vulnerabilities\":[{\"cve\":\"CVE-2026-95001\",\"product_status\":"
        "{\"known_affected\":[\"A\",\"B\",\"C\",\"D\",\"nowhere\"]}}]}";
    struct advisory_sum sum = {0};
    struct advisories *a;
    struct found f;
    const char *cve = "CVE-2026-95001";
    (void)state;
    assert_ok(advisories_new(&a, NULL));
    assert_ok(feed(a, &advisory_csaf, text, &sum));
    assert_ok(advisories_ready(a));
    assert_int_equal(sum.added, 4);
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.8", cve, &f), STATE_potential);
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.9", cve, &f), STATE_none);
    assert_int_equal(match(a, "OpenEMR", "OpenEMR", "7.0.1", cve, &f), STATE_confirmed);
    assert_int_equal(match(a, "OpenEMR", "OpenEMR", "7.0.2", cve, &f), STATE_none);
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.12.3", cve, &f), STATE_confirmed);
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.12.4", cve, &f), STATE_none);
    assert_int_equal(match(a, "Philips", "Vue PACS", "12.1", cve, &f), STATE_unknown);
    advisories_free(a);
}

static void osv_with_a_newer_vector_only_says_that_it_has_no_score(void **state)
{
    struct advisory_sum sum = {0};
    struct advisories *a;
    struct found f;
    (void)state;
    assert_ok(advisories_new(&a, NULL));
    assert_ok(
        feed(a, &advisory_osv,
             "{\"schema_version\":\"1.6.0\",\"id\":\"GHSA-1\",\"aliases\":[\"CVE-2026-95002\"],"
             "\"severity\":[{\"type\":\"CVSS_V4\",\"score\":\"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/"
             "UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N\"}],\"affected\":[{\"package\":"
             "{\"ecosystem\":\"PyPI\",\"name\":\"pynetdicom\"},\"ranges\":[{\"type\":"
             "\"ECOSYSTEM\",\"events\":[{\"introduced\":\"0\"},{\"fixed\":\"2.1.0\"}]}]}]}",
             &sum));
    assert_ok(advisories_ready(a));
    assert_int_equal(match(a, "", "pynetdicom", "2.0.2", "CVE-2026-95002", &f), STATE_potential);
    assert_int_equal(f.wanted.cvss, -1);
    assert_str(f.wanted.cvss_source, "OSV (a CVSS:4 vector, no score)");
    advisories_free(a);
}

static void nvd_is_read(void **state)
{
    struct found f;
    struct advisory_sum sum;
    struct advisories *a = with("nvd.json", &sum);
    (void)state;
    assert_int_equal(sum.records, 4);
    assert_int_equal(sum.bad, 1); /* the one whose CPE is none */
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.12.4", "CVE-2026-91001", &f),
                     STATE_confirmed);
    assert_int_equal(f.wanted.cvss, 75); /* 3.1 before 2.0 */
    assert_str(f.wanted.cvss_source, "NVD (CVSS:3.1)");
    assert_true(f.wanted.exploited);
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.8.2", "CVE-2026-91001", &f),
                     STATE_confirmed);
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.8.3", "CVE-2026-91001", &f), STATE_none);
    assert_int_equal(match(a, "Orthanc", "Orthanc", "1.12.4", "CVE-2026-91002", &f), STATE_none);
    assert_int_equal(match(a, "debian", "debian_linux", "12.0", "CVE-2026-91001", &f), STATE_none);
    assert_int_equal(match(a, "Merge", "MergeCOM-3", "5.10.0", "CVE-2026-91001", &f),
                     STATE_potential);
    assert_int_equal(match(a, "OpenEMR", "OpenEMR", "5.0.1p7", "CVE-2026-91004", &f),
                     STATE_confirmed);
    advisories_free(a);
}

static void cve_records_are_read(void **state)
{
    struct found f;
    struct advisory_sum sum;
    struct advisories *a = with("cve5.json", &sum);
    (void)state;
    assert_int_equal(sum.records, 1);
    assert_int_equal(match(a, "OpenEMR", "OpenEMR", "7.0.3", "CVE-2026-92001", &f),
                     STATE_confirmed);
    assert_int_equal(f.wanted.cvss, 88);
    assert_str(f.wanted.cvss_source, "CVE record (CVSS:3.1)");
    assert_true(f.wanted.exploited);
    assert_int_equal(match(a, "OpenEMR", "OpenEMR", "7.0.4", "CVE-2026-92001", &f), STATE_none);
    assert_int_equal(match(a, "Santesoft", "Sante PACS Server", "4.1.0", "CVE-2026-92001", &f),
                     STATE_confirmed);
    assert_int_equal(match(a, "Santesoft", "Sante PACS Server", "3.9.0", "CVE-2026-92001", &f),
                     STATE_none);
    /* affected by default but for one version: not known for sure */
    assert_int_equal(match(a, "NextGen", "Mirth Connect", "4.4.0", "CVE-2026-92001", &f),
                     STATE_unknown);
    assert_int_equal(match(a, "Softneta", "MedDream PACS", "7.2.8.800", "CVE-2026-92001", &f),
                     STATE_confirmed);
    advisories_free(a);
}

static void exploited_cves_are_marked(void **state)
{
    struct found f;
    struct advisory_sum sum;
    struct advisories *a = fresh();
    (void)state;
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.6", "CVE-2022-2119", &f), STATE_potential);
    assert_false(f.wanted.exploited);
    advisories_free(a);
    a = with("kev.json", &sum);
    assert_int_equal(sum.records, 2);
    assert_int_equal(sum.bad, 1);
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.6", "CVE-2022-2119", &f), STATE_potential);
    assert_true(f.wanted.exploited);
    assert_true(advisories_by_cve(a, STR("cve-2022-2119"))->exploited);
    assert_true(advisories_is_exploited(a, STR("CVE-2022-2119")));
    assert_false(advisories_is_exploited(a, STR("CVE-2099-1")));
    assert_null(advisories_by_cve(a, STR("CVE-2099-1")));
    assert_null(advisories_by_cve(a, STR("nothing")));
    advisories_free(a);
}

static void osv_is_read(void **state)
{
    struct found f;
    struct advisory_sum sum;
    struct advisories *a = with("osv.json", &sum);
    (void)state;
    assert_int_equal(sum.records, 2);
    assert_int_equal(sum.added, 2); /* the withdrawn one is not */
    assert_int_equal(match(a, "pydicom", "pydicom", "2.4.0", "CVE-2026-93001", &f),
                     STATE_potential);
    assert_int_equal(f.wanted.cvss, 98);
    assert_str(f.wanted.range, ">=2.0.0|<2.4.4 ; >=3.0.0|<=3.0.1");
    assert_int_equal(match(a, "pydicom", "pydicom", "2.4.4", "CVE-2026-93001", &f), STATE_none);
    assert_int_equal(match(a, "pydicom", "pydicom", "3.0.1", "CVE-2026-93001", &f),
                     STATE_potential);
    assert_int_equal(match(a, "dcm4che.org", "dcm4che", "5.31.0", "CVE-2026-93001", &f),
                     STATE_potential);
    advisories_free(a);
}

static void a_folder_is_read_whole(void **state)
{
    struct advisory_sum sum;
    struct advisories *a = with("", &sum);
    (void)state;
    assert_true(sum.files >= 5);
    assert_true(sum.records >= 9);
    advisories_free(a);
}

static void scores_of_vectors_are_those_of_the_standard(void **state)
{
    static const struct {
        const char *vector;
        int score;
    } t[] = {
        {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98},
        {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100},
        {"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 61},
        {"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 78},
        {"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", 81},
        {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0},
        {"CVSS:3.1/AV:N", -1},
        {"AV:N/AC:L/Au:N/C:P/I:P/A:P", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(t); i++)
        assert_int_equal(advisory_cvss_vector(str_z(t[i].vector)), t[i].score);
    assert_int_equal(advisory_cvss(STR("9.8")), 98);
    assert_int_equal(advisory_cvss(STR("10")), 100);
    assert_int_equal(advisory_cvss(STR("11")), -1);
    assert_int_equal(advisory_cvss(STR("high")), -1);
}

static void a_malformed_record_costs_itself_only(void **state)
{
    struct advisories *a = fresh();
    struct advisory_sum sum;
    struct found f;
    (void)state;
    assert_ok(
        feed(a, &advisory_nvd,
             "{\"vulnerabilities\":[{\"cve\":{\"configurations\":7}},"
             "{\"cve\":{\"id\":\"CVE-2026-94001\",\"configurations\":[{\"nodes\":[{\"cpeMatch\":"
             "[{\"vulnerable\":true,\"criteria\":\"cpe:2.3:a:offis:dcmtk:3.6.9:*:*:*:*:*:*:*\"}"
             "]}]}]}}]}",
             &sum));
    assert_ok(advisories_ready(a));
    assert_int_equal(sum.records, 2);
    assert_int_equal(sum.bad, 1);
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.9", "CVE-2026-94001", &f), STATE_potential);
    /* a broken file: what was whole before stays */
    assert_err(
        feed(a, &advisory_kev, "{\"vulnerabilities\":[{\"cveID\":\"CVE-2026-94001\"},{", &sum),
        E_MALFORMED);
    assert_ok(advisories_ready(a));
    assert_true(advisories_by_cve(a, STR("CVE-2026-94001"))->exploited);
    advisories_free(a);
}

static void control_characters_are_taken_out(void **state)
{
    struct advisories *a = fresh();
    struct advisory_sum sum;
    struct found f;
    (void)state;
    assert_ok(feed(a, &advisory_cve5,
                   "{\"cveMetadata\":{\"cveId\":\"CVE-2026-96001\"},\"containers\":{\"cna\":{"
                   "\"title\":\"\\u001b[31mred\\u0000\",\"affected\":[{\"vendor\":\"offis\","
                   "\"product\":\"dcmtk\",\"versions\":[{\"version\":\"3.6.9\",\"status\":"
                   "\"affected\"}]}]}}}",
                   &sum));
    assert_ok(advisories_ready(a));
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.6.9", "CVE-2026-96001", &f), STATE_potential);
    assert_str(f.wanted.note, " [31mred ");
    advisories_free(a);
}

static void hostile_documents_are_bounded(void **state)
{
    struct advisories *a = fresh();
    struct advisory_sum sum;
    size_t cap = 8 << 20, n = 0;
    char *text = malloc(cap);
    (void)state;
    assert_non_null(text);
    /* a product tree that is deeper than any */
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s",
                              i ? "{\"branches\":[" : "{\"product_tree\":{\"branches\":[");
    (void)feed(a, &advisory_csaf, text, &sum);
    /* a million affected products that are none */
    n = (size_t)snprintf(text, cap,
                         "{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"X-1\"}},"
                         "\"vulnerabilities\":[{\"cve\":\"CVE-2026-1\",\"product_status\":"
                         "{\"known_affected\":[\"a\"");
    while (n + 64 < cap)
        n += (size_t)snprintf(text + n, cap - n, ",\"a\"");
    (void)snprintf(text + n, cap - n, "]}}]}");
    assert_ok(feed(a, &advisory_csaf, text, &sum));
    assert_int_equal(sum.bad, 1);
    assert_int_equal(sum.added, 0);
    /* affected before any vulnerability was opened, a branch's name outside its branch */
    assert_ok(feed(a, &advisory_csaf, "{\"product_tree\":{\"branches\":[]},\"vulnerabilities\":[]}",
                   &sum));
    assert_int_equal(sum.bad, 1);
    free(text);
    advisories_free(a);
}

static void general_feeds_cannot_push_out_medical_products(void **state)
{
    struct advisories *a = fresh();
    struct advisory_sum sum = {0};
    struct found f;
    char cve[32], name[32];
    (void)state;
    for (unsigned i = 0; i < ADVISORY_ROWS_MAX + 1000; i++) {
        int n = snprintf(cve, sizeof cve, "CVE-2020-%u", i + 1000);
        int m = snprintf(name, sizeof name, "thing%u", i);
        struct advisory in = {.cve = str_of(cve, (size_t)n),
                              .vendor = STR("strangers"),
                              .product = str_of(name, (size_t)m),
                              .range = STR("*"),
                              .cvss = -1};
        assert_ok(advisories_add(a, &in, true, &sum));
    }
    assert_true(sum.passed > 0);
    assert_true(advisories_count(a) <= ADVISORY_STRANGERS_MAX);
    struct advisory in = {.cve = STR("CVE-2026-95001"),
                          .vendor = STR("offis"),
                          .product = STR("dcmtk"),
                          .range = STR("3.7.1"),
                          .cvss = 50};
    assert_ok(advisories_add(a, &in, true, &sum));
    assert_ok(advisories_ready(a));
    assert_int_equal(match(a, "OFFIS", "DCMTK", "3.7.1", "CVE-2026-95001", &f), STATE_potential);
    advisories_free(a);
}

static void what_is_out_of_support_is_known(void **state)
{
    struct advisories *a = fresh();
    const struct eol *e = advisories_eol(a);
    struct str day = STR("2026-11-22");
    (void)state;
    assert_str(eol_system(e, STR("Windows 7"), day)->since, "2020-01-14");
    assert_str(eol_system(e, STR("Microsoft Windows Server 2008 R2 SP1"), day)->product,
               "Windows Server 2008 R2");
    assert_str(eol_system(e, STR("Windows 8.1"), day)->product, "Windows 8.1");
    assert_null(eol_system(e, STR("Windows 11"), day));
    assert_null(eol_system(e, STR("Windows 7 or 8"), day));
    assert_null(eol_system(e, STR("Windows 10 Enterprise LTSC 2021"), day));
    assert_null(eol_system(e, STR("Windows 10"), STR("2025-01-01")));
    assert_non_null(
        eol_product(e, STR("NIHON KOHDEN"), STR("Central Monitor CNS-6201"), STR(""), day));
    assert_null(eol_product(e, STR("OFFIS"), STR("DCMTK"), STR("3.6.0"), day));
    advisories_free(a);
}

static void what_is_no_advisory_is_refused(void **state)
{
    struct advisories *a = fresh();
    struct advisory_sum sum;
    struct diag d = {0};
    char path[] = "/tmp/lastra-assess-XXXXXX";
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"a\":1}", 7), 7);
    assert_err(advisories_load(a, path, &sum, &d), E_UNSUPPORTED);
    assert_err(advisories_load(a, "/nonexistent/file", &sum, &d), E_NOTFOUND);
    (void)close(fd);
    (void)unlink(path);
    advisories_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_table_gives_each_state),
        cmocka_unit_test(a_cve_is_told_once),
        cmocka_unit_test(csaf_is_read),
        cmocka_unit_test(csaf_products_outside_the_tree_are_read),
        cmocka_unit_test(osv_with_a_newer_vector_only_says_that_it_has_no_score),
        cmocka_unit_test(nvd_is_read),
        cmocka_unit_test(cve_records_are_read),
        cmocka_unit_test(exploited_cves_are_marked),
        cmocka_unit_test(osv_is_read),
        cmocka_unit_test(a_folder_is_read_whole),
        cmocka_unit_test(scores_of_vectors_are_those_of_the_standard),
        cmocka_unit_test(a_malformed_record_costs_itself_only),
        cmocka_unit_test(control_characters_are_taken_out),
        cmocka_unit_test(hostile_documents_are_bounded),
        cmocka_unit_test(general_feeds_cannot_push_out_medical_products),
        cmocka_unit_test(what_is_out_of_support_is_known),
        cmocka_unit_test(what_is_no_advisory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
