#include "unit.h"

#include "dicom/match.h"
#include "dicom/tags.h"

struct fixture {
    struct arena arena, scratch;
    struct dcm_ds *keys, *ds;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_init(1 << 20);
    f.scratch = arena_init(1 << 16);
    f.keys = dcm_ds_new(&f.arena);
    f.ds = dcm_ds_new(&f.arena);
    *state = &f;
    return f.keys && f.ds ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    arena_done(&f->scratch);
    return 0;
}

static void set(struct dcm_ds *ds, tag_t tag, const char *vr, const char *value)
{
    assert_ok(dcm_ds_set(ds, tag, VR(vr[0], vr[1]), str_z(value)));
}

static struct dcm_ds *item(struct dcm_ds *ds, tag_t tag)
{
    struct dcm_ds *ret = NULL;
    assert_ok(dcm_ds_add_item(ds, tag, &ret));
    return ret;
}

static struct match_item *compile(struct fixture *f)
{
    struct match_item *m = NULL;
    assert_ok(match_item_compile(&f->arena, NULL, f->keys, (struct match_options){0}, &m, NULL));
    return m;
}

static bool matches(struct fixture *f)
{
    return match_item_test(compile(f), NULL, f->ds, &f->scratch);
}

static void all_keys_must_match(void **state)
{
    struct fixture *f = *state;
    set(f->keys, TAG_PatientName, "PN", "doe*");
    set(f->keys, TAG_PatientID, "LO", "7");
    set(f->keys, TAG_StudyDate, "DA", "");
    set(f->ds, TAG_PatientName, "PN", "DOE^J");
    assert_int_equal(match_item_keys(compile(f)), 2);
    assert_false(matches(f));
    set(f->ds, TAG_PatientID, "LO", "7");
    assert_true(matches(f));
    set(f->ds, TAG_PatientName, "PN", "Roe");
    assert_false(matches(f));
}

static void what_describes_the_request_is_no_key(void **state)
{
    struct fixture *f = *state;
    set(f->keys, TAG_SpecificCharacterSet, "CS", "ISO_IR 100");
    set(f->keys, TAG_QueryRetrieveLevel, "CS", "STUDY");
    set(f->keys, TAG_TimezoneOffsetFromUTC, "SH", "+0100");
    set(f->keys, TAG(0x0008, 0), "UL", "\1\0\0\0");
    set(f->keys, TAG(0x0009, 0x1001), "OB", "private and binary");
    assert_int_equal(match_item_keys(compile(f)), 0);
    assert_true(matches(f));
}

static void each_side_has_its_own_character_set(void **state)
{
    struct fixture *f = *state;
    set(f->keys, TAG_SpecificCharacterSet, "CS", "ISO_IR 100");
    set(f->keys, TAG_PatientName, "PN", "M\xfcll*");
    set(f->keys, TAG_PatientID, "LO", "\xe4");
    set(f->ds, TAG_SpecificCharacterSet, "CS", "ISO_IR 192");
    set(f->ds, TAG_PatientName, "PN", "Müller");
    set(f->ds, TAG_PatientID, "LO", "ä");
    assert_true(matches(f));
}

static void numbers_and_tags_match_in_binary(void **state)
{
    struct fixture *f = *state;
    assert_ok(dcm_ds_set_u16(f->keys, TAG_Rows, 512));
    assert_ok(dcm_ds_set_u16(f->ds, TAG_Rows, 512));
    assert_ok(dcm_ds_set(f->keys, TAG(0x0018, 0x1310), VR('S', 'S'), str_of("\xff\xff", 2)));
    assert_ok(dcm_ds_set(f->ds, TAG(0x0018, 0x1310), VR('S', 'S'), str_of("\1\0\xff\xff", 4)));
    assert_ok(
        dcm_ds_set(f->keys, TAG_FrameIncrementPointer, VR('A', 'T'), str_of("\x18\0\x63\x10", 4)));
    assert_ok(
        dcm_ds_set(f->ds, TAG_FrameIncrementPointer, VR('A', 'T'), str_of("\x18\0\x63\x10", 4)));
    assert_ok(
        dcm_ds_set(f->keys, TAG(0x0040, 0xa161), VR('F', 'D'), str_of("\0\0\0\0\0\0\xf8\x3f", 8)));
    assert_ok(
        dcm_ds_set(f->ds, TAG(0x0040, 0xa161), VR('F', 'D'), str_of("\0\0\0\0\0\0\xf8\x3f", 8)));
    assert_int_equal(match_item_keys(compile(f)), 4);
    assert_true(matches(f));
    assert_ok(dcm_ds_set_u16(f->ds, TAG_Rows, 256));
    assert_false(matches(f));
}

