#include "bytes.h"

#include "dicom/dataset.h"
#include "dicom/tags.h"

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena = arena_init(64 << 20);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct dcm_ds *parse(struct str in, enum dcm_encoding encoding)
{
    struct dcm_ds *ds = NULL;
    assert_ok(dcm_ds_parse(&arena, in, encoding, &DCM_LIMITS_DEFAULT, false, &ds, NULL));
    return ds;
}

static struct str written(const struct dcm_ds *ds, enum dcm_encoding encoding)
{
    struct wr w = wr_heap(1 << 20);
    dcm_ds_write(ds, encoding, &w);
    assert_false(w.bad);
    struct str copy = arena_copy(&arena, wr_str(&w));
    wr_done(&w);
    return copy;
}

static void assert_same(struct str a, struct str b)
{
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
}

/* In canonical form: undefined lengths, an empty sequence of length 0, an empty item, text that is
 * padded. */
static const char canonical[] =
    "0800 0500 'CS' 0a00 'ISO_IR 100'  0800 1600 'UI' 0400 '1.2' 00"
    "0800 4011 'SQ' 0000 ffffffff  feff 00e0 ffffffff  0800 5011 'UI' 0200 '1' 00"
    "0800 9911 'SQ' 0000 ffffffff  feff 00e0 ffffffff feff 0de0 00000000  feff dde0 00000000"
    "feff 0de0 00000000  feff 00e0 ffffffff  1000 2000 'LO' 0200 'x '  feff 0de0 00000000"
    "feff dde0 00000000  0800 1021 'SQ' 0000 00000000  1000 1000 'PN' 0600 'D' f6 'e^J '"
    "2800 0900 'AT' 0800 1800631018006510  2800 1000 'US' 0200 0002  2800 0601 'SS' 0200 feff"
    "2900 0110 'UN' 0000 02000000 0102";

static void writing_what_was_parsed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct bytes b = bytes(canonical);
    struct dcm_ds *ds = parse(bytes_str(&b), DCM_EXPLICIT_LE);
    assert_same(written(ds, DCM_EXPLICIT_LE), bytes_str(&b));
}

static void every_encoding_carries_the_same_data_set(void **state)
{
    (void)state;
    struct bytes b = bytes(canonical);
    struct str first = written(parse(bytes_str(&b), DCM_EXPLICIT_LE), DCM_EXPLICIT_LE);
    struct str big = written(parse(first, DCM_EXPLICIT_LE), DCM_EXPLICIT_BE);
    assert_int_equal(big.n, first.n);
    assert_true(memcmp(big.p, first.p, big.n) != 0);
    struct str back = written(parse(big, DCM_EXPLICIT_BE), DCM_EXPLICIT_LE);
    assert_same(back, first);
    /* Implicit VR loses SS: without Pixel Representation it reads as US, of the same bytes. */
    struct str implicit = written(parse(first, DCM_EXPLICIT_LE), DCM_IMPLICIT_LE);
    assert_same(written(parse(implicit, DCM_IMPLICIT_LE), DCM_IMPLICIT_LE), implicit);
}

static void finds_values(void **state)
{
    (void)state;
    struct bytes b = bytes(canonical);
    struct dcm_ds *ds = parse(bytes_str(&b), DCM_EXPLICIT_LE);
    int64_t v;
    assert_str(dcm_ds_str(ds, TAG_SOPClassUID), "1.2");
    assert_str(dcm_ds_str(ds, TAG_PatientID), "");
    assert_null(dcm_ds_get(ds, TAG_PatientID));
    assert_str(dcm_ds_text(ds, TAG_PatientName, &arena), "D\xc3\xb6"
                                                         "e^J");
    assert_str(dcm_ds_text(ds, TAG_PatientID, &arena), "");
    assert_true(dcm_ds_int(ds, TAG_Rows, 0, &v));
    assert_int_equal(v, 512);
    assert_true(dcm_ds_int(ds, TAG_SmallestImagePixelValue, 0, &v));
    assert_int_equal(v, -2);
    assert_true(dcm_ds_int(ds, TAG_FrameIncrementPointer, 1, &v));
    assert_int_equal(v, TAG_FrameTimeVector);
    assert_false(dcm_ds_int(ds, TAG_FrameIncrementPointer, 2, &v));
    assert_false(dcm_ds_int(ds, TAG_FrameIncrementPointer, SIZE_MAX / 2, &v));
    assert_false(dcm_ds_int(ds, TAG_PatientName, 0, &v));
    assert_false(dcm_ds_int(ds, TAG_Columns, 0, &v));
}

