#include "bytes.h"

#include "dicom/part10.h"

/* A file as most writers make it, after the preamble. */
static const char group[] =
    "'DICM'  0200 0000 'UL' 0400 2c000000  0200 0100 'OB' 0000 02000000 0001"
    "0200 0200 'UI' 0200 '1' 00  0200 1000 'UI' 1400 '1.2.840.10008.1.2.1' 00";
static const char data[] = "0800 0500 'CS' 0a00 'ISO_IR 100'  1000 1000 'PN' 0000";

static struct bytes file(const char *meta, const char *set)
{
    struct bytes b = {.n = DCM_PREAMBLE}, m = bytes(meta), s = bytes(set);
    memset(b.p, 'M', DCM_PREAMBLE);
    memcpy(b.p + b.n, m.p, m.n);
    memcpy(b.p + b.n + m.n, s.p, s.n);
    b.n += m.n + s.n;
    return b;
}

/* Gives the head in growing pieces; the answer must be the same whatever the first piece was. */
static struct dcm_meta reads(const struct bytes *b)
{
    struct dcm_meta whole, grown;
    struct diag d = {""};
    assert_int_equal(dcm_meta_read(bytes_str(b), true, &whole, &d), STEP_DONE);
    for (size_t n = 0; n <= b->n; n++) {
        enum step step = dcm_meta_read(str_of(b->p, n), n == b->n, &grown, &d);
        if (step == STEP_MORE)
            continue;
        assert_int_equal(step, STEP_DONE);
        assert_int_equal(grown.data_at, whole.data_at);
        assert_ptr_equal(grown.ts, whole.ts);
        return whole;
    }
    fail_msg("never done");
    return whole;
}

static void reads_preamble_prefix_and_meta_information(void **state)
{
    (void)state;
    struct bytes b = file(group, data);
    struct dcm_meta m = reads(&b);
    assert_true(m.prefix && m.present && !m.guessed);
    assert_str(m.sop_class, "1");
    assert_str(m.sop_instance, "");
    assert_str(m.transfer_syntax, UID_ExplicitVRLittleEndian);
    assert_ptr_equal(m.ts, dcm_ts_find(STR(UID_ExplicitVRLittleEndian)));
    assert_memory_equal(b.p + m.data_at, "\x08\0\x05\0", 4);
}

static void reads_meta_information_in_all_its_wrong_forms(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        /* no group length; one that lies; implicit VR; no transfer syntax */
        "'DICM' 0200 0200 'UI' 0200 '1' 00  0200 1000 'UI' 1400 '1.2.840.10008.1.2.1' 00",
        "'DICM' 0200 0000 'UL' 0400 ffff0000 0200 0200 'UI' 0200 '1' 00"
        "0200 1000 'UI' 1400 '1.2.840.10008.1.2.1' 00",
        "'DICM' 0200 0000 04000000 26000000 0200 0200 02000000 '1' 00"
        "0200 1000 14000000 '1.2.840.10008.1.2.1' 00",
        "'DICM' 0200 0200 'UI' 0200 '1' 00",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bytes b = file(wrong[i], data);
        struct dcm_meta m = reads(&b);
        assert_true(m.present);
        assert_int_equal(m.guessed, i == 3);
        assert_str(m.sop_class, "1");
        assert_str(m.transfer_syntax, UID_ExplicitVRLittleEndian);
        assert_memory_equal(b.p + m.data_at, "\x08\0\x05\0", 4);
    }
}

static void reads_files_without_preamble_or_meta_information(void **state)
{
    (void)state;
    struct bytes no_preamble = bytes(group + 6), prefix_first = bytes(group), set = bytes(data);
    memcpy(no_preamble.p + no_preamble.n, set.p, set.n);
    no_preamble.n += set.n;
    memcpy(prefix_first.p + prefix_first.n, set.p, set.n);
    prefix_first.n += set.n;
    struct dcm_meta m = reads(&no_preamble);
    assert_true(m.present && !m.prefix);
    assert_int_equal(m.data_at, no_preamble.n - set.n);
    m = reads(&prefix_first);
    assert_true(m.present);
    assert_int_equal(m.data_at, prefix_first.n - set.n);
    m = reads(&set);
    assert_true(m.guessed && !m.present);
    assert_int_equal(m.data_at, 0);
    assert_str(m.transfer_syntax, UID_ExplicitVRLittleEndian);
}

static void guesses_the_encoding_from_the_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *uid;
    } rows[] = {
        {"0800 0500 'CS' 0a00 'ISO_IR 100'", UID_ExplicitVRLittleEndian},
        {"0008 0005 'CS' 000a 'ISO_IR 100'", UID_ExplicitVRBigEndian},
        {"0800 0500 0a000000 'ISO_IR 100'", UID_ImplicitVRLittleEndian},
        {"0800 0000 'UL' 0400 'abcd'", UID_ExplicitVRLittleEndian},
        {"0800 0000 04000000 'abcd'", UID_ImplicitVRLittleEndian},
        {"0008 0016 'UI' 0002 '1.'", UID_ExplicitVRBigEndian},
        {"0900 1000 'LO' 0400 'abcd'", UID_ExplicitVRLittleEndian},
        {"0900 1000 04000000 'abcd'", UID_ImplicitVRLittleEndian},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes b = bytes(rows[i].spec);
        struct dcm_meta m = reads(&b);
        assert_true(m.guessed);
        assert_str(m.transfer_syntax, rows[i].uid);
    }
}

