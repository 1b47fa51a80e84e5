#include "bytes.h"

#include <stdio.h>

#include "dicom/dump.h"

static char text[16384];

static const char *dump(const char *spec, enum dcm_encoding encoding, bool whole_values)
{
    struct bytes b = bytes(spec);
    struct wr w = wr_fixed(text, sizeof text - 1);
    struct dcm_dump *d = dcm_dump_new(&w, &(struct dcm_dump_options){whole_values});
    struct dcm_reader r;
    struct dcm_token t;
    dcm_reader_init(&r, encoding, &DCM_LIMITS_DEFAULT);
    r.raw_un = true;
    for (size_t at = 0; at < b.n; at += 5) {
        struct str in = str_slice(bytes_str(&b), at, 5);
        while (dcm_read(&r, &in, &t) == STEP_EVENT)
            dcm_dump_token(d, &t);
    }
    dcm_reader_end(&r);
    struct str none = STR("");
    while (dcm_read(&r, &none, &t) == STEP_EVENT)
        dcm_dump_token(d, &t);
    dcm_dump_quirks(d, r.quirks);
    dcm_dump_free(d);
    assert_false(w.bad);
    text[w.n] = 0;
    return text;
}

static void shows_text_decoded_and_escaped(void **state)
{
    (void)state;
    assert_string_equal(
        dump("0800 0500 'CS' 0a00 'ISO_IR 100'  0800 1600 'UI' 1200 '1.2.840.10008.1.1' 00"
             "1000 1000 'PN' 0800 'D' f6 'e^J' 1b0a ' '",
             DCM_EXPLICIT_LE, false),
        "(0008,0005) CS [ISO_IR 100]   # 10, SpecificCharacterSet\n"
        "(0008,0016) UI [1.2.840.10008.1.1] Verification SOP Class   # 18, SOPClassUID\n"
        "(0010,0010) PN [D\xc3\xb6"
        "e^J\xef\xbf\xbd\\x0a]   # 8, PatientName\n");
}

static void shows_numbers_by_vr_in_either_byte_order(void **state)
{
    (void)state;
    static const char expected[] = "(0028,0009) AT (0018,1063)   # 4, FrameIncrementPointer\n"
                                   "(0028,0010) US 513\\2   # 4, Rows\n"
                                   "(0028,0106) SS -2   # 2, SmallestImagePixelValue\n"
                                   "(0028,0120) FL 0.5   # 4, PixelPaddingValue\n"
                                   "(0029,1001) FD 0.1   # 8, private\n"
                                   "(7fe0,0010) OW 0102\\0304   # 4, PixelData\n";
    assert_string_equal(dump("2800 0900 'AT' 0400 18006310  2800 1000 'US' 0400 01020200"
                             "2800 0601 'SS' 0200 feff  2800 2001 'FL' 0400 0000003f"
                             "2900 0110 'FD' 0800 9a9999999999b93f"
                             "e07f 1000 'OW' 0000 04000000 02010403",
                             DCM_EXPLICIT_LE, false),
                        expected);
    assert_string_equal(dump("0028 0009 'AT' 0004 00181063  0028 0010 'US' 0004 02010002"
                             "0028 0106 'SS' 0002 fffe  0028 0120 'FL' 0004 3f000000"
                             "0029 1001 'FD' 0008 3fb999999999999a"
                             "7fe0 0010 'OW' 0000 00000004 01020304",
                             DCM_EXPLICIT_BE, false),
                        expected);
}

static void indents_items_and_lists_fragments(void **state)
{
    (void)state;
    assert_string_equal(dump("0800 4011 'SQ' 0000 ffffffff  feff 00e0 ffffffff  1000 2000 'LO' 0000"
                             "feff 0de0 00000000  feff 00e0 00000000  feff dde0 00000000"
                             "e07f 1000 'OB' 0000 ffffffff  feff 00e0 04000000 00000000"
                             "feff 00e0 04000000 ffd8ffe0  feff dde0 00000000",
                             DCM_EXPLICIT_LE, false),
                        "(0008,1140) SQ    # undefined, ReferencedImageSequence\n"
                        "  item 1\n"
                        "    (0010,0020) LO    # 0, PatientID\n"
                        "  item 2\n"
                        "(7fe0,0010) OB fragments   # undefined, PixelData\n"
                        "  offset table 0   # 4\n"
                        "  fragment 1 ff\\d8\\ff\\e0   # 4\n");
}

