#include "dicom/dicomdir.h"

#include <stdlib.h>

#include "base/size.h"
#include "dicom/dict.h"
#include "dicom/part10.h"
#include "dicom/tags.h"
#include "dicom/vr.h"

enum { KEYS_MAX = 14, RECORD_ARENA = 1 << 20, ITEM_TAG = 8, IN_USE = 0xffff };

/* Where the two links of a record stand after its item's tag and length: the first two elements
 * but one, all of fixed size: (0004,1400) UL, (0004,1410) US, (0004,1420) UL. */
enum { NEXT_AT = ITEM_TAG + 8, LOWER_AT = NEXT_AT + 4 + 10 + 8 };

/* A kind of record: its name and the attributes it has beside the links (PS3.3 F.5). */
struct kind {
    const char *name;
    tag_t keys[KEYS_MAX];
};

static const struct kind levels[] = {
    [DICOMDIR_PATIENT] = {"PATIENT",
                          {TAG_PatientName, TAG_PatientID, TAG_IssuerOfPatientID,
                           TAG_PatientBirthDate, TAG_PatientSex}},
    [DICOMDIR_STUDY] = {"STUDY",
                        {TAG_StudyDate, TAG_StudyTime, TAG_AccessionNumber, TAG_StudyDescription,
                         TAG_StudyInstanceUID, TAG_StudyID}},
    [DICOMDIR_SERIES] = {"SERIES",
                         {TAG_Modality, TAG_SeriesDescription, TAG_SeriesInstanceUID,
                          TAG_SeriesNumber}},
    [DICOMDIR_INSTANCE] = {"IMAGE", {TAG_InstanceNumber, TAG_ImageType, TAG_Rows, TAG_Columns}},
};

#define DATED TAG_InstanceNumber, TAG_ContentDate, TAG_ContentTime
#define LABELLED                                                                                   \
    TAG_InstanceNumber, TAG_ContentLabel, TAG_ContentDescription, TAG_ContentCreatorName
static const struct kind sr = {"SR DOCUMENT",
                               {DATED, TAG_CompletionFlag, TAG_VerificationFlag,
                                TAG_VerificationDateTime, TAG_ConceptNameCodeSequence}};
static const struct kind key_object = {"KEY OBJECT DOC", {DATED, TAG_ConceptNameCodeSequence}};
static const struct kind presentation = {"PRESENTATION",
                                         {LABELLED, TAG_PresentationCreationDate,
                                          TAG_PresentationCreationTime,
                                          TAG_ReferencedSeriesSequence}};
static const struct kind waveform = {"WAVEFORM", {DATED}};
static const struct kind rt_dose = {"RT DOSE", {TAG_InstanceNumber, TAG_DoseSummationType}};
static const struct kind rt_structures = {
    "RT STRUCTURE SET",
    {TAG_InstanceNumber, TAG_StructureSetLabel, TAG_StructureSetDate, TAG_StructureSetTime}};
static const struct kind rt_plan = {
    "RT PLAN", {TAG_InstanceNumber, TAG_RTPlanLabel, TAG_RTPlanDate, TAG_RTPlanTime}};
static const struct kind rt_record = {"RT TREAT RECORD",
                                      {TAG_InstanceNumber, TAG_TreatmentDate, TAG_TreatmentTime}};
static const struct kind encapsulated = {"ENCAP DOC",
                                         {DATED, TAG_DocumentTitle, TAG_HL7InstanceIdentifier,
                                          TAG_ConceptNameCodeSequence,
                                          TAG_MIMETypeOfEncapsulatedDocument}};
static const struct kind spectroscopy = {
    "SPECTROSCOPY", {DATED, TAG_ImageType, TAG_NumberOfFrames, TAG_Rows, TAG_Columns}};
static const struct kind raw_data = {"RAW DATA", {DATED}};
static const struct kind registration = {"REGISTRATION",
                                         {LABELLED, TAG_ContentDate, TAG_ContentTime}};
static const struct kind fiducial = {"FIDUCIAL", {LABELLED, TAG_ContentDate, TAG_ContentTime}};
static const struct kind value_map = {"VALUE MAP", {LABELLED, TAG_ContentDate, TAG_ContentTime}};
static const struct kind surface = {"SURFACE", {LABELLED, TAG_ContentDate, TAG_ContentTime}};
static const struct kind tract = {"TRACT", {LABELLED, TAG_ContentDate, TAG_ContentTime}};
static const struct kind measurement = {"MEASUREMENT", {DATED}};

