#include "archive/header.h"

#include "base/size.h"
#include "dicom/tags.h"

/* Elements at the top level from here on are bulk: per-frame groups, waveforms, overlays, pixels.
 * What the index and queries want stands before. */
enum { BULK = TAG_SharedFunctionalGroupsSequence };

/* Deflated data past the header part is inflated only to see that it holds: past 4 GiB it is kept
 * unseen. No deflate stream shrinks by more than 1,032. */
static const struct dcm_inflate_limits inflate_limits = {(uint64_t)4 << 30, (uint64_t)64 << 20,
                                                         1200};

void header_init(struct header *h, const struct dcm_limits *limits, size_t max)
{
    *h = (struct header){.limits = *limits,
                         .max = max,
                         .raw = wr_heap(max),
                         .flat = wr_heap(2 * max),
                         .arena = arena_init(HEADER_ARENA_MAX)};
}

void header_done(struct header *h)
{
    dcm_inflate_free(h->inflate);
    wr_done(&h->raw);
    wr_done(&h->flat);
    arena_done(&h->arena);
    *h = (struct header){0};
}

err_t header_begin(struct header *h, const struct dcm_ts *ts)
{
    dcm_inflate_free(h->inflate);
    h->inflate = NULL;
    h->ts = ts;
    h->whole = 0;
    h->flat_n = 0;
    h->cut = h->unchecked = false;
    h->diag.text[0] = 0;
    wr_clear(&h->raw);
    wr_clear(&h->flat);
    arena_reset(&h->arena);
    if (ts->pixels == DCM_PIXELS_NONE)
        return diag_set(&h->diag, E_UNSUPPORTED, "%.*s is no encoding of a data set",
                        STR_ARG(ts->name));
    if (ts->deflated && !(h->inflate = dcm_inflate_new(&inflate_limits)))
        return E_NOMEM;
    dcm_reader_init(&h->reader, ts->encoding, &h->limits);
    return OK;
}

static err_t reader_failed(struct header *h)
{
    return diag_set(&h->diag, h->reader.error, "%s", diag_text(&h->reader.diag, h->reader.error));
}

static bool begins(const struct dcm_token *t)
{
    return t->depth == 0 && (t->kind == DCM_ELEMENT || t->kind == DCM_SEQUENCE);
}

static bool ends(const struct dcm_token *t)
{
    return t->depth == 0 && (t->kind == DCM_ELEMENT_END || t->kind == DCM_SEQUENCE_END);
}

/* Reads until the header part ends or the piece does. *ret_at: where the bulk begins. */
static err_t scan(struct header *h, struct str *in, bool *ret_bulk, uint64_t *ret_at)
{
    struct dcm_token t;
    enum step step;
    *ret_bulk = false;
    while ((step = dcm_read(&h->reader, in, &t)) == STEP_EVENT) {
        if (ends(&t))
            h->whole = h->reader.at;
        if (begins(&t) && t.tag >= BULK) {
            *ret_bulk = true;
            *ret_at = t.at;
            return OK;
        }
    }
    return step == STEP_FAIL ? reader_failed(h) : OK;
}

/* Reads on without keeping anything. */
static err_t check(struct header *h, struct str in)
{
    struct dcm_token t;
    enum step step;
    while ((step = dcm_read(&h->reader, &in, &t)) == STEP_EVENT)
        ;
    return step == STEP_FAIL ? reader_failed(h) : OK;
}

static struct wr *kept(struct header *h)
{
    return h->inflate ? &h->flat : &h->raw;
}

/* The header part ends here; `whole` bytes of what was kept are whole elements. */
static void cut(struct header *h, uint64_t whole)
{
    h->cut = true;
    h->flat_n = (size_t)whole;
}

/* Bytes of the data set while in the header part: keeps them up to where the bulk begins or the
 * limit. *ret_used: how many belong to the header. */
