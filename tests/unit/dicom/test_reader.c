#include "bytes.h"

#include <stdio.h>

#include "dicom/tags.h"

/* What reading came to. */
struct outcome {
    char text[8192];
    size_t tokens;
    enum step step;
    unsigned quirks;
    err_t error;
    struct diag diag;
};

static struct outcome read_in_pieces(struct str in, enum dcm_encoding encoding, size_t piece,
                                     bool raw_un)
{
    struct outcome o = {.step = STEP_MORE};
    struct wr w = wr_fixed(o.text, sizeof o.text - 1);
    struct dcm_reader r;
    struct dcm_token t;
    dcm_reader_init(&r, encoding, &DCM_LIMITS_DEFAULT);
    r.raw_un = raw_un;
    for (size_t at = 0;; at += piece) {
        struct str part = str_slice(in, at, piece);
        if (part.n == 0)
            dcm_reader_end(&r);
        while ((o.step = dcm_read(&r, &part, &t)) == STEP_EVENT) {
            o.tokens++;
            render(&w, &t);
        }
        if (o.step != STEP_MORE)
            break;
        assert_int_equal(part.n, 0);
    }
    assert_false(w.bad);
    o.text[w.n] = 0;
    o.quirks = r.quirks;
    o.error = r.error;
    o.diag = r.diag;
    return o;
}

/* Reads as a whole and byte by byte: both must say the same. */
static struct outcome read_spec(const char *spec, enum dcm_encoding encoding)
{
    struct bytes b = bytes(spec);
    struct outcome whole = read_in_pieces(bytes_str(&b), encoding, b.n + 1, false);
    struct outcome single = read_in_pieces(bytes_str(&b), encoding, 1, false);
    assert_string_equal(whole.text, single.text);
    assert_int_equal(whole.step, single.step);
    assert_int_equal(whole.quirks, single.quirks);
    assert_int_equal(whole.error, single.error);
    assert_string_equal(whole.diag.text, single.diag.text);
    return whole;
}

static void reads(const char *spec, enum dcm_encoding encoding, unsigned quirks, const char *text)
{
    struct outcome o = read_spec(spec, encoding);
    assert_string_equal(o.diag.text, "");
    assert_int_equal(o.step, STEP_DONE);
    assert_string_equal(o.text, text);
    assert_int_equal(o.quirks, quirks);
}

static void refuses(const char *spec, enum dcm_encoding encoding, err_t error)
{
    struct outcome o = read_spec(spec, encoding);
    assert_int_equal(o.step, STEP_FAIL);
    assert_err(o.error, error);
    assert_true(o.diag.text[0]);
}

static void reads_elements_in_each_encoding(void **state)
{
    (void)state;
    reads("", DCM_EXPLICIT_LE, 0, "");
    reads("0800 1600 'UI' 0400 '1.2' 00  1000 1000 'PN' 0000  e07f 1000 'OW' 0000 04000000 'abcd'",
          DCM_EXPLICIT_LE, 0, "00080016UI=1.2\\x00;00100010PN=;7fe00010OW=abcd;");
    reads("0008 0016 'UI' 0004 '1.2' 00  0010 0010 'PN' 0000  7fe0 0010 'OW' 0000 00000004 'abcd'",
          DCM_EXPLICIT_BE, 0, "00080016UI=1.2\\x00;00100010PN=;7fe00010OW=abcd;");
    reads("0800 1600 04000000 '1.2' 00  1000 1000 00000000  e07f 1000 04000000 'abcd'",
          DCM_IMPLICIT_LE, 0, "00080016UI=1.2\\x00;00100010PN=;7fe00010OW=abcd;");
    reads("0900 1000 06000000 'LASTRA'  0900 0110 04000000 'abcd'  0a00 0100 02000000 'xy'",
          DCM_IMPLICIT_LE, 0, "00090010LO=LASTRA;00091001UN=abcd;000a0001UN=xy;");
}