/* What is not an image, by the first components of its SOP class UID; the first row that fits
 * counts. NULL: an image all the same. */
#define STORAGE "1.2.840.10008.5.1.4.1.1."
static const struct {
    const char *prefix;
    const struct kind *kind;
} not_images[] = {
    {STORAGE "88.59", &key_object},  {STORAGE "88.", &sr},
    {STORAGE "11.", &presentation},  {STORAGE "9.", &waveform},
    {STORAGE "481.2", &rt_dose},     {STORAGE "481.3", &rt_structures},
    {STORAGE "481.5", &rt_plan},     {STORAGE "481.8", &rt_plan},
    {STORAGE "481.4", &rt_record},   {STORAGE "481.6", &rt_record},
    {STORAGE "481.7", &rt_record},   {STORAGE "481.9", &rt_record},
    {STORAGE "104.", &encapsulated}, {STORAGE "4.2", &spectroscopy},
    {STORAGE "66.1", &registration}, {STORAGE "66.2", &fiducial},
    {STORAGE "66.3", &registration}, {STORAGE "66.4", NULL},
    {STORAGE "66.5", &surface},      {STORAGE "66.6", &tract},
    {STORAGE "66.7", NULL},          {STORAGE "66.8", NULL},
    {STORAGE "66", &raw_data},       {STORAGE "67", &value_map},
    {STORAGE "78.", &measurement},
};

struct record {
    size_t at;            /* in the sequence's bytes */
    uint32_t next, lower; /* numbers of records, from 1; 0: none */
};

struct dicomdir {
    struct wr items;
    struct record *records;
    size_t n, cap;
    uint32_t last[4]; /* of each level, below the present ones above; from 1 */
    struct arena arena;
};

err_t dicomdir_new(size_t max, struct dicomdir **ret)
{
    struct dicomdir *d = calloc(1, sizeof *d);
    if (!d)
        return E_NOMEM;
    d->items = wr_heap(max);
    d->arena = arena_init(RECORD_ARENA);
    *ret = d;
    return OK;
}

void dicomdir_free(struct dicomdir *d)
{
    if (!d)
        return;
    wr_done(&d->items);
    arena_done(&d->arena);
    free(d->records);
    free(d);
}

/* Whether a UID begins with these components. */
static bool begins(struct str uid, struct str prefix)
{
    return str_starts(uid, prefix) &&
           (uid.n == prefix.n || uid.p[prefix.n] == '.' || str_ends(prefix, STR(".")));
}

static const struct kind *kind_of(enum dicomdir_level level, const struct dicomdir_file *file)
{
    for (size_t i = 0; file && i < COUNT(not_images); i++)
        if (begins(file->sop_class, str_z(not_images[i].prefix)))
            return not_images[i].kind ? not_images[i].kind : &levels[level];
    return &levels[level];
}

static err_t copy_items(struct dcm_ds *to, const struct dcm_elem *e, unsigned depth)
{
    for (size_t i = 0; i < e->n_items; i++) {
        struct dcm_ds *item;
        TRY(dcm_ds_add_item(to, e->tag, &item));
        const struct dcm_ds *from = e->items[i];
        for (size_t k = 0; k < from->n; k++) {
            const struct dcm_elem *inner = &from->elems[k];
            if (inner->vr == VR('S', 'Q') && depth < 4)
                TRY(copy_items(item, inner, depth + 1));
            else if (inner->vr != VR('S', 'Q'))
                TRY(dcm_ds_set(item, inner->tag, inner->vr, inner->value));
        }
    }
    return OK;
}

/* What a directory must say (type 1) though an object may not: then the record's number, or a value
 * that nobody takes for real. NULL: left out (type 1C). */