/* One item must have it all; two that have half each do not match. */
static void a_sequence_matches_by_one_whole_item(void **state)
{
    struct fixture *f = *state;
    struct dcm_ds *key = item(f->keys, TAG_RequestAttributesSequence), *one, *two;
    set(key, TAG_ScheduledProcedureStepID, "SH", "S1");
    set(key, TAG_RequestedProcedureID, "SH", "P1");
    assert_false(matches(f));
    one = item(f->ds, TAG_RequestAttributesSequence);
    set(one, TAG_ScheduledProcedureStepID, "SH", "S1");
    set(one, TAG_RequestedProcedureID, "SH", "P2");
    two = item(f->ds, TAG_RequestAttributesSequence);
    set(two, TAG_ScheduledProcedureStepID, "SH", "S2");
    set(two, TAG_RequestedProcedureID, "SH", "P1");
    assert_false(matches(f));
    set(two, TAG_ScheduledProcedureStepID, "SH", "S1");
    assert_true(matches(f));
}

static void sequences_in_sequences_match(void **state)
{
    struct fixture *f = *state;
    struct dcm_ds *key = item(f->keys, TAG_RequestAttributesSequence);
    set(item(key, TAG_RequestedProcedureCodeSequence), TAG_CodeValue, "SH", "B");
    set(f->keys, TAG_PatientID, "LO", "1");
    set(f->ds, TAG_PatientID, "LO", "1");
    struct dcm_ds *one = item(f->ds, TAG_RequestAttributesSequence);
    set(item(one, TAG_RequestedProcedureCodeSequence), TAG_CodeValue, "SH", "A");
    assert_false(matches(f));
    struct dcm_ds *two = item(f->ds, TAG_RequestAttributesSequence);
    (void)item(two, TAG_RequestedProcedureCodeSequence);
    set(item(two, TAG_RequestedProcedureCodeSequence), TAG_CodeValue, "SH", "B");
    assert_true(matches(f));
    set(f->ds, TAG_PatientID, "LO", "2");
    assert_false(matches(f));
}

static void a_sequence_key_that_says_nothing_is_universal(void **state)
{
    struct fixture *f = *state;
    struct dcm_ds *key = item(f->keys, TAG_RequestAttributesSequence);
    set(key, TAG_ScheduledProcedureStepID, "SH", "");
    (void)item(key, TAG_RequestedProcedureCodeSequence);
    assert_int_equal(match_item_keys(compile(f)), 0);
    assert_true(matches(f));
}

static void keys_nested_too_deeply_are_refused(void **state)
{
    struct fixture *f = *state;
    struct dcm_ds *ds = f->keys;
    struct match_item *m;
    struct match_options none = {0};
    for (int i = 0; i < MATCH_DEPTH_MAX; i++)
        ds = item(ds, TAG_RequestAttributesSequence);
    assert_ok(match_item_compile(&f->arena, NULL, f->keys, none, &m, NULL));
    (void)item(ds, TAG_RequestAttributesSequence);
    assert_err(match_item_compile(&f->arena, NULL, f->keys, none, &m, NULL), E_LIMIT);
}

static void too_many_sequence_keys_are_refused(void **state)
{
    struct fixture *f = *state;
    struct match_item *m;
    struct match_options none = {0};
    for (unsigned i = 1; i < MATCH_ITEMS_MAX; i++)
        (void)item(f->keys, TAG(0x0009, 0x1000 + i));
    assert_ok(match_item_compile(&f->arena, NULL, f->keys, none, &m, NULL));
    (void)item(f->keys, TAG(0x0009, 0x2000));
    assert_err(match_item_compile(&f->arena, NULL, f->keys, none, &m, NULL), E_LIMIT);
}

static void a_malformed_key_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct match_item *m;
    set(item(f->keys, TAG_RequestAttributesSequence), TAG_StudyDate, "DA", "yesterday");
    assert_err(match_item_compile(&f->arena, NULL, f->keys, (struct match_options){0}, &m, NULL),
               E_MALFORMED);
}

static void a_full_scratch_matches_nothing(void **state)
{
    struct fixture *f = *state;
    struct arena full = arena_init(0);
    set(f->keys, TAG_PatientID, "LO", "*");
    set(f->keys, TAG_PatientName, "PN", "m*");
    set(f->ds, TAG_PatientName, "PN", "M\xfcller");
    assert_false(match_item_test(compile(f), NULL, f->ds, &full));
    assert_true(match_item_test(compile(f), NULL, f->ds, &f->scratch));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(all_keys_must_match),
        T(what_describes_the_request_is_no_key),
        T(each_side_has_its_own_character_set),
        T(numbers_and_tags_match_in_binary),
        T(a_sequence_matches_by_one_whole_item),
        T(sequences_in_sequences_match),
        T(a_sequence_key_that_says_nothing_is_universal),
        T(keys_nested_too_deeply_are_refused),
        T(too_many_sequence_keys_are_refused),
        T(a_malformed_key_is_an_error),
        T(a_full_scratch_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
