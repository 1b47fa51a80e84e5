#include "bytes.h"

#include "base/size.h"
#include "dicom/charset.h"

#define PN VR('P', 'N')
#define LO VR('L', 'O')
#define LT VR('L', 'T')

static struct charset terms(const char *value)
{
    return charset_parse(str_z(value));
}

/* Decodes with and without kept descriptors; both must agree. */
static void assert_decodes(const char *specific, vr_t vr, const char *spec, const char *expected,
                           bool clean)
{
    char buf[2][1024];
    struct bytes in = bytes(spec);
    struct charset cs = terms(specific);
    struct charset_conv *conv = charset_conv_new();
    for (int i = 0; i < 2; i++) {
        struct wr w = wr_fixed(buf[i], sizeof buf[i]);
        assert_int_equal(charset_decode(i ? conv : NULL, &cs, vr, bytes_str(&in), &w), clean);
        assert_false(w.bad);
        assert_str(wr_str(&w), expected);
    }
    charset_conv_free(conv);
}

static void assert_encodes(const char *specific, vr_t vr, const char *text, const char *spec)
{
    char buf[1024];
    struct charset cs = terms(specific);
    struct bytes expected = bytes(spec);
    struct wr w = wr_fixed(buf, sizeof buf);
    assert_true(charset_encode(NULL, &cs, vr, str_z(text), &w));
    assert_int_equal(w.n, expected.n);
    assert_memory_equal(buf, expected.p, expected.n);
}

static void assert_does_not_fit(const char *specific, vr_t vr, const char *text)
{
    char buf[256] = "before";
    struct charset cs = terms(specific);
    struct wr w = wr_fixed(buf, sizeof buf);
    w.n = 6;
    assert_false(charset_encode(NULL, &cs, vr, str_z(text), &w));
    assert_str(wr_str(&w), "before");
}

static void assert_named(const char *value, const char *name, bool unknown)
{
    char buf[256];
    struct charset cs = terms(value);
    struct wr w = wr_fixed(buf, sizeof buf);
    charset_name(&cs, &w);
    assert_str(wr_str(&w), name);
    assert_int_equal(cs.unknown, unknown);
}

static void reads_the_standards_terms(void **state)
{
    (void)state;
    assert_named("", "", false);
    assert_named("ISO_IR 100", "ISO_IR 100", false);
    assert_named("ISO_IR 192", "ISO_IR 192", false);
    assert_named("GB18030", "GB18030", false);
    assert_named("\\ISO 2022 IR 87", "\\ISO 2022 IR 87", false);
    assert_named("ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
                 "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", false);
    assert_named("ISO_IR 100 ", "ISO_IR 100", false);
}

