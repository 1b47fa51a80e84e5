/* The rules of identify.h, one by one. */
#include "survey/identify/identify.h"

#include "survey/identify/correlate.h"
#include "survey/identify/role.h"
#include "survey/identify/tally.h"
#include "unit.h"

enum { PORTS_MAX = 2100 };

struct told {
    uint16_t port;
    enum ev_by by;
    enum ev_kind kind;
    const char *value;
};

static struct fp_matcher *matcher;
static struct arena arena;
static struct endpoint endpoints[PORTS_MAX];
static struct system found[HOST_SYSTEMS_MAX];
static size_t n_found;

static int set_up(void **state)
{
    (void)state;
    arena = arena_init(200 << 20);
    assert_ok(fp_matcher_new(&matcher, NULL));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fp_matcher_free(matcher);
    arena_done(&arena);
    return 0;
}

static void identify_ports(size_t n)
{
    struct host h = {.endpoints = endpoints, .n = n};
    for (size_t i = 0; i < n; i++)
        assert_ok(observe(matcher, endpoints[i].e));
    assert_ok(identify_host(matcher, &h, &arena, found, HOST_SYSTEMS_MAX, &n_found));
}

static struct evidence *open_port(size_t at, uint16_t port)
{
    endpoints[at] = (struct endpoint){.port = port, .e = ARENA_NEW(&arena, struct evidence)};
    assert_non_null(endpoints[at].e);
    evidence_init(endpoints[at].e, &arena);
    return endpoints[at].e;
}

/* Facts in the order of their ports. */
static void identify(const struct told *t, size_t n)
{
    size_t ports = 0;
    arena_reset(&arena);
    for (size_t i = 0; i < n; i++) {
        if (ports == 0 || endpoints[ports - 1].port != t[i].port)
            open_port(ports++, t[i].port);
        assert_ok(evidence_keep(endpoints[ports - 1].e, t[i].by, t[i].kind, str_z(t[i].value)));
    }
    identify_ports(ports);
}

#define IDENTIFY(...)                                                                              \
    do {                                                                                           \
        const struct told told_[] = {__VA_ARGS__};                                                 \
        identify(told_, sizeof(told_) / sizeof(*told_));                                           \
    } while (0)

static bool holds(struct str text, const char *part)
{
    return text.n && memmem(text.p, text.n, part, strlen(part));
}

static void a_port_alone_is_nothing(void **state)
{
    size_t rows = 0;
    (void)state;
    for (size_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fp = fingerprint_at(i);
        uint64_t port;
        if (!str_eq(fp->layer, STR("port")))
            continue;
        rows++;
        assert_true(str_starts(fp->example, STR("tcp/")));
        assert_true(str_to_u64(str_slice(fp->example, 4, 8), UINT16_MAX, &port));
        IDENTIFY({(uint16_t)port, BY_PROBE, EV_port_open, "yes"});
        assert_int_equal(n_found, 0);
        IDENTIFY({(uint16_t)port, BY_PROBE, EV_port_open, "yes"},
                 {(uint16_t)port, BY_PROBE, EV_banner, "SSH-2.0-OpenSSH_9.2"});
        assert_int_equal(n_found, 0);
    }
    assert_int_equal(rows, 16);
}

/* Rows of low confidence, and those that want a second signal: their examples alone. */
static void a_weak_row_never_names_a_product_alone(void **state)
{
    size_t rows = 0;
    (void)state;
    for (size_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fp = fingerprint_at(i);
        enum ev_kind kind = ev_by_name(fp->layer);
        if (!(fp->weak || fp->conf == CONF_low) || fp->product.n == 0)
            continue;
        if (str_eq(fp->layer, STR("http_body")))
            kind = EV_raw_http_body;
        if (kind == EV_NONE)
            continue;
        arena_reset(&arena);
        assert_ok(evidence_keep(open_port(0, 8080), BY_ENGINE, kind, fp->example));
        identify_ports(1);
        rows++;
        for (size_t k = 0; k < n_found; k++)
            if (found[k].product.name.n)
                fail_msg("%.*s names %.*s alone", STR_ARG(fp->id), STR_ARG(found[k].product.name));
    }
    assert_true(rows >= 40);
}

