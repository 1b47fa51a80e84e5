/* Every escaping in which exports hold an answer gives the same bytes back. */
#include "facts.h"

#include "answers.h"
#include "base/rd.h"
#include "base/size.h"
#include "survey/wire/dicom_answer.h"

static const char synapse[] = ANSWER_SYNAPSE;
#define SYNAPSE str_of(synapse, sizeof synapse - 1)
#define LABEL "DICOM Server Response\n"

static void as_bytes(struct wr *w)
{
    wr_put(w, SYNAPSE);
}

static void as_code_points(struct wr *w)
{
    for (size_t i = 0; i < SYNAPSE.n; i++) {
        uint8_t c = (uint8_t)synapse[i];
        if (c >= 0x80)
            wr_u8(w, (uint8_t)(0xC0 | c >> 6));
        wr_u8(w, c < 0x80 ? c : (uint8_t)(0x80 | (c & 0x3F)));
    }
}

/* Python's repr, which is what the best-known engine shows. */
static void as_python(struct wr *w)
{
    for (size_t i = 0; i < SYNAPSE.n; i++) {
        uint8_t c = (uint8_t)synapse[i];
        if (c == '\n' || c == '\r' || c == '\t')
            wr_printf(w, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c == '\\' || c == '\'')
            wr_printf(w, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            wr_printf(w, "\\x%02x", c);
        else
            wr_u8(w, c);
    }
}

static void as_nmap(struct wr *w)
{
    for (size_t i = 0; i < SYNAPSE.n; i++) {
        uint8_t c = (uint8_t)synapse[i];
        if (c == 0)
            wr_printf(w, "\\0");
        else if (c < 0x20 || c >= 0x7f)
            wr_printf(w, "\\x%02x", c);
        else
            wr_printf(w, c == '.' ? "\\x2e" : "%c", c);
    }
}

static void each_byte(struct wr *w, const char *fmt)
{
    for (size_t i = 0; i < SYNAPSE.n; i++)
        wr_printf(w, fmt, (uint8_t)synapse[i]);
}

static void as_octal(struct wr *w)
{
    for (size_t i = 0; i < SYNAPSE.n; i++)
        wr_printf(w, (uint8_t)synapse[i] - 0x20u < 0x5f ? "%c" : "\\%03o", (uint8_t)synapse[i]);
}

static void as_hex(struct wr *w)
{
    each_byte(w, "%02x");
}
static void as_colons(struct wr *w)
{
    each_byte(w, "%02X:");
}
static void as_spaces(struct wr *w)
{
    each_byte(w, "%02x ");
}
static void as_commas(struct wr *w)
{
    each_byte(w, "0x%02x, ");
}
static void as_unicode(struct wr *w)
{
    each_byte(w, "\\u%04x");
}
static void as_percent(struct wr *w)
{
    each_byte(w, "%%%02X");
}
static void as_braces(struct wr *w)
{
    each_byte(w, "\\x{%x}");
}
static void as_base64(struct wr *w)
{
    wr_base64(w, SYNAPSE);
}

static void (*const forms[])(struct wr *w) = {
    as_bytes,  as_code_points, as_python,  as_nmap,    as_octal,  as_hex,   as_colons,
    as_spaces, as_commas,      as_unicode, as_percent, as_braces, as_base64};

/* Encodes with every form between two texts and decodes again. */
static void every_form(struct str before, struct str after)
{
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct wr in = wr_heap(1 << 16), out = wr_heap(DICOM_BANNER_MAX);
        wr_put(&in, before);
        forms[i](&in);
        wr_put(&in, after);
        assert_true(dicom_banner_decode(wr_str(&in), &out));
        assert_int_equal(out.n, SYNAPSE.n);
        assert_memory_equal(out.p, synapse, out.n);
        wr_done(&in);
        wr_done(&out);
    }
}

static void every_escaping_gives_the_bytes_back(void **state)
{
    (void)state;
    every_form(STR(""), STR(""));
}

static void a_label_before_them_is_passed_over(void **state)
{
    (void)state;
    every_form(STR(LABEL), STR(""));
    every_form(STR("DICOM Server Response\\n"), STR(""));
}

static void quotes_around_them_are_passed_over(void **state)
{
    (void)state;
    every_form(STR("b'"), STR("'"));
    every_form(STR("\""), STR("\""));
}

