/* The header part of an object as it streams by: what stands before the bulk of it (pixel data,
 * waveforms, per-frame groups), kept for the index, cut off from the rest; and a check of the whole
 * data set on the way. Used when an object comes in and when its record is read again, so that both
 * see the same.
 *
 *     header_begin(h, ts);
 *     header_feed(h, piece, &body) ...    body: what of the piece is no longer header
 *     header_end(h);                      the object's end
 *     header_dataset(h, &ds)              once header_is_cut, after header_end or header_stop
 */
#ifndef LASTRA_ARCHIVE_HEADER_H
#define LASTRA_ARCHIVE_HEADER_H

#include "dicom/dataset.h"
#include "dicom/stream.h"
#include "dicom/ts.h"

struct header {
    struct dcm_limits limits;
    size_t max;
    const struct dcm_ts *ts;
    struct dcm_reader reader;
    struct dcm_inflate *inflate; /* deflated syntaxes */
    struct wr raw;               /* header bytes as they came */
    struct wr flat;              /* the same inflated; not used otherwise */
    uint64_t whole;              /* bytes of the data set that make whole elements */
    size_t flat_n;               /* of these, in the header part, once cut */
    bool cut, unchecked;
    struct arena arena;
    struct diag diag;
};

enum { HEADER_ARENA_MAX = 16 << 20 };

/* max: bytes of header at most. */
void header_init(struct header *h, const struct dcm_limits *limits, size_t max);
void header_done(struct header *h);

/* A new object in a syntax. E_UNSUPPORTED when it is not a data set's encoding. */
err_t header_begin(struct header *h, const struct dcm_ts *ts) MUST_CHECK;

/* *ret_body: the end of `bytes` that is past the header part (empty while in it). E_MALFORMED,
 * E_LIMIT, E_NOMEM, with h->diag. */
err_t header_feed(struct header *h, struct str bytes, struct str *ret_body) MUST_CHECK;

/* The object is complete. E_MALFORMED when it ends too early. */
err_t header_end(struct header *h) MUST_CHECK;

/* No more bytes are at hand though the object may have more: what there is counts as the header
 * part. */
void header_stop(struct header *h);

static inline bool header_is_cut(const struct header *h)
{
    return h->cut;
}

/* The header part's bytes as they came. */
static inline struct str header_bytes(const struct header *h)
{
    return wr_str(&h->raw);
}

/* What the reader let pass (enum dcm_quirk). */
static inline unsigned header_quirks(const struct header *h)
{
    return h->reader.quirks;
}

/* The header part as a data set, valid until header_begin; its arena may be used. */
err_t header_dataset(struct header *h, struct dcm_ds **ret) MUST_CHECK;

#endif
