/* app/client_keys: the identifier of a query from a command line. */
#include "app/client_keys.h"

#include "dicom/tags.h"
#include "dicom/uid.h"
#include "unit.h"

enum { OPT_LEVEL, OPT_MODEL, OPT_KEY };

static const struct cmd_option options[] = {CLIENT_KEY_ROWS(OPT_LEVEL, OPT_MODEL, OPT_KEY)};
static const struct cmd command = {
    .name = "test", .max_args = 0, .options = options, .n_options = COUNT(options)};
static const struct client_key_options where = {OPT_LEVEL, OPT_MODEL, OPT_KEY};

static struct arena arena;
static struct client_keys keys;
static struct diag d;

static int setup(void **state)
{
    (void)state;
    arena = arena_init(1 << 20);
    d.text[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Up to four -k and two more words. */
static err_t build(const char *const *words, int n, enum client_verb verb, bool usual)
{
    static char text[16][128];
    char *argv[16];
    struct cmd_args args;
    for (int i = 0; i < n; i++) {
        assert_true(str_to_z(str_z(words[i]), text[i], sizeof text[i]));
        argv[i] = text[i];
    }
    TRY(cmd_parse(&command, n, argv, &arena, &args, &d));
    return client_keys(&args, &where, verb, usual, &arena, &keys, &d);
}

#define BUILD(verb, usual, ...)                                                                    \
    build((const char *const[]){__VA_ARGS__}, (int)COUNT(((const char *const[]){__VA_ARGS__})),    \
          verb, usual)

static void level_follows_from_the_keys(void **state)
{
    (void)state;
    assert_ok(BUILD(VERB_FIND, false, "-k", "PatientName=A*"));
    assert_str(dcm_ds_str(keys.ds, TAG_QueryRetrieveLevel), "STUDY");
    assert_ok(BUILD(VERB_GET, false, "-k", "StudyInstanceUID=1.2", "-k", "SeriesInstanceUID=1.3"));
    assert_str(dcm_ds_str(keys.ds, TAG_QueryRetrieveLevel), "SERIES");
    assert_str(keys.sop_class, UID_StudyRootQueryRetrieveInformationModelGet);
    assert_ok(BUILD(VERB_MOVE, false, "-k", "PatientID=1"));
    assert_str(dcm_ds_str(keys.ds, TAG_QueryRetrieveLevel), "PATIENT");
    assert_str(keys.sop_class, UID_PatientRootQueryRetrieveInformationModelMove);
    assert_ok(BUILD(VERB_FIND, false, "-l", "IMAGE", "--model", "patient", "-k", "Modality"));
    assert_str(dcm_ds_str(keys.ds, TAG_QueryRetrieveLevel), "IMAGE");
    assert_str(keys.sop_class, UID_PatientRootQueryRetrieveInformationModelFind);
}

static void keys_go_by_keyword_tag_and_path(void **state)
{
    (void)state;
    assert_ok(BUILD(VERB_FIND, false, "-k", "0010,0020=77", "-k", "Rows=512", "-k",
                    "RequestAttributesSequence.ScheduledProcedureStepID=S1", "-k",
                    "RequestAttributesSequence.RequestedProcedureID"));
    int64_t rows;
    assert_str(dcm_ds_str(keys.ds, TAG_PatientID), "77");
    assert_true(dcm_ds_int(keys.ds, TAG_Rows, 0, &rows) && rows == 512);
    const struct dcm_ds *item = dcm_ds_item(keys.ds, TAG_RequestAttributesSequence, 0);
    assert_non_null(item);
    assert_str(dcm_ds_str(item, TAG_ScheduledProcedureStepID), "S1");
    assert_non_null(dcm_ds_get(item, TAG_RequestedProcedureID));
    assert_null(dcm_ds_item(keys.ds, TAG_RequestAttributesSequence, 1));
    assert_int_equal(keys.n_columns, 3);
    assert_int_equal(keys.columns[2], TAG_RequestAttributesSequence);
}

static void usual_return_keys_stand_before_the_given(void **state)
{
    (void)state;
    assert_ok(BUILD(VERB_FIND, true, "-k", "BodyPartExamined", "-k", "PatientID=5"));
    assert_int_equal(keys.columns[0], TAG_PatientID);
    assert_int_equal(keys.columns[keys.n_columns - 1], TAG_BodyPartExamined);
    assert_str(dcm_ds_str(keys.ds, TAG_PatientID), "5");
    assert_non_null(dcm_ds_get(keys.ds, TAG_StudyInstanceUID));
    for (size_t i = 0; i < keys.n_columns; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(keys.columns[i], keys.columns[k]);
}

static void other_letters_are_sent_as_utf_8(void **state)
{
    (void)state;
    assert_ok(BUILD(VERB_FIND, false, "-k", "PatientName=M\xc3\xbcller*"));
    assert_str(dcm_ds_str(keys.ds, TAG_SpecificCharacterSet), "ISO_IR 192");
    assert_ok(BUILD(VERB_FIND, false, "-k", "PatientName=Muller*"));
    assert_null(dcm_ds_get(keys.ds, TAG_SpecificCharacterSet));
    assert_err(BUILD(VERB_FIND, false, "-k", "PatientName=M\xfcller"), E_USAGE);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_err(BUILD(VERB_FIND, false, "-k", "Nonsense=1"), E_USAGE);
    assert_non_null(strstr(d.text, "Nonsense"));
    assert_err(BUILD(VERB_FIND, false, "-k", "PatientID.Rows=1"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-k", "RequestAttributesSequence=1"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-k", "Rows=70000"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-k", "PixelData=1"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-k", "0000,0100=1"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-l", "frame"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "--model", "worklist"), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-k", ""), E_USAGE);
    assert_err(BUILD(VERB_FIND, false, "-k", "."), E_USAGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(level_follows_from_the_keys),
        TEST(keys_go_by_keyword_tag_and_path),
        TEST(usual_return_keys_stand_before_the_given),
        TEST(other_letters_are_sent_as_utf_8),
        TEST(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
