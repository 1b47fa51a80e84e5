/* Makers and products: one key for one thing, apart for two. */
#include "survey/assess/names.h"

#include <stdio.h>

#include "base/size.h"
#include "unit.h"

static struct names *names;

static uint64_t key(const char *vendor, const char *product)
{
    return names_find(names, str_z(vendor), str_z(product)).key;
}

static void writings_of_one_product_are_one(void **state)
{
    static const char *const same[][4] = {
        {"OFFIS", "DCMTK", "offis", "dcmtk"},
        {"OFFIS", "DCMTK", "OFFIS", "DCMTK (bit-preserving)"},
        {"OFFIS", "DCMTK", "", "dcmtk"},
        {"OFFIS", "DCMTK", "OFFIS e.V.", "OFFIS DCMTK"},
        {"GDCM", "Grassroots DICOM", "grassroots_dicom_project", "grassroots_dicom"},
        {"Merge", "MergeCOM-3", "merative", "merge_dicom_toolkit_c/c++"},
        {"Merge", "MergeCOM-3", "Merative", "Merge DICOM Toolkit C/C++ (Windows)"},
        {"Carestream", "Carestream PACS", "Philips", "Vue PACS"},
        {"Becton, Dickinson and Company (BD)", "BD Pyxis MedStation ES", "BD",
         "Pyxis MedStation ES"},
        {"OpenEMR", "OpenEMR", "open-emr", "openemr"},
        {"Pixmeo", "OsiriX", "Pixmeo", "OsiriX MD"},
        {"Baxter", "SIGMA Spectrum", "Baxter International Inc.", "Sigma Spectrum"},
        {"dcm4che.org", "dcm4chee-arc", "J4Care", "dcm4chee-arc-light"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(same); i++)
        if (key(same[i][0], same[i][1]) != key(same[i][2], same[i][3]))
            fail_msg("%s %s is not %s %s", same[i][0], same[i][1], same[i][2], same[i][3]);
}

static void false_friends_are_kept_apart(void **state)
{
    static const char *const apart[][4] = {
        {"BD", "Pyxis MedStation ES", "Pyxis S.R.L.", "MedStation ES"},
        {"BD", "Pyxis MedStation ES", "Pyxis S.R.L.", "Pyxis MedStation ES"},
        {"Merge", "Merge PACS", "Merge", "MergeCOM-3"},
        {"INFINITT", "PACS", "Merge", "Merge PACS"},
        {"Philips", "IntelliSpace PACS", "Philips", "IntelliSpace Portal"},
        {"pydicom", "pydicom", "pydicom", "pynetdicom"},
        {"dcm4che.org", "dcm4che", "dcm4che.org", "dcm4chee-arc"},
        {"Fujifilm", "Synapse PACS", "Fujifilm", "Synapse Mobility"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(apart); i++)
        if (key(apart[i][0], apart[i][1]) == key(apart[i][2], apart[i][3]))
            fail_msg("%s %s is %s %s", apart[i][0], apart[i][1], apart[i][2], apart[i][3]);
    /* A word that is a product only with its maker is none alone. */
    assert_false(names_find(names, STR(""), STR("PACS")).known);
    assert_int_equal(names_find(names, STR("BD"), STR(" - ")).key, 0);
}

static void toolkits_and_families_are_known_as_such(void **state)
{
    uint64_t members[NAMES_MEMBERS_MAX];
    (void)state;
    assert_true(names_find(names, STR("OFFIS"), STR("DCMTK")).toolkit);
    assert_false(names_find(names, STR("Orthanc"), STR("Orthanc")).toolkit);
    assert_int_equal(names_members(names, key("Philips", "IntelliSpace"), members), 3);
    assert_int_equal(members[0], key("Philips", "IntelliSpace PACS"));
    assert_int_equal(names_members(names, key("OFFIS", "DCMTK"), members), 0);
}

static struct str column(struct str line, size_t n)
{
    struct str part = {0};
    for (size_t i = 0; i <= n && line.p; i++)
        (void)str_split(&line, '\t', &part);
    return part;
}

/* Each product that identification can name stands in our table of names. */
static void every_product_of_a_fingerprint_resolves(void **state)
{
    (void)state;
    static char text[1 << 20];
    FILE *f = fopen(FINGERPRINTS_TSV, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f), seen = 0, missing = 0;
    (void)fclose(f);
    struct str rest = str_of(text, n), line;
    while (rest.n && str_split(&rest, '\n', &line)) {
        struct str vendor = column(line, 4), product = column(line, 5);
        if (!line.n || *line.p == '#' || str_starts(line, STR("id\t")) || !product.n)
            continue;
        seen++;
        if (names_find(names, vendor, product).known)
            continue;
        missing++;
        print_message("not in data/products.tsv: %.*s %.*s\n", STR_ARG(vendor), STR_ARG(product));
    }
    assert_true(seen > 80);
    assert_int_equal(missing, 0);
}

static void a_broken_table_is_refused(void **state)
{
    struct names *n;
    struct diag d;
    (void)state;
    assert_err(names_parse(STR("kind\tname\tof\taliases\nvendor\tx\n"), &n, &d), E_MALFORMED);
    assert_err(names_parse(STR("kind\tname\tof\taliases\nwhat\tx\t\t\n"), &n, &d), E_MALFORMED);
}

static int set_up(void **state)
{
    (void)state;
    return names_new(&names, NULL) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    names_free(names);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writings_of_one_product_are_one),
        cmocka_unit_test(false_friends_are_kept_apart),
        cmocka_unit_test(toolkits_and_families_are_known_as_such),
        cmocka_unit_test(every_product_of_a_fingerprint_resolves),
        cmocka_unit_test(a_broken_table_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
