#include "scale_data.h"

#include <stdio.h>

#include "base/size.h"
#include "dicom/tags.h"
#include "dicom/writer.h"

static const char *const families[] = {
    "M\xc3\xbcller",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Wagner",
    "Becker",
    "Sch\xc3\xa4"
    "fer",
    "Rossi",
    "Russo",
    "Ferrari",
    "Esposito",
    "Bianchi",
    "Romano",
    "Garc\xc3\xad"
    "a",
    "Mart\xc3\xadnez",
    "L\xc3\xb3pez",
    "S\xc3\xa1nchez",
    "P\xc3\xa9rez",
    "G\xc3\xb3mez",
    "Dubois",
    "Lef\xc3\xa8vre",
    "Fran\xc3\xa7ois",
    "Bernard",
    "Petit",
    "Moreau",
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Williams",
    "Wilson",
    "Johnson",
    "Davies",
    "O'Brien",
    "Nov\xc3\xa1k",
    "Svoboda",
    "Dvo\xc5\x99\xc3\xa1k",
    "Kowalski",
    "Wi\xc5\x9bniewski",
    "W\xc3\xb3jcik",
    "Kami\xc5\x84ski",
    "Nagy",
    "Kov\xc3\xa1"
    "cs",
    "T\xc3\xb3th",
    "Szab\xc3\xb3",
    "Hansen",
    "S\xc3\xb8rensen",
    "J\xc3\xb8rgensen",
    "\xc3\x85kesson",
    "Lindstr\xc3\xb6m",
    "Virtanen",
    "Korhonen",
    "Y\xc4\xb1lmaz",
    "\xc3\x96zt\xc3\xbcrk",
    "Ivanov",
    "Petrov",
    "Yamada",
    "Suzuki",
    "Takahashi",
    "Tanaka",
    "Kim",
    "Park",
    "Nguy\xe1\xbb\x85n",
};
static const char *const endings[] = {"",  "",    "",      "-Lang",  "-Roth", "son", "mann", "berg",
                                      "i", "ova", "stein", "-Costa", "-Vogt", "ez",  "ini",  "ski"};
static const char *const givens[] = {
    "Anna",        "Maria",        "J\xc3\xb6rg", "Thomas",       "Fran\xc3\xa7oise",
    "Jos\xc3\xa9", "Bj\xc3\xb6rn", "Zo\xc3\xab",  "Lukas",        "Giulia",
    "Marco",       "Sofia",        "Ren\xc3\xa9", "Andr\xc3\xa9", "Peter",
    "Ulrike",      "Ho\xc3\xa0ng", "Elif",        "Jan",          "Agnieszka",
    "John",        "Emily",        "Oliver",      "Chlo\xc3\xa9", "Hans",
    "Ingrid",      "P\xc3\xa1l",   "Tarou",       "Hanako",       "Minjun",
};

static const struct kind {
    const char *modality, *sop_class, *description, *body;
    unsigned share, series, per_series; /* share of 100 */
} kinds[] = {
    {"CR", "1.2.840.10008.5.1.4.1.1.1", "Thorax 2 Ebenen", "CHEST", 25, 1, 2},
    {"DX", "1.2.840.10008.5.1.4.1.1.1.1", "Hand links", "HAND", 15, 1, 2},
    {"US", "1.2.840.10008.5.1.4.1.1.6.1", "Abdomen Sonographie", "ABDOMEN", 25, 1, 8},
    {"CT", "1.2.840.10008.5.1.4.1.1.2", "CT Thorax/Abdomen mit KM", "CHEST", 20, 3, 7},
    {"MR", "1.2.840.10008.5.1.4.1.1.4",
     "MRT Sch\xc3\xa4"
     "del nativ",
     "HEAD", 15, 4, 5},
};

static const char *const makers[] = {
    "SIEMENS",       "GE MEDICAL SYSTEMS",   "Philips Medical Systems",
    "Canon Medical", "FUJIFILM Corporation", "Agfa"};

