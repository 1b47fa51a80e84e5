/* What the archive's fault tests run under the preload: objects taken in, looked for and read back.
 * Every object that was acknowledged is told on standard output before the next begins; the last
 * line is the end in words. A fault must end in one of these, never in a crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/fetch.h"
#include "archive/ingest.h"
#include "base/size.h"
#include "dicom/tags.h"

enum { OBJECTS = 6, BYTES_MAX = 1 << 20 };

static err_t element(struct dcm_ds *ds, tag_t tag, const char *vr, const char *text)
{
    return dcm_ds_set(ds, tag, VR(vr[0], vr[1]), str_z(text));
}

static err_t pixels(struct dcm_ds *ds, size_t n)
{
    char *p = arena_alloc(ds->arena, n);
    if (!p)
        return E_NOMEM;
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + n);
    return dcm_ds_set(ds, TAG_PixelData, VR('O', 'W'), str_of(p, n));
}

static void uid_of(int n, char text[32])
{
    snprintf(text, 32, "1.2.3.%d.1.%d", n / 3 + 1, n + 1);
}

/* Object n: two studies, the third one over several chunks. */
static err_t make(int n, struct arena *a, struct wr *w)
{
    char study[32], series[32], sop[32];
    struct dcm_ds *ds = dcm_ds_new(a);
    if (!ds)
        return E_NOMEM;
    snprintf(study, sizeof study, "1.2.3.%d", n / 3 + 1);
    snprintf(series, sizeof series, "1.2.3.%d.1", n / 3 + 1);
    uid_of(n, sop);
    TRY(element(ds, TAG_SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2"));
    TRY(element(ds, TAG_SOPInstanceUID, "UI", sop));
    TRY(element(ds, TAG_StudyDate, "DA", "20240101"));
    TRY(element(ds, TAG_Modality, "CS", "CT"));
    TRY(element(ds, TAG_PatientName, "PN", n < 3 ? "Doe^Jane" : "Roe^John"));
    TRY(element(ds, TAG_PatientID, "LO", n < 3 ? "P1" : "P2"));
    TRY(element(ds, TAG_StudyInstanceUID, "UI", study));
    TRY(element(ds, TAG_SeriesInstanceUID, "UI", series));
    TRY(pixels(ds, n == 2 ? 400000 : 2000));
    dcm_ds_write(ds, DCM_EXPLICIT_LE, w);
    return w->bad ? E_NOMEM : OK;
}

static err_t take(struct ingest *in, struct str bytes)
{
    struct ingest_request rq = {.transfer_syntax = STR("1.2.840.10008.1.2.1")};
    struct ingest_result result;
    TRY(ingest_begin(in, &rq));
    for (size_t at = 0; at < bytes.n; at += 30000)
        TRY(ingest_data(in, str_slice(bytes, at, 30000)));
    return ingest_end(in, &result);
}

static err_t with_object(int n, err_t (*use)(void *ctx, int n, struct str bytes), void *ctx)
{
    struct arena a = arena_init(4 << 20);
    struct wr w = wr_heap(BYTES_MAX);
    err_t e = make(n, &a, &w);
    if (e == OK)
        e = use(ctx, n, wr_str(&w));
    wr_done(&w);
    arena_done(&a);
    return e;
}

/* One that is refused does not end the others, as on an association. */
static err_t take_one(void *ctx, int n, struct str bytes)
{
    char sop[32];
    uid_of(n, sop);
    err_t e = take(ctx, bytes);
    if (e == OK)
        printf("kept %s\n", sop);
    else
        printf("refused %s: %s\n", sop, diag_text(ingest_diag(ctx), e));
    fflush(stdout);
    return OK;
}

static err_t fill(struct archive *a)
{
    struct ingest *in;
    TRY(ingest_new(a, &in));
    err_t e = OK;
    for (int n = 0; n < OBJECTS && e == OK; n++)
        e = with_object(n, take_one, in);
    ingest_free(in);
    return e;
}

static struct dcm_ds *identifier(struct arena *a, const char *level, tag_t tag, const char *value)
{
    struct dcm_ds *ds = dcm_ds_new(a);
    vr_t vr = tag == TAG_PatientName ? VR('P', 'N') : VR('U', 'I');
    bool made = ds && element(ds, TAG_QueryRetrieveLevel, "CS", level) == OK &&
                dcm_ds_set(ds, tag, vr, str_z(value)) == OK;
    return made ? ds : NULL;
}

static err_t count(struct archive *a, const char *level, tag_t tag, const char *value,
                   uint64_t *ret)
{
    struct arena arena = arena_init(1 << 20);
    struct query_options o = {.model = QUERY_STUDY_ROOT, .relational = true};
    struct dcm_ds *ds = identifier(&arena, level, tag, value), *answer;
    struct query *q;
    err_t e = ds ? query_open(a, &o, ds, &q, NULL, NULL) : E_NOMEM;
    if (e == OK) {
        while ((e = query_next(q, &answer)) == OK && answer)
            ;
        *ret = query_answers(q);
        query_close(q);
    }
    arena_done(&arena);
    return e;
}

static err_t same_bytes(struct archive *a, const struct fetch_item *item, struct str expected,
                        bool *ret)
{
    struct object *object;
    size_t at = 0;
    bool last = false;
    err_t e = OK;
    TRY(object_open(a, item, STR(""), &object, NULL));
    *ret = true;
    while (e == OK && !last) {
        struct str piece;
        if ((e = object_next(object, &piece, &last)) != OK)
            break;
        *ret = *ret && str_eq(piece, str_slice(expected, at, piece.n));
        at += piece.n;
    }
    *ret = *ret && at == expected.n;
    object_free(object);
    return e;
}

static err_t read_back(struct archive *a, const char *sop, struct str expected, bool *ret)
{
    struct arena arena = arena_init(1 << 20);
    struct query_options o = {.model = QUERY_STUDY_ROOT, .relational = true};
    struct dcm_ds *ds = identifier(&arena, "IMAGE", TAG_SOPInstanceUID, sop);
    const struct fetch_item *item;
    struct fetch *f;
    err_t e = ds ? fetch_open(a, &o, ds, &f, NULL, NULL) : E_NOMEM;
    *ret = false;
    if (e == OK) {
        e = fetch_next(f, &item);
        if (e == OK && item)
            e = same_bytes(a, item, expected, ret);
        fetch_close(f);
    }
    arena_done(&arena);
    return e;
}

static err_t check_one(void *ctx, int n, struct str bytes)
{
    char sop[32];
    uint64_t found;
    bool same = false;
    uid_of(n, sop);
    TRY(count(ctx, "IMAGE", TAG_SOPInstanceUID, sop, &found));
    if (found)
        TRY(read_back(ctx, sop, bytes, &same));
    printf("%s %s\n", !found ? "missing" : same ? "whole" : "different", sop);
    return OK;
}

static err_t check(struct archive *a)
{
    uint64_t by_name;
    for (int n = 0; n < OBJECTS; n++)
        TRY(with_object(n, check_one, a));
    TRY(count(a, "STUDY", TAG_PatientName, "*oe^j*", &by_name));
    printf("studies %llu\n", (unsigned long long)by_name);
    return OK;
}

static err_t on_archive(const char *path, err_t (*job)(struct archive *a))
{
    struct archive_options o = {.path = path, .reserve = 1 << 20};
    struct archive *a;
    TRY(archive_open(&o, &a, NULL, NULL));
    err_t e = job(a);
    archive_close(a);
    return e;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    err_t e = E_USAGE;
    if (!strcmp(argv[1], "create"))
        e = archive_create(argv[2], STR(""), NULL);
    else if (!strcmp(argv[1], "fill"))
        e = on_archive(argv[2], fill);
    else if (!strcmp(argv[1], "check"))
        e = on_archive(argv[2], check);
    printf("%s\n", err_text(e));
    return e == OK ? 0 : 1;
}
