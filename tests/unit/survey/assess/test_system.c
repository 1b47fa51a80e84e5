/* Each finding of a system: when it is there and when it is not. */
#include <stdio.h>

#include "assess_host.h"
#include "base/size.h"

static struct advisories *advisories;

static struct made *make(const char *ip)
{
    return made_new(advisories, ip);
}

/* One fact more gives the finding; the other one does not. */
struct one {
    const char *kind;
    uint16_t port;
    enum ev_by by;
    enum ev_kind fact;
    const char *yes, *no;
    enum ev_kind with; /* what else stands there */
    const char *with_value;
};

static const struct one ones[] = {
    {"accepts_any_calling_ae", 104, BY_PROBE, EV_dicom_any_calling, "yes", "no", EV_dicom_answer,
     "accepted"},
    {"accepts_any_called_ae", 104, BY_PROBE, EV_dicom_any_called, "yes", "no", EV_dicom_answer,
     "accepted"},
    {"query_open", 104, BY_PROBE, EV_dicom_service, "query", "-query", EV_dicom_answer, "accepted"},
    {"retrieve_open", 104, BY_PROBE, EV_dicom_service, "retrieve", "-retrieve", EV_dicom_answer,
     "accepted"},
    {"store_open", 104, BY_PROBE, EV_dicom_service, "store", "-store", EV_dicom_answer, "accepted"},
    {"print_open", 104, BY_PROBE, EV_dicom_service, "print", "-print", EV_dicom_answer, "accepted"},
    {"worklist_open", 104, BY_PROBE, EV_dicom_service, "worklist", "-worklist", EV_dicom_answer,
     "accepted"},
    {"studies_reachable", 104, BY_PROBE, EV_dicom_studies, "1200+", "0", EV_dicom_answer,
     "accepted"},
    {"cleartext_dicom", 104, BY_PROBE, EV_transport, "clear", "tls", EV_dicom_answer, "accepted"},
    {"cleartext_hl7", 2575, BY_TRAFFIC, EV_transport, "clear", "tls", EV_hl7_mllp, "yes"},
    {"cleartext_hl7", 2575, BY_PROBE, EV_hl7_mllp, "yes", "open", EV_transport, "clear"},
    {"cleartext_http", 80, BY_PROBE, EV_transport, "clear", "tls", EV_http_status, "200"},
    {"web_without_signin", 80, BY_PROBE, EV_http_signin, "none", "form", EV_http_status, "200"},
    {"web_without_signin", 80, BY_PROBE, EV_http_json, "/system Version=1.12.6",
     "/other Version=1.12.6", EV_http_status, "401"},
    {"fhir_without_security", 80, BY_PROBE, EV_fhir_security, "none", "SMART-on-FHIR",
     EV_fhir_version, "4.0.1"},
    {"obsolete_tls", 443, BY_PROBE, EV_tls_version, "TLS1.0", "TLS1.2", EV_transport, "tls"},
    {"obsolete_tls", 443, BY_PROBE, EV_tls_offers, "TLS1.1", "TLS1.3", EV_tls_version, "TLS1.2"},
    {"expired_certificate", 443, BY_PROBE, EV_tls_until, "2026-11-21", "2026-11-22", EV_transport,
     "tls"},
    {"expired_certificate", 443, BY_PROBE, EV_tls_from, "2026-11-23", "2026-11-22", EV_transport,
     "tls"},
    {"expiring_certificate", 443, BY_PROBE, EV_tls_until, "2026-12-22", "2026-12-23", EV_transport,
     "tls"},
    {"self_signed_certificate", 443, BY_PROBE, EV_tls_self_signed, "yes", "no", EV_transport,
     "tls"},
    {"weak_key_or_signature", 443, BY_PROBE, EV_tls_key, "RSA 1024", "EC 256", EV_transport, "tls"},
    {"weak_key_or_signature", 443, BY_PROBE, EV_tls_signature, "RSA-SHA1", "RSA-SHA256",
     EV_transport, "tls"},
    {"patient_data_in_clear", 104, BY_TRAFFIC, EV_clear_field, "PatientName 12", "PatientName 0",
     EV_protocol, "dicom"},
    {"default_configuration", 104, BY_TRAFFIC, EV_dicom_ae, "ORTHANC", "RADIOLOGY1", EV_protocol,
     "dicom"},
    {"default_configuration", 8443, BY_PROBE, EV_tls_subject, "CN=mirth-connect,O=x",
     "CN=mirth-connect.hospital.example", EV_transport, "tls"},
    {"default_configuration", 80, BY_PROBE, EV_http_title, "Apache Tomcat/9.0", "Orthanc Explorer",
     EV_http_status, "200"},
    {"end_of_life", 0, BY_PROBE, EV_os, "Windows 7", "Windows 11", EV_hostname, "ws1"},
    {"never_probe", 0, BY_SITE, EV_never_probe, "patient monitor by its maker", "", EV_hostname,
     "bed4"},
    {"asserted_vulnerability", 80, BY_ENGINE, EV_said_cve, "CVE-2019-0708", "", EV_http_status,
     "200"},
};