static void reads_sequences_of_defined_and_undefined_length(void **state)
{
    (void)state;
    static const char text[] = "00081140SQ[{00080000UL=abcd;}{}]00100010PN=;";
    reads("0800 4011 'SQ' 0000 1c000000  feff 00e0 0c000000  0800 0000 'UL' 0400 'abcd'"
          "feff 00e0 00000000  1000 1000 'PN' 0000",
          DCM_EXPLICIT_LE, 0, text);
    reads("0800 4011 'SQ' 0000 ffffffff  feff 00e0 ffffffff  0800 0000 'UL' 0400 'abcd'"
          "feff 0de0 00000000  feff 00e0 ffffffff feff 0de0 00000000  feff dde0 00000000"
          "1000 1000 'PN' 0000",
          DCM_EXPLICIT_LE, 0, text);
    reads("0008 1140 'SQ' 0000 ffffffff  fffe e000 0000000c  0008 0000 'UL' 0004 'abcd'"
          "fffe e000 00000000  fffe e0dd 00000000  0010 0010 'PN' 0000",
          DCM_EXPLICIT_BE, 0, text);
    reads("0800 4011 ffffffff  feff 00e0 ffffffff  0800 0000 04000000 'abcd' feff 0de0 00000000"
          "feff 00e0 00000000  feff dde0 00000000  1000 1000 00000000",
          DCM_IMPLICIT_LE, 0, text);
    reads("0800 4011 'SQ' 0000 00000000", DCM_EXPLICIT_LE, 0, "00081140SQ[]");
}

static void reads_encapsulated_pixel_data_as_fragments(void **state)
{
    (void)state;
    reads("e07f 1000 'OB' 0000 ffffffff  feff 00e0 00000000  feff 00e0 04000000 'abcd'"
          "feff 00e0 08000000 feffdde0 00000000  feff dde0 00000000  fcff fcff 'OB' 0000 00000000",
          DCM_EXPLICIT_LE, 0,
          "7fe00010OB<{}{abcd}{\\xfe\\xff\\xdd\\xe0\\x00\\x00\\x00\\x00}>fffcfffcOB=;");
    reads("e07f 1000 ffffffff  feff 00e0 02000000 'ab'  feff dde0 00000000", DCM_IMPLICIT_LE, 0,
          "7fe00010OW<{ab}>");
}

static void reads_un_as_what_the_dictionary_says(void **state)
{
    (void)state;
    reads("1000 1000 'UN' 0000 04000000 'a^b '", DCM_EXPLICIT_LE, 0, "00100010PN=a^b ;");
    reads("0010 0010 'UN' 0000 00000004 'a^b '", DCM_EXPLICIT_BE, 0, "00100010PN=a^b ;");
    reads("0800 4011 'UN' 0000 12000000  feff 00e0 0a000000 0800 0000 02000000 'ab'",
          DCM_EXPLICIT_LE, 0, "00081140SQ[{00080000UL=ab;}]");
    /* Private, of undefined length: implicit little endian inside (PS3.5 6.2.2), in big endian too.
     */
    reads("0009 1001 'UN' 0000 ffffffff  feff 00e0 ffffffff 0800 0000 02000000 'ab'"
          "feff 0de0 00000000  feff dde0 00000000  0010 0010 'PN' 0000",
          DCM_EXPLICIT_BE, 0, "00091001SQ[{00080000UL=ab;}]00100010PN=;");
    reads("0900 0110 ffffffff  feff 00e0 00000000  feff dde0 00000000", DCM_IMPLICIT_LE, 0,
          "00091001SQ[{}]");
}

static void leaves_un_as_it_is_when_asked(void **state)
{
    (void)state;
    struct bytes b = bytes("0800 4011 'UN' 0000 08000000 feff 00e0 00000000"
                           "0900 0110 'UN' 0000 ffffffff feff dde0 00000000");
    struct outcome o = read_in_pieces(bytes_str(&b), DCM_EXPLICIT_LE, b.n, true);
    assert_int_equal(o.step, STEP_DONE);
    assert_string_equal(o.text, "00081140UN=\\xfe\\xff\\x00\\xe0\\x00\\x00\\x00\\x00;00091001UN[]");
}

