#include "bytes.h"

#include "dicom/stream.h"

static const struct dcm_ts *syntax(const char *uid)
{
    return dcm_ts_find(str_z(uid));
}

/* Deflated, as DCMTK or we write it. */
static struct wr deflated(struct str in)
{
    struct wr out = wr_heap(64 << 20);
    struct dcm_deflate *z = dcm_deflate_new(&out);
    dcm_deflate(z, in);
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    assert_false(out.bad);
    return out;
}

struct outcome {
    char text[1024];
    enum step step;
    err_t error;
    unsigned quirks;
};

static struct outcome read_all(const struct dcm_ts *ts, struct str in, size_t piece)
{
    struct outcome o = {.step = STEP_MORE};
    struct wr w = wr_fixed(o.text, sizeof o.text - 1);
    struct dcm_stream s;
    struct dcm_token t;
    assert_ok(dcm_stream_init(&s, ts, &DCM_LIMITS_DEFAULT));
    for (size_t at = 0; o.step == STEP_MORE; at += piece) {
        struct str part = str_slice(in, at, piece);
        if (part.n == 0)
            dcm_stream_end(&s);
        while ((o.step = dcm_stream_read(&s, &part, &t)) == STEP_EVENT)
            if (t.kind != DCM_VALUE || t.value.n < 100)
                render(&w, &t);
    }
    o.error = s.reader.error;
    o.quirks = s.reader.quirks;
    assert_true(o.step != STEP_FAIL || s.reader.diag.text[0]);
    dcm_stream_done(&s);
    return o;
}

static void a_deflated_data_set_gives_the_tokens_of_the_plain_one(void **state)
{
    (void)state;
    struct bytes b = bytes("0800 1600 'UI' 0400 '1.2' 00  0800 4011 'SQ' 0000 ffffffff"
                           "feff 00e0 00000000  feff dde0 00000000  1000 1000 'PN' 0200 'ab'");
    struct wr z = deflated(bytes_str(&b));
    wr_put(&z, STR("\0")); /* more padding than needed */
    for (size_t piece = 1; piece < z.n + 2; piece++) {
        struct outcome plain = read_all(syntax(UID_ExplicitVRLittleEndian), bytes_str(&b), piece);
        struct outcome o = read_all(syntax(UID_DeflatedExplicitVRLittleEndian), wr_str(&z), piece);
        assert_string_equal(plain.text, "00080016UI=1.2\\x00;00081140SQ[{}]00100010PN=ab;");
        assert_string_equal(o.text, plain.text);
        assert_int_equal(o.step, STEP_DONE);
        assert_int_equal(o.quirks, 0);
    }
    wr_done(&z);
}

static void a_deflated_stream_that_is_cut_is_truncated(void **state)
{
    (void)state;
    struct bytes b = bytes("0800 1600 'UI' 0400 '1.2' 00  1000 1000 'PN' 0200 'ab'");
    struct wr z = deflated(bytes_str(&b));
    for (size_t n = 0; n + 2 < z.n; n++) {
        struct outcome o = read_all(syntax(UID_DeflatedExplicitVRLittleEndian), str_of(z.p, n), 3);
        assert_int_equal(o.step, STEP_DONE);
        assert_true(o.quirks & DCM_QUIRK_TRUNCATED);
    }
    wr_done(&z);
}

static void what_does_not_inflate_is_malformed(void **state)
{
    (void)state;
    struct outcome o =
        read_all(syntax(UID_DeflatedExplicitVRLittleEndian), STR("\xff\xff\xff\xff"), 2);
    assert_int_equal(o.step, STEP_FAIL);
    assert_err(o.error, E_MALFORMED);
}

/* Some 300 kB that would inflate to 272 MiB of blank pixel data; a quarter less is let through. */
static void a_deflate_bomb_is_refused(void **state)
{
    (void)state;
    static char zeros[16 << 20];
    struct bytes head = bytes("e07f 1000 'OW' 0000 00000011");
    struct wr bomb = wr_heap(1 << 20);
    struct dcm_deflate *z = dcm_deflate_new(&bomb);
    dcm_deflate(z, bytes_str(&head));
    for (size_t i = 0; i < 17; i++)
        dcm_deflate(z, str_of(zeros, sizeof zeros));
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    assert_false(bomb.bad);
    const struct dcm_ts *ts = syntax(UID_DeflatedExplicitVRLittleEndian);
    struct outcome o = read_all(ts, wr_str(&bomb), 4096);
    assert_int_equal(o.step, STEP_FAIL);
    assert_err(o.error, E_LIMIT);
    o = read_all(ts, str_of(bomb.p, bomb.n * 3 / 4), 4096);
    assert_int_equal(o.step, STEP_DONE);
    wr_done(&bomb);
}

static void what_is_not_a_data_sets_encoding_is_not_opened(void **state)
{
    (void)state;
    struct dcm_stream s;
    assert_err(dcm_stream_init(&s, syntax(UID_XMLEncoding), &DCM_LIMITS_DEFAULT), E_UNSUPPORTED);
    dcm_stream_done(&s);
    dcm_stream_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deflated_data_set_gives_the_tokens_of_the_plain_one),
        cmocka_unit_test(a_deflated_stream_that_is_cut_is_truncated),
        cmocka_unit_test(what_does_not_inflate_is_malformed),
        cmocka_unit_test(a_deflate_bomb_is_refused),
        cmocka_unit_test(what_is_not_a_data_sets_encoding_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