static void finds_items_which_inherit_the_character_set(void **state)
{
    (void)state;
    struct bytes b = bytes("0800 0500 'CS' 0a00 'ISO_IR 100'  0800 4011 'SQ' 0000 ffffffff"
                           "feff 00e0 ffffffff 1000 1000 'PN' 0200 f6 ' ' feff 0de0 00000000"
                           "feff 00e0 ffffffff 0800 0500 'CS' 0a00 'ISO_IR 192'"
                           "1000 1000 'PN' 0200 c3b6 feff 0de0 00000000 feff dde0 00000000");
    struct dcm_ds *ds = parse(bytes_str(&b), DCM_EXPLICIT_LE);
    const struct dcm_ds *first = dcm_ds_item(ds, TAG_ReferencedImageSequence, 0);
    const struct dcm_ds *second = dcm_ds_item(ds, TAG_ReferencedImageSequence, 1);
    assert_non_null(first);
    assert_str(dcm_ds_text(first, TAG_PatientName, &arena), "\xc3\xb6");
    assert_str(dcm_ds_text(second, TAG_PatientName, &arena), "\xc3\xb6");
    assert_null(dcm_ds_item(ds, TAG_ReferencedImageSequence, 2));
    assert_null(dcm_ds_item(ds, TAG_SpecificCharacterSet, 0));
}

static void reads_integers_of_every_vr(void **state)
{
    (void)state;
    static const struct {
        vr_t vr;
        const char *value;
        size_t n, i;
        int64_t v;
    } rows[] = {
        {VR('I', 'S'), "12\\ -7 \\x", 9, 1, -7},
        {VR('I', 'S'), "+3", 2, 0, 3},
        {VR('U', 'L'), "\xff\xff\xff\xff", 4, 0, 0xffffffff},
        {VR('S', 'L'), "\xff\xff\xff\xff", 4, 0, -1},
        {VR('S', 'V'), "\xfe\xff\xff\xff\xff\xff\xff\xff", 8, 0, -2},
        {VR('U', 'V'), "\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0", 16, 1, 2},
    };
    struct dcm_ds *ds = dcm_ds_new(&arena);
    int64_t v;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(dcm_ds_set(ds, TAG_Rows, rows[i].vr, str_of(rows[i].value, rows[i].n)));
        assert_true(dcm_ds_int(ds, TAG_Rows, rows[i].i, &v));
        assert_int_equal(v, rows[i].v);
    }
    assert_ok(dcm_ds_set(ds, TAG_Rows, VR('I', 'S'), STR("12\\x")));
    assert_false(dcm_ds_int(ds, TAG_Rows, 1, &v));
    assert_false(dcm_ds_int(ds, TAG_Rows, 2, &v));
    assert_ok(dcm_ds_set(ds, TAG_Rows, VR('U', 'V'), STR("\xff\xff\xff\xff\xff\xff\xff\xff")));
    assert_false(dcm_ds_int(ds, TAG_Rows, 0, &v));
}

static void sets_replaces_and_removes(void **state)
{
    (void)state;
    struct dcm_ds *ds = dcm_ds_new(&arena), *item = NULL, *inner = NULL;
    assert_ok(dcm_ds_set(ds, TAG_PatientID, VR('L', 'O'), STR("abc")));
    assert_ok(dcm_ds_set(ds, TAG_PatientName, VR('P', 'N'), STR("x")));
    assert_ok(dcm_ds_set(ds, TAG_PatientID, VR('L', 'O'), STR("de")));
    assert_ok(dcm_ds_set(ds, TAG_SOPClassUID, VR('U', 'I'), STR("1.2")));
    assert_ok(dcm_ds_set_u16(ds, TAG_Rows, 0x0201));
    assert_ok(dcm_ds_set_u32(ds, TAG_OffsetOfTheNextDirectoryRecord, 1));
    for (size_t i = 0; i < 5; i++)
        assert_ok(dcm_ds_add_item(ds, TAG_ReferencedImageSequence, &item));
    assert_ok(dcm_ds_add_item(item, TAG_ReferencedSOPSequence, &inner));
    assert_ok(dcm_ds_set(inner, TAG_PatientID, VR('L', 'O'), STR("zz")));
    assert_ptr_equal(inner->parent, item);
    assert_int_equal(dcm_ds_get(ds, TAG_ReferencedImageSequence)->n_items, 5);
    assert_str(dcm_ds_str(ds, TAG_PatientID), "de");
    dcm_ds_remove(ds, TAG_PatientName);
    dcm_ds_remove(ds, TAG_PatientName);
    for (size_t i = 1; i < ds->n; i++)
        assert_true(ds->elems[i - 1].tag < ds->elems[i].tag);
    struct str out = written(ds, DCM_EXPLICIT_LE);
    assert_same(written(parse(out, DCM_EXPLICIT_LE), DCM_EXPLICIT_LE), out);
    dcm_ds_remove(ds, TAG_ReferencedImageSequence);
    struct bytes b = bytes("0400 0014 'UL' 0400 01000000 0800 1600 'UI' 0400 '1.2' 00"
                           "1000 2000 'LO' 0200 'de' 2800 1000 'US' 0200 0102");
    assert_same(written(ds, DCM_EXPLICIT_LE), bytes_str(&b));
}