static void tells_us_from_ss_by_pixel_representation(void **state)
{
    (void)state;
    reads("2800 0301 02000000 0100  2800 0601 02000000 'ab'", DCM_IMPLICIT_LE, 0,
          "00280103US=\\x01\\x00;00280106SS=ab;");
    reads("2800 0301 02000000 0000  2800 0601 02000000 'ab'", DCM_IMPLICIT_LE, 0,
          "00280103US=\\x00\\x00;00280106US=ab;");
    /* An item inherits it and can have its own. */
    reads("2800 0301 02000000 0100  4000 9690 ffffffff  feff 00e0 0a000000 4000 1192 02000000 'ab'"
          "feff 00e0 14000000 2800 0301 02000000 0000 4000 1192 02000000 'ab'"
          "feff dde0 00000000  6000 0430 02000000 'ab'",
          DCM_IMPLICIT_LE, 0,
          "00280103US=\\x01\\x00;00409096SQ[{00409211SS=ab;}{00280103US=\\x00\\x00;00409211US=ab;}]"
          "00603004SS=ab;");
    /* In big endian the low byte comes second; the UN element needs the dictionary. */
    reads("0028 0103 'US' 0002 0001  0028 0106 'UN' 0000 00000002 'ab'", DCM_EXPLICIT_BE, 0,
          "00280103US=\\x00\\x01;00280106SS=ab;");
}

static void reads_over_the_other_vr_mode(void **state)
{
    (void)state;
    static const char text[] = "00080005CS=ab;00090010LO=cd;00100010PN=;";
    reads("0800 0500 'CS' 0200 'ab'  0900 1000 'LO' 0200 'cd'  1000 1000 'PN' 0000",
          DCM_IMPLICIT_LE, DCM_QUIRK_OTHER_VR_MODE, text);
    reads("0800 0500 02000000 'ab'  0900 1000 02000000 'cd'  1000 1000 00000000", DCM_EXPLICIT_LE,
          DCM_QUIRK_OTHER_VR_MODE, text);
    /* Implicit items in an explicit data set, and one implicit element among explicit ones. */
    reads("0800 4011 'SQ' 0000 ffffffff  feff 00e0 0a000000 0800 5011 02000000 'ab'"
          "feff dde0 00000000  1000 1000 'PN' 0000",
          DCM_EXPLICIT_LE, DCM_QUIRK_OTHER_VR_MODE, "00081140SQ[{00081150UI=ab;}]00100010PN=;");
    reads("0800 0500 'CS' 0200 'ab'  0900 1000 02000000 'cd'  1000 1000 'PN' 0000", DCM_EXPLICIT_LE,
          DCM_QUIRK_OTHER_VR_MODE, text);
}

static void reads_over_vrs_that_are_none(void **state)
{
    (void)state;
    static const char text[] = "00100010PN=ab;00100020LO=;";
    static const char *const vrs[] = {"'XX'", "3f3f", "'--'", "'  '", "'pn'", "0000"};
    for (size_t i = 0; i < sizeof vrs / sizeof *vrs; i++) {
        char spec[200];
        snprintf(spec, sizeof spec, "1000 1000 %s 0200 'ab' 1000 2000 'LO' 0000", vrs[i]);
        reads(spec, DCM_EXPLICIT_LE, DCM_QUIRK_BAD_VR, text);
    }
    /* One of a later edition of the standard has a 32-bit length. */
    reads("1000 1000 'XX' 0000 02000000 'ab' 1000 2000 'LO' 0000", DCM_EXPLICIT_LE,
          DCM_QUIRK_BAD_VR, text);
    reads("0a00 1000 'XX' 0000 02000000 'ab'", DCM_EXPLICIT_LE, DCM_QUIRK_BAD_VR, "000a0010UN=ab;");
    /* Undefined length where only a sequence can have one. */
    reads("0800 4011 'UT' 0000 ffffffff feff dde0 00000000", DCM_EXPLICIT_LE, DCM_QUIRK_BAD_VR,
          "00081140SQ[]");
}

