#include "unit.h"

#include <fcntl.h>
#include <stdio.h>

#include "app/options.h"
#include "base/wr.h"
#include "io/file.h"

static err_t parse(struct options *o, const char *text, struct diag *d)
{
    options_init(o);
    *d = (struct diag){{0}};
    return options_parse(o, str_z(text), "lastra.conf", d);
}

static void reads_numbers_sizes_times_switches_and_text(void **state)
{
    (void)state;
    struct options o;
    struct diag d;
    assert_ok(parse(&o,
                    "# a comment\n"
                    "\n"
                    "dicom-port = 104\n"
                    "  pdu_size=64 KiB  # with a comment\n"
                    "pack-size = 2G\n"
                    "artim = 5 s\r\n"
                    "idle = 1500 ms\n"
                    "dicom-tls = no\n"
                    "ae-title = ARCHIVE 1",
                    &d));
    assert_int_equal(o.dicom_port, 104);
    assert_int_equal(o.pdu_size, 65536);
    assert_int_equal(o.pack_size, 2ULL << 30);
    assert_int_equal(o.artim, 5000);
    assert_int_equal(o.idle, 1500);
    assert_false(o.dicom_tls);
    assert_string_equal(o.ae_title, "ARCHIVE 1");
}

static void what_is_not_named_keeps_its_default(void **state)
{
    (void)state;
    struct options o;
    struct diag d;
    assert_ok(parse(&o, "dicom-port = 104\n", &d));
    assert_int_equal(o.dicom_tls_port, 2762);
    assert_true(o.dicom);
    assert_string_equal(o.dicom_addresses, "127.0.0.1, ::1");
}

static void refuses_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"\n\nnonsense = 1\n",
         "lastra.conf:3: there is no option \"nonsense\"; `lastra options` lists them"},
        {"dicom-port\n", "lastra.conf:1: is not `name = value`"},
        {"dicom-port = 65536\n", "lastra.conf:1: dicom-port wants 0 to 65535, not \"65536\""},
        {"dicom-port = 1 KiB\n", "lastra.conf:1: dicom-port wants 0 to 65535, not \"1 KiB\""},
        {"dicom-port = -1\n", "lastra.conf:1: dicom-port wants 0 to 65535, not \"-1\""},
        {"dicom-port = \n", "lastra.conf:1: dicom-port wants 0 to 65535, not \"\""},
        {"pdu-size = 1\n", "lastra.conf:1: pdu-size wants 4 KiB to 1 MiB, not \"1\""},
        {"artim = 30\n",
         "lastra.conf:1: artim wants 100 ms to 10 min (with its unit: ms, s, min, h, d), not "
         "\"30\""},
        {"artim = 30 weeks\n",
         "lastra.conf:1: artim wants 100 ms to 10 min (with its unit: ms, s, min, h, d), not "
         "\"30 weeks\""},
        {"pack-size = 99999999999999999999\n",
         "lastra.conf:1: pack-size wants 1 MiB to 1 TiB, not \"99999999999999999999\""},
        {"pack-size = 18446744073709551615 KiB\n",
         "lastra.conf:1: pack-size wants 1 MiB to 1 TiB, not \"18446744073709551615 KiB\""},
        {"dicom = maybe\n", "lastra.conf:1: dicom wants yes or no, not \"maybe\""},
        {"artim = 5 s\n\nartim = 6 s\n", "lastra.conf:3: artim stands on line 1 already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        struct diag d;
        assert_err(parse(&o, cases[i].text, &d), E_MALFORMED);
        assert_string_equal(d.text, cases[i].says);
    }
}

static void refuses_text_that_is_too_long_or_no_utf8(void **state)
{
    (void)state;
    struct options o;
    struct diag d;
    char text[OPTION_TEXT_MAX + 32];
    int n = snprintf(text, sizeof text, "ae-title = ");
    memset(text + n, 'A', OPTION_TEXT_MAX);
    text[n + OPTION_TEXT_MAX] = 0;
    assert_err(parse(&o, text, &d), E_MALFORMED);
    text[n + OPTION_TEXT_MAX - 1] = 0;
    assert_ok(parse(&o, text, &d));
    assert_err(parse(&o, "ae-title = \xff\n", &d), E_MALFORMED);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    struct options a, b;
    struct diag d;
    assert_ok(
        parse(&a, "dicom-port = 104\nartim = 90 s\nreserve = 0\nae-title = X\nseccomp = no\n", &d));
    struct wr w = wr_heap(OPTIONS_FILE_MAX);
    options_write(&a, &w);
    assert_ok(wr_flush(&w));
    options_init(&b);
    assert_ok(options_parse(&b, wr_str(&w), "lastra.conf", &d));
    assert_memory_equal(&a, &b, sizeof a);
    wr_done(&w);
}

static void every_default_can_be_written_out_and_is_in_its_range(void **state)
{
    (void)state;
    struct options a, b;
    struct diag d = {{0}};
    options_init(&a);
    struct wr w = wr_heap(OPTIONS_FILE_MAX), plain = wr_heap(OPTIONS_FILE_MAX);
    options_write(&a, &w);
    /* Defaults stand as comments "#name = value": uncommented they must parse. */
    struct str rest = wr_str(&w), line;
    while (str_split(&rest, '\n', &line)) {
        bool set = line.n > 1 && line.p[0] == '#' && line.p[1] != ' ';
        wr_put(&plain, set ? str_slice(line, 1, line.n) : line);
        wr_u8(&plain, '\n');
    }
    options_init(&b);
    assert_ok(options_parse(&b, wr_str(&plain), "lastra.conf", &d));
    assert_memory_equal(&a, &b, sizeof a);
    wr_done(&w);
    wr_done(&plain);
}

static void one_is_set_from_the_command_line(void **state)
{
    (void)state;
    struct options o;
    struct diag d = {{0}};
    options_init(&o);
    assert_ok(options_set(&o, STR("dicom-port=11113"), &d));
    assert_int_equal(o.dicom_port, 11113);
    assert_err(options_set(&o, STR("dicom-port"), &d), E_USAGE);
    assert_err(options_set(&o, STR("dicom-prot=1"), &d), E_USAGE);
    assert_err(options_set(&o, STR(""), &d), E_USAGE);
}

static void the_manual_page_is_that_of_the_table(void **state)
{
    (void)state;
    struct wr file = wr_heap(OPTIONS_FILE_MAX), w = wr_heap(OPTIONS_FILE_MAX);
    struct diag d = {{0}};
    assert_ok(
        file_load(AT_FDCWD, SOURCE_ROOT "/docs/manual/options.md", OPTIONS_FILE_MAX, &file, &d));
    options_markdown(&w);
    if (!str_eq(wr_str(&file), wr_str(&w)))
        fail_msg("run: lastra options --markdown > docs/manual/options.md");
    wr_done(&file);
    wr_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_sizes_times_switches_and_text),
        cmocka_unit_test(what_is_not_named_keeps_its_default),
        cmocka_unit_test(refuses_with_file_and_line),
        cmocka_unit_test(refuses_text_that_is_too_long_or_no_utf8),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(every_default_can_be_written_out_and_is_in_its_range),
        cmocka_unit_test(one_is_set_from_the_command_line),
        cmocka_unit_test(the_manual_page_is_that_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