static const struct {
    tag_t tag;
    vr_t vr;
    const char *text;
    bool numbered;
} stand_ins[] = {
    {TAG_PatientID, VR('L', 'O'), "WITHOUT-ID-", true},
    {TAG_StudyDate, VR('D', 'A'), "19000101", false},
    {TAG_StudyTime, VR('T', 'M'), "000000", false},
    {TAG_StudyID, VR('S', 'H'), "", true},
    {TAG_Modality, VR('C', 'S'), "OT", false},
    {TAG_SeriesNumber, VR('I', 'S'), "", true},
    {TAG_InstanceNumber, VR('I', 'S'), "", true},
    {TAG_RTPlanLabel, VR('S', 'H'), "UNKNOWN", false},
    {TAG_StructureSetLabel, VR('S', 'H'), "UNKNOWN", false},
    {TAG_ContentLabel, VR('C', 'S'), "UNKNOWN", false},
    {TAG_VerificationDateTime, VR('D', 'T'), NULL, false},
};

static err_t stand_in(struct dcm_ds *to, const struct dcm_elem *e, tag_t tag, size_t number)
{
    char text[32];
    for (size_t i = 0; i < COUNT(stand_ins); i++) {
        if (stand_ins[i].tag != tag)
            continue;
        struct wr w = wr_fixed(text, sizeof text);
        if (!stand_ins[i].text)
            return OK;
        wr_put(&w, str_z(stand_ins[i].text));
        if (stand_ins[i].numbered)
            wr_printf(&w, "%zu", number);
        return dcm_ds_set(to, tag, stand_ins[i].vr, wr_str(&w));
    }
    return e ? dcm_ds_set(to, tag, e->vr, e->value) : OK;
}

/* A key as it stands in `from`. */
static err_t copy_key(struct dcm_ds *to, const struct dcm_ds *from, tag_t tag, size_t number)
{
    const struct dcm_elem *e = dcm_ds_get(from, tag);
    if (e && e->vr == VR('S', 'Q'))
        return copy_items(to, e, 0);
    if (e && str_trim(e->value).n)
        return dcm_ds_set(to, tag, e->vr, e->value);
    return stand_in(to, e, tag, number);
}

static err_t fill(struct dcm_ds *ds, const struct kind *kind, const struct dcm_ds *keys,
                  const struct dicomdir_file *file, size_t number)
{
    TRY(dcm_ds_set_u32(ds, TAG_OffsetOfTheNextDirectoryRecord, 0));
    TRY(dcm_ds_set_u16(ds, TAG_RecordInUseFlag, IN_USE));
    TRY(dcm_ds_set_u32(ds, TAG_OffsetOfReferencedLowerLevelDirectoryEntity, 0));
    TRY(dcm_ds_set(ds, TAG_DirectoryRecordType, VR('C', 'S'), str_z(kind->name)));
    if (file) {
        TRY(dcm_ds_set(ds, TAG_ReferencedFileID, VR('C', 'S'), file->id));
        TRY(dcm_ds_set(ds, TAG_ReferencedSOPClassUIDInFile, VR('U', 'I'), file->sop_class));
        TRY(dcm_ds_set(ds, TAG_ReferencedSOPInstanceUIDInFile, VR('U', 'I'), file->sop_instance));
        TRY(dcm_ds_set(ds, TAG_ReferencedTransferSyntaxUIDInFile, VR('U', 'I'),
                       file->transfer_syntax));
    }
    TRY(copy_key(ds, keys, TAG_SpecificCharacterSet, number));
    for (size_t i = 0; i < KEYS_MAX && kind->keys[i]; i++)
        TRY(copy_key(ds, keys, kind->keys[i], number));
    return OK;
}

static err_t new_record(struct dicomdir *d)
{
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 256;
        struct record *r = realloc(d->records, cap * sizeof *r);
        if (!r)
            return E_NOMEM;
        d->records = r;
        d->cap = cap;
    }
    d->records[d->n++] = (struct record){.at = d->items.n};
    return OK;
}

/* The record before on its level points to it, or the one above does. */
static void link_record(struct dicomdir *d, enum dicomdir_level level)
{
    uint32_t number = (uint32_t)d->n;
    if (d->last[level])
        d->records[d->last[level] - 1].next = number;
    else if (level > 0 && d->last[level - 1])
        d->records[d->last[level - 1] - 1].lower = number;
    d->last[level] = number;
    for (size_t below = level + 1; below < COUNT(d->last); below++)
        d->last[below] = 0;
}

