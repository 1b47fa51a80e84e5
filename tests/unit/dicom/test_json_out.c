#include "bytes.h"

#include <stdio.h>

#include "base/size.h"
#include "dicom/json_out.h"
#include "dicom/tags.h"

enum { OUT_MAX = 16384 };

struct result {
    char text[OUT_MAX];
    size_t n;
    err_t error;
};

/* A data set in explicit little (or big) endian as JSON, read in pieces of `piece` bytes. */
static struct result to_json(const char *spec, enum dcm_encoding encoding, size_t piece,
                             const struct dcm_json_options *options)
{
    static struct dcm_json j;
    static struct result r;
    struct bytes b = bytes(spec);
    struct str data = bytes_str(&b);
    struct dcm_limits limits = DCM_LIMITS_DEFAULT;
    struct dcm_reader reader;
    struct dcm_token t;
    struct wr w = wr_fixed(r.text, sizeof r.text);
    dcm_reader_init(&reader, encoding, &limits);
    dcm_json_init(&j, &w, options);
    r.error = OK;
    for (size_t at = 0; at <= data.n && r.error == OK; at += piece) {
        struct str in = str_slice(data, at, piece);
        if (at + piece > data.n)
            dcm_reader_end(&reader);
        while (r.error == OK && dcm_read(&reader, &in, &t) == STEP_EVENT)
            r.error = dcm_json_token(&j, &t);
    }
    if (r.error == OK)
        r.error = dcm_json_finish(&j);
    dcm_json_done(&j);
    r.n = w.n;
    return r;
}

static void assert_json(const char *spec, const char *expected)
{
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    for (size_t piece = 1; piece < 4096; piece *= 3) {
        struct result r = to_json(spec, DCM_EXPLICIT_LE, piece, &options);
        assert_ok(r.error);
        assert_str(str_of(r.text, r.n), expected);
    }
}

static void writes_text_as_lists_of_strings(void **state)
{
    (void)state;
    assert_json("0800 6000 'CS' 0200 'CT'", "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}");
    assert_json("0800 0800 'CS' 0a00 'A\\B \\\\C D '",
                "{\"00080008\":{\"vr\":\"CS\",\"Value\":[\"A\",\"B\",null,\"C D\"]}}");
    assert_json("1000 1040 'LT' 0400 'a\\b '",
                "{\"00104010\":{\"vr\":\"LT\",\"Value\":[\"a\\\\b\"]}}");
    assert_json("0800 1800 'UI' 0400 '1.2' 00",
                "{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2\"]}}");
}

static void empty_values_have_the_vr_only(void **state)
{
    (void)state;
    assert_json("0800 6000 'CS' 0000", "{\"00080060\":{\"vr\":\"CS\"}}");
    assert_json("0800 6000 'CS' 0200 '  '", "{\"00080060\":{\"vr\":\"CS\"}}");
    assert_json("2800 1000 'US' 0000", "{\"00280010\":{\"vr\":\"US\"}}");
    assert_json("0800 4011 'SQ' 0000 00000000", "{\"00081140\":{\"vr\":\"SQ\"}}");
    assert_json("0800 4011 'SQ' 0000 ffffffff feffdde0 00000000", "{\"00081140\":{\"vr\":\"SQ\"}}");
    assert_json("0900 1010 'UN' 0000 00000000", "{\"00091010\":{\"vr\":\"UN\"}}");
    assert_json("", "{}");
}

static void writes_names_in_groups(void **state)
{
    (void)state;
    assert_json(
        "0800 0500 'CS' 0a00 'ISO_IR 192' 1000 1000 'PN' 1000 'Yama=' e5b1b1e794b0 '=  Ya'",
        "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},\"00100010\":{\"vr\":\"PN\","
        "\"Value\":[{\"Alphabetic\":\"Yama\",\"Ideographic\":\"山田\","
        "\"Phonetic\":\"  Ya\"}]}}");
    assert_json("1000 1000 'PN' 0800 '=\\A^B\\\\ '",
                "{\"00100010\":{\"vr\":\"PN\",\"Value\":[{},{\"Alphabetic\":\"A^B\"},null,null]}}");
}

