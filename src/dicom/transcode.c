#include "dicom/transcode.h"

#include <stdlib.h>

#include "dicom/deflate.h"
#include "dicom/stream.h"
#include "dicom/tags.h"
#include "dicom/writer.h"

enum { BUFFER = 16 * 1024 };

/* In: the stream (reader, inflating). Out: the writer, into `out` or through deflate. Where both
 * ends have the same encoding no token is made: bytes go from inflate to deflate, or straight
 * through. */
struct dcm_transcode {
    const struct dcm_ts *from, *to;
    struct wr *out;
    struct dcm_stream stream; /* its inflate also serves when no token is made */
    struct dcm_deflate *deflate;
    struct wr sink; /* what goes to deflate */
    struct dcm_writer writer;
    bool dropping;    /* the element that is being read is a group length */
    unsigned un_from; /* depth + 1 of the UN sequence we are in, whose inside is implicit */
    err_t error;
    uint8_t buffer[BUFFER];
};

static err_t to_deflate(void *ctx, struct str bytes)
{
    struct dcm_transcode *t = ctx;
    dcm_deflate(t->deflate, bytes);
    return t->out->bad ? E_IO : OK;
}

static bool converts(const struct dcm_transcode *t)
{
    return t->from->encoding != t->to->encoding;
}

static err_t init(struct dcm_transcode *t, const struct dcm_limits *limits)
{
    TRY(dcm_stream_init(&t->stream, t->from, limits));
    t->stream.reader.raw_un = true;
    if (t->to->deflated && t->from != t->to) {
        t->deflate = dcm_deflate_new(t->out);
        if (!t->deflate)
            return E_NOMEM;
    }
    t->sink = wr_sink(t->buffer, sizeof t->buffer, to_deflate, t);
    dcm_writer_init(&t->writer, t->deflate ? &t->sink : t->out, t->to->encoding);
    return OK;
}

err_t dcm_transcode_new(const struct dcm_ts *from, const struct dcm_ts *to,
                        const struct dcm_limits *limits, struct wr *out, struct dcm_transcode **ret)
{
    if (!dcm_ts_convertible(from, to))
        return E_UNSUPPORTED;
    struct dcm_transcode *t = calloc(1, sizeof *t);
    if (!t)
        return E_NOMEM;
    t->from = from;
    t->to = to;
    t->out = out;
    err_t e = init(t, limits);
    if (e != OK) {
        dcm_transcode_free(t);
        return e;
    }
    *ret = t;
    return OK;
}

void dcm_transcode_free(struct dcm_transcode *t)
{
    if (!t)
        return;
    dcm_stream_done(&t->stream);
    dcm_deflate_free(t->deflate);
    free(t);
}

const struct diag *dcm_transcode_diag(const struct dcm_transcode *t)
{
    return &t->stream.reader.diag;
}

/* ---- token by token ---- */

static void write_element(struct dcm_transcode *t, const struct dcm_token *k)
{
    t->dropping = TAG_ELEMENT(k->tag) == 0;
    t->writer.from = k->big_endian ? DCM_EXPLICIT_BE : DCM_EXPLICIT_LE;
    if (!t->dropping)
        dcm_write_element(&t->writer, k->tag, k->vr, k->length);
}

static void write_sequence(struct dcm_transcode *t, const struct dcm_token *k)
{
    dcm_write_sequence(&t->writer, k->tag, k->vr, DCM_UNDEFINED);
    if (k->vr == VR('U', 'N') && !t->un_from) {
        t->un_from = k->depth + 1;
        t->writer.encoding = DCM_IMPLICIT_LE;
    }
}

static void write_sequence_end(struct dcm_transcode *t, const struct dcm_token *k)
{
    dcm_write_sequence_end(&t->writer, DCM_UNDEFINED);
    if (t->un_from == k->depth + 1) {
        t->un_from = 0;
        t->writer.encoding = t->to->encoding;
    }
}

static void write_token(struct dcm_transcode *t, const struct dcm_token *k)
{
    switch (k->kind) {
    case DCM_ELEMENT:
        write_element(t, k);
        return;
    case DCM_VALUE:
        if (!t->dropping)
            dcm_write_value(&t->writer, k->value);
        return;
    case DCM_ELEMENT_END:
        if (!t->dropping)
            dcm_write_element_end(&t->writer);
        t->dropping = false;
        return;
    case DCM_SEQUENCE:
        write_sequence(t, k);
        return;
    case DCM_ITEM:
        dcm_write_item(&t->writer, DCM_UNDEFINED);
        return;
    case DCM_ITEM_END:
        dcm_write_item_end(&t->writer, DCM_UNDEFINED);
        return;
    case DCM_SEQUENCE_END:
        write_sequence_end(t, k);
        return;
    }
}

/* What no conversion can put right. */
static err_t check(struct dcm_transcode *t, const struct dcm_token *k)
{
    struct diag *d = &t->stream.reader.diag;
    if (t->stream.reader.quirks & DCM_QUIRK_TRUNCATED)
        return diag_set(d, E_MALFORMED, "the data set is cut short");
    if (k->fragment)
        return diag_set(d, E_UNSUPPORTED,
                        "compressed pixel data under an uncompressed transfer syntax");
    return OK;
}

static err_t convert(struct dcm_transcode *t, struct str *in)
{
    struct dcm_token token;
    enum step step;
    while ((step = dcm_stream_read(&t->stream, in, &token)) == STEP_EVENT) {
        TRY(check(t, &token));
        write_token(t, &token);
        if (t->writer.w->bad)
            return diag_set(&t->stream.reader.diag, E_IO, "the converted data set is not taken");
    }
    return step == STEP_FAIL ? t->stream.reader.error : OK;
}

/* ---- the same encoding at both ends ---- */

static void pass(struct dcm_transcode *t, struct str bytes)
{
    if (t->deflate)
        dcm_deflate(t->deflate, bytes);
    else
        wr_put(t->out, bytes);
}

static err_t carry(struct dcm_transcode *t, struct str *in)
{
    struct str piece = *in;
    if (t->from == t->to || !t->stream.inflate) {
        *in = str_of(in->p, 0);
        pass(t, piece);
        return t->out->bad ? E_IO : OK;
    }
    do {
        err_t e = dcm_inflate(t->stream.inflate, in, &piece);
        if (e != OK)
            return diag_set(&t->stream.reader.diag, e, "the deflated data set: %s", err_text(e));
        pass(t, piece);
    } while (piece.n && !t->out->bad);
    return t->out->bad ? E_IO : OK;
}

err_t dcm_transcode_feed(struct dcm_transcode *t, struct str bytes)
{
    if (t->error == OK)
        t->error = converts(t) ? convert(t, &bytes) : carry(t, &bytes);
    return t->error;
}

static bool cut_short(const struct dcm_transcode *t)
{
    if (converts(t))
        return t->stream.reader.quirks & DCM_QUIRK_TRUNCATED;
    return t->from != t->to && t->stream.inflate && !dcm_inflate_ended(t->stream.inflate);
}

err_t dcm_transcode_end(struct dcm_transcode *t)
{
    struct str none = str_of("", 0);
    dcm_stream_end(&t->stream);
    TRY(dcm_transcode_feed(t, none));
    if (cut_short(t)) {
        t->error = diag_set(&t->stream.reader.diag, E_MALFORMED, "the data set is cut short");
        return t->error;
    }
    if (t->deflate) {
        TRY(wr_flush(&t->sink));
        dcm_deflate_end(t->deflate);
    }
    return t->out->bad ? E_IO : OK;
}
