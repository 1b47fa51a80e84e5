#include "unit.h"

#include <stdio.h>

#include "base/size.h"
#include "dicom/json_in.h"
#include "dicom/json_out.h"
#include "dicom/tags.h"

struct fixture {
    struct arena arena;
    struct dcm_json_in_options options;
    struct diag diag;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_init(64 << 20);
    f.options = DCM_JSON_IN_OPTIONS_DEFAULT;
    f.diag.text[0] = '\0';
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    return 0;
}

static struct dcm_ds *reads(void **state, const char *text)
{
    struct fixture *f = *state;
    struct dcm_ds *ds = NULL;
    assert_ok(dcm_json_read(&f->arena, str_z(text), &f->options, &ds, &f->diag));
    assert_non_null(ds);
    return ds;
}

static void refuses(void **state, const char *text, err_t expected, const char *why)
{
    struct fixture *f = *state;
    struct dcm_ds *ds = NULL;
    assert_err(dcm_json_read(&f->arena, str_z(text), &f->options, &ds, &f->diag), expected);
    assert_null(ds);
    if (!strstr(f->diag.text, why))
        assert_string_equal(f->diag.text, why);
}

/* The value of one attribute, written as JSON after its VR. */
static struct str value_of(void **state, const char *vr, const char *rest)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"00091001\":{\"vr\":\"%s\"%s}}", vr, rest);
    const struct dcm_elem *e = dcm_ds_get(reads(state, text), TAG(0x0009, 0x1001));
    assert_non_null(e);
    assert_int_equal(e->vr, VR(vr[0], vr[1]));
    return e->value;
}

static void refuses_value(void **state, const char *vr, const char *rest)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"00091001\":{\"vr\":\"%s\"%s}}", vr, rest);
    refuses(state, text, E_MALFORMED, "(0009,1001)");
}

static void assert_bytes(struct str s, const char *bytes, size_t n)
{
    assert_int_equal(s.n, n);
    assert_memory_equal(s.p, bytes, n);
}

static void reads_text(void **state)
{
    assert_str(value_of(state, "LO", ",\"Value\":[\"ab\"]"), "ab");
    assert_str(value_of(state, "LO", ",\"Value\":[\"a\",null,\"c\"]"), "a\\\\c");
    assert_str(value_of(state, "CS", ",\"Value\":[\"ABC\"]"), "ABC ");
    assert_str(value_of(state, "LT", ",\"Value\":[\"a\\\\b\"]"), "a\\b ");
    assert_str(value_of(state, "LO", ""), "");
    assert_str(value_of(state, "LO", ",\"Value\":[]"), "");
    assert_str(value_of(state, "LO", ",\"Value\":[null]"), "");
    assert_bytes(value_of(state, "UI", ",\"Value\":[\"1.2\"]"), "1.2\0", 4);
    refuses_value(state, "LO", ",\"Value\":[5]");
    refuses_value(state, "LO", ",\"Value\":\"a\"");
    refuses_value(state, "LO", ",\"Value\":[{}]");
    refuses_value(state, "LT", ",\"Value\":[\"a\",\"b\"]");
    refuses_value(state, "CS", ",\"Value\":[\"\\u00fc\"]");
}

/* F.2.4: it would come out as two values. */
static void a_value_cannot_smuggle_in_another(void **state)
{
    refuses_value(state, "LO", ",\"Value\":[\"a\\\\b\"]");
    refuses_value(state, "PN", ",\"Value\":[{\"Alphabetic\":\"a\\\\b\"}]");
    refuses_value(state, "PN", ",\"Value\":[{\"Alphabetic\":\"a=b\"}]");
}

