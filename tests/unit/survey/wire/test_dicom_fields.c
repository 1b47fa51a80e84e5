/* Identifying fields of data sets in clear: by name and count, in any pieces and every encoding. */
#include "unit.h"

#include "base/size.h"
#include "base/wr.h"
#include "dicom/dict.h"
#include "survey/wire/dicom_fields.h"

#define IMPLICIT "1.2.840.10008.1.2"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define BIG "1.2.840.10008.1.2.2"
#define JPEG "1.2.840.10008.1.2.4.50"
#define DEFLATED "1.2.840.10008.1.2.1.99"
enum { UNDEFINED = -1 };

struct set {
    struct wr w;
    struct dicom_fields *f;
    const char *ts;
    bool implicit, big;
};

static int setup(void **state)
{
    struct set *s = calloc(1, sizeof *s);
    s->w = wr_heap(1 << 20);
    *state = s;
    return dicom_fields_new(&s->f) != OK;
}

static int teardown(void **state)
{
    struct set *s = *state;
    wr_done(&s->w);
    dicom_fields_free(s->f);
    free(s);
    return 0;
}

/* An empty data set in a transfer syntax, and a reader without counts. */
static void begin(struct set *s, const char *ts)
{
    dicom_fields_free(s->f);
    assert_ok(dicom_fields_new(&s->f));
    wr_clear(&s->w);
    s->ts = ts;
    s->implicit = strcmp(ts, IMPLICIT) == 0;
    s->big = strcmp(ts, BIG) == 0;
}

static void u16(struct set *s, unsigned v)
{
    if (s->big)
        wr_u16be(&s->w, (uint16_t)v);
    else
        wr_u16le(&s->w, (uint16_t)v);
}

static void u32(struct set *s, uint32_t v)
{
    if (s->big)
        wr_u32be(&s->w, v);
    else
        wr_u32le(&s->w, v);
}

static void head(struct set *s, uint32_t tag, const char *vr, int length)
{
    bool wide = strchr("OSU", vr[0]) && (vr[0] == 'O' || !strcmp(vr, "SQ") || !strcmp(vr, "UN"));
    u16(s, tag >> 16);
    u16(s, tag & 0xFFFF);
    if (s->implicit || tag >> 16 == 0xFFFE) {
        u32(s, (uint32_t)length);
        return;
    }
    wr_put(&s->w, str_of(vr, 2));
    if (wide)
        u16(s, 0);
    if (wide)
        u32(s, (uint32_t)length);
    else
        u16(s, (unsigned)length);
}

static void element(struct set *s, uint32_t tag, const char *vr, struct str value)
{
    head(s, tag, vr, (int)value.n);
    wr_put(&s->w, value);
}

/* Reads it in pieces; whether more was wanted at the end. */
static bool read_it(struct set *s, size_t piece)
{
    bool more = true;
    dicom_fields_begin(s->f, str_z(s->ts));
    for (size_t at = 0; at < s->w.n && more; at += piece) {
        struct str part = str_slice(wr_str(&s->w), at, piece);
        char *copy = malloc(part.n);
        memcpy(copy, part.p, part.n);
        more = dicom_fields_feed(s->f, str_of(copy, part.n));
        free(copy);
    }
    return more;
}

static uint64_t total(const struct set *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < DICOM_FIELDS; i++)
        n += dicom_fields_counts(s->f)[i];
    return n;
}