static void each_finding_has_its_fact(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ones); i++) {
        const struct one *t = &ones[i];
        for (int yes = 0; yes < 2; yes++) {
            struct made *m = make("10.0.0.7");
            made_fact(m, t->port, t->by, t->with, t->with_value);
            made_fact(m, t->port, t->by, t->fact, yes ? t->yes : t->no);
            made_assess(m);
            if (made_count(m, t->kind) != (size_t)yes)
                fail_msg("%s: %zu findings for \"%s\"", t->kind, made_count(m, t->kind),
                         yes ? t->yes : t->no);
            made_free(m);
        }
    }
}

static void openness_is_counted_in_three_values(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "rejected 1/1/3");
    made_fact(m, 104, BY_PROBE, EV_transport, "tls");
    made_assess(m);
    assert_int_equal(m->system.open_calling, 0);
    assert_int_equal(m->system.open_called, -1);
    assert_int_equal(m->system.open_query, -1);
    assert_int_equal(m->system.tls, 1);
    assert_int_equal(m->system.cleartext, 0);
    /* another port of the same system is open */
    made_fact(m, 11112, BY_PROBE, EV_dicom_answer, "accepted");
    made_fact(m, 11112, BY_PROBE, EV_dicom_any_calling, "yes");
    made_fact(m, 11112, BY_PROBE, EV_transport, "clear");
    made_fact(m, 11112, BY_PROBE, EV_dicom_service, "query");
    made_fact(m, 11112, BY_PROBE, EV_dicom_service, "-store");
    made_fact(m, 11112, BY_PROBE, EV_dicom_studies, "500+");
    made_assess(m);
    assert_int_equal(m->system.open_calling, 1);
    assert_int_equal(m->system.open_query, 1);
    assert_int_equal(m->system.open_store, 0);
    assert_int_equal(m->system.cleartext, 1);
    assert_int_equal(m->system.studies, 500);
    assert_int_equal(m->system.images, -1);
    assert_int_equal(made_first(m, "query_open")->port, 11112);
    assert_non_null(strstr(made_first(m, "studies_reachable")->evidence.p, "at least 500"));
    made_free(m);
}

static void ports_of_another_system_do_not_count(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    made_fact(m, 80, BY_PROBE, EV_http_status, "200");
    made_fact(m, 80, BY_PROBE, EV_transport, "clear");
    m->system.ports = STR("104/dicom 8080/http"); /* 80 is in neither */
    made_assess(m);
    assert_int_equal(made_count(m, "cleartext_http"), 0);
    made_free(m);
}