static void reads_names(void **state)
{
    assert_str(value_of(state, "PN", ",\"Value\":[{\"Alphabetic\":\"A^B\"}]"), "A^B ");
    assert_str(value_of(state, "PN", ",\"Value\":[{\"Phonetic\":\"p\",\"Alphabetic\":\"a\"}]"),
               "a==p");
    assert_str(value_of(state, "PN", ",\"Value\":[{\"Ideographic\":\"i\"},{},null,\"X=Y\"]"),
               "=i\\\\\\X=Y");
    refuses_value(state, "PN", ",\"Value\":[{\"Alphabetic\":5}]");
    refuses_value(state, "PN", ",\"Value\":[[\"a\"]]");
}

static void reads_numbers_as_text(void **state)
{
    assert_str(value_of(state, "DS", ",\"Value\":[1.5,-2,null,\"3.0\"]"), "1.5\\-2\\\\3.0 ");
    assert_str(value_of(state, "DS", ",\"Value\":[0.1]"), "0.1 ");
    assert_str(value_of(state, "DS", ",\"Value\":[0.3333333333333333]"), "0.33333333333333");
    assert_str(value_of(state, "DS", ",\"Value\":[-1.2345678901234567e-100]"), "-1.23456789e-100");
    assert_str(value_of(state, "IS", ",\"Value\":[12,3.0]"), "12\\3");
    refuses_value(state, "IS", ",\"Value\":[1.5]");
    refuses_value(state, "IS", ",\"Value\":[1e300]");
    refuses_value(state, "DS", ",\"Value\":[true]");
}

static void reads_binary_numbers_in_their_ranges(void **state)
{
    assert_bytes(value_of(state, "US", ",\"Value\":[512,65535]"), "\0\2\xff\xff", 4);
    assert_bytes(value_of(state, "SS", ",\"Value\":[-1]"), "\xff\xff", 2);
    assert_bytes(value_of(state, "UL", ",\"Value\":[1.0]"), "\1\0\0\0", 4);
    assert_bytes(value_of(state, "SV", ",\"Value\":[-2]"), "\xfe\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_bytes(value_of(state, "UV", ",\"Value\":[\"18446744073709551615\"]"),
                 "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_bytes(value_of(state, "FD", ",\"Value\":[1.5]"), "\0\0\0\0\0\0\xf8\x3f", 8);
    assert_bytes(value_of(state, "FL", ",\"Value\":[\"inf\"]"), "\0\0\x80\x7f", 4);
    assert_bytes(value_of(state, "AT", ",\"Value\":[\"0018106a\"]"), "\x18\0\x6a\x10", 4);
    refuses_value(state, "US", ",\"Value\":[65536]");
    refuses_value(state, "US", ",\"Value\":[-1]");
    refuses_value(state, "US", ",\"Value\":[1.5]");
    refuses_value(state, "US", ",\"Value\":[null]");
    refuses_value(state, "SS", ",\"Value\":[32768]");
    refuses_value(state, "UL", ",\"Value\":[4294967296]");
    refuses_value(state, "FL", ",\"Value\":[1e300]");
    refuses_value(state, "FD", ",\"Value\":[\"x\"]");
    refuses_value(state, "AT", ",\"Value\":[\"0018\"]");
    refuses_value(state, "AT", ",\"Value\":[\"0018106g\"]");
}

static void reads_base64(void **state)
{
    assert_str(value_of(state, "OB", ",\"InlineBinary\":\"YWJjZA==\""), "abcd");
    assert_str(value_of(state, "OB", ",\"InlineBinary\":[\"YWJjZGVm\"]"), "abcdef");
    assert_bytes(value_of(state, "UN", ",\"InlineBinary\":\"YWJj\""), "abc\0", 4);
    assert_str(value_of(state, "OB", ",\"InlineBinary\":\"\""), "");
    refuses_value(state, "OB", ",\"InlineBinary\":\"YWJ\"");
    refuses_value(state, "OB", ",\"InlineBinary\":\"YW=j\"");
    refuses_value(state, "OB", ",\"InlineBinary\":\"YW J\"");
    refuses_value(state, "OB", ",\"InlineBinary\":5");
    refuses_value(state, "OB", ",\"Value\":[1]");
    refuses_value(state, "OB", ",\"InlineBinary\":\"\",\"Value\":[]");
}