static void reads_misspelt_terms_as_what_they_mean(void **state)
{
    static const char *const seen[][2] = {
        {"ISO IR 192", "ISO_IR 192"},
        {"ISO-IR 100", "ISO_IR 100"},
        {"ISO_IR_100", "ISO_IR 100"},
        {"iso_ir 100", "ISO_IR 100"},
        {"UTF8", "ISO_IR 192"},
        {"UTF-8", "ISO_IR 192"},
        {"utf_8", "ISO_IR 192"},
        {"ISO_IR192", "ISO_IR 192"},
        {"ISO 8859-1", "ISO_IR 100"},
        {"ISO_2022_IR_87", "ISO 2022 IR 87"},
        {"ISO-2022-IR-6", "ISO 2022 IR 6"},
        {"ISO 2022 58", "ISO 2022 IR 58"},
        {"ISO 2022 GBK", "GBK"},
        {"ISO2022IR149", "ISO 2022 IR 149"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_named(seen[i][0], seen[i][1], false);
}

static void takes_unknown_terms_for_the_default(void **state)
{
    (void)state;
    assert_named("ISO_IR 999", "", true);
    assert_named("a term of far more than any length that one of them has", "", true);
    assert_named("ISO_IR 100\\nonsense", "ISO_IR 100", true);
}

static void leaves_out_what_cannot_stand_beside_others(void **state)
{
    (void)state;
    assert_named("ISO_IR 192\\ISO 2022 IR 87", "ISO_IR 192", false);
    assert_named("\\ISO_IR 192", "ISO_IR 192", false);
    assert_named("ISO_IR 100\\GB18030", "ISO_IR 100", true);
}

static void keeps_no_more_terms_than_there_is_room_for(void **state)
{
    char value[2000] = "ISO 2022 IR 6";
    (void)state;
    for (size_t n = strlen(value); n + 20 < sizeof value; n += 16)
        memcpy(value + n, "\\ISO 2022 IR 100", 17);
    struct charset cs = terms(value);
    assert_int_equal(cs.n, CHARSET_TERMS_MAX);
}

static void applies_to_seven_vrs(void **state)
{
    static const char yes[][3] = {"SH", "LO", "ST", "PN", "LT", "UC", "UT"};
    static const char no[][3] = {"AE", "CS", "UI", "DA", "DS", "UR", "OB", "UN", "SQ"};
    (void)state;
    for (size_t i = 0; i < COUNT(yes); i++)
        assert_true(charset_applies(VR(yes[i][0], yes[i][1])));
    for (size_t i = 0; i < COUNT(no); i++)
        assert_false(charset_applies(VR(no[i][0], no[i][1])));
    assert_decodes("ISO_IR 144", VR('C', 'S'), "'A' e4", "A\xc3\xa4", true);
}

/* PS3.5 H.3.1 */
static const char annex_h31[] =
    "'Yamada^Tarou=' 1b2442 3b334544 1b2842 '^' 1b2442 42404f3a 1b2842 '='"
    "1b2442 2464245e2440 1b2842 '^' 1b2442 243f246d2426 1b2842";
/* PS3.5 H.3.2 */
static const char annex_h32[] =
    "d4cfc0de '^' c0dbb3 '=' 1b2442 3b334544 1b284a '^' 1b2442 42404f3a 1b284a "
    "'=' 1b2442 2464245e2440 1b284a '^' 1b2442 243f246d2426 1b284a";
/* PS3.5 I.2 */
static const char annex_i2[] =
    "'Hong^Gildong=' 1b242943 fbf3 '^' 1b242943 d1ced4d7 '=' 1b242943 c8ab '^'"
    "1b242943 b1e6b5bf";
/* PS3.5 J.1 and J.3 */
static const char annex_j1[] = "'Wang^XiaoDong=' e78e8b '^' e5b08fe69db1 '='";
static const char annex_j3[] = "'Wang^XiaoDong=' cdf5 '^' d0a1b6ab '='";
/* PS3.5 K.2 */
static const char annex_k2[] = "'Zhang^XiaoDong=' 1b242941 d5c5 '^' 1b242941 d0a1b6ab '='";

static void decodes_the_standards_examples(void **state)
{
    (void)state;
    assert_decodes("\\ISO 2022 IR 87", PN, annex_h31, "Yamada^Tarou=山田^太郎=やまだ^たろう", true);
    assert_decodes("ISO 2022 IR 13\\ISO 2022 IR 87", PN, annex_h32,
                   "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", true);
    assert_decodes("\\ISO 2022 IR 149", PN, annex_i2, "Hong^Gildong=洪^吉洞=홍^길동", true);
    assert_decodes("ISO_IR 192", PN, annex_j1, "Wang^XiaoDong=王^小東=", true);
    assert_decodes("GB18030", PN, annex_j3, "Wang^XiaoDong=王^小东=", true);
    assert_decodes("GBK", PN, annex_j3, "Wang^XiaoDong=王^小东=", true);
    assert_decodes("\\ISO 2022 IR 58", PN, annex_k2, "Zhang^XiaoDong=张^小东=", true);
}

/* PS3.5 I.3: each line of a text begins without code extension. */
static void decodes_the_korean_text_of_three_lines(void **state)
{
    (void)state;
    assert_decodes(
        "\\ISO 2022 IR 149", LT,
        "1b242943 'The 1st line includes ' b1e6b5bf '.' 0d0a "
        "1b242943 'The 2nd line includes ' b1e6b5bf ', too.' 0d0a 'The 3rd line'",
        "The 1st line includes 길동.\r\nThe 2nd line includes 길동, too.\r\nThe 3rd line", true);
}

static void encodes_the_standards_examples(void **state)
{
    (void)state;
    assert_encodes("\\ISO 2022 IR 87", PN, "Yamada^Tarou=山田^太郎=やまだ^たろう", annex_h31);
    assert_encodes("ISO 2022 IR 13\\ISO 2022 IR 87", PN, "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
                   annex_h32);
    assert_encodes("\\ISO 2022 IR 149", PN, "Hong^Gildong=洪^吉洞=홍^길동", annex_i2);
    assert_encodes("ISO_IR 192", PN, "Wang^XiaoDong=王^小東=", annex_j1);
    assert_encodes("GB18030", PN, "Wang^XiaoDong=王^小东=", annex_j3);
    assert_encodes("GBK", PN, "Wang^XiaoDong=王^小东=", annex_j3);
    assert_encodes("\\ISO 2022 IR 58", PN, "Zhang^XiaoDong=张^小东=", annex_k2);
}

static void decodes_each_latin_set_in_its_own_way(void **state)
{
    (void)state;
    assert_decodes("ISO_IR 100", LO, "'Gr' fc 'n'", "Grün", true);
    assert_decodes("ISO_IR 101", LO, "a3 f3 64 bc", "Łódź", true);
    assert_decodes("ISO_IR 109", LO, "a6 f8", "Ĥĝ", true);
    assert_decodes("ISO_IR 110", LO, "be", "ž", true);
    assert_decodes("ISO_IR 144", LO, "bb eee1", "Люс", true);
    assert_decodes("ISO_IR 126", LO, "c1f2", "Ας", true);
    assert_decodes("ISO_IR 127", LO, "e2c8", "قب", true);
    assert_decodes("ISO_IR 138", LO, "f9e5", "שו", true);
    assert_decodes("ISO_IR 148", LO, "fdfe", "ış", true);
    assert_decodes("ISO_IR 203", LO, "a4bd", "€œ", true);
    assert_decodes("ISO_IR 166", LO, "a1d2", "กา", true);
}

static void reads_undeclared_bytes_as_latin_1(void **state)
{
    (void)state;
    assert_decodes("", LO, "'Gr' fc 'n'", "Grün", true);
    assert_decodes("ISO_IR 6", LO, "'Gr' fc 'n'", "Grün", true);
}

/* Senders forget the escape sequence of the next component; G1 can only mean one thing. */
static void reads_a_missing_escape_as_the_only_declared_set(void **state)
{
    (void)state;
    assert_decodes("\\ISO 2022 IR 149", PN, "c8ab '^' b1e6b5bf", "홍^길동", true);
}

static void replaces_what_does_not_decode(void **state)
{
    (void)state;
    assert_decodes("ISO_IR 192", LO, "'a' ff 'b' c3",
                   "a\xef\xbf\xbd"
                   "b\xef\xbf\xbd",
                   false);
    assert_decodes("ISO_IR 127", LO, "'a' a1 'b'",
                   "a\xef\xbf\xbd"
                   "b",
                   false);
    assert_decodes("GB18030", LO, "'a' ff 'b'",
                   "a\xef\xbf\xbd"
                   "b",
                   false);
    assert_decodes("GB18030", LO, "'ab' d0", "ab\xef\xbf\xbd", false);
    assert_decodes("\\ISO 2022 IR 87", LO, "1b2442 3b33 45", "山\xef\xbf\xbd", false);
    assert_decodes("\\ISO 2022 IR 87", LO, "1b2442 7e7e 1b2842 'a'",
                   "\xef\xbf\xbd"
                   "a",
                   false);
    assert_decodes("\\ISO 2022 IR 87", LO, "1b 'Xa'",
                   "\xef\xbf\xbd"
                   "Xa",
                   false);
    assert_decodes("ISO_IR 13", LO, "b1 e0", "ｱ\xef\xbf\xbd", false);
}

static void goes_back_to_value_1_at_delimiters(void **state)
{
    (void)state;
    /* G1 is Latin-2 up to the delimiter, then Latin-1 again: a3 is Ł, then £. */
    static const char *const latin = "ISO 2022 IR 100\\ISO 2022 IR 101";
    assert_decodes(latin, LO, "1b2d42 a3 '\\' a3", "Ł\\£", true);
    assert_decodes(latin, PN, "1b2d42 a3 '^' a3", "Ł^£", true);
    assert_decodes(latin, PN, "1b2d42 a3 '=' a3", "Ł=£", true);
    assert_decodes(latin, LO, "1b2d42 a3 '^=' a3", "Ł^=Ł", true);
    assert_decodes(latin, LT, "1b2d42 a3 '\\' a3", "Ł\\Ł", true);
    assert_decodes(latin, LT, "1b2d42 a3 0d0a a3", "Ł\r\n£", true);
    assert_decodes(latin, LT, "1b2d42 a3 09 a3 1b2d42 0c a3", "Ł\t£\f£", true);
    /* A control character ends a two-byte set too. */
    assert_decodes("\\ISO 2022 IR 87", LT, "1b2442 3b33 0d0a 'a'", "山\r\na", true);
}

/* 0x5c as a second byte is part of a character. */
static void multi_byte_characters_hold_no_delimiters(void **state)
{
    struct charset gbk = terms("GBK"), jis = terms("\\ISO 2022 IR 87"), latin = terms("ISO_IR 100");
    struct bytes b = bytes("81 5c '\\b'");
    struct bytes j = bytes("1b2442 215c 1b2842 '\\b\\'");
    struct str rest = bytes_str(&b), part;
    (void)state;
    assert_decodes("GBK", LO, "81 5c '\\b'", "乗\\b", true);
    assert_true(charset_split(&gbk, LO, &rest, &part));
    assert_int_equal(part.n, 2);
    assert_true(charset_split(&gbk, LO, &rest, &part));
    assert_str(part, "b");
    assert_false(charset_split(&gbk, LO, &rest, &part));

    rest = bytes_str(&j);
    assert_true(charset_split(&jis, LO, &rest, &part));
    assert_int_equal(part.n, 8);
    assert_true(charset_split(&jis, LO, &rest, &part));
    assert_str(part, "b");
    assert_true(charset_split(&jis, LO, &rest, &part));
    assert_str(part, "");
    assert_false(charset_split(&jis, LO, &rest, &part));

    rest = STR("a\\b");
    assert_true(charset_split(&latin, LT, &rest, &part));
    assert_str(part, "a\\b");
    assert_false(charset_split(&latin, LT, &rest, &part));
}

/* Every code of every multi-byte set: none may come out as an ASCII character, which could be a
 * delimiter or a wildcard. */
static void no_multi_byte_code_decodes_to_ascii(void **state)
{
    static const struct {
        const char *terms, *escape;
        uint8_t first, second_low;
    } sets[] = {{"\\ISO 2022 IR 87", "\x1b$B", 0x21, 0x21},
                {"\\ISO 2022 IR 159", "\x1b$(D", 0x21, 0x21},
                {"\\ISO 2022 IR 149", "\x1b$)C", 0xa1, 0xa1},
                {"\\ISO 2022 IR 58", "\x1b$)A", 0xa1, 0xa1},
                {"GBK", "", 0x81, 0x40},
                {"GB18030", "", 0x81, 0x40}};
    struct charset_conv *conv = charset_conv_new();
    (void)state;
    for (size_t s = 0; s < COUNT(sets); s++) {
        struct charset cs = terms(sets[s].terms);
        for (unsigned a = sets[s].first; a < (sets[s].first | 0x7fu); a++) {
            for (unsigned b = sets[s].second_low; b < (sets[s].first | 0x7fu); b++) {
                char in[8], out[64];
                struct wr w = wr_fixed(in, sizeof in), text = wr_fixed(out, sizeof out);
                wr_put(&w, str_z(sets[s].escape));
                wr_u8(&w, (uint8_t)a);
                wr_u8(&w, (uint8_t)b);
                if (b == 0x7f)
                    continue;
                (void)charset_decode(conv, &cs, LO, wr_str(&w), &text);
                assert_true(text.n && (uint8_t)out[0] >= 0x80);
                assert_true(str_is_utf8(wr_str(&text)));
            }
        }
    }
    charset_conv_free(conv);
}

static void yen_is_a_delimiter_where_values_are_several(void **state)
{
    (void)state;
    assert_decodes("ISO_IR 13", LO, "b1 '\\' b2", "ｱ\\ｲ", true);
    assert_decodes("ISO_IR 13", LT, "b1 '\\~' b2", "ｱ¥‾ｲ", true);
    assert_encodes("ISO_IR 13", LT, "¥‾ｱ", "'\\~' b1");
    assert_does_not_fit("ISO_IR 13", LO, "¥");
    assert_does_not_fit("ISO_IR 13", LT, "a\\b");
    assert_encodes("ISO_IR 13", LO, "ｱ\\ｲ", "b1 '\\' b2");
}

static void encodes_with_the_first_term_that_has_the_character(void **state)
{
    (void)state;
    assert_encodes("ISO 2022 IR 100\\ISO 2022 IR 101", LO, "üŁü", "fc 1b2d42 a3 fc 1b2d41");
    assert_encodes("ISO 2022 IR 100\\ISO 2022 IR 101", PN, "Ł^ü", "1b2d42 a3 1b2d41 '^' fc");
    assert_encodes("\\ISO 2022 IR 87", LT, "山\r\n山",
                   "1b2442 3b33 1b2842 0d0a 1b2442 3b33 1b2842");
}

static void does_not_encode_what_does_not_fit(void **state)
{
    (void)state;
    assert_does_not_fit("", LO, "Grün");
    assert_does_not_fit("ISO_IR 100", LO, "abc Łódź");
    assert_does_not_fit("ISO_IR 100\\ISO 2022 IR 101", LO, "山");
    assert_does_not_fit("ISO_IR 144", PN, "山");
    assert_does_not_fit("ISO_IR 192", LO, "a\xff");
    assert_does_not_fit("ISO_IR 100", LO, "an escape \x1b$B");
    assert_does_not_fit("ISO_IR 144", VR('C', 'S'), "ф");
}

static void a_full_writer_does_not_take_half_a_value(void **state)
{
    char buf[6];
    struct charset cs = terms("\\ISO 2022 IR 87");
    struct wr w = wr_fixed(buf, sizeof buf);
    (void)state;
    assert_false(charset_encode(NULL, &cs, LO, STR("山田"), &w));
    assert_int_equal(w.n, 0);
    assert_true(w.bad);
}

static void text_that_is_utf8_already_is_not_copied(void **state)
{
    struct charset utf8 = charset_utf8(), latin = terms("ISO_IR 100");
    struct str plain = STR("Smith^John"), wide = STR("Grün"), text;
    struct arena a = arena_init(1 << 16), full = arena_init(0);
    (void)state;
    assert_true(charset_is_utf8(&utf8));
    assert_false(charset_is_utf8(&latin));
    text = charset_text(NULL, &latin, PN, plain, &a);
    assert_ptr_equal(text.p, plain.p);
    text = charset_text(NULL, &utf8, PN, wide, &a);
    assert_ptr_equal(text.p, wide.p);
    assert_str(charset_text(NULL, &latin, PN, STR("Gr\xfcn"), &a), "Grün");
    assert_null(charset_text(NULL, &latin, PN, STR("Gr\xfcn"), &full).p);
    assert_non_null(charset_text(NULL, &latin, PN, str_of(NULL, 0), &full).p);
    arena_done(&a);
}

static void long_text_decodes_whole(void **state)
{
    struct charset cs = terms("\\ISO 2022 IR 87");
    struct wr in = wr_heap(1 << 20), out = wr_heap(1 << 20);
    (void)state;
    wr_put(&in, STR("\x1b$B"));
    for (int i = 0; i < 50000; i++)
        wr_put(&in, STR(";3"));
    assert_true(charset_decode(NULL, &cs, LT, wr_str(&in), &out));
    assert_int_equal(out.n, 150000);
    for (size_t i = 0; i < out.n; i += 3)
        assert_memory_equal(out.p + i, "山", 3);
    wr_done(&in);
    wr_done(&out);
}

/* Looking for escapes in all that follows each delimiter would make this quadratic. */
static void a_million_empty_values_are_split_at_once(void **state)
{
    static char many[1 << 20];
    struct charset cs = terms("\\ISO 2022 IR 87");
    struct str rest = str_of(memset(many, '\\', sizeof many), sizeof many), part;
    size_t n = 0;
    (void)state;
    while (charset_split(&cs, LO, &rest, &part))
        n++;
    assert_int_equal(n, sizeof many + 1);
}

static void every_set_of_the_standard_can_be_loaded(void **state)
{
    struct charset_conv *conv = charset_conv_new();
    (void)state;
    assert_true(charset_conv_load(conv));
    charset_conv_free(conv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_standards_terms),
        cmocka_unit_test(reads_misspelt_terms_as_what_they_mean),
        cmocka_unit_test(takes_unknown_terms_for_the_default),
        cmocka_unit_test(leaves_out_what_cannot_stand_beside_others),
        cmocka_unit_test(keeps_no_more_terms_than_there_is_room_for),
        cmocka_unit_test(applies_to_seven_vrs),
        cmocka_unit_test(decodes_the_standards_examples),
        cmocka_unit_test(decodes_the_korean_text_of_three_lines),
        cmocka_unit_test(encodes_the_standards_examples),
        cmocka_unit_test(decodes_each_latin_set_in_its_own_way),
        cmocka_unit_test(reads_undeclared_bytes_as_latin_1),
        cmocka_unit_test(reads_a_missing_escape_as_the_only_declared_set),
        cmocka_unit_test(replaces_what_does_not_decode),
        cmocka_unit_test(goes_back_to_value_1_at_delimiters),
        cmocka_unit_test(multi_byte_characters_hold_no_delimiters),
        cmocka_unit_test(no_multi_byte_code_decodes_to_ascii),
        cmocka_unit_test(yen_is_a_delimiter_where_values_are_several),
        cmocka_unit_test(encodes_with_the_first_term_that_has_the_character),
        cmocka_unit_test(does_not_encode_what_does_not_fit),
        cmocka_unit_test(a_full_writer_does_not_take_half_a_value),
        cmocka_unit_test(text_that_is_utf8_already_is_not_copied),
        cmocka_unit_test(long_text_decodes_whole),
        cmocka_unit_test(a_million_empty_values_are_split_at_once),
        cmocka_unit_test(every_set_of_the_standard_can_be_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
