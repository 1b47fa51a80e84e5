/* First byte: model, relational, datetime; then an identifier in implicit little endian. Opening
 * ends in a query or an error; answers come to an end, each is a whole data set of the level asked
 * for, and asking again gives as many. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/fetch.h"
#include "archive/ingest.h"
#include "dicom/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWERS_MAX = 64 };

static struct archive *archive;
static char path[64];

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static int remove_one(const char *name, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(name);
}

static void at_end(void)
{
    archive_close(archive);
    archive = NULL;
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(struct dcm_ds *ds, tag_t tag, const char *vr, const char *text)
{
    require(dcm_ds_set(ds, tag, VR(vr[0], vr[1]), str_z(text)) == OK);
}

static void put_object(struct ingest *in, int n)
{
    struct arena a = arena_init(1 << 20);
    struct dcm_ds *ds = dcm_ds_new(&a), *item;
    struct wr w = wr_heap(1 << 16);
    struct ingest_request rq = {.transfer_syntax = STR("1.2.840.10008.1.2.1")};
    struct ingest_result result;
    char uid[32];
    put(ds, TAG_SpecificCharacterSet, "CS", "ISO_IR 192");
    put(ds, TAG_SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2");
    snprintf(uid, sizeof uid, "1.2.%d.1.1", n);
    put(ds, TAG_SOPInstanceUID, "UI", uid);
    uid[strlen(uid) - 2] = 0;
    put(ds, TAG_SeriesInstanceUID, "UI", uid);
    uid[strlen(uid) - 2] = 0;
    put(ds, TAG_StudyInstanceUID, "UI", uid);
    put(ds, TAG_StudyDate, "DA", n % 2 ? "20200101" : "");
    put(ds, TAG_StudyTime, "TM", "101010");
    put(ds, TAG_AccessionNumber, "SH", n % 3 ? "ACC" : "");
    put(ds, TAG_Modality, "CS", n % 2 ? "CT" : "MR");
    put(ds, TAG_PatientID, "LO", n % 4 ? "P1" : "P%");
    put(ds, TAG_PatientName, "PN", n % 5 ? "Yamada^Tarou=\xe5\xb1\xb1\xe7\x94\xb0" : "Smith^Anna");
    require(dcm_ds_add_item(ds, TAG_RequestAttributesSequence, &item) == OK);
    put(item, TAG_ScheduledProcedureStepID, "SH", "S1");
    dcm_ds_write(ds, DCM_EXPLICIT_LE, &w);
    require(ingest_begin(in, &rq) == OK && ingest_data(in, wr_str(&w)) == OK &&
            ingest_end(in, &result) == OK);
    wr_done(&w);
    arena_done(&a);
}

static void start(void)
{
    struct archive_options o = {.path = path, .reserve = 1 << 20};
    struct ingest *in;
    snprintf(path, sizeof path, "/tmp/lastra-fuzz-query-XXXXXX");
    require(mkdtemp(path) != NULL);
    require(archive_create(path, STR(""), NULL) == OK);
    require(archive_open(&o, &archive, NULL, NULL) == OK);
    require(ingest_new(archive, &in) == OK);
    for (int n = 1; n <= 12; n++)
        put_object(in, n);
    ingest_free(in);
    atexit(at_end);
}

static uint64_t answers(const struct query_options *o, const struct dcm_ds *identifier)
{
    struct query *q;
    struct dcm_ds *answer;
    if (query_open(archive, o, identifier, &q, NULL, NULL) != OK)
        return UINT64_MAX;
    err_t e;
    while ((e = query_next(q, &answer)) == OK && answer) {
        struct wr w = wr_heap(1 << 22);
        dcm_ds_write(answer, DCM_IMPLICIT_LE, &w);
        require(!w.bad && dcm_ds_get(answer, TAG_QueryRetrieveLevel));
        wr_done(&w);
    }
    require(e == OK || e == E_LIMIT);
    uint64_t n = query_answers(q);
    query_close(q);
    return n;
}

static void retrieve(const struct query_options *o, const struct dcm_ds *identifier)
{
    struct fetch *f;
    const struct fetch_item *item;
    if (fetch_open(archive, o, identifier, &f, NULL, NULL) != OK)
        return;
    uint64_t n = 0;
    while (fetch_next(f, &item) == OK && item)
        n++;
    require(n == fetch_count(f));
    fetch_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dcm_limits limits = {8, 2000, 1 << 16};
    struct arena a = arena_init(8 << 20);
    struct dcm_ds *identifier;
    if (!archive)
        start();
    if (size && dcm_ds_parse(&a, str_of(data + 1, size - 1), DCM_IMPLICIT_LE, &limits, true,
                             &identifier, NULL) == OK) {
        struct query_options o = {.model = (enum query_model)(data[0] % 3),
                                  .relational = data[0] & 4,
                                  .datetime = data[0] & 8,
                                  .max_answers = ANSWERS_MAX};
        require(answers(&o, identifier) == answers(&o, identifier));
        retrieve(&o, identifier);
    }
    arena_done(&a);
    return 0;
}
