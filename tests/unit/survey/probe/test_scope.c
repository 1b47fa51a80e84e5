/* The scope file: what it grants, what it refuses and why (safety rule 1). */
#include "unit.h"

#include "base/wr.h"
#include "survey/source/probe/scope.h"

#define BEGINNING                                                                                  \
    "owner = Ospedale San Luca\npermission = Dr. A. Rossi, CISO\npermitted-until = 2026-12-31\n"

static struct scope *scope_of(const char *text)
{
    struct scope *s = NULL;
    struct diag d = {""};
    err_t e = scope_parse(str_z(text), "scope.conf", "2026-11-22", &s, &d);
    if (e != OK)
        fail_msg("%s", diag_text(&d, e));
    return s;
}

static void refuses(const char *text, err_t expected, const char *words)
{
    struct scope *s = NULL;
    struct diag d = {""};
    assert_err(scope_parse(str_z(text), "scope.conf", "2026-11-22", &s, &d), expected);
    assert_null(s);
    if (!strstr(d.text, words))
        fail_msg("\"%s\" does not say \"%s\"", d.text, words);
}

static struct ip ip_of_text(const char *text)
{
    struct ip ip;
    assert_ok(ip_parse(str_z(text), &ip));
    return ip;
}

static void says_what_the_example_says(void **state)
{
    (void)state;
    struct scope *s =
        scope_of(BEGINNING "network = 10.20.0.0/16\npublic-network = 203.0.113.8/29\n"
                           "exclude = 10.20.30.0/24          # intensive care\n"
                           "never-name = *monitor*\nnever-mac = 00:1A:2b\n"
                           "ports = 104, 11112, 2762/tls, 8042/http, 8443/https, 2575/mllp\n"
                           "rate = 5\npause = 2\nwindow = 22:00-05:00 mon-fri\nsurface = yes\n"
                           "count = yes\ncontact = survey@hospital.example\n");
    assert_string_equal(s->owner, "Ospedale San Luca");
    assert_int_equal(s->n_networks, 2);
    assert_int_equal(s->n_ports, 6);
    assert_int_equal(s->ports[2].kind, PROBE_DICOM_TLS);
    assert_int_equal(s->ports[5].kind, PROBE_MLLP);
    assert_int_equal(s->pause_ms, 2000);
    assert_true(s->surface && s->count);
    assert_int_equal(scope_hosts(s), 65536 + 8);
    assert_int_equal(scope_size(s), (65536 - 256 + 8) * 6);
    scope_free(s);
}

static void has_careful_defaults(void **state)
{
    (void)state;
    struct scope *s = scope_of(BEGINNING "network = 10.20.0.0/24\n");
    assert_int_equal(s->rate, 5);
    assert_int_equal(s->pause_ms, 1000);
    assert_false(s->surface || s->count);
    assert_int_equal(s->count_cap, 1000);
    assert_true(scope_window_open(s, 12 * 60, 6));
    assert_int_equal(s->n_ports, 4);
    scope_free(s);
}

static void nothing_is_probed_without_owner_permission_date_and_network(void **state)
{
    (void)state;
    refuses("", E_DENIED, "owner");
    refuses("owner = A B\nnetwork = 10.0.0.0/24\npermitted-until = 2026-12-31\n", E_DENIED,
            "permission");
    refuses("owner = A B\npermission = C D\nnetwork = 10.0.0.0/24\n", E_DENIED, "permitted-until");
    refuses(BEGINNING, E_DENIED, "no network");
    refuses("owner = \npermission = C\n", E_MALFORMED, "scope.conf:1: owner");
}

static void a_public_range_needs_its_own_line(void **state)
{
    (void)state;
    refuses(BEGINNING "network = 203.0.113.8/29\n", E_DENIED, "public-network");
    refuses(BEGINNING "network = 100.64.0.0/24\n", E_DENIED, "scope.conf:4");
    refuses(BEGINNING "network = 2001:db8::/120\n", E_DENIED, "public-network");
    /* Half of it is private. */
    refuses(BEGINNING "network = 172.0.0.0/8\n", E_DENIED, "public-network");
    refuses(BEGINNING "public-network = 224.0.0.0/24\n", E_DENIED, "where hosts");
    refuses(BEGINNING "public-network = 0.0.0.0/8\n", E_DENIED, "where hosts");
    scope_free(scope_of(BEGINNING "public-network = 203.0.113.8/29\n"));
}