static void a_page_that_leads_to_https_is_not_in_clear(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 80, BY_PROBE, EV_http_status, "301");
    made_fact(m, 80, BY_PROBE, EV_http_location, "https://pacs.example/");
    made_fact(m, 80, BY_PROBE, EV_transport, "clear");
    made_assess(m);
    assert_int_equal(made_count(m, "cleartext_http"), 0);
    made_free(m);
}

static void a_public_number_alone_is_no_exposure(void **state)
{
    struct made *m = make("8.8.8.8");
    (void)state;
    made_fact(m, 104, BY_TRAFFIC, EV_protocol, "dicom");
    made_assess(m);
    assert_int_equal(m->system.is_public, 1);
    assert_int_equal(made_count(m, "public_address"), 0);
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    made_assess(m);
    assert_int_equal(made_first(m, "public_address")->severity, SEV_high);
    made_fact(m, 80, BY_ENGINE, EV_http_status, "200");
    made_assess(m);
    assert_int_equal(made_first(m, "public_address")->severity, SEV_critical);
    made_free(m);
    m = make("10.0.0.7");
    made_fact(m, 104, BY_ENGINE, EV_dicom_answer, "accepted");
    made_assess(m);
    assert_int_equal(m->system.is_public, 0);
    assert_int_equal(made_count(m, "public_address"), 0);
    made_free(m);
}

static void what_the_sites_list_lacks_is_unmanaged(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    made_assess(m);
    assert_int_equal(made_count(m, "unmanaged"), 0); /* there is no list */
    m->o.site_list = true;
    made_assess(m);
    assert_int_equal(made_count(m, "unmanaged"), 1);
    made_fact(m, 0, BY_SITE, EV_owner, "Radiology");
    made_assess(m);
    assert_int_equal(made_count(m, "unmanaged"), 0);
    made_free(m);
}

static void a_stale_system_is_told(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    m->system.stale = true;
    made_assess(m);
    assert_int_equal(made_count(m, "not_seen_lately"), 1);
    made_free(m);
}

static void a_honeypot_has_one_finding(void **state)
{
    struct made *m = make("8.8.8.8");
    (void)state;
    made_fact(m, 104, BY_ENGINE, EV_dicom_any_calling, "yes");
    made_fact(m, 104, BY_ENGINE, EV_dicom_answer, "accepted");
    m->system.type = TYPE_honeypot;
    made_assess(m);
    assert_int_equal(m->n, 1);
    assert_int_equal(made_count(m, "honeypot_suspected"), 1);
    assert_int_equal(m->found[0].severity, SEV_info);
    made_free(m);
}

static struct answer answer(const char *vendor, const char *name, const char *version)
{
    return (struct answer){str_z(vendor), str_z(name), str_z(version),
                           CONF_high,     STR("test"), false};
}

static void a_version_that_was_read_is_confirmed(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    m->system.product = answer("Orthanc", "Orthanc", "1.5.6");
    made_assess(m);
    assert_true(made_count(m, "vulnerability") > 5);
    const struct finding *f = made_first(m, "vulnerability");
    assert_int_equal(f->state, STATE_confirmed);
    assert_int_equal(f->level, VER_version);
    assert_true(f->cve.n > 0);
    assert_non_null(strstr(f->references.p, "nvd.nist.gov/vuln/detail/CVE-"));
    assert_int_equal(f->component.n, 0);
    m->system.product = answer("Orthanc", "Orthanc", "1.13.0");
    made_assess(m);
    assert_int_equal(made_count(m, "vulnerability"), 0);
    made_free(m);
}

static void a_toolkits_banner_is_potential(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    m->system.toolkit = answer("OFFIS", "DCMTK", "3.6.5");
    made_assess(m);
    assert_int_equal(made_count(m, "vulnerability"), 0);
    assert_true(made_count(m, "vulnerable_toolkit") >= 3);
    assert_str(made_first(m, "vulnerable_toolkit")->component, "DCMTK");
    assert_int_equal(made_first(m, "vulnerable_toolkit")->state, STATE_potential);
    made_free(m);
}