static void text_follows_the_character_set_in_force(void **state)
{
    (void)state;
    /* Latin-1 outside; an item of its own set, an item that inherits, and outside again. */
    assert_json(
        "0800 0500 'CS' 0a00 'ISO_IR 100' 0800 4011 'SQ' 0000 ffffffff"
        "feff00e0 ffffffff 0800 0500 'CS' 0a00 'ISO_IR 101' 0800 8010 'LO' 0200 'a' a3 "
        "feff0de0 00000000 feff00e0 ffffffff 0800 8010 'LO' 0200 'a' a3 "
        "feff0de0 00000000 feffdde0 00000000 1000 2000 'LO' 0200 'a' a3",
        "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 100\"]},\"00081140\":{\"vr\":\"SQ\","
        "\"Value\":[{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 101\"]},"
        "\"00081080\":{\"vr\":\"LO\",\"Value\":[\"aŁ\"]}},"
        "{\"00081080\":{\"vr\":\"LO\",\"Value\":[\"a£\"]}}]},"
        "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"a£\"]}}");
}

static void decimal_strings_keep_their_digits_as_numbers(void **state)
{
    static const char *const cases[][2] = {
        {"1", "1"},
        {"-1.50", "-1.50"},
        {"+7", "7"},
        {"007", "7"},
        {"0", "0"},
        {"00", "0"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e5", "1e5"},
        {"1E-05", "1e-5"},
        {"-0.0", "-0.0"},
        {" 3 ", "3"},
        {"abc", "\"abc\""},
        {"1.2.3", "\"1.2.3\""},
        {"1e999", "\"1e999\""},
        {"-", "\"-\""},
        {".", "\".\""},
        {"0x1", "\"0x1\""},
        {"nan", "\"nan\""},
        {"9999999999999999999", "\"9999999999999999999\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char spec[128], expected[128];
        snprintf(spec, sizeof spec, "2000 3200 'DS' %02x00 '%s'", (unsigned)strlen(cases[i][0]),
                 cases[i][0]);
        snprintf(expected, sizeof expected, "{\"00200032\":{\"vr\":\"DS\",\"Value\":[%s]}}",
                 cases[i][1]);
        assert_json(spec, expected);
    }
}

static void writes_binary_numbers(void **state)
{
    (void)state;
    assert_json("2800 1000 'US' 0400 0002 ffff",
                "{\"00280010\":{\"vr\":\"US\",\"Value\":[512,65535]}}");
    assert_json("2800 0601 'SS' 0200 ffff", "{\"00280106\":{\"vr\":\"SS\",\"Value\":[-1]}}");
    assert_json("0800 6111 'UL' 0400 ffffffff",
                "{\"00081161\":{\"vr\":\"UL\",\"Value\":[4294967295]}}");
    assert_json("1800 0290 'FD' 0800 000000000000f83f",
                "{\"00189002\":{\"vr\":\"FD\",\"Value\":[1.5]}}");
    assert_json("1800 0290 'FL' 0400 cdcccc3d",
                "{\"00189002\":{\"vr\":\"FL\",\"Value\":[0.10000000149011612]}}");
    assert_json("0900 0110 'SV' 0000 08000000 0000000000000080",
                "{\"00091001\":{\"vr\":\"SV\",\"Value\":[-9223372036854775808]}}");
    assert_json("0900 0110 'UV' 0000 10000000 ffffffffffffff7f ffffffffffffffff",
                "{\"00091001\":{\"vr\":\"UV\",\"Value\":[9223372036854775807,"
                "\"18446744073709551615\"]}}");
    assert_json("2800 0900 'AT' 0800 18006310 00400ac1",
                "{\"00280009\":{\"vr\":\"AT\",\"Value\":[\"00181063\",\"4000C10A\"]}}");
}

static void numbers_that_json_lacks_are_strings(void **state)
{
    (void)state;
    assert_json("1800 0290 'FD' 1800 000000000000f87f 000000000000f07f 000000000000f0ff",
                "{\"00189002\":{\"vr\":\"FD\",\"Value\":[\"NaN\",\"inf\",\"-inf\"]}}");
}

static void a_rest_that_is_no_whole_number_is_dropped(void **state)
{
    (void)state;
    assert_json("0800 6111 'UL' 0600 01000000 0200",
                "{\"00081161\":{\"vr\":\"UL\",\"Value\":[1]}}");
    assert_json("0800 6111 'UL' 0200 0200", "{\"00081161\":{\"vr\":\"UL\"}}");
}

static void writes_binary_values_as_base64(void **state)
{
    (void)state;
    assert_json("0900 1010 'OB' 0000 04000000 'abcd'",
                "{\"00091010\":{\"vr\":\"OB\",\"InlineBinary\":\"YWJjZA==\"}}");
    assert_json("0900 1010 'UN' 0000 06000000 'abcdef'",
                "{\"00091010\":{\"vr\":\"UN\",\"InlineBinary\":\"YWJjZGVm\"}}");
}

/* The item stream without the delimiter of the sequence, as in the value field (F.2.7). */
static void writes_encapsulated_pixel_data_as_its_items(void **state)
{
    (void)state;
    assert_json("e07f 1000 'OW' 0000 ffffffff feff00e0 00000000 feff00e0 04000000 'abcd' "
                "feffdde0 00000000",
                "{\"7FE00010\":{\"vr\":\"OB\",\"InlineBinary\":\"/v8A4AAAAAD+/wDgBAAAAGFiY2Q=\"}}");
}

static void big_endian_comes_out_the_same(void **state)
{
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    (void)state;
    for (size_t piece = 1; piece < 100; piece += 5) {
        struct result r = to_json("0008 0005 'CS' 000a 'ISO_IR 100' 0028 0010 'US' 0002 0200"
                                  "7fe0 0010 'OW' 0000 00000004 0102 0304",
                                  DCM_EXPLICIT_BE, piece, &options);
        assert_ok(r.error);
        assert_str(str_of(r.text, r.n),
                   "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 100\"]},"
                   "\"00280010\":{\"vr\":\"US\",\"Value\":[512]},"
                   "\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AgEEAw==\"}}");
    }
}

static void leaves_out_group_lengths(void **state)
{
    (void)state;
    assert_json("0800 0000 'UL' 0400 01000000 0800 6000 'CS' 0200 'CT'",
                "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}");
}

static bool uri(void *ctx, struct str path, const struct dcm_token *element, struct wr *out)
{
    (void)ctx;
    wr_printf(out, "b/%.*s?%u", STR_ARG(path), (unsigned)element->length);
    return element->tag != TAG(0x0009, 0x1011);
}

static void long_values_become_links(void **state)
{
    struct dcm_json_options options = {.bulk_uri = uri, .inline_max = 2, .text_max = 6};
    (void)state;
    struct result r =
        to_json("0800 4011 'SQ' 0000 ffffffff feff00e0 ffffffff feff0de0 00000000 "
                "feff00e0 ffffffff 0900 1010 'OB' 0000 04000000 'abcd' "
                "0900 1110 'OB' 0000 04000000 'abcd' 0900 1210 'OB' 0000 02000000 'ab' "
                "feff0de0 00000000 feffdde0 00000000 "
                "1000 1040 'LT' 0800 'too long' 1000 2000 'LO' 0600 'enough' "
                "e07f 1000 'OB' 0000 ffffffff feff00e0 00000000 feff00e0 02000000 'ab' "
                "feffdde0 00000000",
                DCM_EXPLICIT_LE, 5, &options);
    assert_ok(r.error);
    assert_str(str_of(r.text, r.n),
               "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{"
               "\"00091010\":{\"vr\":\"OB\",\"BulkDataURI\":\"b/00081140/2/00091010?4\"},"
               "\"00091011\":{\"vr\":\"OB\",\"InlineBinary\":\"YWJjZA==\"},"
               "\"00091012\":{\"vr\":\"OB\",\"InlineBinary\":\"YWI=\"}}]},"
               "\"00104010\":{\"vr\":\"LT\",\"BulkDataURI\":\"b/00104010?8\"},"
               "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"enough\"]},"
               "\"7FE00010\":{\"vr\":\"OB\",\"BulkDataURI\":\"b/7FE00010?4294967295\"}}");
}

static void text_over_the_limit_is_an_error_without_links(void **state)
{
    struct dcm_json_options options = {.inline_max = 2, .text_max = 6};
    (void)state;
    assert_err(to_json("1000 1040 'LT' 0800 'too long'", DCM_EXPLICIT_LE, 3, &options).error,
               E_LIMIT);
}

static void a_full_writer_is_an_error(void **state)
{
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    char small[20];
    struct wr w = wr_fixed(small, sizeof small);
    static struct dcm_json j;
    struct dcm_token t = {.kind = DCM_ELEMENT, .tag = TAG_Modality, .vr = VR('C', 'S')};
    (void)state;
    dcm_json_init(&j, &w, &options);
    assert_err(dcm_json_token(&j, &t), E_LIMIT);
    assert_err(dcm_json_finish(&j), E_LIMIT);
    dcm_json_done(&j);
    dcm_json_done(NULL);
}

/* What is cut off in the middle is closed all the same. */
static void an_end_in_the_middle_leaves_json(void **state)
{
    (void)state;
    assert_json("0800 4011 'SQ' 0000 ffffffff feff00e0 ffffffff 0800 5011 'UI' 0400 '1.2' 00",
                "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081150\":{\"vr\":\"UI\",\"Value\":["
                "\"1.2\"]}}]}}");
}

static void a_data_set_in_memory_gives_the_same(void **state)
{
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *ds = dcm_ds_new(&a), *one, *two;
    char text[1024];
    struct wr w = wr_fixed(text, sizeof text);
    (void)state;
    assert_ok(dcm_ds_set(ds, TAG_SpecificCharacterSet, VR('C', 'S'), STR("ISO_IR 100")));
    assert_ok(dcm_ds_add_item(ds, TAG(0x0008, 0x1140), &one));
    assert_ok(dcm_ds_add_item(ds, TAG(0x0008, 0x1140), &two));
    assert_ok(dcm_ds_set(two, TAG_PatientID, VR('L', 'O'), STR("\xfc")));
    assert_ok(dcm_ds_set_u16(ds, TAG_Rows, 512));
    assert_ok(dcm_ds_set(ds, TAG_PixelData, VR('O', 'W'), STR("")));
    ds->elems[ds->n - 1].truncated = true;
    options.bulk_uri = uri;
    assert_ok(dcm_json_ds(&w, ds, &options));
    assert_str(wr_str(&w), "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 100\"]},"
                           "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"00100020\":{\"vr\":\"LO\","
                           "\"Value\":[\"ü\"]}}]},\"00280010\":{\"vr\":\"US\",\"Value\":[512]},"
                           "\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"b/7FE00010?0\"}}");
    arena_done(&a);
}

static void sequences_nested_to_the_limit_are_written(void **state)
{
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *top = dcm_ds_new(&a), *ds = top;
    struct wr w = wr_heap(1 << 20);
    (void)state;
    for (unsigned i = 0; i < DCM_READER_DEPTH_MAX; i++)
        assert_ok(dcm_ds_add_item(ds, TAG(0x0008, 0x1140), &ds));
    assert_ok(dcm_json_ds(&w, top, &options));
    assert_ok(dcm_ds_add_item(ds, TAG(0x0008, 0x1140), &ds));
    wr_clear(&w);
    assert_err(dcm_json_ds(&w, top, &options), E_LIMIT);
    wr_done(&w);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_text_as_lists_of_strings),
        cmocka_unit_test(empty_values_have_the_vr_only),
        cmocka_unit_test(writes_names_in_groups),
        cmocka_unit_test(text_follows_the_character_set_in_force),
        cmocka_unit_test(decimal_strings_keep_their_digits_as_numbers),
        cmocka_unit_test(writes_binary_numbers),
        cmocka_unit_test(numbers_that_json_lacks_are_strings),
        cmocka_unit_test(a_rest_that_is_no_whole_number_is_dropped),
        cmocka_unit_test(writes_binary_values_as_base64),
        cmocka_unit_test(writes_encapsulated_pixel_data_as_its_items),
        cmocka_unit_test(big_endian_comes_out_the_same),
        cmocka_unit_test(leaves_out_group_lengths),
        cmocka_unit_test(long_values_become_links),
        cmocka_unit_test(text_over_the_limit_is_an_error_without_links),
        cmocka_unit_test(a_full_writer_is_an_error),
        cmocka_unit_test(an_end_in_the_middle_leaves_json),
        cmocka_unit_test(a_data_set_in_memory_gives_the_same),
        cmocka_unit_test(sequences_nested_to_the_limit_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