static void reads_over_missing_and_stray_delimiters(void **state)
{
    (void)state;
    /* At the end of the data. */
    reads("0800 4011 'SQ' 0000 ffffffff  feff 00e0 ffffffff  0800 0000 'UL' 0400 'abcd'",
          DCM_EXPLICIT_LE, DCM_QUIRK_MISSING_DELIMITER, "00081140SQ[{00080000UL=abcd;}]");
    reads("e07f 1000 'OB' 0000 ffffffff  feff 00e0 02000000 'ab'", DCM_EXPLICIT_LE,
          DCM_QUIRK_MISSING_DELIMITER, "7fe00010OB<{ab}>");
    /* Of an item; of a sequence; of both where a defined length ends around them. */
    reads("0800 4011 'SQ' 0000 ffffffff  feff 00e0 ffffffff  feff 00e0 ffffffff feff dde0 00000000",
          DCM_EXPLICIT_LE, DCM_QUIRK_MISSING_DELIMITER, "00081140SQ[{}{}]");
    reads("0800 4011 'SQ' 0000 ffffffff  feff 00e0 00000000  1000 1000 'PN' 0000", DCM_EXPLICIT_LE,
          DCM_QUIRK_MISSING_DELIMITER, "00081140SQ[{}]00100010PN=;");
    reads("e07f 1000 'OB' 0000 ffffffff  feff 00e0 00000000  fcff fcff 'OB' 0000 00000000",
          DCM_EXPLICIT_LE, DCM_QUIRK_MISSING_DELIMITER, "7fe00010OB<{}>fffcfffcOB=;");
    reads("0800 4011 'SQ' 0000 1c000000  feff 00e0 ffffffff  0800 9911 'SQ' 0000 ffffffff"
          "feff 00e0 ffffffff  1000 1000 'PN' 0000",
          DCM_EXPLICIT_LE, DCM_QUIRK_MISSING_DELIMITER, "00081140SQ[{00081199SQ[{}]}]00100010PN=;");
    /* Nothing to end. */
    reads(
        "0800 4011 'SQ' 0000 08000000  feff 00e0 00000000  feff dde0 00000000 1000 1000 'PN' 0000",
        DCM_EXPLICIT_LE, DCM_QUIRK_STRAY_DELIMITER, "00081140SQ[{}]00100010PN=;");
    reads("0800 4011 'SQ' 0000 ffffffff  feff 00e0 00000000  feff 0de0 00000000"
          "feff dde0 00000000 1000 1000 'PN' 0000",
          DCM_EXPLICIT_LE, DCM_QUIRK_STRAY_DELIMITER, "00081140SQ[{}]00100010PN=;");
    reads("0800 4011 'SQ' 0000 18000000  feff 00e0 10000000  feff 0de0 00000000 feff dde0 00000000",
          DCM_EXPLICIT_LE, DCM_QUIRK_STRAY_DELIMITER, "00081140SQ[{}]");
}

static void reads_over_odd_lengths_wrong_order_and_padding(void **state)
{
    (void)state;
    reads("1000 1000 'PN' 0300 'abc' 1000 2000 'LO' 0000", DCM_EXPLICIT_LE, DCM_QUIRK_ODD_LENGTH,
          "00100010PN=abc;00100020LO=;");
    reads("1000 2000 'LO' 0000 1000 1000 'PN' 0000", DCM_EXPLICIT_LE, DCM_QUIRK_ORDER,
          "00100020LO=;00100010PN=;");
    reads("1000 2000 'LO' 0000 1000 2000 'LO' 0000", DCM_EXPLICIT_LE, DCM_QUIRK_ORDER,
          "00100020LO=;00100020LO=;");
    reads("1000 2000 'LO' 0000 00000000 00000000 000000", DCM_EXPLICIT_LE, DCM_QUIRK_TRAILING_ZEROS,
          "00100020LO=;");
    reads("0000 0000 04000000 'abcd' 0000 0001 02000000 'ab'", DCM_IMPLICIT_LE, 0,
          "00000000UL=abcd;00000100US=ab;");
}