static void two_weak_rows_that_agree_name_it_with_low_confidence(void **state)
{
    (void)state;
    IDENTIFY({443, BY_ENGINE, EV_http_title, "OpenMRS"},
             {443, BY_ENGINE, EV_said_product, "OpenMRS 2.3"});
    assert_int_equal(n_found, 1);
    assert_str(found[0].product.name, "OpenMRS");
    IDENTIFY({104, BY_ENGINE, EV_dicom_answer, "rejected 1/1/7"},
             {443, BY_ENGINE, EV_http_title, "Carestream PACS"});
    assert_int_equal(n_found, 1);
    assert_str(found[0].product.name, "Carestream PACS");
    assert_int_equal(found[0].product.conf, CONF_low);
    assert_str(found[0].ports, "104/dicom 443/http");
}

static void a_toolkit_is_no_product(void **state)
{
    (void)state;
    IDENTIFY({4242, BY_PROBE, EV_dicom_answer, "accepted"},
             {4242, BY_PROBE, EV_dicom_class_uid, "1.2.276.0.7230010.3.0.3.6.9"},
             {4242, BY_PROBE, EV_dicom_version_name, "OFFIS_DCMTK_369"});
    assert_int_equal(n_found, 1);
    assert_int_equal(found[0].type, TYPE_dicom_toolkit);
    assert_int_equal(found[0].product.name.n, 0);
    assert_int_equal(found[0].vendor.vendor.n, 0);
    assert_str(found[0].toolkit.name, "DCMTK");
    assert_str(found[0].toolkit.version, "3.6.9");
    assert_int_equal(found[0].toolkit.conf, CONF_high);
    assert_int_equal(found[0].level, VER_protocol);
    assert_true(holds(found[0].toolkit.why, "dicom_class_uid 1.2.276.0.7230010.3.0.3.6.9 (fp001)"));
}

static void versions_that_differ_lower_the_confidence(void **state)
{
    (void)state;
    IDENTIFY({104, BY_PROBE, EV_dicom_class_uid, "1.2.276.0.7230010.3.0.3.6.7"},
             {104, BY_PROBE, EV_dicom_version_name, "OFFIS_DCMTK_365"});
    assert_int_equal(found[0].toolkit.conf, CONF_medium);
    assert_true(holds(found[0].toolkit.why, "versions differ"));
}

static void an_ae_title_counts_from_traffic_and_a_site_only(void **state)
{
    static const enum ev_by by[] = {BY_ENGINE, BY_PROBE, BY_TRAFFIC, BY_SITE};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        IDENTIFY({104, BY_PROBE, EV_dicom_answer, "accepted"},
                 {104, by[i], EV_dicom_ae, "orthanc"});
        assert_int_equal(n_found, 1);
        assert_int_equal(found[0].product.name.n > 0, i >= 2);
        assert_true(i < 2 || found[0].product.conf == CONF_low);
    }
}

static void an_ae_title_gives_way_to_a_toolkit_that_was_read(void **state)
{
    (void)state;
    IDENTIFY({104, BY_TRAFFIC, EV_dicom_ae, "ORTHANC"},
             {104, BY_TRAFFIC, EV_dicom_version_name, "dcm4che-5.23.2"});
    assert_int_equal(found[0].product.name.n, 0);
    assert_int_equal(found[0].type, TYPE_dicom_toolkit);
    IDENTIFY({104, BY_TRAFFIC, EV_dicom_ae, "ORTHANC"},
             {104, BY_TRAFFIC, EV_dicom_version_name, "OFFIS_DCMTK_367"});
    assert_str(found[0].product.name, "Orthanc");
    assert_int_equal(found[0].product.conf, CONF_medium);
}

static void a_contradiction_lowers_the_confidence_and_is_told(void **state)
{
    (void)state;
    IDENTIFY({8042, BY_PROBE, EV_http_title, "Orthanc Explorer"},
             {8042, BY_PROBE, EV_http_json, "/dcm4chee-arc/aets dicomAETitle=X"});
    assert_int_equal(n_found, 1);
    assert_int_equal(found[0].product.conf, CONF_medium);
    assert_true(holds(found[0].product.why, "against it"));
    IDENTIFY({8042, BY_PROBE, EV_http_title, "Orthanc Explorer"});
    assert_int_equal(found[0].product.conf, CONF_high);
}