static err_t bulk(void *ctx, tag_t tag, vr_t vr, struct str uri, struct str *ret)
{
    (void)ctx;
    if (!str_eq(uri, STR("b/1")) || tag != TAG(0x0009, 0x1001) || vr != VR('O', 'B'))
        return E_NOTFOUND;
    *ret = STR("here");
    return OK;
}

static void fetches_bulk_data_or_marks_it(void **state)
{
    struct fixture *f = *state;
    const char *text = "{\"00091001\":{\"vr\":\"OB\",\"BulkDataURI\":\"b/1\"}}";
    assert_true(dcm_ds_get(reads(state, text), TAG(0x0009, 0x1001))->truncated);
    f->options.bulk = bulk;
    assert_str(value_of(state, "OB", ",\"BulkDataURI\":\"b/1\""), "here");
    refuses(state, "{\"00091001\":{\"vr\":\"OB\",\"BulkDataURI\":\"b/2\"}}", E_NOTFOUND, "");
    refuses_value(state, "OB", ",\"BulkDataURI\":{}");
}

static void reads_sequences(void **state)
{
    struct dcm_ds *ds = reads(state, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},null,"
                                     "{\"00081150\":{\"vr\":\"UI\",\"Value\":[\"1.2\"]},"
                                     "\"00081199\":{\"vr\":\"SQ\"}}]}}");
    const struct dcm_elem *e = dcm_ds_get(ds, TAG(0x0008, 0x1140));
    assert_int_equal(e->n_items, 3);
    assert_int_equal(e->items[0]->n, 0);
    assert_str(dcm_ds_str(e->items[2], TAG(0x0008, 0x1150)), "1.2");
    assert_int_equal(dcm_ds_get(e->items[2], TAG(0x0008, 0x1199))->n_items, 0);
    refuses(state, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[5]}}", E_MALFORMED,
            "not a JSON object");
    refuses(state, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":{}}}", E_MALFORMED, "not an array");
}

static void text_that_is_not_ascii_declares_utf8_everywhere(void **state)
{
    struct dcm_ds *ds =
        reads(state, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00080005\":{\"vr\":"
                     "\"CS\",\"Value\":[\"ISO_IR 101\"]},\"00100010\":{\"vr\":\"PN\","
                     "\"Value\":[{\"Alphabetic\":\"M\\u00fcller\"}]}}]}}");
    const struct dcm_ds *item = dcm_ds_item(ds, TAG(0x0008, 0x1140), 0);
    assert_str(dcm_ds_str(ds, TAG_SpecificCharacterSet), "ISO_IR 192");
    assert_str(dcm_ds_str(item, TAG_SpecificCharacterSet), "ISO_IR 192");
    assert_str(dcm_ds_str(item, TAG_PatientName), "Müller");

    ds = reads(state, "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 101\"]}}");
    assert_str(dcm_ds_str(ds, TAG_SpecificCharacterSet), "ISO_IR 101");
    assert_null(dcm_ds_get(reads(state, "{}"), TAG_SpecificCharacterSet));
}

static void elements_come_sorted_whatever_the_order(void **state)
{
    struct dcm_ds *ds = reads(state, "{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"b\"]},"
                                     "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},"
                                     "\"00080000\":{\"vr\":\"UL\",\"Value\":[9]}}");
    assert_int_equal(ds->n, 2);
    assert_int_equal(ds->elems[0].tag, TAG_Modality);
    assert_int_equal(ds->elems[1].tag, TAG_PatientID);
}

static void a_missing_vr_is_the_dictionarys(void **state)
{
    struct dcm_ds *ds = reads(state, "{\"00100020\":{\"Value\":[\"b\"]}}");
    assert_int_equal(dcm_ds_get(ds, TAG_PatientID)->vr, VR('L', 'O'));
    refuses(state, "{\"00100020\":{\"vr\":\"XX\"}}", E_MALFORMED, "no known VR");
    refuses(state, "{\"00100020\":{\"vr\":5}}", E_MALFORMED, "no known VR");
    refuses(state, "{\"00100020\":[]}", E_MALFORMED, "not a JSON object");
}