static void refuses_what_cannot_be_trusted(void **state)
{
    (void)state;
    static const char *const bad[] = {
        /* An element past its item, an item past its sequence, a sequence past its item. */
        "0800 4011 'SQ' 0000 12000000 feff 00e0 0a000000 1000 1000 'PN' 0400 'ab' 1000 2000 'LO' "
        "0000",
        "0800 4011 'SQ' 0000 08000000 feff 00e0 02000000 'abcdefgh'",
        "0800 4011 'SQ' 0000 14000000 feff 00e0 0c000000 0800 9911 'SQ' 0000 02000000 'abcd'",
        "0800 4011 'SQ' 0000 1c000000 feff 00e0 14000000 0800 9911 'SQ' 0000 08000000"
        "feff 00e0 02000000 'abcd'",
        /* Lengths that leave no room for a header. */
        "0800 4011 'SQ' 0000 04000000 feff 00e0 00000000",
        "0800 4011 'SQ' 0000 0c000000 feff 00e0 04000000 1000 1000 'PN' 0000",
        /* A fragment past the item that holds the pixel data. */
        "0800 4011 'SQ' 0000 24000000 feff 00e0 1c000000 e07f 1000 'OB' 0000 ffffffff"
        "feff 00e0 10000000 'abcdefghijklmnop'",
        /* No item in a sequence, an item in none, a fragment of undefined length. */
        "0800 4011 'SQ' 0000 08000000 1000 1000 'PN' 0000",
        "0800 4011 'SQ' 0000 ffffffff 0800 1600 'UI' 0000",
        "feff 00e0 00000000",
        "e07f 1000 'OB' 0000 ffffffff feff 00e0 ffffffff",
        /* Something hidden behind padding. */
        "1000 2000 'LO' 0000 00000000 00000000 0000 1000 1000 'PN' 0000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(bad[i], DCM_EXPLICIT_LE, E_MALFORMED);
}

static void a_lying_length_at_the_top_is_a_truncated_value(void **state)
{
    (void)state;
    reads("1000 1000 'UT' 0000 feffffff 'ab'", DCM_EXPLICIT_LE, DCM_QUIRK_TRUNCATED,
          "00100010UT=ab;");
    reads("1000 1000 'PN' 0400 'ab'", DCM_EXPLICIT_LE, DCM_QUIRK_TRUNCATED, "00100010PN=ab;");
    reads("0800 4011 'SQ' 0000 feffffff feff 00e0 f0ffffff 1000 1000 'PN' 0000", DCM_EXPLICIT_LE,
          DCM_QUIRK_TRUNCATED, "00081140SQ[{00100010PN=;}]");
}

static void
a_sequence_that_is_too_short_for_its_last_item_is_believed_less_than_the_item(void **state)
{
    (void)state;
    reads("0800 4011 'SQ' 0000 0a000000  feff 00e0 08000000 1000 1000 'PN' 0000"
          "1000 2000 'LO' 0000",
          DCM_EXPLICIT_LE, DCM_QUIRK_SHORT_SEQUENCE, "00081140SQ[{00100010PN=;}]00100020LO=;");
}

static void data_cut_at_any_byte_ends_well(void **state)
{
    (void)state;
    struct bytes b =
        bytes("0800 1600 'UI' 0400 '1.2' 00  0800 4011 'SQ' 0000 ffffffff  feff 00e0 1c000000"
              "0800 5011 'UI' 0200 'ab'  0800 9911 'SQ' 0000 06000000 'junk'  feff dde0 00000000"
              "0900 0110 'UN' 0000 ffffffff  feff 00e0 ffffffff 0800 0000 02000000 'ab'"
              "feff 0de0 00000000  feff dde0 00000000  e07f 1000 'OB' 0000 ffffffff"
              "feff 00e0 00000000  feff 00e0 04000000 'abcd'  feff dde0 00000000");
    for (int encoding = DCM_IMPLICIT_LE; encoding <= DCM_EXPLICIT_BE; encoding++) {
        for (size_t n = 0; n <= b.n; n++) {
            struct str cut = str_of(b.p, n);
            struct outcome whole = read_in_pieces(cut, (enum dcm_encoding)encoding, n + 1, false);
            struct outcome parts = read_in_pieces(cut, (enum dcm_encoding)encoding, 3, false);
            assert_true(whole.step == STEP_DONE || whole.step == STEP_FAIL);
            assert_string_equal(whole.text, parts.text);
            assert_int_equal(whole.quirks, parts.quirks);
        }
    }
}

/* Feeds the same bytes again and again; the reader holds no memory of its own but the struct. */
static err_t feed_many(struct dcm_reader *r, struct str unit, size_t times, size_t *ret_fed)
{
    struct dcm_token t;
    enum step step = STEP_MORE;
    for (*ret_fed = 0; *ret_fed < times && step == STEP_MORE; ++*ret_fed) {
        struct str in = unit;
        do
            step = dcm_read(r, &in, &t);
        while (step == STEP_EVENT);
    }
    return step == STEP_FAIL ? r->error : OK;
}

/* CVE-2026-10528: nesting without a limit. */
static void a_million_nested_sequences_are_refused_at_the_limit(void **state)
{
    (void)state;
    struct bytes unit = bytes("0800 4011 'SQ' 0000 ffffffff feff 00e0 ffffffff");
    struct dcm_reader r;
    size_t fed;
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT);
    assert_err(feed_many(&r, bytes_str(&unit), 1000000, &fed), E_LIMIT);
    assert_int_equal(fed, DCM_LIMITS_DEFAULT.depth + 1);
    /* No limit that is given goes past what there is room for. */
    struct dcm_limits wide = {1000000, 10000000, 1};
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &wide);
    assert_err(feed_many(&r, bytes_str(&unit), 1000000, &fed), E_LIMIT);
    assert_int_equal(fed, DCM_READER_DEPTH_MAX + 1);
    /* Exactly at the limit is fine, and closes. */
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &wide);
    assert_ok(feed_many(&r, bytes_str(&unit), DCM_READER_DEPTH_MAX, &fed));
    unit = bytes("feff 0de0 00000000 feff dde0 00000000");
    assert_ok(feed_many(&r, bytes_str(&unit), DCM_READER_DEPTH_MAX, &fed));
    assert_int_equal(r.level, 0);
    assert_int_equal(r.quirks, 0);
}