err_t dicomdir_add(struct dicomdir *d, enum dicomdir_level level, const struct dcm_ds *keys,
                   const struct dicomdir_file *file)
{
    arena_reset(&d->arena);
    struct dcm_ds *ds = dcm_ds_new(&d->arena);
    if (!ds)
        return E_NOMEM;
    TRY(fill(ds, kind_of(level, file), keys, file, d->n + 1));
    TRY(new_record(d));
    wr_u16le(&d->items, 0xfffe);
    wr_u16le(&d->items, 0xe000);
    size_t mark = wr_mark(&d->items, 4);
    dcm_ds_write(ds, DCM_EXPLICIT_LE, &d->items);
    wr_patch_u32le(&d->items, mark);
    link_record(d, level);
    return d->items.bad ? E_LIMIT : OK;
}

static void put_u32_at(struct wr *w, size_t at, uint64_t v)
{
    for (size_t i = 0; i < 4; i++)
        w->p[at + i] = (uint8_t)(v >> 8 * i);
}

static void resolve(struct dicomdir *d, size_t base)
{
    for (size_t i = 0; i < d->n; i++) {
        struct record *r = &d->records[i];
        if (r->next)
            put_u32_at(&d->items, r->at + NEXT_AT, base + d->records[r->next - 1].at);
        if (r->lower)
            put_u32_at(&d->items, r->at + LOWER_AT, base + d->records[r->lower - 1].at);
    }
}

/* An element of explicit little endian with a 4- or 2-byte number. */
static void put_number(struct wr *w, tag_t tag, const char vr[3], uint16_t n, uint32_t v)
{
    wr_u16le(w, TAG_GROUP(tag));
    wr_u16le(w, TAG_ELEMENT(tag));
    wr_bytes(w, vr, 2);
    wr_u16le(w, n);
    wr_u16le(w, (uint16_t)v);
    if (n == 4)
        wr_u16le(w, (uint16_t)(v >> 16));
}

enum { FIXED = 8 + 12 + 12 + 10 + 12 }; /* what put_head writes after the meta information */

static void put_head(struct wr *w, uint32_t first, uint32_t last, size_t items)
{
    wr_u16le(w, 0x0004);
    wr_u16le(w, 0x1130); /* File-set ID, empty */
    wr_bytes(w, "CS", 2);
    wr_u16le(w, 0);
    put_number(w, TAG_OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity, "UL", 4, first);
    put_number(w, TAG_OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity, "UL", 4, last);
    put_number(w, TAG_FileSetConsistencyFlag, "US", 2, 0);
    wr_u16le(w, 0x0004);
    wr_u16le(w, 0x1220);
    wr_bytes(w, "SQ\0\0", 4);
    wr_u32le(w, (uint32_t)items);
}

err_t dicomdir_write(struct dicomdir *d, struct str instance, struct wr *w)
{
    struct dcm_meta meta = {.sop_class = STR(UID_MediaStorageDirectoryStorage),
                            .sop_instance = instance,
                            .transfer_syntax = STR(UID_ExplicitVRLittleEndian)};
    size_t begun = w->n;
    dcm_meta_write(&meta, w);
    size_t base = w->n - begun + FIXED;
    if (d->items.bad || base + d->items.n >= DCM_UNDEFINED)
        return E_LIMIT;
    resolve(d, base);
    uint32_t last = d->last[DICOMDIR_PATIENT];
    put_head(w, d->n ? (uint32_t)base : 0, last ? (uint32_t)(base + d->records[last - 1].at) : 0,
             d->items.n);
    wr_put(w, wr_str(&d->items));
    return w->bad ? E_LIMIT : OK;
}

tag_t dicomdir_key(enum dicomdir_level level, size_t i)
{
    static const struct kind *const instances[] = {
        &levels[DICOMDIR_INSTANCE],
        &sr,
        &key_object,
        &presentation,
        &waveform,
        &rt_dose,
        &rt_structures,
        &rt_plan,
        &rt_record,
        &encapsulated,
        &spectroscopy,
        &raw_data,
        &registration,
        &value_map,
        &measurement,
    };
    if (level != DICOMDIR_INSTANCE)
        return i < KEYS_MAX ? levels[level].keys[i] : 0;
    size_t seen = 0;
    for (size_t k = 0; k < COUNT(instances); k++)
        for (size_t j = 0; j < KEYS_MAX && instances[k]->keys[j]; j++)
            if (seen++ == i)
                return instances[k]->keys[j];
    return 0;
}
