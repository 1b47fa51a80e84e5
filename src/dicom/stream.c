#include "dicom/stream.h"

err_t dcm_stream_init(struct dcm_stream *s, const struct dcm_ts *ts,
                      const struct dcm_limits *limits)
{
    s->inflate = NULL;
    s->piece = str_of(NULL, 0);
    s->ended = false;
    if (ts->pixels == DCM_PIXELS_NONE)
        return E_UNSUPPORTED;
    if (ts->deflated) {
        s->inflate = dcm_inflate_new(&DCM_INFLATE_LIMITS_DEFAULT);
        if (!s->inflate)
            return E_NOMEM;
    }
    dcm_reader_init(&s->reader, ts->encoding, limits);
    return OK;
}

static enum step fail(struct dcm_stream *s, err_t e)
{
    s->reader.error = diag_set(&s->reader.diag, e, "the deflated data set: %s",
                               e == E_LIMIT ? "inflates to more than the limit" : err_text(e));
    return STEP_FAIL;
}

/* More of the inflated data set, or its end. STEP_EVENT: the reader can go on. */
static enum step refill(struct dcm_stream *s, struct str *in)
{
    err_t e = dcm_inflate(s->inflate, in, &s->piece);
    if (e != OK)
        return fail(s, e);
    if (s->piece.n)
        return STEP_EVENT;
    if (dcm_inflate_ended(s->inflate)) {
        dcm_reader_end(&s->reader);
        return STEP_EVENT;
    }
    if (!s->ended)
        return STEP_MORE;
    s->reader.quirks |= DCM_QUIRK_TRUNCATED;
    dcm_reader_end(&s->reader);
    return STEP_EVENT;
}

enum step dcm_stream_read(struct dcm_stream *s, struct str *in, struct dcm_token *ret)
{
    if (!s->inflate)
        return dcm_read(&s->reader, in, ret);
    if (s->reader.error != OK)
        return STEP_FAIL;
    for (;;) {
        enum step step = dcm_read(&s->reader, &s->piece, ret);
        if (step != STEP_MORE)
            return step;
        step = refill(s, in);
        if (step != STEP_EVENT)
            return step;
    }
}

void dcm_stream_end(struct dcm_stream *s)
{
    s->ended = true;
    if (!s->inflate)
        dcm_reader_end(&s->reader);
}

void dcm_stream_done(struct dcm_stream *s)
{
    if (!s)
        return;
    dcm_inflate_free(s->inflate);
    s->inflate = NULL;
}