static void refuses_what_is_no_data_set(void **state)
{
    refuses(state, "", E_MALFORMED, "not JSON");
    refuses(state, "{", E_MALFORMED, "not JSON");
    refuses(state, "5", E_MALFORMED, "not JSON");
    refuses(state, "[]", E_MALFORMED, "not a JSON object");
    refuses(state, "[{},{}]", E_MALFORMED, "not a JSON object");
    refuses(state, "{}{}", E_MALFORMED, "not JSON");
    refuses(state, "{\"PatientID\":{\"vr\":\"LO\"}}", E_MALFORMED, "hexadecimal");
    refuses(state, "{\"0010002\":{\"vr\":\"LO\"}}", E_MALFORMED, "hexadecimal");
    refuses(state, "{\"00100020\":{\"vr\":\"LO\"},\"00100020\":{\"vr\":\"LO\"}}", E_MALFORMED,
            "not JSON");
    refuses(state, "{\"0009100a\":{\"vr\":\"LO\"},\"0009100A\":{\"vr\":\"LO\"}}", E_MALFORMED,
            "twice");
    refuses(state, "{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"\\u0000\"]}}", E_MALFORMED,
            "not JSON");
    refuses(state, "{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"\xff\"]}}", E_MALFORMED, "not JSON");
    refuses(state, "{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"\\ud800\"]}}", E_MALFORMED,
            "not JSON");
    assert_int_equal(reads(state, "[{}]")->n, 0);
}

static void nesting_has_a_limit(void **state)
{
    struct fixture *f = *state;
    struct wr w = wr_heap(8 << 20);
    for (unsigned depth = 0; depth <= f->options.limits.depth; depth++)
        wr_put(&w, STR("{\"00081140\":{\"vr\":\"SQ\",\"Value\":["));
    wr_u8(&w, '\0');
    refuses(state, (char *)w.p, E_MALFORMED, "not JSON");
    wr_clear(&w);
    wr_fill(&w, '[', 1000000);
    wr_u8(&w, '\0');
    refuses(state, (char *)w.p, E_LIMIT, "nested");
    wr_clear(&w);
    for (unsigned depth = 0; depth < 100; depth++)
        wr_put(&w, STR("{\"00081140\":{\"vr\":\"SQ\",\"Value\":["));
    for (unsigned depth = 0; depth < 100; depth++)
        wr_put(&w, STR("]}}"));
    wr_u8(&w, '\0');
    refuses(state, (char *)w.p, E_LIMIT, "nested");
    f->options.limits.depth = 100;
    refuses(state, (char *)w.p, E_LIMIT, "nested too deeply");
    wr_done(&w);
}

static void a_bracket_in_a_string_is_no_level(void **state)
{
    assert_str(value_of(state, "LT", ",\"Value\":[\"[[[[[[[[\\\"[[[[[[[[\"]"),
               "[[[[[[[[\"[[[[[[[[ ");
}

static void sizes_and_counts_have_limits(void **state)
{
    struct fixture *f = *state;
    const char *two = "{\"00100010\":{\"vr\":\"PN\"},\"00100020\":{\"vr\":\"LO\"}}";
    const char *list = "{\"00091001\":{\"vr\":\"LO\",\"Value\":[\"abc\",\"def\",\"ghi\"]}}";
    f->options.limits.elements = 1;
    refuses(state, two, E_LIMIT, "more than 1 elements");
    f->options.limits.elements = 2;
    (void)reads(state, two);
    f->options.limits.value = 8;
    refuses(state, list, E_LIMIT, "(0009,1001)");
    f->options.limits.value = 12;
    (void)reads(state, list);
    f->options.values_max = 4;
    refuses(state, list, E_LIMIT, "more than 4 values");
    f->options.text_max = 10;
    refuses(state, list, E_LIMIT, "longer than 10 bytes");
}

