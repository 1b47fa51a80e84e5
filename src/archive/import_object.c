#include "archive/import_object.h"

#include "dicom/part10.h"

enum { FIRST = 64 << 10 };

struct object_import {
    struct ingest *in;
    const struct import_source *s;
    uint8_t *buf;
    size_t n;        /* bytes in buf */
    bool end;        /* the source's */
    bool bad_source; /* it could not be read */
    struct dcm_meta meta;
    struct diag *d;
};

/* Whether an error of taking an object is the object's own fault, or the archive's. */
static bool is_objects(err_t e)
{
    switch (e) {
    case E_MISMATCH:
    case E_BAD_UID:
    case E_MISSING:
    case E_MALFORMED:
    case E_LIMIT:
    case E_UNSUPPORTED:
    case E_DAMAGED:
        return true;
    default:
        return false;
    }
}

static err_t fill(struct object_import *o, size_t upto)
{
    while (!o->end && o->n < upto) {
        size_t got = 0;
        err_t e = o->s->read(o->s->ctx, o->buf + o->n, upto - o->n, &got);
        o->bad_source = e != OK;
        TRY(e);
        o->n += got;
        o->end = got == 0;
    }
    return OK;
}

/* Reads file meta information; *ret_dicom is false for what is no DICOM file. */
static err_t read_meta(struct object_import *o, bool *ret_dicom)
{
    for (size_t upto = FIRST;; upto *= 2) {
        if (upto > DCM_META_MAX)
            upto = IMPORT_BUFFER;
        TRY(fill(o, upto));
        struct diag ignored;
        enum step step = dcm_meta_read(str_of(o->buf, o->n), o->end, &o->meta, &ignored);
        *ret_dicom = step == STEP_DONE;
        if (step != STEP_MORE || upto == IMPORT_BUFFER)
            return OK;
    }
}

static err_t pass_on(struct object_import *o)
{
    /* What the object is stands in its data set; meta information that says otherwise is common in
     * files that were edited, and nobody asked for it by that name. */
    struct ingest_request rq = {.transfer_syntax = o->meta.transfer_syntax};
    TRY(ingest_begin(o->in, &rq));
    TRY(ingest_data(o->in, str_slice(str_of(o->buf, o->n), (size_t)o->meta.data_at, o->n)));
    while (!o->end) {
        o->n = 0;
        TRY(fill(o, IMPORT_BUFFER));
        TRY(ingest_data(o->in, str_of(o->buf, o->n)));
    }
    return OK;
}

static err_t take(struct object_import *o, enum import_outcome *ret_outcome,
                  struct ingest_result *ret)
{
    bool dicom;
    TRY(read_meta(o, &dicom));
    bool media = dicom && str_eq(o->meta.sop_class, STR(UID_MediaStorageDirectoryStorage));
    *ret_outcome = media ? IMPORT_MEDIA : IMPORT_OTHER;
    if (!dicom || media)
        return OK;
    err_t e = pass_on(o);
    if (e == OK)
        e = ingest_end(o->in, ret);
    if (e != OK) {
        if (!o->bad_source)
            *o->d = *ingest_diag(o->in);
        ingest_abandon(o->in);
        return e;
    }
    *ret_outcome = IMPORT_TAKEN;
    return OK;
}

err_t import_object(struct ingest *in, const struct import_source *s, uint8_t *buf,
                    enum import_outcome *ret_outcome, struct ingest_result *ret, err_t *ret_why,
                    struct diag *d)
{
    struct object_import o = {.in = in, .s = s, .buf = buf, .d = d};
    d->text[0] = '\0';
    err_t e = take(&o, ret_outcome, ret);
    if (e == OK)
        return OK;
    /* What has no DICOM prefix and does not read as a data set was no DICOM object to begin with.
     */
    bool stranger = !o.meta.prefix && !o.meta.present;
    if (!o.bad_source && !is_objects(e))
        return e;
    *ret_outcome = stranger && !o.bad_source ? IMPORT_OTHER : IMPORT_FAILED;
    *ret_why = e;
    return OK;
}