#define assert_count(s, id, n)                                                                     \
    assert_int_equal(dicom_fields_counts((s)->f)[DICOM_FIELD_##id], (uint64_t)(n))

/* What comes before pixel data in an ordinary image, and some things that are hard to step over. */
static void write_image(struct set *s)
{
    element(s, 0x00080000, "UL", STR("\x10\0\0\0"));
    element(s, 0x00080005, "CS", STR("ISO_IR 100"));
    element(s, 0x00080020, "DA", STR("20261122"));
    element(s, 0x00080050, "SH", STR("  "));
    element(s, 0x00080080, "LO", STR("San Luca"));
    head(s, 0x00081115, "SQ", UNDEFINED); /* nested, each with an undefined length */
    head(s, 0xFFFEE000, "--", UNDEFINED);
    element(s, 0x00100010, "PN", STR("Nested^Name "));
    head(s, 0x00400275, "SQ", UNDEFINED);
    head(s, 0xFFFEE000, "--", 4);
    wr_put(&s->w, STR("junk"));
    head(s, 0xFFFEE0DD, "--", 0);
    head(s, 0xFFFEE00D, "--", 0);
    head(s, 0xFFFEE0DD, "--", 0);
    element(s, 0x00091001, "UN", STR("private!"));
    element(s, 0x00100010, "PN", STR("Rossi^Maria "));
    element(s, 0x00100020, "LO", STR("0815"));
    element(s, 0x00100030, "DA", STR(""));
    element(s, 0x00100040, "CS", STR("F "));
    head(s, 0x00101002, "SQ", UNDEFINED);
    head(s, 0xFFFEE000, "--", UNDEFINED);
    element(s, 0x00100020, "LO", STR("4711"));
    head(s, 0xFFFEE00D, "--", 0);
    head(s, 0xFFFEE0DD, "--", 0);
    element(s, 0x00321060, "LO", STR("TC torace"));
    element(s, 0x7FE00010, "OW", STR("pixels"));
}

static void fields_are_counted_in_every_encoding_and_any_pieces(void **state)
{
    struct set *s = *state;
    static const char *const syntaxes[] = {IMPLICIT, EXPLICIT, BIG, JPEG};
    static const size_t pieces[] = {1, 2, 3, 7, 8, 11, 12, 13, 64, 1 << 20};
    for (size_t i = 0; i < COUNT(syntaxes) * COUNT(pieces); i++) {
        begin(s, syntaxes[i / COUNT(pieces)]);
        write_image(s);
        assert_false(read_it(s, pieces[i % COUNT(pieces)])); /* stops at the pixel data */
        assert_count(s, PatientName, 1);
        assert_count(s, PatientID, 1);
        assert_count(s, PatientSex, 1);
        assert_count(s, StudyDate, 1);
        assert_count(s, InstitutionName, 1);
        assert_count(s, OtherPatientIDsSequence, 1);
        assert_count(s, RequestedProcedureDescription, 1);
        assert_int_equal(total(s), 7);
    }
}

static void counts_add_up_over_data_sets(void **state)
{
    struct set *s = *state;
    begin(s, EXPLICIT);
    write_image(s);
    for (int i = 0; i < 5; i++)
        (void)read_it(s, 100);
    assert_count(s, PatientName, 5);
}

static void what_is_empty_does_not_count(void **state)
{
    struct set *s = *state;
    begin(s, EXPLICIT);
    element(s, 0x00080090, "PN", STR("^^^^"));
    element(s, 0x00100010, "PN", STR("    "));
    element(s, 0x00100020, "LO", STR(""));
    element(s, 0x00101000, "LO", STR("\\\\"));
    head(s, 0x00101002, "SQ", UNDEFINED);
    head(s, 0xFFFEE0DD, "--", 0);
    element(s, 0x00101010, "AS", str_of("\0\0", 2));
    element(s, 0x00101040, "LO", STR("  ")); /* blank, then a sequence with something in it */
    head(s, 0x00101050, "SQ", UNDEFINED);
    head(s, 0xFFFEE000, "--", 4);
    wr_put(&s->w, STR("junk"));
    head(s, 0xFFFEE0DD, "--", 0);
    assert_true(read_it(s, 5));
    assert_count(s, InsurancePlanIdentification, 1);
    assert_int_equal(total(s), 1);
}

static void the_walk_ends_after_the_last_field(void **state)
{
    struct set *s = *state;
    begin(s, IMPLICIT);
    element(s, 0x00401002, "LO", STR("why "));
    element(s, 0x00402004, "DA", STR("20261122"));
    assert_false(read_it(s, 6));
    assert_count(s, ReasonForTheRequestedProcedure, 1);
}

static void unknown_and_deflated_syntaxes_count_nothing(void **state)
{
    struct set *s = *state;
    static const char *const syntaxes[] = {DEFLATED, "1.2.3.4", ""};
    for (size_t i = 0; i < COUNT(syntaxes); i++) {
        begin(s, EXPLICIT);
        write_image(s);
        s->ts = syntaxes[i];
        assert_false(read_it(s, 100));
        assert_int_equal(total(s), 0);
    }
}

static void an_unknown_vr_of_undefined_length_holds_implicit_vr(void **state)
{
    struct set *s = *state;
    begin(s, EXPLICIT);
    head(s, 0x00091010, "UN", UNDEFINED);
    s->implicit = true;
    head(s, 0xFFFEE000, "--", UNDEFINED);
    element(s, 0x00091011, "LO", STR("text"));
    head(s, 0x00091012, "SQ", UNDEFINED);
    head(s, 0xFFFEE0DD, "--", 0);
    head(s, 0xFFFEE00D, "--", 0);
    head(s, 0xFFFEE0DD, "--", 0);
    s->implicit = false;
    element(s, 0x00100010, "PN", STR("Rossi^Maria "));
    assert_true(read_it(s, 9));
    assert_count(s, PatientName, 1);
}

static void malformed_bytes_end_a_data_set_and_not_the_next(void **state)
{
    struct set *s = *state;
    static const struct str bytes[] = {
        STR_INIT("\x10\0\x10\0\1\2\3\4rest of what is no element"), /* no VR */
        STR_INIT("\xfe\xff\x0d\xe0\0\0\0\0\x10\0\x10\0PN\2\0ab"),   /* ends what never began */
        STR_INIT("\x10\0\x20\0LO\0\0\x08\0\x20\0DA\0\0"),           /* goes back */
    };
    for (size_t i = 0; i < COUNT(bytes); i++) {
        begin(s, EXPLICIT);
        wr_put(&s->w, bytes[i]);
        assert_false(read_it(s, 4));
        assert_int_equal(total(s), 0);
        wr_clear(&s->w);
        write_image(s);
        (void)read_it(s, 4);
        assert_count(s, PatientName, 1);
    }
}

static void nesting_without_end_is_given_up(void **state)
{
    struct set *s = *state;
    begin(s, EXPLICIT);
    head(s, 0x00081115, "SQ", UNDEFINED);
    for (int i = 0; i < 10000; i++)
        head(s, i % 2 ? 0x00081115 : 0xFFFEE000, "SQ", UNDEFINED);
    assert_false(read_it(s, 1000));
}

static void a_length_past_the_end_is_stepped_over_without_memory(void **state)
{
    struct set *s = *state;
    begin(s, IMPLICIT);
    head(s, 0x00091001, "OB", 0x7FFFFFFF);
    for (int i = 0; i < 1000; i++)
        wr_put(&s->w, STR("0123456789"));
    assert_true(read_it(s, 1024));
    assert_int_equal(total(s), 0);
}

static void each_row_of_the_table_is_an_attribute_of_the_dictionary(void **state)
{
    (void)state;
    static const struct {
        uint32_t tag;
        const char *name;
    } rows[] = {
#define DICOM_FIELD(id, tag) {tag, #id},
#include "survey/wire/dicom_fields.def"
#undef DICOM_FIELD
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(i == 0 || rows[i - 1].tag < rows[i].tag);
        assert_str(dicom_field_name((enum dicom_field_id)i), rows[i].name);
        struct dcm_dict row;
        assert_true(dcm_dict_find(rows[i].tag, &row));
        assert_str(row.keyword, rows[i].name);
    }
    assert_int_equal(dicom_field_name(DICOM_FIELDS).n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_counted_in_every_encoding_and_any_pieces),
        TEST(counts_add_up_over_data_sets),
        TEST(what_is_empty_does_not_count),
        TEST(the_walk_ends_after_the_last_field),
        TEST(unknown_and_deflated_syntaxes_count_nothing),
        TEST(an_unknown_vr_of_undefined_length_holds_implicit_vr),
        TEST(malformed_bytes_end_a_data_set_and_not_the_next),
        TEST(nesting_without_end_is_given_up),
        TEST(a_length_past_the_end_is_stepped_over_without_memory),
        TEST(each_row_of_the_table_is_an_attribute_of_the_dictionary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