static void an_expired_or_early_permission_is_refused(void **state)
{
    (void)state;
    refuses("owner = A B\npermission = C D\npermitted-until = 2026-11-21\nnetwork = 10.0.0.1\n",
            E_DENIED, "ended on 2026-11-21");
    refuses(BEGINNING "permitted-from = 2026-11-23\nnetwork = 10.0.0.1\n", E_DENIED,
            "begins on 2026-11-23");
    struct scope *s = scope_of(BEGINNING "permitted-from = 2026-11-22\nnetwork = 10.0.0.1\n");
    assert_true(scope_day_allowed(s, "2026-12-31"));
    assert_false(scope_day_allowed(s, "2027-01-01"));
    assert_false(scope_day_allowed(s, "2026-11-21"));
    scope_free(s);
}

static void print_ports_are_never_probed(void **state)
{
    (void)state;
    refuses(BEGINNING "network = 10.0.0.1\nports = 104, 9100\n", E_DENIED, "printer");
    refuses(BEGINNING "network = 10.0.0.1\nports = 631/http\n", E_DENIED, "scope.conf:5: ports");
    refuses(BEGINNING "network = 10.0.0.1\nports = 515\n", E_DENIED, "printer");
    refuses(BEGINNING "network = 10.0.0.1\nports = 9107/https\n", E_DENIED, "printer");
}

static void what_is_not_understood_is_refused_with_its_place(void **state)
{
    (void)state;
    refuses(BEGINNING "netwrok = 10.0.0.0/8\n", E_MALFORMED, "scope.conf:4: line \"netwrok\"");
    refuses(BEGINNING "10.0.0.0/8\n", E_MALFORMED, "name = value");
    refuses(BEGINNING "network = 10.0.0.1/8\n", E_MALFORMED, "10.0.0.1/8");
    refuses(BEGINNING "owner = B C\n", E_MALFORMED, "twice");
    refuses(BEGINNING "ports = 104, 104/tls\n", E_MALFORMED, "twice");
    refuses(BEGINNING "ports = 0\n", E_MALFORMED, "port");
    refuses(BEGINNING "ports = 70000\n", E_MALFORMED, "port");
    refuses(BEGINNING "ports = 104/ftp\n", E_MALFORMED, "dicom, tls");
    refuses(BEGINNING "ports = 104,\n", E_MALFORMED, "port");
    refuses(BEGINNING "rate = 0\n", E_MALFORMED, "1 to 1000");
    refuses(BEGINNING "rate = 1001\n", E_MALFORMED, "1 to 1000");
    refuses(BEGINNING "window = 25:00-05:00\n", E_MALFORMED, "window");
    refuses(BEGINNING "window = 22:00-05:00 mon-xyz\n", E_MALFORMED, "window");
    refuses(BEGINNING "surface = perhaps\n", E_MALFORMED, "yes or no");
    refuses(BEGINNING "never-mac = hello\n", E_MALFORMED, "hardware");
    refuses(BEGINNING "contact = a@b\rX-Evil: 1\n", E_MALFORMED, "contact");
    refuses("permitted-until = 2026-02-30\n", E_MALFORMED, "not a day");
    refuses("owner = \xff\xfe\xfd\n", E_MALFORMED, "owner");
    refuses(BEGINNING "network = fd00::/64\n", E_LIMIT, "2^24");
    refuses(BEGINNING "public-network = 2001:db8::/64\n", E_LIMIT, "2^24");
}

static void an_address_has_one_place_however_often_it_is_named(void **state)
{
    (void)state;
    struct scope *s = scope_of(BEGINNING "network = 10.0.0.0/24\nnetwork = 10.0.0.0/30\n"
                                         "network = 10.0.0.7\nnetwork = 192.168.0.0/31\n"
                                         "network = 10.0.0.0/24\nnetwork = fd00::10/124\n");
    char text[IP_TEXT_MAX];
    assert_int_equal(scope_hosts(s), 256 + 2 + 16);
    for (uint64_t i = 1; i < scope_hosts(s); i++) {
        struct ip a = scope_host_at(s, i - 1), b = scope_host_at(s, i);
        assert_int_not_equal(ip_cmp(&a, &b), 0);
    }
    struct ip last = scope_host_at(s, 256 + 2 + 15);
    assert_str(ip_text(&last, text), "fd00::1f");
    scope_free(s);
}

