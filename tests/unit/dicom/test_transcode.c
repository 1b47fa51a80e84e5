#include "bytes.h"

#include "dicom/deflate.h"
#include "dicom/transcode.h"

static struct wr out;

static int start(void **state)
{
    (void)state;
    out = wr_heap(8 << 20);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wr_done(&out);
    return 0;
}

static err_t transcode(const char *from, const char *to, struct str in, size_t piece)
{
    struct dcm_transcode *t = NULL;
    wr_clear(&out);
    TRY(dcm_transcode_new(dcm_ts_find(str_z(from)), dcm_ts_find(str_z(to)), &DCM_LIMITS_DEFAULT,
                          &out, &t));
    err_t e = OK;
    for (size_t at = 0; e == OK && at < in.n; at += piece)
        e = dcm_transcode_feed(t, str_slice(in, at, piece));
    if (e == OK)
        e = dcm_transcode_end(t);
    if (e != OK)
        assert_true(dcm_transcode_diag(t)->text[0] || out.bad);
    dcm_transcode_free(t);
    return e;
}

static void becomes(const char *from, const char *spec, const char *to, const char *expected)
{
    struct bytes in = bytes(spec), want = bytes(expected);
    for (size_t piece = 1; piece <= in.n; piece = piece * 3 + 1) {
        assert_ok(transcode(from, to, bytes_str(&in), piece));
        assert_int_equal(out.n, want.n);
        assert_memory_equal(out.p, want.p, want.n);
    }
}

static const char implicit[] = UID_ImplicitVRLittleEndian, little[] = UID_ExplicitVRLittleEndian,
                  big[] = UID_ExplicitVRBigEndian, deflated[] = UID_DeflatedExplicitVRLittleEndian,
                  jpeg[] = UID_JPEGBaseline8Bit;

static void vrs_come_from_the_dictionary(void **state)
{
    (void)state;
    becomes(implicit,
            "0800 1600 04000000 '1.2' 00  2800 0301 02000000 0100  2800 0601 02000000 'ab'"
            "2800 0630 04000000 'abcd'  2900 1000 06000000 'LASTRA'  2900 0110 02000000 'xy'"
            "0060 0030 02000000 'ov'  e07f 1000 04000000 'abcd'",
            little,
            "0800 1600 'UI' 0400 '1.2' 00  2800 0301 'US' 0200 0100  2800 0601 'SS' 0200 'ab'"
            "2800 0630 'OW' 0000 04000000 'abcd'  2900 1000 'LO' 0600 'LASTRA'"
            "2900 0110 'UN' 0000 02000000 'xy'  0060 0030 'OW' 0000 02000000 'ov'"
            "e07f 1000 'OW' 0000 04000000 'abcd'");
}

static void byte_order_changes_by_vr(void **state)
{
    (void)state;
    static const char le[] =
        "0800 1600 'UI' 0400 '1.2' 00  2800 0900 'AT' 0400 'abcd'  2800 1000 'US' 0200 0102"
        "2900 0110 'UN' 0000 04000000 'abcd'  e07f 1000 'OW' 0000 04000000 'abcd'";
    static const char be[] =
        "0008 0016 'UI' 0004 '1.2' 00  0028 0009 'AT' 0004 'badc'  0028 0010 'US' 0002 0201"
        "0029 1001 'UN' 0000 00000004 'abcd'  7fe0 0010 'OW' 0000 00000004 'badc'";
    becomes(little, le, big, be);
    becomes(big, be, little, le);
}

static void sequences_get_undefined_lengths_and_group_lengths_go(void **state)
{
    (void)state;
    becomes(little,
            "0800 0000 'UL' 0400 'abcd'  0800 4011 'SQ' 0000 1c000000  feff 00e0 14000000"
            "0800 0000 'UL' 0400 'abcd' 0800 5011 'UI' 0000  1000 1000 'PN' 0000",
            implicit,
            "0800 4011 ffffffff  feff 00e0 ffffffff  0800 5011 00000000  feff 0de0 00000000"
            "feff dde0 00000000  1000 1000 00000000");
}