static void a_million_elements_are_read_and_one_more_refused(void **state)
{
    (void)state;
    struct bytes element = bytes("1000 1000 'PN' 0000"), item = bytes("feff 00e0 00000000");
    struct bytes sequence = bytes("0800 4011 'SQ' 0000 ffffffff");
    struct dcm_reader r;
    size_t fed;
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT);
    assert_ok(feed_many(&r, bytes_str(&element), 1000000, &fed));
    assert_err(feed_many(&r, bytes_str(&element), 1, &fed), E_LIMIT);
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT);
    assert_ok(feed_many(&r, bytes_str(&sequence), 1, &fed));
    assert_ok(feed_many(&r, bytes_str(&item), 999999, &fed));
    assert_err(feed_many(&r, bytes_str(&item), 1, &fed), E_LIMIT);
}

static void tokens_say_where_they_stand(void **state)
{
    (void)state;
    struct bytes b = bytes("0800 4011 'SQ' 0000 ffffffff  feff 00e0 0a000000"
                           "1000 1000 'PN' 0200 'ab'  feff dde0 00000000");
    static const struct {
        enum dcm_token_kind kind;
        uint64_t at;
        unsigned depth;
        uint32_t length;
    } expected[] = {
        {DCM_SEQUENCE, 0, 0, DCM_UNDEFINED},
        {DCM_ITEM, 12, 0, 10},
        {DCM_ELEMENT, 20, 1, 2},
        {DCM_VALUE, 28, 1, 2},
        {DCM_ELEMENT_END, 30, 1, 2},
        {DCM_ITEM_END, 30, 0, 10},
        {DCM_SEQUENCE_END, 30, 0, DCM_UNDEFINED},
    };
    for (size_t piece = 1; piece <= b.n; piece += b.n - 1) {
        struct dcm_reader r;
        struct dcm_token t;
        size_t at = 0, i = 0;
        dcm_reader_init(&r, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT);
        for (; at < b.n; at += piece) {
            struct str in = str_slice(bytes_str(&b), at, piece);
            while (dcm_read(&r, &in, &t) == STEP_EVENT) {
                if (piece == 1 && t.kind == DCM_VALUE && t.at == 29)
                    continue; /* its second half */
                assert_int_equal(t.kind, expected[i].kind);
                assert_int_equal(t.at, expected[i].at);
                assert_int_equal(t.depth, expected[i].depth);
                assert_int_equal(t.length, expected[i].length);
                i++;
            }
        }
        assert_int_equal(i, sizeof expected / sizeof *expected);
    }
}

