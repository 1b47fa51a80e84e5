#include "bytes.h"

#include "dicom/tags.h"
#include "dicom/writer.h"

static struct wr out;
static struct dcm_writer d;

static void start(enum dcm_encoding encoding)
{
    wr_done(&out);
    out = wr_heap(1 << 20);
    dcm_writer_init(&d, &out, encoding);
}

static int finish(void **state)
{
    (void)state;
    wr_done(&out);
    return 0;
}

static void assert_wrote(const char *spec)
{
    struct bytes b = bytes(spec);
    assert_false(out.bad);
    assert_int_equal(out.n, b.n);
    assert_memory_equal(out.p, b.p, b.n);
}

static void writes_elements_in_each_encoding(void **state)
{
    (void)state;
    start(DCM_EXPLICIT_LE);
    dcm_write(&d, TAG_PatientName, VR('P', 'N'), STR("Doe^J"));
    dcm_write(&d, TAG_SOPClassUID, VR('U', 'I'), STR("1.2"));
    dcm_write(&d, TAG_PixelData, VR('O', 'W'), STR("abcd"));
    dcm_write_u16(&d, TAG_Rows, 0x0102);
    dcm_write_u32(&d, TAG_OffsetOfTheNextDirectoryRecord, 0x01020304);
    assert_wrote("1000 1000 'PN' 0600 'Doe^J ' 0800 1600 'UI' 0400 '1.2' 00"
                 "e07f 1000 'OW' 0000 04000000 'abcd' 2800 1000 'US' 0200 0201"
                 "0400 0014 'UL' 0400 04030201");
    start(DCM_EXPLICIT_BE);
    dcm_write(&d, TAG_PatientName, VR('P', 'N'), STR("Doe^J"));
    dcm_write(&d, TAG_PixelData, VR('O', 'W'), STR("abcd"));
    dcm_write(&d, TAG_FrameIncrementPointer, VR('A', 'T'), STR("abcd"));
    dcm_write(&d, TAG_DetectorActiveTime, VR('F', 'D'), STR("abcdefgh"));
    dcm_write(&d, TAG(9, 0x1001), VR('U', 'N'), STR("abcd"));
    dcm_write_u16(&d, TAG_Rows, 0x0102);
    assert_wrote("0010 0010 'PN' 0006 'Doe^J ' 7fe0 0010 'OW' 0000 00000004 'badc'"
                 "0028 0009 'AT' 0004 'badc' 0018 7014 'FD' 0008 'hgfedcba'"
                 "0009 1001 'UN' 0000 00000004 'abcd' 0028 0010 'US' 0002 0102");
    start(DCM_IMPLICIT_LE);
    dcm_write(&d, TAG_PatientName, VR('P', 'N'), STR("Doe^J"));
    dcm_write(&d, TAG_PixelData, VR('O', 'W'), STR("abcd"));
    assert_wrote("1000 1000 06000000 'Doe^J ' e07f 1000 04000000 'abcd'");
}

static void writes_sequences_items_and_fragments(void **state)
{
    (void)state;
    start(DCM_EXPLICIT_LE);
    dcm_write_sequence(&d, TAG_ReferencedImageSequence, VR('S', 'Q'), DCM_UNDEFINED);
    dcm_write_item(&d, DCM_UNDEFINED);
    dcm_write_item_end(&d, DCM_UNDEFINED);
    dcm_write_sequence_end(&d, DCM_UNDEFINED);
    dcm_write_sequence(&d, TAG_ReferencedImageSequence, VR('S', 'Q'), 8);
    dcm_write_item(&d, 0);
    dcm_write_item_end(&d, 0);
    dcm_write_sequence_end(&d, 8);
    dcm_write_sequence(&d, TAG_PixelData, VR('O', 'B'), DCM_UNDEFINED);
    dcm_write_fragment(&d, 0);
    dcm_write_element_end(&d);
    dcm_write_fragment(&d, 3);
    dcm_write_value(&d, STR("abc"));
    dcm_write_element_end(&d);
    dcm_write_sequence_end(&d, DCM_UNDEFINED);
    assert_wrote("0800 4011 'SQ' 0000 ffffffff feff 00e0 ffffffff feff 0de0 00000000"
                 "feff dde0 00000000 0800 4011 'SQ' 0000 08000000 feff 00e0 00000000"
                 "e07f 1000 'OB' 0000 ffffffff feff 00e0 00000000 feff 00e0 04000000 'abc' 00"
                 "feff dde0 00000000");
}