static void a_private_transfer_syntax_is_kept_by_its_uid(void **state)
{
    (void)state;
    struct bytes b = file("'DICM' 0200 1000 'UI' 0600 '1.2.3' 00", data);
    struct dcm_meta m = reads(&b);
    assert_str(m.transfer_syntax, "1.2.3");
    assert_false(m.guessed);
    assert_int_equal(m.ts->encoding, DCM_EXPLICIT_LE);
}

static void a_file_of_nothing_but_meta_information_is_read(void **state)
{
    (void)state;
    struct bytes b = file(group, "");
    struct dcm_meta m = reads(&b);
    assert_int_equal(m.data_at, b.n);
    b = file("'DICM' 0200 0200 'UI' 0200 '1' 00", "");
    m = reads(&b);
    assert_true(m.guessed);
}

static void refuses_what_is_not_dicom(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "'short'",
        "'A text file, of some length, that has nothing to do with it.'",
        "'MZ' 9000 0300 0000",
        "feff 00e0 00000000 'abcd'",
        "00000000 00000000 00000000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bytes b = bytes(bad[i]);
        struct dcm_meta m;
        struct diag d = {""};
        assert_int_equal(dcm_meta_read(bytes_str(&b), true, &m, &d), STEP_FAIL);
        assert_true(d.text[0]);
    }
    struct bytes cut = file("'DICM' 0200 0200 'UI' 0900 '1.2'", "");
    struct bytes sequence = file("'DICM' 0200 0200 'SQ' 0000 ffffffff", data);
    struct dcm_meta m;
    assert_int_equal(dcm_meta_read(bytes_str(&cut), true, &m, NULL), STEP_FAIL);
    assert_int_equal(dcm_meta_read(bytes_str(&cut), false, &m, NULL), STEP_MORE);
    assert_int_equal(dcm_meta_read(bytes_str(&sequence), true, &m, NULL), STEP_FAIL);
}

static void meta_information_without_end_is_refused(void **state)
{
    (void)state;
    struct wr w = wr_heap(2 << 20);
    struct dcm_meta m;
    wr_fill(&w, 0, DCM_PREAMBLE);
    wr_put(&w, STR("DICM"));
    wr_put(&w, str_of("\x02\0\x02\x01OB\0\0\0\0\0\x10", 12));
    wr_fill(&w, 'x', DCM_META_MAX);
    assert_int_equal(dcm_meta_read(str_of(w.p, 1000), false, &m, NULL), STEP_MORE);
    assert_int_equal(dcm_meta_read(wr_str(&w), false, &m, NULL), STEP_FAIL);
    wr_done(&w);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct dcm_meta m = {
        .sop_class = STR(UID_CTImageStorage),
        .sop_instance = STR("1.2.3"),
        .transfer_syntax = STR(UID_JPEGBaseline8Bit),
        .source_ae = STR("CT1"),
        .sending_ae = STR("PROXY"),
        .receiving_ae = STR("LASTRA"),
    };
    struct bytes b;
    struct wr w = wr_fixed(b.p, sizeof b.p);
    dcm_meta_write(&m, &w);
    assert_false(w.bad);
    b.n = w.n;
    struct dcm_meta back = reads(&b);
    assert_true(back.prefix && back.present && !back.guessed);
    assert_int_equal(back.data_at, b.n);
    assert_str(back.sop_class, UID_CTImageStorage);
    assert_str(back.sop_instance, "1.2.3");
    assert_str(back.transfer_syntax, UID_JPEGBaseline8Bit);
    assert_str(back.implementation_uid, LASTRA_IMPLEMENTATION_UID);
    assert_str(back.implementation_version, LASTRA_IMPLEMENTATION_VERSION);
    assert_str(back.source_ae, "CT1");
    assert_str(back.sending_ae, "PROXY");
    assert_str(back.receiving_ae, "LASTRA");
    /* The group length counts what follows it. */
    assert_memory_equal(b.p + 132, "\x02\0\0\0UL\x04\0", 8);
    uint32_t length;
    memcpy(&length, b.p + 140, 4);
    assert_int_equal(length, b.n - 144);
}

/* CVE-2019-11687: a preamble that makes the file a program too. */
static void an_executable_preamble_is_not_kept(void **state)
{
    (void)state;
    struct bytes in = file(group, data), written;
    static const char zeros[DCM_PREAMBLE];
    memcpy(in.p, "MZ\x90", 3);
    struct dcm_meta m = reads(&in);
    struct wr w = wr_fixed(written.p, sizeof written.p);
    dcm_meta_write(&m, &w);
    assert_memory_equal(w.p, zeros, DCM_PREAMBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_preamble_prefix_and_meta_information),
        cmocka_unit_test(reads_meta_information_in_all_its_wrong_forms),
        cmocka_unit_test(reads_files_without_preamble_or_meta_information),
        cmocka_unit_test(guesses_the_encoding_from_the_first_bytes),
        cmocka_unit_test(a_private_transfer_syntax_is_kept_by_its_uid),
        cmocka_unit_test(a_file_of_nothing_but_meta_information_is_read),
        cmocka_unit_test(refuses_what_is_not_dicom),
        cmocka_unit_test(meta_information_without_end_is_refused),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(an_executable_preamble_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