static void versions_not_read_are_one_finding(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 80, BY_PROBE, EV_http_status, "200");
    m->system.product = answer("OpenEMR", "OpenEMR", "");
    made_assess(m);
    assert_int_equal(made_count(m, "vulnerability"), 0);
    assert_int_equal(made_count(m, "possible_vulnerability"), 1);
    assert_int_equal(made_first(m, "possible_vulnerability")->state, STATE_unknown);
    assert_true(made_first(m, "possible_vulnerability")->cvss >= 90);
    assert_non_null(strstr(made_first(m, "possible_vulnerability")->evidence.p, "and others"));
    /* a product that is hardly known is held against nothing */
    m->system.product.conf = CONF_low;
    made_assess(m);
    assert_int_equal(made_count(m, "possible_vulnerability"), 0);
    made_free(m);
}

static void every_version_affected_needs_no_version(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 80, BY_PROBE, EV_http_status, "200");
    m->system.product = answer("Philips", "IntelliSpace PACS", "");
    made_assess(m);
    assert_int_equal(made_first(m, "vulnerability")->state, STATE_all_versions);
    assert_int_equal(made_first(m, "vulnerability")->level, VER_product);
    made_free(m);
}

static void what_is_confirmed_is_not_asserted_again(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 80, BY_ENGINE, EV_http_status, "200");
    made_fact(m, 80, BY_ENGINE, EV_said_cve, "CVE-2026-5437");
    m->system.product = answer("Orthanc", "Orthanc", "1.12.0");
    made_assess(m);
    assert_int_equal(made_count(m, "asserted_vulnerability"), 0);
    made_fact(m, 80, BY_ENGINE, EV_said_cve, "CVE-2019-0708");
    made_assess(m);
    const struct finding *f = made_first(m, "asserted_vulnerability");
    assert_int_equal(f->state, STATE_asserted);
    assert_int_equal(f->cvss, 98);
    assert_non_null(strstr(f->evidence.p, "engine asserts: 1"));
    made_free(m);
}

static void a_product_that_a_search_engine_names_is_asserted(void **state)
{
    static const struct {
        enum ev_kind kind;
        const char *text;
    } said[] = {{EV_said_product, "OpenEMR 5.0.0"},
                {EV_said_product, "OpenEMR v5.0.0"},
                {EV_said_cpe, "cpe:/a:open-emr:openemr:5.0.0"},
                {EV_said_cpe, "cpe:2.3:a:open-emr:openemr:5.0.0:*:*:*:*:*:*:*"}};
    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        struct made *m = make("10.0.0.7");
        made_fact(m, 80, BY_ENGINE, EV_http_status, "200");
        made_fact(m, 80, BY_ENGINE, said[i].kind, said[i].text);
        made_assess(m);
        const struct finding *f = made_first(m, "asserted_vulnerability");
        assert_int_equal(f->state, STATE_asserted);
        assert_int_equal(f->level, VER_none);
        assert_true(f->cves.n > 0 && str_starts(f->cves, STR("CVE-")));
        assert_int_equal(made_count(m, "vulnerability"), 0);
        assert_int_equal(made_count(m, "possible_vulnerability"), 0);
        made_free(m);
    }
}

static void a_version_outside_the_range_or_none_asserts_nothing(void **state)
{
    static const char *const said[] = {"OpenEMR 99.0.0", "OpenEMR", "7.0", "", "  "};
    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        struct made *m = make("10.0.0.7");
        made_fact(m, 80, BY_ENGINE, EV_http_status, "200");
        if (*said[i])
            made_fact(m, 80, BY_ENGINE, EV_said_product, said[i]);
        made_fact(m, 80, BY_ENGINE, EV_said_cpe, "cpe:/a:open-emr:openemr");
        made_fact(m, 80, BY_ENGINE, EV_said_cpe, "cpe:2.3:a:open-emr:openemr:*:*:*:*:*:*:*:*");
        made_assess(m);
        assert_int_equal(made_count(m, "asserted_vulnerability"), 0);
        made_free(m);
    }
}