static void odd_values_are_padded_by_their_vr(void **state)
{
    (void)state;
    becomes(little, "0800 1600 'UI' 0300 '1.2' 1000 1000 'PN' 0300 'abc'", implicit,
            "0800 1600 04000000 '1.2' 00 1000 1000 04000000 'abc '");
}

static void un_sequences_stay_implicit_inside(void **state)
{
    (void)state;
    static const char le[] =
        "2900 0110 'UN' 0000 ffffffff  feff 00e0 ffffffff  2800 1000 02000000 0102"
        "2900 0210 ffffffff feff dde0 00000000  feff 0de0 00000000  feff dde0 00000000"
        "2900 0310 'US' 0200 0102";
    becomes(little, le, big,
            "0029 1001 'UN' 0000 ffffffff  feff 00e0 ffffffff  2800 1000 02000000 0102"
            "2900 0210 ffffffff feff dde0 00000000  feff 0de0 00000000  feff dde0 00000000"
            "0029 1003 'US' 0002 0201");
    becomes(little, le, implicit,
            "2900 0110 ffffffff  feff 00e0 ffffffff  2800 1000 02000000 0102"
            "2900 0210 ffffffff feff dde0 00000000  feff 0de0 00000000  feff dde0 00000000"
            "2900 0310 02000000 0102");
}

static void private_sequences_of_implicit_vr_become_explicit(void **state)
{
    (void)state;
    becomes(implicit,
            "2900 0110 ffffffff  feff 00e0 0a000000  2800 1000 02000000 0102  feff dde0 00000000",
            little,
            "2900 0110 'SQ' 0000 ffffffff  feff 00e0 ffffffff  2800 1000 'US' 0200 0102"
            "feff 0de0 00000000  feff dde0 00000000");
}

static void known_elements_written_as_un_keep_their_bytes(void **state)
{
    (void)state;
    becomes(little, "2800 1000 'UN' 0000 02000000 0102  1000 1000 'PN' 0000", big,
            "0028 0010 'UN' 0000 00000002 0102  0010 0010 'PN' 0000");
}

static void deflated_and_explicit_are_the_same_bytes(void **state)
{
    (void)state;
    struct bytes in = bytes("0800 0000 'UL' 0400 'abcd' 1000 1000 'PN' 0300 'abc'");
    struct dcm_inflate_limits limits = DCM_INFLATE_LIMITS_DEFAULT;
    for (size_t piece = 1; piece <= in.n; piece += 5) {
        assert_ok(transcode(little, deflated, bytes_str(&in), piece));
        struct dcm_inflate *z = dcm_inflate_new(&limits);
        struct str rest = wr_str(&out), got;
        assert_ok(dcm_inflate(z, &rest, &got));
        assert_int_equal(got.n, in.n);
        assert_memory_equal(got.p, in.p, in.n);
        dcm_inflate_free(z);
        struct wr copy = wr_heap(1000);
        wr_put(&copy, wr_str(&out));
        assert_ok(transcode(deflated, little, wr_str(&copy), piece));
        assert_int_equal(out.n, in.n);
        assert_memory_equal(out.p, in.p, in.n);
        /* Inflated and converted in one go. */
        assert_ok(transcode(deflated, implicit, wr_str(&copy), piece));
        struct bytes want = bytes("1000 1000 04000000 'abc '");
        assert_int_equal(out.n, want.n);
        assert_memory_equal(out.p, want.p, want.n);
        wr_done(&copy);
    }
}

static void implicit_becomes_deflated_and_comes_back(void **state)
{
    (void)state;
    struct bytes in = bytes("1000 1000 04000000 'abc ' e07f 1000 04000000 'abcd'");
    assert_ok(transcode(implicit, deflated, bytes_str(&in), 3));
    struct bytes copy = {.n = out.n};
    memcpy(copy.p, out.p, out.n);
    assert_ok(transcode(deflated, implicit, bytes_str(&copy), 3));
    assert_int_equal(out.n, in.n);
    assert_memory_equal(out.p, in.p, in.n);
}

