#include "unit.h"

#include "base/rd.h"
#include "dicom/dicomdir.h"
#include "dicom/part10.h"
#include "dicom/tags.h"

enum { MAX = 1 << 20 };

static struct dcm_ds *keys(struct arena *a, const char *text)
{
    struct dcm_ds *ds = dcm_ds_new(a);
    assert_non_null(ds);
    assert_ok(dcm_ds_set(ds, TAG_PatientID, VR('L', 'O'), str_z(text)));
    assert_ok(dcm_ds_set(ds, TAG_StudyInstanceUID, VR('U', 'I'), STR("1.2")));
    assert_ok(dcm_ds_set(ds, TAG_SeriesInstanceUID, VR('U', 'I'), STR("1.2.3")));
    assert_ok(dcm_ds_set(ds, TAG_InstanceNumber, VR('I', 'S'), STR("7")));
    assert_ok(dcm_ds_set(ds, TAG_ContentDate, VR('D', 'A'), STR("20260101")));
    return ds;
}

static const struct dicomdir_file image = {STR_INIT("PT000001\\ST000001\\SE000001\\IM000001"),
                                           STR_INIT("1.2.840.10008.5.1.4.1.1.2"),
                                           STR_INIT("1.2.3.4"), STR_INIT("1.2.840.10008.1.2.1")};
static const struct dicomdir_file report = {STR_INIT("PT000001\\ST000001\\SE000001\\IM000002"),
                                            STR_INIT("1.2.840.10008.5.1.4.1.1.88.11"),
                                            STR_INIT("1.2.3.5"), STR_INIT("1.2.840.10008.1.2.1")};

/* Two patients; the first with a study, a series and two instances. */
static void make(struct wr *w, struct arena *a)
{
    struct dicomdir *d;
    assert_ok(dicomdir_new(MAX, &d));
    assert_ok(dicomdir_add(d, DICOMDIR_PATIENT, keys(a, "one"), NULL));
    assert_ok(dicomdir_add(d, DICOMDIR_STUDY, keys(a, "one"), NULL));
    assert_ok(dicomdir_add(d, DICOMDIR_SERIES, keys(a, "one"), NULL));
    assert_ok(dicomdir_add(d, DICOMDIR_INSTANCE, keys(a, "one"), &image));
    assert_ok(dicomdir_add(d, DICOMDIR_INSTANCE, keys(a, "one"), &report));
    assert_ok(dicomdir_add(d, DICOMDIR_PATIENT, keys(a, "two"), NULL));
    assert_ok(dicomdir_write(d, STR("1.2.3.99"), w));
    dicomdir_free(d);
}

/* The record whose item begins at an offset of the file. */
static struct dcm_ds *record_at(struct str file, int64_t at, struct arena *a)
{
    struct dcm_ds *ds;
    struct rd r = rd_of(str_slice(file, (size_t)at, file.n));
    assert_int_equal(rd_u16le(&r), 0xfffe);
    assert_int_equal(rd_u16le(&r), 0xe000);
    struct str item = rd_take(&r, rd_u32le(&r));
    assert_false(r.bad);
    assert_ok(dcm_ds_parse(a, item, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT, false, &ds, NULL));
    return ds;
}

static int64_t number(const struct dcm_ds *ds, tag_t tag)
{
    int64_t v = -1;
    assert_true(dcm_ds_int(ds, tag, 0, &v));
    return v;
}

