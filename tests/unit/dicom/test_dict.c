#include "unit.h"

#include "dicom/dict.h"
#include "dicom/tags.h"
#include "dicom/vr.h"

static void finds_an_element_by_tag_and_keyword(void **state)
{
    (void)state;
    struct dcm_dict e;
    assert_true(dcm_dict_find(TAG(0x0010, 0x0010), &e));
    assert_str(e.keyword, "PatientName");
    assert_str(e.name, "Patient's Name");
    assert_str(e.vm, "1");
    assert_int_equal(e.vr, VR('P', 'N'));
    assert_false(e.retired);
    assert_true(dcm_dict_keyword(STR("PatientName"), &e));
    assert_int_equal(e.tag, TAG_PatientName);
    assert_false(dcm_dict_keyword(STR("patientname"), &e));
    assert_false(dcm_dict_keyword(STR(""), &e));
    assert_false(dcm_dict_find(TAG(0x0010, 0x00f1), &e));
}

/* The tags of the generated header, one of each kind of row. */
static const struct {
    tag_t tag;
    const char *keyword;
    vr_t vr;
} known[] = {
    {TAG_CommandGroupLength, "CommandGroupLength", VR('U', 'L')},
    {TAG_TransferSyntaxUID, "TransferSyntaxUID", VR('U', 'I')},
    {TAG_PixelRepresentation, "PixelRepresentation", VR('U', 'S')},
    {TAG_SmallestImagePixelValue, "SmallestImagePixelValue", VR_US_OR_SS},
    {TAG_LUTData, "LUTData", VR_US_OR_OW},
    {TAG_OffsetOfTheNextDirectoryRecord, "OffsetOfTheNextDirectoryRecord", VR_OFFSET},
    {TAG_PixelData, "PixelData", VR_PIXELS},
    {TAG_Item, "Item", VR_STRUCTURE},
    {TAG_OverlayData, "OverlayData", VR_OB_OR_OW},
};

static void knows_every_kind_of_row_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct dcm_dict e, back;
        assert_true(dcm_dict_find(known[i].tag, &e));
        assert_str(e.keyword, known[i].keyword);
        assert_int_equal(e.vr, known[i].vr);
        assert_int_equal(dcm_dict_vr(known[i].tag), known[i].vr);
        assert_true(dcm_dict_keyword(e.keyword, &back));
        assert_int_equal(back.tag, known[i].tag);
    }
}

static void knows_repeating_groups_and_elements(void **state)
{
    (void)state;
    struct dcm_dict e;
    assert_true(dcm_dict_find(TAG(0x601e, 0x3000), &e));
    assert_str(e.keyword, "OverlayData");
    assert_int_equal(e.tag, TAG(0x601e, 0x3000));
    assert_true(dcm_dict_find(TAG(0x50fe, 0x0005), &e));
    assert_true(dcm_dict_find(TAG(0x0020, 0x3142), &e));
    assert_str(e.keyword, "SourceImageIDs");
    assert_true(e.retired);
    assert_false(dcm_dict_find(TAG(0x6100, 0x3000), &e));
    assert_false(dcm_dict_find(TAG(0x6001, 0x3000), &e));
    assert_true(dcm_dict_find(TAG(0x7fe0, 0x0010), &e));
    assert_str(e.keyword, "PixelData");
}

static void knows_group_lengths_and_private_creators_but_no_other_private_element(void **state)
{
    (void)state;
    struct dcm_dict e;
    assert_true(dcm_dict_find(TAG(0x0008, 0x0000), &e));
    assert_int_equal(e.vr, VR('U', 'L'));
    assert_true(dcm_dict_find(TAG(0x0029, 0x0010), &e));
    assert_str(e.name, "Private Creator");
    assert_int_equal(dcm_dict_vr(TAG(0x0029, 0x00ff)), VR('L', 'O'));
    assert_false(dcm_dict_find(TAG(0x0029, 0x1010), &e));
    assert_int_equal(dcm_dict_vr(TAG(0x0029, 0x1010)), VR_NONE);
}

static void resolves_open_vrs_to_ones_that_can_be_written(void **state)
{
    (void)state;
    assert_int_equal(dcm_vr_resolve(VR_US_OR_SS, false), VR('U', 'S'));
    assert_int_equal(dcm_vr_resolve(VR_US_OR_SS, true), VR('S', 'S'));
    assert_int_equal(dcm_vr_resolve(VR_PIXELS, true), VR('O', 'W'));
    assert_int_equal(dcm_vr_resolve(VR_OB_OR_OW, false), VR('O', 'W'));
    assert_int_equal(dcm_vr_resolve(VR_US_OR_OW, false), VR('O', 'W'));
    assert_int_equal(dcm_vr_resolve(VR_OFFSET, false), VR('U', 'L'));
    assert_int_equal(dcm_vr_resolve(VR_NONE, false), VR('U', 'N'));
    assert_int_equal(dcm_vr_resolve(VR('P', 'N'), false), VR('P', 'N'));
}

static void reads_tags_in_all_their_spellings(void **state)
{
    (void)state;
    static const char *const good[] = {"0010,0020", "(0010,0020)", "00100020", "PatientID"};
    static const char *const bad[] = {"",          "0010",       "0010,00200",
                                      "0010-0020", "(0010,0020", "Nobody"};
    tag_t tag;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(dcm_tag_parse(str_z(good[i]), &tag));
        assert_int_equal(tag, TAG_PatientID);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dcm_tag_parse(str_z(bad[i]), &tag));
    assert_true(dcm_tag_parse(STR("7fe0,0010"), &tag));
    assert_int_equal(tag, TAG_PixelData);
}

static void tells_what_each_vr_is(void **state)
{
    (void)state;
    assert_int_equal(dcm_vr_flags(VR('X', 'X')), 0);
    assert_int_equal(dcm_vr_flags(VR(0, 0)), 0);
    assert_int_equal(dcm_vr_flags(VR('p', 'n')), 0);
    assert_true(dcm_vr_flags(VR('P', 'N')) & DCM_VR_CHARSET);
    assert_false(dcm_vr_flags(VR('C', 'S')) & DCM_VR_CHARSET);
    assert_false(dcm_vr_flags(VR('U', 'I')) & DCM_VR_SPACE);
    assert_true(dcm_vr_flags(VR('U', 'N')) & DCM_VR_LONG);
    assert_false(dcm_vr_flags(VR('L', 'T')) & DCM_VR_MULTI);
    assert_int_equal(dcm_vr_word(VR('A', 'T')), 2);
    assert_int_equal(dcm_vr_size(VR('A', 'T')), 4);
    assert_int_equal(dcm_vr_word(VR('O', 'D')), 8);
    assert_int_equal(dcm_vr_word(VR('U', 'N')), 1);
    assert_string_equal(dcm_vr_name(VR('S', 'Q')).text, "SQ");
    assert_string_equal(dcm_vr_name(VR_NONE).text, "--");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_an_element_by_tag_and_keyword),
        cmocka_unit_test(knows_every_kind_of_row_both_ways),
        cmocka_unit_test(knows_repeating_groups_and_elements),
        cmocka_unit_test(knows_group_lengths_and_private_creators_but_no_other_private_element),
        cmocka_unit_test(resolves_open_vrs_to_ones_that_can_be_written),
        cmocka_unit_test(reads_tags_in_all_their_spellings),
        cmocka_unit_test(tells_what_each_vr_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