uint64_t scale_random(uint64_t seed)
{
    uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

const char *scale_family(uint64_t i)
{
    return families[i % COUNT(families)];
}

static void person(char *text, uint64_t seed)
{
    uint64_t r = scale_random(seed);
    snprintf(text, SCALE_TEXT, "%s%s%c%c^%s^%c", scale_family(r), endings[r >> 8 & 15],
             (char)('a' + (r >> 16) % 26), "aeiou"[(r >> 24) % 5],
             givens[(r >> 32) % COUNT(givens)], (char)('A' + (r >> 40) % 26));
}

static const struct kind *kind_of(uint64_t r)
{
    unsigned at = (unsigned)(r % 100), sum = 0;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (at < (sum += kinds[i].share))
            return &kinds[i];
    return &kinds[0];
}

/* The day-th day from 2015 on, months of 28 days for simplicity. */
static void date_text(char *text, uint64_t day)
{
    snprintf(text, 16, "%04u%02u%02u", (unsigned)(2015 + day / 336), (unsigned)(day / 28 % 12 + 1),
             (unsigned)(day % 28 + 1));
}

struct scale_study scale_study(uint64_t number, uint64_t studies)
{
    uint64_t r = scale_random(number * 2 + 1), seconds = 25200 + r % 36000;
    const struct kind *k = kind_of(r >> 20);
    struct scale_study s = {.number = number,
                            .patient = scale_random(number) % (studies / 3 + 1),
                            .description = k->description,
                            .modality = k->modality,
                            .sop_class = k->sop_class,
                            .device = (unsigned)(k - kinds) * 6 + (unsigned)(r >> 40) % 6,
                            .series = k->series,
                            .per_series = k->per_series};
    date_text(s.date, number * 3360 / (studies ? studies : 1));
    date_text(s.birth, scale_random(s.patient + 77) % 3000);
    memcpy(s.birth, "19", 2);
    snprintf(s.time, sizeof s.time, "%02u%02u%02u", (unsigned)(seconds / 3600),
             (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    snprintf(s.uid, sizeof s.uid, "1.2.840.113619.2.%u.3.%llu.868.%llu.%llu", 55 + s.device,
             604688119ull + s.device, (unsigned long long)(1420070400 + number * 315),
             (unsigned long long)(r % 1000));
    snprintf(s.accession, sizeof s.accession, "%c%09llu", 'A' + (char)(s.device % 3),
             (unsigned long long)(100000 + number));
    snprintf(s.patient_id, sizeof s.patient_id, "%08llu",
             (unsigned long long)(s.patient * 37 + 11));
    person(s.name, s.patient + 1000003);
    person(s.referring, r % 300);
    return s;
}

static void text(struct dcm_writer *d, tag_t tag, const char *vr, const char *value)
{
    dcm_write(d, tag, VR(vr[0], vr[1]), str_z(value));
}

static void number(struct dcm_writer *d, tag_t tag, unsigned v)
{
    char buf[16];
    snprintf(buf, sizeof buf, "%u", v);
    text(d, tag, "IS", buf);
}

static void equipment(struct dcm_writer *d, const struct scale_study *s, char *buf, size_t cap)
{
    text(d, TAG_Manufacturer, "LO", makers[s->device % COUNT(makers)]);
    text(d, TAG_InstitutionName, "LO", "Universit\xc3\xa4tsklinikum Beispielstadt");
    text(d, TAG_ReferringPhysicianName, "PN", s->referring);
    snprintf(buf, cap, "%s%02u", s->modality, s->device);
    text(d, TAG_StationName, "SH", buf);
    text(d, TAG_StudyDescription, "LO", s->description);
}

static void request(struct dcm_writer *d, const struct scale_study *s)
{
    dcm_write_sequence(d, TAG_RequestAttributesSequence, VR('S', 'Q'), DCM_UNDEFINED);
    dcm_write_item(d, DCM_UNDEFINED);
    text(d, TAG_ScheduledProcedureStepID, "SH", s->accession);
    text(d, TAG_RequestedProcedureID, "SH", s->accession + 1);
    dcm_write_item_end(d, DCM_UNDEFINED);
    dcm_write_sequence_end(d, DCM_UNDEFINED);
}

static void image(struct dcm_writer *d, unsigned instance)
{
    char position[48];
    number(d, TAG_InstanceNumber, instance);
    snprintf(position, sizeof position, "-170.5\\-170.5\\%u.25", instance);
    text(d, TAG_ImagePositionPatient, "DS", position);
    text(d, TAG_ImageOrientationPatient, "DS", "1\\0\\0\\0\\1\\0");
    dcm_write_u16(d, TAG_SamplesPerPixel, 1);
    text(d, TAG_PhotometricInterpretation, "CS", "MONOCHROME2");
    dcm_write_u16(d, TAG_Rows, 512);
    dcm_write_u16(d, TAG_Columns, 512);
    text(d, TAG_PixelSpacing, "DS", "0.664062\\0.664062");
    dcm_write_u16(d, TAG_BitsAllocated, 16);
    dcm_write_u16(d, TAG_BitsStored, 12);
    dcm_write_u16(d, TAG_HighBit, 11);
    dcm_write_u16(d, TAG_PixelRepresentation, 0);
    text(d, TAG_WindowCenter, "DS", "40");
    text(d, TAG_WindowWidth, "DS", "400");
}

void scale_object(const struct scale_study *s, unsigned series, unsigned instance, struct wr *w)
{
    struct dcm_writer d;
    char series_uid[SCALE_TEXT], buf[SCALE_TEXT * 2];
    snprintf(series_uid, sizeof series_uid, "%.*s.%u", SCALE_TEXT - 10, s->uid, series + 2);
    dcm_writer_init(&d, w, DCM_EXPLICIT_LE);
    text(&d, TAG_SpecificCharacterSet, "CS", "ISO_IR 192");
    text(&d, TAG_ImageType, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
    text(&d, TAG_SOPClassUID, "UI", s->sop_class);
    snprintf(buf, sizeof buf, "%s.%u", series_uid, instance);
    text(&d, TAG_SOPInstanceUID, "UI", buf);
    text(&d, TAG_StudyDate, "DA", s->date);
    text(&d, TAG_SeriesDate, "DA", s->date);
    text(&d, TAG_ContentDate, "DA", s->date);
    text(&d, TAG_StudyTime, "TM", s->time);
    text(&d, TAG_SeriesTime, "TM", s->time);
    text(&d, TAG_ContentTime, "TM", s->time);
    text(&d, TAG_AccessionNumber, "SH", s->accession);
    text(&d, TAG_Modality, "CS", s->modality);
    equipment(&d, s, buf, sizeof buf);
    text(&d, TAG_SeriesDescription, "LO", series ? "Serie 5.0 B31f" : "Topogramm");
    text(&d, TAG_ManufacturerModelName, "LO", "Model X");
    text(&d, TAG_PatientName, "PN", s->name);
    text(&d, TAG_PatientID, "LO", s->patient_id);
    text(&d, TAG_PatientBirthDate, "DA", s->birth);
    text(&d, TAG_PatientSex, "CS", s->patient % 2 ? "F" : "M");
    text(&d, TAG_BodyPartExamined, "CS", "CHEST");
    text(&d, TAG_SliceThickness, "DS", "5");
    text(&d, TAG_DeviceSerialNumber, "LO", "4711");
    text(&d, TAG_SoftwareVersions, "LO", "syngo CT 2012B");
    text(&d, TAG_ProtocolName, "LO", "ThoraxRoutine");
    text(&d, TAG_StudyInstanceUID, "UI", s->uid);
    text(&d, TAG_SeriesInstanceUID, "UI", series_uid);
    text(&d, TAG_StudyID, "SH", s->accession + 1);
    number(&d, TAG_SeriesNumber, series + 1);
    image(&d, instance);
    request(&d, s);
}