static void links_lead_from_record_to_record(void **state)
{
    (void)state;
    struct arena a = arena_init(MAX);
    struct wr w = wr_heap(MAX);
    make(&w, &a);
    struct dcm_meta meta;
    assert_int_equal(dcm_meta_read(wr_str(&w), true, &meta, NULL), STEP_DONE);
    assert_str(meta.sop_class, UID_MediaStorageDirectoryStorage);
    struct dcm_ds *ds;
    assert_ok(dcm_ds_parse(&a, str_slice(wr_str(&w), (size_t)meta.data_at, w.n), DCM_EXPLICIT_LE,
                           &DCM_LIMITS_DEFAULT, false, &ds, NULL));

    tag_t first = TAG_OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity;
    tag_t next = TAG_OffsetOfTheNextDirectoryRecord;
    tag_t lower = TAG_OffsetOfReferencedLowerLevelDirectoryEntity;
    struct dcm_ds *one = record_at(wr_str(&w), number(ds, first), &a);
    assert_str(dcm_ds_str(one, TAG_DirectoryRecordType), "PATIENT");
    assert_str(dcm_ds_str(one, TAG_PatientID), "one");
    struct dcm_ds *two = record_at(wr_str(&w), number(one, next), &a);
    assert_str(dcm_ds_str(two, TAG_PatientID), "two");
    assert_int_equal(number(two, next), 0);
    assert_int_equal(number(two, lower), 0);
    struct dcm_ds *study = record_at(wr_str(&w), number(one, lower), &a);
    assert_str(dcm_ds_str(study, TAG_DirectoryRecordType), "STUDY");
    struct dcm_ds *series = record_at(wr_str(&w), number(study, lower), &a);
    struct dcm_ds *im = record_at(wr_str(&w), number(series, lower), &a);
    assert_str(dcm_ds_str(im, TAG_DirectoryRecordType), "IMAGE");
    assert_str(dcm_ds_str(im, TAG_ReferencedFileID), "PT000001\\ST000001\\SE000001\\IM000001");
    struct dcm_ds *sr = record_at(wr_str(&w), number(im, next), &a);
    assert_str(dcm_ds_str(sr, TAG_DirectoryRecordType), "SR DOCUMENT");
    assert_str(dcm_ds_str(sr, TAG_ContentDate), "20260101");
    assert_int_equal(number(sr, next), 0);
    wr_done(&w);
    arena_done(&a);
}

/* PS3.3 F.5: type 1 in a directory, though an object may lack it. */
static void what_a_directory_must_say_is_said(void **state)
{
    (void)state;
    struct arena a = arena_init(MAX);
    struct wr w = wr_heap(MAX);
    struct dicomdir *d;
    struct dcm_meta meta;
    struct dcm_ds *none = dcm_ds_new(&a), *ds;
    assert_ok(dicomdir_new(MAX, &d));
    assert_ok(dcm_ds_set(none, TAG_PatientID, VR('L', 'O'), STR("")));
    assert_ok(dcm_ds_set(none, TAG_VerificationDateTime, VR('D', 'T'), STR("")));
    for (int level = DICOMDIR_PATIENT; level <= DICOMDIR_INSTANCE; level++)
        assert_ok(dicomdir_add(d, (enum dicomdir_level)level, none,
                               level == DICOMDIR_INSTANCE ? &report : NULL));
    assert_ok(dicomdir_write(d, STR("1.2.3.99"), &w));
    assert_int_equal(dcm_meta_read(wr_str(&w), true, &meta, NULL), STEP_DONE);
    assert_ok(dcm_ds_parse(&a, str_slice(wr_str(&w), (size_t)meta.data_at, w.n), DCM_EXPLICIT_LE,
                           &DCM_LIMITS_DEFAULT, false, &ds, NULL));
    const struct dcm_elem *records = dcm_ds_get(ds, TAG_DirectoryRecordSequence);
    assert_int_equal(records->n_items, 4);
    assert_str(dcm_ds_str(records->items[0], TAG_PatientID), "WITHOUT-ID-1");
    assert_str(dcm_ds_str(records->items[1], TAG_StudyDate), "19000101");
    assert_str(dcm_ds_str(records->items[1], TAG_StudyID), "2");
    assert_str(dcm_ds_str(records->items[2], TAG_Modality), "OT");
    assert_str(dcm_ds_str(records->items[3], TAG_InstanceNumber), "4");
    assert_null(dcm_ds_get(records->items[3], TAG_VerificationDateTime));
    dicomdir_free(d);
    wr_done(&w);
    arena_done(&a);
}

static void stops_at_its_size_limit(void **state)
{
    (void)state;
    struct arena a = arena_init(MAX);
    struct dicomdir *d;
    assert_ok(dicomdir_new(512, &d));
    err_t e = OK;
    for (int i = 0; i < 20 && e == OK; i++)
        e = dicomdir_add(d, DICOMDIR_PATIENT, keys(&a, "one"), NULL);
    assert_err(e, E_LIMIT);
    dicomdir_free(d);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_lead_from_record_to_record),
        cmocka_unit_test(what_a_directory_must_say_is_said),
        cmocka_unit_test(stops_at_its_size_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