static err_t collect(struct header *h, struct str bytes, size_t *ret_used)
{
    struct wr *w = kept(h);
    size_t before = w->n, room = w->max - before;
    struct str in = str_slice(bytes, 0, room), piece = in;
    bool bulk;
    uint64_t at;
    TRY(scan(h, &in, &bulk, &at));
    *ret_used = piece.n;
    if (bulk) {
        *ret_used = at > before ? (size_t)(at - before) : 0;
        cut(h, at);
    } else if (bytes.n > room) {
        cut(h, h->whole);
    }
    wr_bytes(w, piece.p, *ret_used);
    if (w->bad)
        return E_NOMEM;
    return h->cut ? check(h, in) : OK;
}

static err_t feed_plain(struct header *h, struct str bytes, struct str *ret_body)
{
    if (h->cut) {
        *ret_body = bytes;
        return check(h, bytes);
    }
    size_t used, room = h->raw.max - h->raw.n;
    TRY(collect(h, bytes, &used));
    *ret_body = str_slice(bytes, used, bytes.n);
    /* collect has looked at no more than fits the header part. */
    return bytes.n > room ? check(h, str_slice(bytes, room, bytes.n)) : OK;
}

static err_t inflated(struct header *h, struct str piece)
{
    if (h->cut)
        return check(h, piece);
    size_t used, room = h->flat.max - h->flat.n;
    TRY(collect(h, piece, &used));
    return piece.n > room ? check(h, str_slice(piece, room, piece.n)) : OK;
}

static err_t inflate_all(struct header *h, struct str bytes)
{
    while (!h->unchecked) {
        struct str piece;
        err_t e = dcm_inflate(h->inflate, &bytes, &piece);
        if (e == E_LIMIT && h->cut)
            h->unchecked = true;
        else if (e != OK)
            return diag_set(&h->diag, e, "the deflated data set does not inflate");
        else if (!piece.n)
            return OK;
        else
            TRY(inflated(h, piece));
    }
    return OK;
}

/* A deflated header part ends with the piece in which its inflated end was. */
static err_t feed_deflated(struct header *h, struct str bytes, struct str *ret_body)
{
    bool was_cut = h->cut;
    size_t fits = size_min(bytes.n, h->raw.max - h->raw.n);
    TRY(inflate_all(h, bytes));
    if (!was_cut) {
        wr_bytes(&h->raw, bytes.p, fits);
        if (h->raw.bad)
            return E_NOMEM;
        if (fits < bytes.n && !h->cut)
            cut(h, h->whole);
    }
    *ret_body = was_cut ? bytes : str_slice(bytes, fits, bytes.n);
    return OK;
}

err_t header_feed(struct header *h, struct str bytes, struct str *ret_body)
{
    *ret_body = str_of(bytes.p, 0);
    if (!bytes.n)
        return OK;
    return h->inflate ? feed_deflated(h, bytes, ret_body) : feed_plain(h, bytes, ret_body);
}

err_t header_end(struct header *h)
{
    struct dcm_token t;
    struct str none = {0};
    enum step step;
    if (!h->unchecked) {
        if (h->inflate && !dcm_inflate_ended(h->inflate))
            return diag_set(&h->diag, E_MALFORMED, "the deflated data set ends too early");
        dcm_reader_end(&h->reader);
        while ((step = dcm_read(&h->reader, &none, &t)) == STEP_EVENT)
            ;
        if (step == STEP_FAIL)
            return reader_failed(h);
        if (h->reader.quirks & DCM_QUIRK_TRUNCATED)
            return diag_set(&h->diag, E_MALFORMED, "the data set ends too early, in (%04X,%04X)",
                            TAG_GROUP(h->reader.levels[0].last),
                            TAG_ELEMENT(h->reader.levels[0].last));
    }
    if (!h->cut)
        cut(h, kept(h)->n);
    return OK;
}

void header_stop(struct header *h)
{
    if (!h->cut)
        cut(h, h->whole);
}

err_t header_dataset(struct header *h, struct dcm_ds **ret)
{
    struct str bytes = str_slice(wr_str(kept(h)), 0, h->flat_n);
    arena_reset(&h->arena);
    return dcm_ds_parse(&h->arena, bytes, h->ts->encoding, &h->limits, true, ret, &h->diag);
}