static void what_was_read_weighs_more_than_what_an_engine_names(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 80, BY_ENGINE, EV_http_status, "200");
    made_fact(m, 80, BY_ENGINE, EV_said_product, "OpenEMR 5.0.0");
    m->system.product = answer("OpenEMR", "OpenEMR", "99.0.0");
    made_assess(m);
    assert_int_equal(made_count(m, "asserted_vulnerability"), 0);
    m->system.product = answer("OpenEMR", "OpenEMR", "");
    made_assess(m);
    assert_int_equal(made_count(m, "asserted_vulnerability"), 1);
    /* a version that only it says is not one that was read */
    m->system.product = answer("OpenEMR", "OpenEMR", "5.0.0");
    m->system.product.said = true;
    made_assess(m);
    assert_int_equal(made_count(m, "vulnerability"), 0);
    assert_int_equal(made_count(m, "asserted_vulnerability"), 1);
    made_free(m);
}

static void severity_is_that_of_the_score(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 80, BY_PROBE, EV_http_status, "200");
    m->system.product = answer("OpenEMR", "OpenEMR", "4.0.0");
    made_assess(m);
    for (size_t i = 0; i < m->n; i++) {
        const struct finding *f = &m->found[i];
        if (!str_eq(f->kind, STR("vulnerability")) || f->cvss < 0 || f->exploited)
            continue;
        assert_int_equal(f->severity, f->cvss >= 90   ? SEV_critical
                                      : f->cvss >= 70 ? SEV_high
                                      : f->cvss >= 40 ? SEV_medium
                                                      : SEV_low);
    }
    made_free(m);
}

static struct policy *policy(void)
{
    struct policy *p;
    assert_ok(policy_parse(STR("zone pacs = 10.0.0.0/24\nzone office = 10.1.0.0/16\n"
                               "zone modalities = 10.2.0.0/16\n"
                               "allow modalities -> pacs : dicom\nallow any -> pacs : https\n"),
                           "policy.conf", &p, NULL));
    return p;
}

static struct flow flow(const char *client, uint16_t port, const char *protocol, bool clear)
{
    struct flow f = {.port = port,
                     .protocol = str_z(protocol),
                     .clear = clear,
                     .connections = 3,
                     .fields = STR(""),
                     .vantage = STR("core")};
    assert_ok(ip_parse(str_z(client), &f.client));
    assert_ok(ip_parse(STR("10.0.0.7"), &f.server));
    return f;
}

static void flows_against_the_policy_are_violations(void **state)
{
    struct made *m = make("10.0.0.7");
    struct policy *p = policy();
    const struct flow flows[] = {
        flow("10.1.0.9", 104, "dicom", true), flow("10.1.0.10", 104, "dicom", true),
        flow("10.2.0.9", 104, "dicom", true), flow("10.1.0.9", 443, "tls", false),
        flow("10.9.9.9", 104, "dicom", true), flow("10.0.0.9", 104, "dicom", true),
        flow("8.8.8.8", 104, "dicom", true),  flow("10.1.0.9", 9999, "dicom", true),
    };
    (void)state;
    made_fact(m, 104, BY_TRAFFIC, EV_protocol, "dicom");
    made_fact(m, 443, BY_TRAFFIC, EV_transport, "tls");
    m->o.policy = p;
    m->n = 0;
    assert_ok(assess_flows(&m->o, &m->system, &m->host, flows, COUNT(flows), &m->arena,
                           made_on_finding, m));
    /* office to DICOM once for both clients, and the Internet; not what a rule allows, not inside
     * the zone, not from nowhere, not a port of another system */
    assert_int_equal(m->n, 2);
    assert_non_null(strstr(m->found[0].evidence.p, "zone office reached dicom on port 104"));
    assert_non_null(strstr(m->found[0].evidence.p, "6 connections of 2 clients"));
    assert_int_equal(m->found[0].severity, SEV_high);
    assert_int_equal(m->found[1].severity, SEV_critical);
    policy_free(p);
    made_free(m);
}