static void the_same_syntax_passes_unchanged_whatever_it_holds(void **state)
{
    (void)state;
    assert_ok(transcode(jpeg, jpeg, STR("anything at all"), 4));
    assert_str(wr_str(&out), "anything at all");
    assert_ok(transcode(deflated, deflated, STR("anything"), 4));
    assert_str(wr_str(&out), "anything");
    assert_ok(transcode(implicit, implicit, STR("anything"), 4));
    assert_str(wr_str(&out), "anything");
}

static void compressed_syntaxes_do_not_convert(void **state)
{
    (void)state;
    assert_err(transcode(jpeg, little, STR(""), 1), E_UNSUPPORTED);
    assert_err(transcode(little, jpeg, STR(""), 1), E_UNSUPPORTED);
    assert_err(transcode(jpeg, UID_JPEGLSLossless, STR(""), 1), E_UNSUPPORTED);
    assert_err(transcode(UID_JPIPReferencedDeflate, deflated, STR(""), 1), E_UNSUPPORTED);
}

static void compressed_pixel_data_where_none_should_be_is_refused(void **state)
{
    (void)state;
    struct bytes b = bytes("e07f 1000 'OB' 0000 ffffffff feff 00e0 00000000 feff dde0 00000000");
    assert_err(transcode(little, implicit, bytes_str(&b), 3), E_UNSUPPORTED);
    assert_ok(transcode(little, little, bytes_str(&b), 3));
    assert_int_equal(out.n, b.n);
}

static void truncated_and_malformed_data_is_refused(void **state)
{
    (void)state;
    struct bytes cut = bytes("1000 1000 'PN' 0400 'ab'");
    struct bytes bad = bytes("0800 4011 'SQ' 0000 08000000 1000 1000 'PN' 0000");
    assert_err(transcode(little, implicit, bytes_str(&cut), 3), E_MALFORMED);
    assert_err(transcode(little, implicit, str_of(cut.p, 3), 3), E_MALFORMED);
    assert_err(transcode(little, implicit, bytes_str(&bad), 3), E_MALFORMED);
    assert_err(transcode(deflated, little, STR("\xff\xff"), 1), E_MALFORMED);
    assert_err(transcode(deflated, little, STR(""), 1), E_MALFORMED);
    assert_err(transcode(deflated, implicit, STR("\x03"), 1), E_MALFORMED);
}

static void a_full_sink_ends_it(void **state)
{
    (void)state;
    struct bytes in = bytes("1000 1000 'PN' 0400 'abcd' 1000 2000 'LO' 0400 'abcd'");
    uint8_t room[10];
    struct wr small = wr_fixed(room, sizeof room);
    struct dcm_transcode *t = NULL;
    assert_ok(dcm_transcode_new(dcm_ts_find(str_z(little)), dcm_ts_find(str_z(implicit)),
                                &DCM_LIMITS_DEFAULT, &small, &t));
    assert_err(dcm_transcode_feed(t, bytes_str(&in)), E_IO);
    assert_err(dcm_transcode_end(t), E_IO);
    dcm_transcode_free(t);
}

#define WITH_OUT(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OUT(vrs_come_from_the_dictionary),
        WITH_OUT(byte_order_changes_by_vr),
        WITH_OUT(sequences_get_undefined_lengths_and_group_lengths_go),
        WITH_OUT(odd_values_are_padded_by_their_vr),
        WITH_OUT(un_sequences_stay_implicit_inside),
        WITH_OUT(private_sequences_of_implicit_vr_become_explicit),
        WITH_OUT(known_elements_written_as_un_keep_their_bytes),
        WITH_OUT(deflated_and_explicit_are_the_same_bytes),
        WITH_OUT(implicit_becomes_deflated_and_comes_back),
        WITH_OUT(the_same_syntax_passes_unchanged_whatever_it_holds),
        WITH_OUT(compressed_syntaxes_do_not_convert),
        WITH_OUT(compressed_pixel_data_where_none_should_be_is_refused),
        WITH_OUT(truncated_and_malformed_data_is_refused),
        WITH_OUT(a_full_sink_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
