#include "import_test.h"

static void columns_are_named_by_the_first_row(void **state)
{
    struct site *s = *state;
    assert_ok(
        site_import(s, "",
                    STR("IP,Port,Product,Version,Title,Country Code,dicom_class_uid,Nonsense\n"
                        "192.0.2.7,104,Orthanc,1.9.7,\"A, \"\"B\"\"\",it,1.2.3,x\n"
                        "192.0.2.8,,,,,DE,,\n")));
    assert_int_equal(s->sum.records, 2);
    has(s, "192.0.2.7:104 search engine port_open=yes");
    has(s, "192.0.2.7:104 search engine said_product=Orthanc 1.9.7");
    has(s, "192.0.2.7:104 search engine http_title=A, \"B\"");
    has(s, "192.0.2.7:104 search engine dicom_class_uid=1.2.3");
    has(s, "192.0.2.7:0 search engine country=IT");
    has(s, "192.0.2.8:0 search engine country=DE");
    has_not(s, "192.0.2.8:104");
}

static void semicolons_and_banners(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(
        s, "",
        STR("address;port;banner;timestamp\r\n192.0.2.7;104;"
            "\\x03\\x00\\x00\\x00\\x00\\x04\\x00\\x01\\x01\\x07;2026-11-22 10:00:00\r\n")));
    has(s, "192.0.2.7:104 search engine dicom_answer=rejected 1/1/7");
    has(s, "192.0.2.7:104 search engine first_said=2026-11-22");
}

static void formulas_stay_text(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "csv", STR("ip,port,title\n192.0.2.7,80,=cmd|'/c calc'!A0\n")));
    has(s, "192.0.2.7:80 search engine http_title==cmd|'/c calc'!A0");
}

static void bad_rows_are_named_and_passed_over(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "csv", STR("ip,port\nhost,80\n192.0.2.7,http\n192.0.2.8,80\n")));
    assert_int_equal(s->sum.records, 1);
    assert_int_equal(s->sum.bad, 2);
    assert_string_equal(site_notes(s), "record 1: no address\nrecord 2: not a port\n");
}

static void without_an_address_column_it_is_refused(void **state)
{
    struct site *s = *state;
    assert_err(site_import(s, "csv", STR("name,port\nx,80\n")), E_MALFORMED);
    assert_non_null(strstr(s->d.text, "address"));
}

static void raw_kinds_are_no_columns(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "csv", STR("ip,port,raw_dicom,match\n192.0.2.7,80,x,fp001\n")));
    has_not(s, "fp001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(columns_are_named_by_the_first_row),
        WITH_SITE(semicolons_and_banners),
        WITH_SITE(formulas_stay_text),
        WITH_SITE(bad_rows_are_named_and_passed_over),
        WITH_SITE(without_an_address_column_it_is_refused),
        WITH_SITE(raw_kinds_are_no_columns),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