static void leaves_out_pixel_data_and_long_values(void **state)
{
    (void)state;
    struct bytes b =
        bytes("1000 1000 'PN' 0600 'abcdef' 1000 2000 'LO' 0400 'abcd'"
              "8800 0002 'SQ' 0000 ffffffff feff 00e0 ffffffff"
              "e07f 1000 'OW' 0000 02000000 'ab' feff 0de0 00000000 feff dde0 00000000"
              "e07f 1000 'OB' 0000 ffffffff feff 00e0 02000000 'ab' feff dde0 00000000");
    struct dcm_limits small = {32, 1000, 4};
    struct dcm_ds *ds = NULL;
    assert_ok(dcm_ds_parse(&arena, bytes_str(&b), DCM_EXPLICIT_LE, &small, false, &ds, NULL));
    assert_true(dcm_ds_get(ds, TAG_PatientName)->truncated);
    assert_int_equal(dcm_ds_get(ds, TAG_PatientName)->value.n, 0);
    assert_str(dcm_ds_str(ds, TAG_PatientID), "abcd");
    assert_true(dcm_ds_get(ds, TAG_PixelData)->truncated);
    assert_true(dcm_ds_get(dcm_ds_item(ds, TAG_IconImageSequence, 0), TAG_PixelData)->truncated);
    struct bytes kept = bytes("1000 2000 'LO' 0400 'abcd' 8800 0002 'SQ' 0000 ffffffff"
                              "feff 00e0 ffffffff feff 0de0 00000000 feff dde0 00000000");
    assert_same(written(ds, DCM_EXPLICIT_LE), bytes_str(&kept));
}

static void borrowed_values_are_views_of_the_input(void **state)
{
    (void)state;
    struct bytes b = bytes("1000 2000 'LO' 0400 'abcd'");
    struct bytes big = bytes("0010 0020 'LO' 0004 'abcd' 0028 0010 'US' 0002 0102");
    struct dcm_ds *ds = NULL;
    int64_t v;
    assert_ok(
        dcm_ds_parse(&arena, bytes_str(&b), DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT, true, &ds, NULL));
    assert_ptr_equal(dcm_ds_str(ds, TAG_PatientID).p, b.p + 8);
    assert_ok(dcm_ds_parse(&arena, bytes_str(&big), DCM_EXPLICIT_BE, &DCM_LIMITS_DEFAULT, true, &ds,
                           NULL));
    assert_true(dcm_ds_int(ds, TAG_Rows, 0, &v));
    assert_int_equal(v, 0x0102);
    assert_int_equal(big.p[20], 1);
}

static void of_an_element_that_stands_twice_the_first_counts(void **state)
{
    (void)state;
    struct bytes b = bytes("1000 2000 'LO' 0200 'b ' 1000 1000 'PN' 0200 'n '"
                           "1000 2000 'LO' 0200 'a ' 0800 0500 'CS' 0000");
    struct dcm_ds *ds = parse(bytes_str(&b), DCM_EXPLICIT_LE);
    assert_int_equal(ds->n, 3);
    assert_str(dcm_ds_str(ds, TAG_PatientID), "b");
    assert_str(dcm_ds_str(ds, TAG_PatientName), "n");
}