static void cuts_long_values_unless_asked(void **state)
{
    (void)state;
    char spec[4096], *end = spec;
    end += snprintf(end, 256, "0800 0500 'CS' 0a00 'ISO_IR 192' 1000 0040 'LT' c800 '");
    for (size_t i = 0; i < 127; i++)
        *end++ = 'x';
    end += snprintf(end, 256, "' c3b6 '"); /* the cut falls into a character */
    for (size_t i = 0; i < 71; i++)
        *end++ = 'y';
    *end++ = '\'';
    *end = 0;
    assert_non_null(strstr(dump(spec, DCM_EXPLICIT_LE, false), "xxx...]   # 200, PatientComments"));
    assert_non_null(strstr(dump(spec, DCM_EXPLICIT_LE, true), "xxx\xc3\xb6yyy"));
    assert_null(strstr(text, "..."));
    assert_string_equal(dump("e07f 1000 'OB' 0000 12000000 000102030405060708090a0b0c0d0e0f1011",
                             DCM_EXPLICIT_LE, false),
                        "(7fe0,0010) OB 00\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e"
                        "\\0f...   # 18, PixelData\n");
}

static void says_what_was_read_over(void **state)
{
    (void)state;
    dump("1000 2000 'XX' 0100 'a' 1000 1000 'PN' 0000", DCM_EXPLICIT_LE, false);
    assert_non_null(strstr(text, "# read over: a value of odd length\n"));
    assert_non_null(strstr(text, "# read over: an unknown value representation\n"));
    assert_non_null(strstr(text, "# read over: elements are not in the order of their tags\n"));
}

static void shows_the_meta_information(void **state)
{
    (void)state;
    struct wr w = wr_fixed(text, sizeof text - 1);
    struct dcm_dump *d = dcm_dump_new(&w, &(struct dcm_dump_options){false});
    struct dcm_meta m = {.transfer_syntax = STR(UID_ExplicitVRLittleEndian),
                         .source_ae = STR("CT\x1b[2J"),
                         .guessed = true};
    dcm_dump_meta(d, &m);
    dcm_dump_free(d);
    text[w.n] = 0;
    assert_string_equal(text,
                        "# no transfer syntax is given; it looks like the one shown\n"
                        "(0002,0010) UI [1.2.840.10008.1.2.1] Explicit VR Little Endian   # 19, "
                        "TransferSyntaxUID\n"
                        "(0002,0016) AE [CT\\x1b[2J]   # 6, SourceApplicationEntityTitle\n");
}

/* Nothing that a file holds reaches the terminal as a control. */
static void no_control_byte_comes_out(void **state)
{
    (void)state;
    static const char *const vrs[] = {"AE", "CS", "LO", "LT", "PN", "UC", "UI", "UR", "UT", "XX"};
    static const char *const sets[] = {"", "ISO_IR 192", "ISO 2022 IR 87", "\x1b[2J"};
    for (size_t v = 0; v < sizeof vrs / sizeof *vrs; v++) {
        for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
            char spec[200];
            snprintf(spec, sizeof spec,
                     "0800 0500 'CS' %02zx00 '%s' 0900 0110 '%s' %s"
                     "000102031b5b324a7f809b9d c29b c285 0a0d 1b2442 4224",
                     strlen(sets[s]), sets[s], vrs[v],
                     vrs[v][0] == 'U' && vrs[v][1] != 'I' ? "0000 16000000" : "1600");
            dump(spec, DCM_EXPLICIT_LE, false);
            for (const char *p = text; *p; p++)
                assert_true((unsigned char)*p >= 0x20 || *p == '\n');
            assert_true(str_is_utf8(str_z(text)));
            assert_null(strstr(text, "\xc2\x9b"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_text_decoded_and_escaped),
        cmocka_unit_test(shows_numbers_by_vr_in_either_byte_order),
        cmocka_unit_test(indents_items_and_lists_fragments),
        cmocka_unit_test(cuts_long_values_unless_asked),
        cmocka_unit_test(says_what_was_read_over),
        cmocka_unit_test(shows_the_meta_information),
        cmocka_unit_test(no_control_byte_comes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
