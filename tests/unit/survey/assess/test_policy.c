/* Segmentation policy. */
#include "survey/assess/policy.h"

#include <stdio.h>

#include "base/size.h"
#include "unit.h"

static const char EXAMPLE[] = "# the hospital\n"
                              "zone modalities = 10.20.1.0/24, 10.20.2.0/24\n"
                              "zone pacs = 10.20.10.0/24\n"
                              "zone office = 10.30.0.0/16\n"
                              "zone director = 10.30.1.1\n"
                              "zone six = fd00:1::/64\n"
                              "\n"
                              "allow modalities -> pacs : dicom, dicom-tls\n"
                              "allow any -> pacs : https   # the viewer\n"
                              "deny office -> pacs : any\n"
                              "allow office -> modalities : 8080\n"
                              "deny six -> six : http\n";

static struct policy *parse(const char *text)
{
    struct policy *p;
    struct diag d = {0};
    err_t e = policy_parse(str_z(text), "policy.conf", &p, &d);
    if (e != OK)
        fail_msg("%s", diag_text(&d, e));
    return p;
}

static struct str zone(const struct policy *p, const char *address)
{
    struct ip ip;
    assert_ok(ip_parse(str_z(address), &ip));
    return policy_zone(p, &ip);
}

static void the_longest_prefix_is_the_zone(void **state)
{
    struct policy *p = parse(EXAMPLE);
    (void)state;
    assert_str(zone(p, "10.20.2.7"), "modalities");
    assert_str(zone(p, "10.30.1.2"), "office");
    assert_str(zone(p, "10.30.1.1"), "director");
    assert_str(zone(p, "fd00:1::9"), "six");
    assert_str(zone(p, "10.99.0.1"), "");
    assert_str(zone(p, "8.8.8.8"), "internet");
    assert_true(policy_has_zone(p, STR("PACS")));
    assert_false(policy_has_zone(p, STR("cellar")));
    policy_free(p);
}

static void the_first_rule_that_fits_decides(void **state)
{
    struct policy *p = parse(EXAMPLE);
    unsigned line;
    (void)state;
    assert_true(policy_allows(p, STR("modalities"), STR("pacs"), STR("dicom"), 104, &line));
    assert_int_equal(line, 8);
    assert_false(policy_allows(p, STR("modalities"), STR("pacs"), STR("http"), 80, &line));
    assert_int_equal(line, 0);
    assert_true(policy_allows(p, STR("office"), STR("pacs"), STR("https"), 443, &line));
    assert_false(policy_allows(p, STR("office"), STR("pacs"), STR("dicom"), 104, &line));
    assert_int_equal(line, 10);
    assert_true(policy_allows(p, STR("office"), STR("modalities"), STR("http"), 8080, &line));
    assert_false(policy_allows(p, STR("office"), STR("modalities"), STR("http"), 80, &line));
    assert_true(policy_allows(p, STR("internet"), STR("pacs"), STR("https"), 443, &line));
    assert_false(policy_allows(p, STR("internet"), STR("modalities"), STR("https"), 443, &line));
    /* inside a zone everything but what is denied */
    assert_true(policy_allows(p, STR("pacs"), STR("pacs"), STR("dicom"), 104, &line));
    assert_false(policy_allows(p, STR("six"), STR("six"), STR("http"), 80, &line));
    /* an address in no zone is not in the same one as another */
    assert_false(policy_allows(p, STR(""), STR(""), STR("dicom"), 104, &line));
    policy_free(p);
}

static void faults_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } t[] = {
        {"zone a = 10.0.0.0/8\nallow a -> b : dicom\n", "policy.conf:2: no zone line"},
        {"zone a = 10.0.0.0/33\n", "policy.conf:1: not a network"},
        {"zone any = 10.0.0.0/8\n", "policy.conf:1: not a name"},
        {"zone a b = 10.0.0.0/8\n", "policy.conf:1: not a name"},
        {"zone a\n", "policy.conf:1: a zone needs"},
        {"zone a = \n", "policy.conf:1: not a network"},
        {"permit a -> b : any\n", "policy.conf:1: a line begins with"},
        {"zone a = 10.0.0.0/8\nallow a -> a\n", "policy.conf:2: a rule is"},
        {"zone a = 10.0.0.0/8\nallow a : a -> dicom\n", "policy.conf:2: a rule is"},
        {"zone a = 10.0.0.0/8\nallow a -> a : telnet\n", "policy.conf:2: not a service"},
        {"zone a = 10.0.0.0/8\nallow a -> a : 0\n", "policy.conf:2: not a service"},
        {"zone a = 10.0.0.0/8\nzone b = 10.0.0.0/8\n", "name the same network"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(t); i++) {
        struct policy *p;
        struct diag d = {0};
        assert_err(policy_parse(str_z(t[i].text), "policy.conf", &p, &d), E_MALFORMED);
        if (!strstr(d.text, t[i].says))
            fail_msg("\"%s\" for \"%s\"", d.text, t[i].text);
    }
}

static void a_policy_without_end_is_refused(void **state)
{
    size_t cap = 2 << 20, n = 0;
    char *text = malloc(cap);
    struct policy *p;
    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; n + 64 < cap; i++)
        n += (size_t)snprintf(text + n, cap - n, "zone z%u = 10.0.0.0/8\n", i);
    assert_err(policy_parse(str_of(text, n), "policy.conf", &p, NULL), E_LIMIT);
    n = (size_t)snprintf(text, cap, "zone a = 10.0.0.1");
    for (unsigned i = 0; n + 64 < cap; i++)
        n += (size_t)snprintf(text + n, cap - n, ",10.%u.%u.0/24", i >> 8 & 255, i & 255);
    assert_err(policy_parse(str_of(text, n), "policy.conf", &p, NULL), E_LIMIT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_is_the_zone),
        cmocka_unit_test(the_first_rule_that_fits_decides),
        cmocka_unit_test(faults_are_named_with_their_line),
        cmocka_unit_test(a_policy_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