static void a_toolkit_brackets_the_version_of_its_product(void **state)
{
    const struct fingerprint *fp = fingerprint_by_id(STR("fp223"));
    (void)state;
    assert_str(fp->example, "DCMTK 3.6.9 -> 1.12.6-1.12.10");
    assert_str(correlate_rule(fp->pattern, STR("DCMTK"), STR("3.6.9")), "1.12.6-1.12.10");
    assert_int_equal(correlate_rule(fp->pattern, STR("DCMTK"), STR("3.6.4")).n, 0);
    assert_int_equal(correlate_rule(fp->pattern, STR("dcm4che"), STR("3.6.9")).n, 0);
    assert_int_equal(correlate_rule(fp->pattern, STR("DCMTK"), STR("toolkit")).n, 0);
    IDENTIFY({4242, BY_PROBE, EV_dicom_class_uid, "1.2.276.0.7230010.3.0.3.6.9"},
             {8042, BY_PROBE, EV_http_title, "Orthanc Explorer"});
    assert_int_equal(found[0].product.version.n, 0);
    assert_int_equal(found[0].level, VER_product);
    assert_true(holds(found[0].product.why, "DCMTK 3.6.9 fits Orthanc 1.12.6-1.12.10 (fp223)"));
}

static void a_vendors_root_names_the_vendor_not_the_product(void **state)
{
    (void)state;
    IDENTIFY({104, BY_PROBE, EV_dicom_answer, "accepted"},
             {104, BY_PROBE, EV_dicom_class_uid, "1.2.840.113619.6.260"});
    assert_int_equal(found[0].type, TYPE_unknown_dicom);
    assert_str(found[0].vendor.vendor, "GE HealthCare");
    assert_int_equal(found[0].product.name.n, 0);
    assert_int_equal(found[0].level, VER_protocol);
}

static void the_sites_own_word_is_heard(void **state)
{
    (void)state;
    IDENTIFY({0, BY_SITE, EV_role, "CT scanner"}, {0, BY_SITE, EV_maker, "Siemens"},
             {0, BY_SITE, EV_model, "SOMATOM X"},
             {104, BY_PROBE, EV_dicom_class_uid, "1.3.12.2.1107.5.9.1"});
    assert_int_equal(n_found, 1);
    assert_int_equal(found[0].type, TYPE_modality);
    assert_int_equal(found[0].type_conf, CONF_high);
    assert_str(found[0].product.name, "SOMATOM X");
    assert_str(found[0].vendor.vendor, "Siemens Healthineers");
    assert_str(found[0].maker, "Siemens");
    IDENTIFY({0, BY_SITE, EV_maker, "Philips"},
             {104, BY_PROBE, EV_dicom_class_uid, "1.2.840.113619.6.260"});
    assert_true(holds(found[0].vendor.why, "against it: maker Philips"));
    assert_int_equal(found[0].vendor.conf, CONF_medium);
}

static void a_product_that_was_read_stands_against_the_sites_word(void **state)
{
    (void)state;
    IDENTIFY({0, BY_SITE, EV_role, "viewer"}, {8042, BY_PROBE, EV_http_title, "Orthanc Explorer"});
    assert_int_equal(found[0].type, TYPE_pacs);
    assert_int_equal(found[0].type_conf, CONF_medium);
    assert_true(holds(found[0].type_why, "against it: role viewer"));
}

static void services_tell_the_part_not_the_name(void **state)
{
    static const struct {
        const char *service;
        enum sys_type type;
    } t[] = {{"query", TYPE_pacs},
             {"print", TYPE_printer},
             {"worklist", TYPE_worklist},
             {"store", TYPE_unknown_dicom},
             {"-print", TYPE_unknown_dicom}};
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
        IDENTIFY({104, BY_PROBE, EV_dicom_answer, "accepted"},
                 {104, BY_PROBE, EV_dicom_service, t[i].service});
        assert_int_equal(found[0].type, t[i].type);
        assert_int_equal(found[0].product.name.n, 0);
    }
}