static void a_value_too_long_for_its_vr_goes_out_as_un(void **state)
{
    (void)state;
    static char text[0x10001];
    memset(text, '1', sizeof text);
    start(DCM_EXPLICIT_LE);
    dcm_write(&d, TAG_ContourData, VR('D', 'S'), str_of(text, 0xfffe));
    assert_memory_equal(out.p,
                        "\x06\x30\x50\x00"
                        "DS\xfe\xff",
                        8);
    start(DCM_EXPLICIT_LE);
    dcm_write(&d, TAG_ContourData, VR('D', 'S'), str_of(text, 0xffff));
    assert_memory_equal(out.p,
                        "\x06\x30\x50\x00"
                        "UN\0\0\0\0\x01\0",
                        12);
    assert_int_equal(out.n, 12 + 0x10000);
    /* Its bytes stay little endian in big endian (PS3.5 6.2.2). */
    text[0] = '0';
    start(DCM_EXPLICIT_BE);
    dcm_write(&d, TAG_PixelPaddingValue, VR('U', 'S'), str_of(text, 0x10000));
    assert_memory_equal(out.p,
                        "\x00\x28\x01\x20"
                        "UN\0\0\0\x01\0\0"
                        "01",
                        14);
    start(DCM_IMPLICIT_LE);
    dcm_write(&d, TAG_ContourData, VR('D', 'S'), str_of(text, 0x10000));
    assert_int_equal(out.n, 8 + 0x10000);
}

static void a_vr_that_is_open_or_unknown_is_settled(void **state)
{
    (void)state;
    start(DCM_EXPLICIT_LE);
    dcm_write(&d, TAG_PixelPaddingValue, VR('x', 's'), STR("ab"));
    dcm_write(&d, TAG(9, 0x1001), VR_NONE, STR("ab"));
    dcm_write(&d, TAG(9, 0x1002), VR('X', 'Y'), STR("ab"));
    assert_wrote("2800 2001 'US' 0200 'ab' 0900 0110 'UN' 0000 02000000 'ab'"
                 "0900 0210 'UN' 0000 02000000 'ab'");
}

static void swaps_words_that_are_split_between_pieces(void **state)
{
    (void)state;
    static const vr_t vrs[] = {VR('O', 'W'), VR('O', 'L'), VR('O', 'D'), VR('O', 'B')};
    static const char *const swapped[] = {"badcfehgjilknmporqts", "dcbahgfelkjiponmtsrq",
                                          "hgfedcbaponmlkjiqrst", "abcdefghijklmnopqrst"};
    struct str in = STR("abcdefghijklmnopqrst");
    for (size_t v = 0; v < sizeof vrs / sizeof *vrs; v++) {
        for (size_t piece = 1; piece <= in.n; piece++) {
            start(DCM_EXPLICIT_BE);
            dcm_write_element(&d, TAG_PixelData, vrs[v], (uint32_t)in.n);
            for (size_t at = 0; at < in.n; at += piece)
                dcm_write_value(&d, str_slice(in, at, piece));
            dcm_write_element_end(&d);
            assert_false(out.bad);
            assert_int_equal(out.n, 12 + in.n);
            assert_memory_equal(out.p + 12, swapped[v], in.n);
        }
    }
}

static void large_swaps_go_through_the_buffer(void **state)
{
    (void)state;
    static char big[10002];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)i;
    start(DCM_EXPLICIT_BE);
    dcm_write(&d, TAG_PixelData, VR('O', 'W'), str_of(big, sizeof big));
    for (size_t i = 0; i < sizeof big; i++)
        assert_int_equal((char)out.p[12 + i], big[i ^ 1]);
}

static void what_does_not_add_up_latches(void **state)
{
    (void)state;
    start(DCM_EXPLICIT_LE);
    dcm_write_element(&d, TAG_PatientName, VR('P', 'N'), 2);
    dcm_write_value(&d, STR("abc"));
    assert_true(out.bad);
    start(DCM_EXPLICIT_LE);
    dcm_write_element(&d, TAG_PatientName, VR('P', 'N'), 2);
    dcm_write_value(&d, STR("a"));
    dcm_write_element_end(&d);
    assert_true(out.bad);
    start(DCM_EXPLICIT_LE);
    dcm_write_element(&d, TAG_PixelData, VR('O', 'B'), DCM_UNDEFINED);
    assert_true(out.bad);
    start(DCM_EXPLICIT_LE);
    dcm_write_fragment(&d, DCM_UNDEFINED);
    assert_true(out.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_elements_in_each_encoding),
        cmocka_unit_test(writes_sequences_items_and_fragments),
        cmocka_unit_test(a_value_too_long_for_its_vr_goes_out_as_un),
        cmocka_unit_test(a_vr_that_is_open_or_unknown_is_settled),
        cmocka_unit_test(swaps_words_that_are_split_between_pieces),
        cmocka_unit_test(large_swaps_go_through_the_buffer),
        cmocka_unit_test(what_does_not_add_up_latches),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