static void a_digit_after_a_nul_is_read_as_each_writer_means_it(void **state)
{
    (void)state;
    struct wr out = wr_heap(DICOM_BANNER_MAX);
    static const char rejected[] = "\3\0\0\0\0\4\0\1\1\7";
    static const struct str written[] = {
        STR_INIT("\\003\\000\\000\\000\\000\\004\\000\\001\\001\\007"),
        STR_INIT("\\x03\\0\\0\\0\\0\\x04\\0\\x01\\x01\\x07"),
        STR_INIT("\\x03\\0\\0\\0\\000\\x04\\0\\x01\\x01\\a"),
    };
    for (size_t i = 0; i < COUNT(written); i++) {
        assert_true(dicom_banner_decode(written[i], &out));
        assert_int_equal(out.n, 10);
        assert_memory_equal(out.p, rejected, 10);
    }
    wr_done(&out);
}

static void bytes_that_the_export_lost_are_not_made_up(void **state)
{
    struct facts *f = *state;
    struct wr in = wr_heap(1 << 16), out = wr_heap(DICOM_BANNER_MAX);
    for (size_t i = 0; i < SYNAPSE.n; i++) {
        if ((uint8_t)synapse[i] >= 0x80)
            wr_put(&in, STR("\xEF\xBF\xBD"));
        else
            wr_u8(&in, (uint8_t)synapse[i]);
    }
    assert_true(dicom_banner_decode(wr_str(&in), &out));
    assert_ok(dicom_answer_bytes(wr_str(&out), BY_ENGINE, &f->e));
    assert_fact(f, dicom_class_uid, "1.2.840.113845.1.1");
    assert_none(f, dicom_max_pdu);
    wr_done(&in);
    wr_done(&out);
}

static void a_banner_that_was_cut_is_decoded_as_far_as_it_goes(void **state)
{
    (void)state;
    struct wr in = wr_heap(1 << 16), out = wr_heap(DICOM_BANNER_MAX);
    wr_put(&in, STR(LABEL));
    as_python(&in);
    for (size_t cut = 0; cut < 40; cut++) {
        assert_true(dicom_banner_decode(str_slice(wr_str(&in), 0, in.n - cut), &out));
        assert_memory_equal(out.p, synapse, 100);
    }
    wr_done(&in);
    wr_done(&out);
}

static void texts_that_are_no_answer_are_refused(void **state)
{
    (void)state;
    static const struct str texts[] = {
        STR_INIT(""),
        STR_INIT("\\"),
        STR_INIT("\\x"),
        STR_INIT("\\x0"),
        STR_INIT("b'"),
        STR_INIT("'"),
        STR_INIT(LABEL),
        STR_INIT("HTTP/1.1 200 OK\r\n\r\n<html>"),
        STR_INIT("\\x02\\x00"),
        STR_INIT("0200"),
        STR_INIT("AgAA"),
        STR_INIT("\xC2"),
        STR_INIT("\xEF\xBF"),
        STR_INIT("\x1b[2J\x1b]0;owned\7"),
        STR_INIT("\\x03\\x00\\x00\\x0b\\x06\\xd0\\x00\\x00\\x124\\x00"),
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct wr out = wr_heap(DICOM_BANNER_MAX);
        assert_false(dicom_banner_decode(texts[i], &out));
        assert_int_equal(out.n, 0);
        wr_done(&out);
    }
}

static void an_endless_banner_is_cut(void **state)
{
    (void)state;
    size_t n = 1 << 20;
    char *text = malloc(n);
    memcpy(text, synapse, sizeof synapse - 1);
    memset(text + sizeof synapse - 1, 'A', n - (sizeof synapse - 1));
    struct wr out = wr_heap(DICOM_BANNER_MAX);
    assert_true(dicom_banner_decode(str_of(text, n), &out));
    assert_true(out.n <= DICOM_BANNER_MAX);
    wr_done(&out);
    uint8_t small[100];
    struct wr fixed = wr_fixed(small, sizeof small);
    assert_true(dicom_banner_decode(str_of(text, n), &fixed));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_escaping_gives_the_bytes_back),
        cmocka_unit_test(a_label_before_them_is_passed_over),
        cmocka_unit_test(quotes_around_them_are_passed_over),
        cmocka_unit_test(a_digit_after_a_nul_is_read_as_each_writer_means_it),
        FACTS_TEST(bytes_that_the_export_lost_are_not_made_up),
        cmocka_unit_test(a_banner_that_was_cut_is_decoded_as_far_as_it_goes),
        cmocka_unit_test(texts_that_are_no_answer_are_refused),
        cmocka_unit_test(an_endless_banner_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