static void a_full_arena_is_an_error(void **state)
{
    struct fixture *f = *state;
    const char *text =
        "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 101\"]},\"00081140\":{\"vr\":"
        "\"SQ\",\"Value\":[{\"00100010\":{\"vr\":\"PN\",\"Value\":[\"\\u00fc\"]}}]}}";
    size_t good = 0;
    for (size_t room = 0; room < 8192; room += 32) {
        struct arena small = arena_init(room);
        struct dcm_ds *ds;
        err_t e = dcm_json_read(&small, str_z(text), &f->options, &ds, &f->diag);
        assert_true(e == E_NOMEM || e == OK);
        good += e == OK;
        arena_done(&small);
    }
    assert_true(good > 0);
}

static void reads_arrays_of_data_sets(void **state)
{
    struct fixture *f = *state;
    struct dcm_ds **all = NULL;
    size_t n = 0;
    struct str two = STR("[{},{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"b\"]}}]");
    assert_ok(dcm_json_read_array(&f->arena, two, &f->options, 2, &all, &n, &f->diag));
    assert_int_equal(n, 2);
    assert_str(dcm_ds_str(all[1], TAG_PatientID), "b");
    assert_err(dcm_json_read_array(&f->arena, two, &f->options, 1, &all, &n, &f->diag), E_LIMIT);
    assert_err(dcm_json_read_array(&f->arena, STR("{}"), &f->options, 9, &all, &n, &f->diag),
               E_MALFORMED);
    assert_err(dcm_json_read_array(&f->arena, STR("[5]"), &f->options, 9, &all, &n, &f->diag),
               E_MALFORMED);
    assert_ok(dcm_json_read_array(&f->arena, STR("[]"), &f->options, 9, &all, &n, &f->diag));
    assert_int_equal(n, 0);
}

static void what_is_written_reads_back(void **state)
{
    static const char *const models[] = {
        "{}",
        "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},"
        "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\",null]},"
        "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{},{\"00081199\":{\"vr\":\"SQ\"}}]},"
        "\"00091001\":{\"vr\":\"UV\",\"Value\":[\"18446744073709551615\",1]},"
        "\"00091002\":{\"vr\":\"FD\",\"Value\":[\"NaN\",\"-inf\",1e-300]},"
        "\"00091003\":{\"vr\":\"UN\",\"InlineBinary\":\"AAECAw==\"},"
        "\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A^B\",\"Phonetic\":\"山\"}]},"
        "\"00200032\":{\"vr\":\"DS\",\"Value\":[1.5,-2]},"
        "\"00280009\":{\"vr\":\"AT\",\"Value\":[\"00181063\"]},"
        "\"00280010\":{\"vr\":\"US\",\"Value\":[512]}}"};
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    for (size_t i = 0; i < COUNT(models); i++) {
        char text[2048];
        struct wr w = wr_fixed(text, sizeof text);
        assert_ok(dcm_json_ds(&w, reads(state, models[i]), &options));
        assert_str(wr_str(&w), models[i]);
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(reads_text),
        T(a_value_cannot_smuggle_in_another),
        T(reads_names),
        T(reads_numbers_as_text),
        T(reads_binary_numbers_in_their_ranges),
        T(reads_base64),
        T(fetches_bulk_data_or_marks_it),
        T(reads_sequences),
        T(text_that_is_not_ascii_declares_utf8_everywhere),
        T(elements_come_sorted_whatever_the_order),
        T(a_missing_vr_is_the_dictionarys),
        T(refuses_what_is_no_data_set),
        T(nesting_has_a_limit),
        T(a_bracket_in_a_string_is_no_level),
        T(sizes_and_counts_have_limits),
        T(a_full_arena_is_an_error),
        T(reads_arrays_of_data_sets),
        T(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