static void probes_from_where_they_stand_are_held_against_it(void **state)
{
    struct made *m = make("10.0.0.7");
    struct policy *p = policy();
    (void)state;
    made_fact(m, 104, BY_PROBE, EV_dicom_answer, "accepted");
    made_assess(m);
    assert_int_equal(made_count(m, "segmentation_violation"), 0); /* no policy */
    m->o.policy = p;
    made_assess(m);
    assert_int_equal(made_count(m, "segmentation_violation"), 0); /* nobody says from where */
    m->o.vantage = STR("modalities");
    made_assess(m);
    assert_int_equal(made_count(m, "segmentation_violation"), 0); /* allowed */
    m->o.vantage = STR("office");
    made_assess(m);
    assert_int_equal(made_count(m, "segmentation_violation"), 1);
    /* what the endpoint itself says comes first */
    made_fact(m, 104, BY_PROBE, EV_reached_from, "modalities");
    made_assess(m);
    assert_int_equal(made_count(m, "segmentation_violation"), 0);
    made_fact(m, 104, BY_PROBE, EV_reached_from, "office");
    made_assess(m);
    assert_int_equal(made_count(m, "segmentation_violation"), 1);
    policy_free(p);
    made_free(m);
}

static void no_value_of_a_patient_is_in_any_evidence(void **state)
{
    struct made *m = make("10.0.0.7");
    (void)state;
    made_fact(m, 104, BY_TRAFFIC, EV_protocol, "dicom");
    made_fact(m, 104, BY_TRAFFIC, EV_clear_field, "PatientName 12");
    made_fact(m, 104, BY_TRAFFIC, EV_clear_field, "PatientID 12");
    made_fact(m, 104, BY_TRAFFIC, EV_clear_objects, "4");
    made_assess(m);
    assert_str(m->system.clear_fields, "PatientName 12, PatientID 12");
    assert_int_equal(m->system.clear_values, 24);
    assert_int_equal(m->system.clear_objects, 4);
    assert_str(made_first(m, "patient_data_in_clear")->evidence,
               "port 104: PatientName 12, PatientID 12 in clear");
    made_free(m);
}

static int set_up(void **state)
{
    (void)state;
    return advisories_new(&advisories, NULL) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    advisories_free(advisories);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_finding_has_its_fact),
        cmocka_unit_test(openness_is_counted_in_three_values),
        cmocka_unit_test(ports_of_another_system_do_not_count),
        cmocka_unit_test(a_page_that_leads_to_https_is_not_in_clear),
        cmocka_unit_test(a_public_number_alone_is_no_exposure),
        cmocka_unit_test(what_the_sites_list_lacks_is_unmanaged),
        cmocka_unit_test(a_stale_system_is_told),
        cmocka_unit_test(a_honeypot_has_one_finding),
        cmocka_unit_test(a_version_that_was_read_is_confirmed),
        cmocka_unit_test(a_toolkits_banner_is_potential),
        cmocka_unit_test(versions_not_read_are_one_finding),
        cmocka_unit_test(every_version_affected_needs_no_version),
        cmocka_unit_test(what_is_confirmed_is_not_asserted_again),
        cmocka_unit_test(a_product_that_a_search_engine_names_is_asserted),
        cmocka_unit_test(a_version_outside_the_range_or_none_asserts_nothing),
        cmocka_unit_test(what_was_read_weighs_more_than_what_an_engine_names),
        cmocka_unit_test(severity_is_that_of_the_score),
        cmocka_unit_test(flows_against_the_policy_are_violations),
        cmocka_unit_test(probes_from_where_they_stand_are_held_against_it),
        cmocka_unit_test(no_value_of_a_patient_is_in_any_evidence),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
