#include "unit.h"

#include "dicom/ts.h"

static void finds_uids_by_value_and_keyword(void **state)
{
    (void)state;
    struct dcm_uid u;
    assert_true(dcm_uid_find(STR("1.2.840.10008.5.1.4.1.1.2"), &u));
    assert_str(u.keyword, "CTImageStorage");
    assert_str(u.name, "CT Image Storage");
    assert_int_equal(u.type, DCM_UID_SOP_CLASS);
    assert_true(dcm_uid_keyword(STR("CTImageStorage"), &u));
    assert_str(u.uid, UID_CTImageStorage);
    assert_false(dcm_uid_find(STR("1.2.840.10008.5.1.4.1.1.2.999"), &u));
    assert_false(dcm_uid_keyword(STR(""), &u));
    assert_str(dcm_uid_name(STR(UID_Verification)), "Verification SOP Class");
    assert_str(dcm_uid_name(STR("1.2.3")), "1.2.3");
    for (size_t i = 0; i < dcm_uid_count(); i++) {
        assert_true(dcm_uid_find(dcm_uid_at(i).uid, &u));
        assert_true(dcm_uid_valid(u.uid));
    }
}

static void takes_storage_sop_classes_for_what_they_are(void **state)
{
    (void)state;
    static const char *const stored[] = {
        UID_CTImageStorage,
        UID_DigitalXRayImageStorageForProcessing,
        UID_TextSRStorageTrial,
        UID_StoredPrintStorage,
        UID_UltrasoundImageStorageRetired,
        UID_HangingProtocolStorage,
        UID_DICOSQuadrupoleResonanceStorage,
        UID_RTBeamsDeliveryInstructionStorageTrial,
        UID_CTDefinedProcedureProtocolStorage,
        UID_InventoryStorage,
        UID_RawDataStorage,
        UID_HardcopyColorImageStorage,
        "1.2.840.10008.5.1.4.1.1.40",
    };
    static const char *const others[] = {
        UID_Verification,
        UID_StorageCommitmentPushModel,
        UID_StorageCommitmentPushModelInstance,
        UID_MediaStorageDirectoryStorage,
        UID_Storage,
        UID_StorageManagementInstance,
        "1.2.840.10008.5.1.4.1.1.200.4",
        "1.2.840.10008.5.1.4.1.1.201.2",
        "1.2.3",
        UID_ExplicitVRLittleEndian,
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
        assert_true(dcm_uid_is_storage(str_z(stored[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(dcm_uid_is_storage(str_z(others[i])));
    for (size_t i = 0; i < dcm_uid_count(); i++)
        n += dcm_uid_at(i).storage;
    assert_int_equal(n, 210);
}

static void refuses_what_is_no_uid(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".",
        "1.",
        ".1",
        "1..2",
        "01.2",
        "1.02",
        "1.2 ",
        "1.2a",
        "../1",
        "1/2",
        "1.-2",
        "1.2345678901234567890123456789012345678901234567890123456789012.3",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dcm_uid_valid(str_z(bad[i])));
    assert_false(dcm_uid_valid(str_of("1.2\0.3", 6)));
    assert_true(dcm_uid_valid(STR("1.0.2")));
    assert_true(dcm_uid_valid(STR("0")));
    assert_true(
        dcm_uid_valid(STR("1.23456789012345678901234567890123456789012345678901234567890.12")));
    assert_true(dcm_uid_valid(STR(LASTRA_IMPLEMENTATION_UID)));
    assert_true(sizeof LASTRA_IMPLEMENTATION_VERSION - 1 <= 16);
}

/* The example of PS3.5 B.2: f81d4fae-7dec-11d0-a765-00a0c91e6bf6, had it been random. */
static void makes_uids_from_random_bytes(void **state)
{
    (void)state;
    const uint8_t v4[16] = {0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x41, 0xd0,
                            0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6};
    const uint8_t zeros[16] = {0};
    uint8_t ones[16];
    memset(ones, 0xff, sizeof ones);
    assert_string_equal(dcm_uid_generate(v4).text, "2.25.329800735698586855969233156254476430326");
    assert_string_equal(dcm_uid_generate(zeros).text, "2.25.302240678275694148452352");
    assert_string_equal(dcm_uid_generate(ones).text,
                        "2.25.340282366920937632322261936355783213055");
    assert_true(dcm_uid_valid(str_z(dcm_uid_generate(ones).text)));
}

static void tells_what_a_transfer_syntax_does(void **state)
{
    (void)state;
    const struct dcm_ts *implicit = dcm_ts_find(STR(UID_ImplicitVRLittleEndian));
    const struct dcm_ts *big = dcm_ts_find(STR(UID_ExplicitVRBigEndian));
    const struct dcm_ts *deflated = dcm_ts_find(STR(UID_DeflatedExplicitVRLittleEndian));
    const struct dcm_ts *jpeg = dcm_ts_find(STR(UID_JPEGBaseline8Bit));
    const struct dcm_ts *private = dcm_ts_guess(STR("1.2.3.4"));
    assert_int_equal(implicit->encoding, DCM_IMPLICIT_LE);
    assert_int_equal(big->encoding, DCM_EXPLICIT_BE);
    assert_true(big->retired);
    assert_true(deflated->deflated);
    assert_int_equal(jpeg->pixels, DCM_PIXELS_ENCAPSULATED);
    assert_true(jpeg->lossy);
    assert_false(dcm_ts_find(STR(UID_JPEGLSLossless))->lossy);
    assert_null(dcm_ts_find(STR("1.2.3.4")));
    assert_int_equal(private->encoding, DCM_EXPLICIT_LE);
    assert_true(dcm_ts_convertible(implicit, deflated));
    assert_true(dcm_ts_convertible(jpeg, jpeg));
    assert_false(dcm_ts_convertible(jpeg, implicit));
    assert_false(dcm_ts_convertible(implicit, jpeg));
    assert_false(dcm_ts_convertible(private, private));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_uids_by_value_and_keyword),
        cmocka_unit_test(takes_storage_sop_classes_for_what_they_are),
        cmocka_unit_test(refuses_what_is_no_uid),
        cmocka_unit_test(makes_uids_from_random_bytes),
        cmocka_unit_test(tells_what_a_transfer_syntax_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