static void a_large_value_passes_as_views_of_the_input(void **state)
{
    (void)state;
    struct bytes head = bytes("e07f 1000 'OW' 0000 00001000"); /* 1 MiB */
    static char block[65536];
    struct dcm_reader r;
    struct dcm_token t;
    struct str in = bytes_str(&head);
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT);
    assert_int_equal(dcm_read(&r, &in, &t), STEP_EVENT);
    for (size_t i = 0; i < 16; i++) {
        in = str_of(block, sizeof block);
        assert_int_equal(dcm_read(&r, &in, &t), STEP_EVENT);
        assert_ptr_equal(t.value.p, block);
        assert_int_equal(t.value.n, sizeof block);
        assert_int_equal(in.n, 0);
    }
    assert_int_equal(dcm_read(&r, &in, &t), STEP_EVENT);
    assert_int_equal(t.kind, DCM_ELEMENT_END);
}

static void names_the_worst_quirk_first(void **state)
{
    (void)state;
    assert_null(dcm_quirk_text(0));
    assert_string_equal(dcm_quirk_text(DCM_QUIRK_TRUNCATED | DCM_QUIRK_ODD_LENGTH),
                        "the data set is cut short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_elements_in_each_encoding),
        cmocka_unit_test(reads_sequences_of_defined_and_undefined_length),
        cmocka_unit_test(reads_encapsulated_pixel_data_as_fragments),
        cmocka_unit_test(reads_un_as_what_the_dictionary_says),
        cmocka_unit_test(leaves_un_as_it_is_when_asked),
        cmocka_unit_test(tells_us_from_ss_by_pixel_representation),
        cmocka_unit_test(reads_over_the_other_vr_mode),
        cmocka_unit_test(reads_over_vrs_that_are_none),
        cmocka_unit_test(reads_over_missing_and_stray_delimiters),
        cmocka_unit_test(reads_over_odd_lengths_wrong_order_and_padding),
        cmocka_unit_test(refuses_what_cannot_be_trusted),
        cmocka_unit_test(a_lying_length_at_the_top_is_a_truncated_value),
        cmocka_unit_test(
            a_sequence_that_is_too_short_for_its_last_item_is_believed_less_than_the_item),
        cmocka_unit_test(data_cut_at_any_byte_ends_well),
        cmocka_unit_test(a_million_nested_sequences_are_refused_at_the_limit),
        cmocka_unit_test(a_million_elements_are_read_and_one_more_refused),
        cmocka_unit_test(tokens_say_where_they_stand),
        cmocka_unit_test(a_large_value_passes_as_views_of_the_input),
        cmocka_unit_test(names_the_worst_quirk_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