static void refuses_data_that_is_cut_short_or_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "1000 2000 'LO' 0400 'ab'",
        "1000 2000 'LO'",
        "1000 2000 'UT' 0000 feffffff 'ab'",
        "0800 4011 'SQ' 0000 20000000 feff 00e0 00000000",
        "0800 4011 'SQ' 0000 08000000 1000 1000 'PN' 0000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bytes b = bytes(bad[i]);
        struct diag diag = {""};
        struct dcm_ds *ds = NULL;
        assert_err(dcm_ds_parse(&arena, bytes_str(&b), DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT, false,
                                &ds, &diag),
                   E_MALFORMED);
        assert_null(ds);
        assert_true(diag.text[0]);
    }
}

/* CVE-2026-10528: however deep the nesting goes on, what it costs is the limit's. */
static void a_million_nested_sequences_cost_no_more_than_the_limit(void **state)
{
    (void)state;
    struct bytes unit = bytes("0800 4011 'SQ' 0000 ffffffff feff 00e0 ffffffff");
    struct wr w = wr_heap(32 << 20);
    struct arena small = arena_init(64 << 10);
    struct dcm_ds *ds = NULL;
    struct diag d = {""};
    for (size_t i = 0; i < 1000000; i++)
        wr_put(&w, bytes_str(&unit));
    assert_err(
        dcm_ds_parse(&small, wr_str(&w), DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT, false, &ds, &d),
        E_LIMIT);
    assert_non_null(strstr(d.text, "nested too deeply"));
    arena_done(&small);
    wr_done(&w);
}

static void stays_within_its_arena(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 20);
    struct bytes one = bytes("1000 2000 'LO' 0400 'abcd'");
    for (size_t i = 0; i < 1000; i++)
        wr_put(&w, bytes_str(&one));
    for (size_t limit = 0; limit < 20000; limit += 1111) {
        struct arena small = arena_init(limit);
        struct dcm_ds *ds = NULL;
        assert_err(dcm_ds_parse(&small, wr_str(&w), DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT, false,
                                &ds, NULL),
                   E_NOMEM);
        arena_done(&small);
    }
    wr_done(&w);
}

/* Elements in falling order, which sorting one by one would take quadratic time over. */
static void a_hundred_thousand_elements_in_falling_order_are_sorted(void **state)
{
    (void)state;
    struct wr w = wr_heap(2 << 20);
    for (uint32_t i = 100000; i > 0; i--) {
        tag_t tag = TAG(9 + 2 * (i >> 15), i & 0x7fff);
        wr_u16le(&w, TAG_GROUP(tag));
        wr_u16le(&w, TAG_ELEMENT(tag));
        wr_put(&w, str_of("UN\0\0\0\0\0\0", 8));
    }
    assert_false(w.bad);
    struct dcm_ds *ds = parse(wr_str(&w), DCM_EXPLICIT_LE);
    assert_int_equal(ds->n, 100000);
    for (size_t i = 1; i < ds->n; i++)
        assert_true(ds->elems[i - 1].tag < ds->elems[i].tag);
    wr_done(&w);
}

static void nesting_past_what_can_be_read_is_not_written(void **state)
{
    (void)state;
    struct dcm_ds *ds = dcm_ds_new(&arena), *at = ds;
    struct wr w = wr_heap(1 << 20);
    for (size_t i = 0; i < 64; i++)
        assert_ok(dcm_ds_add_item(at, TAG_ReferencedImageSequence, &at));
    dcm_ds_write(ds, DCM_EXPLICIT_LE, &w);
    assert_false(w.bad);
    assert_ok(dcm_ds_add_item(at, TAG_ReferencedImageSequence, &at));
    wr_clear(&w);
    dcm_ds_write(ds, DCM_EXPLICIT_LE, &w);
    assert_true(w.bad);
    wr_done(&w);
}

#define IN_ARENA(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ARENA(writing_what_was_parsed_gives_the_same_bytes),
        IN_ARENA(every_encoding_carries_the_same_data_set),
        IN_ARENA(finds_values),
        IN_ARENA(finds_items_which_inherit_the_character_set),
        IN_ARENA(reads_integers_of_every_vr),
        IN_ARENA(sets_replaces_and_removes),
        IN_ARENA(leaves_out_pixel_data_and_long_values),
        IN_ARENA(borrowed_values_are_views_of_the_input),
        IN_ARENA(of_an_element_that_stands_twice_the_first_counts),
        IN_ARENA(refuses_data_that_is_cut_short_or_malformed),
        IN_ARENA(a_million_nested_sequences_cost_no_more_than_the_limit),
        IN_ARENA(stays_within_its_arena),
        IN_ARENA(a_hundred_thousand_elements_in_falling_order_are_sorted),
        IN_ARENA(nesting_past_what_can_be_read_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