static void endpoints_belong_to_their_system(void **state)
{
    (void)state;
    IDENTIFY({22, BY_PROBE, EV_banner, "SSH-2.0-x"}, {2575, BY_TRAFFIC, EV_hl7_version, "2.5"},
             {4242, BY_PROBE, EV_dicom_class_uid, "1.2.276.0.7230010.3.0.3.6.9"},
             {8042, BY_PROBE, EV_http_title, "Orthanc Explorer"},
             {8443, BY_PROBE, EV_http_title, "Mirth Connect Administrator"},
             {11112, BY_PROBE, EV_dicom_version_name, "dcm4che-5.29.2"});
    assert_int_equal(n_found, 3);
    int orthanc = identify_owner(found, n_found, 8042),
        mirth = identify_owner(found, n_found, 8443);
    int other = identify_owner(found, n_found, 11112);
    assert_str(found[orthanc].product.name, "Orthanc");
    assert_int_equal(found[orthanc].port, 8042);
    assert_str(found[mirth].product.name, "Mirth Connect");
    assert_str(found[other].toolkit.name, "dcm4che");
    assert_int_equal(identify_owner(found, n_found, 4242), orthanc);
    assert_int_equal(identify_owner(found, n_found, 2575), mirth);
    assert_int_equal(identify_owner(found, n_found, 22), -1);
    assert_int_equal(identify_owner(found, n_found, 80), -1);
    assert_int_equal(identify_owner(found, 0, 8042), -1);
}

static void a_honeypots_signs_outweigh_what_it_pretends(void **state)
{
    (void)state;
    IDENTIFY({104, BY_PROBE, EV_dicom_class_uid, "1.2.826.0.1.3680043.9.7133.1.1"},
             {104, BY_PROBE, EV_dicom_version_name, "GODICOM_1_1"},
             {8042, BY_PROBE, EV_http_title, "Orthanc Explorer"});
    assert_int_equal(n_found, 1);
    assert_int_equal(found[0].type, TYPE_honeypot);
    assert_str(found[0].product.name, "Dicompot");
    assert_str(found[0].ports, "104/dicom 8042/http");
    IDENTIFY({104, BY_ENGINE, EV_dicom_class_uid, "1.2.840.113845.1.1"},
             {104, BY_ENGINE, EV_said_tag, "honeypot"});
    assert_int_equal(found[0].type, TYPE_honeypot);
    assert_int_equal(found[0].product.name.n, 0);
    assert_true(holds(found[0].type_why, "said_tag honeypot"));
}

static void a_caller_is_a_modality_or_a_workstation_by_what_hints(void **state)
{
    (void)state;
    IDENTIFY({0, BY_TRAFFIC, EV_dicom_client_ae, "CT01"});
    assert_int_equal(found[0].type, TYPE_modality);
    assert_int_equal(found[0].type_conf, CONF_low);
    assert_str(found[0].ports, "0/dicom-client");
    IDENTIFY({0, BY_TRAFFIC, EV_dicom_client_ae, "SELECT"});
    assert_int_equal(found[0].type, TYPE_unknown_dicom);
    IDENTIFY({0, BY_TRAFFIC, EV_dicom_client_ae, "ANY"},
             {0, BY_TRAFFIC, EV_dicom_client_version, "NMAP_NSE"});
    assert_int_equal(n_found, 0);
}

static void roles_are_told_by_their_words(void **state)
{
    (void)state;
    assert_int_equal(role_type(STR("infusion_pump")), TYPE_infusion_pump);
    assert_int_equal(role_type(STR("Patient Monitor")), TYPE_patient_monitor);
    assert_int_equal(role_type(STR("PACS workstation")), TYPE_viewer);
    assert_int_equal(role_type(STR("Server")), TYPE_none);
    assert_int_equal(role_type(STR("")), TYPE_none);
    assert_int_equal(role_type(STR("district office")), TYPE_none);
    assert_int_equal(ae_type(STR("MR_ROOM2")), TYPE_modality);
    assert_int_equal(ae_type(STR("MRS")), TYPE_none);
}