static void excludes_win(void **state)
{
    (void)state;
    struct scope *s = scope_of(BEGINNING "network = 10.0.0.0/16\nnetwork = 10.1.0.0/24\n"
                                         "exclude = 10.0.5.0/24\nexclude = 10.1.0.0/16\n"
                                         "exclude = 10.0.9.9\nports = 104\n");
    const char *why = "";
    struct ip in = ip_of_text("10.0.4.255"), out = ip_of_text("10.0.5.0"),
              inside = ip_of_text("10.1.0.3"), one = ip_of_text("10.0.9.9"),
              elsewhere = ip_of_text("10.2.0.0");
    assert_true(scope_allows(s, &in, &why));
    assert_false(scope_allows(s, &out, &why));
    assert_string_equal(why, "excluded by the scope");
    assert_false(scope_allows(s, &inside, &why));
    assert_false(scope_allows(s, &one, &why));
    assert_false(scope_allows(s, &elsewhere, &why));
    assert_string_equal(why, "not in the scope");
    assert_int_equal(scope_size(s), 65536 - 256 - 1);
    scope_free(s);
}

static void names_and_hardware_addresses_are_forbidden_by_patterns(void **state)
{
    (void)state;
    struct scope *s = scope_of(BEGINNING "network = 10.0.0.0/16\nnever-name = *Monitor*\n"
                                         "never-name = pump-??\nnever-mac = 00-1A-2B\n");
    assert_true(scope_name_forbidden(s, STR("icu-monitor-7.hospital.example")));
    assert_true(scope_name_forbidden(s, STR("PUMP-07")));
    assert_false(scope_name_forbidden(s, STR("pump-007")));
    assert_false(scope_name_forbidden(s, STR("pacs")));
    assert_true(scope_mac_forbidden(s, STR("00:1a:2b:ff:00:01")));
    assert_false(scope_mac_forbidden(s, STR("00:1a:2c:ff:00:01")));
    assert_false(scope_mac_forbidden(s, STR("")));
    scope_free(s);
}

static void a_window_over_midnight_belongs_to_the_day_it_begins(void **state)
{
    (void)state;
    struct scope *s = scope_of(BEGINNING "network = 10.0.0.1\nwindow = 22:00-05:00 mon-fri\n");
    assert_true(scope_window_open(s, 23 * 60, 4));  /* Friday night */
    assert_true(scope_window_open(s, 4 * 60, 5));   /* its small hours */
    assert_false(scope_window_open(s, 23 * 60, 5)); /* Saturday night */
    assert_false(scope_window_open(s, 4 * 60, 0));  /* of Sunday */
    assert_false(scope_window_open(s, 12 * 60, 2));
    assert_false(scope_window_open(s, 5 * 60, 2));
    assert_true(scope_window_open(s, 22 * 60, 0));
    scope_free(s);
    s = scope_of(BEGINNING "network = 10.0.0.1\nwindow = 08:00-24:00\n");
    assert_true(scope_window_open(s, 23 * 60 + 59, 6));
    assert_false(scope_window_open(s, 0, 6));
    scope_free(s);
}

static void the_manual_has_every_setting(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 16);
    scope_markdown(&w);
    wr_u8(&w, 0);
    assert_false(w.bad);
    assert_non_null(strstr((char *)w.p, "| `permitted-until` | needed |"));
    assert_non_null(strstr((char *)w.p, "| `count-cap` |"));
    wr_done(&w);
}

static void loopback_is_told_from_the_rest(void **state)
{
    (void)state;
    struct scope *s = scope_of(BEGINNING "network = 127.1.0.0/16\nnetwork = ::1\n");
    assert_true(scope_is_loopback(s));
    scope_free(s);
    s = scope_of(BEGINNING "network = 127.1.0.0/16\nnetwork = 10.0.0.1\n");
    assert_false(scope_is_loopback(s));
    scope_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_example_says),
        cmocka_unit_test(has_careful_defaults),
        cmocka_unit_test(nothing_is_probed_without_owner_permission_date_and_network),
        cmocka_unit_test(a_public_range_needs_its_own_line),
        cmocka_unit_test(an_expired_or_early_permission_is_refused),
        cmocka_unit_test(print_ports_are_never_probed),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_place),
        cmocka_unit_test(an_address_has_one_place_however_often_it_is_named),
        cmocka_unit_test(excludes_win),
        cmocka_unit_test(names_and_hardware_addresses_are_forbidden_by_patterns),
        cmocka_unit_test(a_window_over_midnight_belongs_to_the_day_it_begins),
        cmocka_unit_test(the_manual_has_every_setting),
        cmocka_unit_test(loopback_is_told_from_the_rest),
    };
    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