static void names_of_one_product(void **state)
{
    (void)state;
    assert_true(same_product(STR("OsiriX"), STR("OsiriX / Horos")));
    assert_true(same_product(STR("OsiriX / Horos"), STR("horos")));
    assert_false(same_product(STR("Osiri"), STR("OsiriX / Horos")));
    assert_false(same_product(STR(""), STR("Orthanc")));
    assert_true(same_maker(STR("GE"), STR("GE HealthCare")));
    assert_false(same_maker(STR("GE"), STR("Genesis")));
}

static void a_host_without_facts_is_nothing(void **state)
{
    (void)state;
    identify_ports(0);
    assert_int_equal(n_found, 0);
    open_port(0, 0);
    open_port(1, 104);
    identify_ports(2);
    assert_int_equal(n_found, 0);
}

/* As many endpoints as the inventory tells of one host, each a DICOM system of a name of its own.
 */
static void a_host_of_two_thousand_ports_is_told_in_bounded_memory(void **state)
{
    enum { MANY = 2048 };
    (void)state;
    arena_done(&arena);
    arena = arena_init(200 << 20);
    for (size_t i = 0; i < MANY; i++) {
        struct evidence *e = ARENA_NEW(&arena, struct evidence);
        open_port(i, (uint16_t)(i + 1));
        endpoints[i].e = e;
        assert_non_null(e);
        evidence_init(e, &arena);
        assert_ok(evidence_add(e, BY_ENGINE, EV_dicom_version_name,
                               i % 2 ? STR("OFFIS_DCMTK_367") : STR("dcm4che-5.1.0")));
        for (unsigned k = 0; k < 30; k++)
            assert_ok(evidence_addf(e, BY_ENGINE, EV_said_product, "Orthanc DCMTK OHIF 1.%u", k));
    }
    size_t before = arena.used;
    identify_ports(MANY);
    assert_int_equal(n_found, 1);
    assert_int_equal(found[0].type, TYPE_honeypot);
    assert_in_range(arena.used - before, 1, 16 << 20);
}

static void past_the_cap_nothing_is_written(void **state)
{
    struct host h = {.endpoints = endpoints, .n = 2};
    struct system one[1];
    size_t n;
    (void)state;
    IDENTIFY({8042, BY_PROBE, EV_http_title, "Orthanc Explorer"},
             {8443, BY_PROBE, EV_http_title, "Mirth Connect Administrator"});
    assert_int_equal(n_found, 2);
    assert_ok(identify_host(matcher, &h, &arena, one, 1, &n));
    assert_int_equal(n, 1);
    assert_ok(identify_host(matcher, &h, &arena, NULL, 0, &n));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_alone_is_nothing),
        cmocka_unit_test(a_weak_row_never_names_a_product_alone),
        cmocka_unit_test(two_weak_rows_that_agree_name_it_with_low_confidence),
        cmocka_unit_test(a_toolkit_is_no_product),
        cmocka_unit_test(versions_that_differ_lower_the_confidence),
        cmocka_unit_test(an_ae_title_counts_from_traffic_and_a_site_only),
        cmocka_unit_test(an_ae_title_gives_way_to_a_toolkit_that_was_read),
        cmocka_unit_test(a_contradiction_lowers_the_confidence_and_is_told),
        cmocka_unit_test(a_toolkit_brackets_the_version_of_its_product),
        cmocka_unit_test(a_vendors_root_names_the_vendor_not_the_product),
        cmocka_unit_test(the_sites_own_word_is_heard),
        cmocka_unit_test(a_product_that_was_read_stands_against_the_sites_word),
        cmocka_unit_test(services_tell_the_part_not_the_name),
        cmocka_unit_test(endpoints_belong_to_their_system),
        cmocka_unit_test(a_honeypots_signs_outweigh_what_it_pretends),
        cmocka_unit_test(a_caller_is_a_modality_or_a_workstation_by_what_hints),
        cmocka_unit_test(roles_are_told_by_their_words),
        cmocka_unit_test(names_of_one_product),
        cmocka_unit_test(a_host_without_facts_is_nothing),
        cmocka_unit_test(a_host_of_two_thousand_ports_is_told_in_bounded_memory),
        cmocka_unit_test(past_the_cap_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
