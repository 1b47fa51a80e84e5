/* A data set in memory, for what is small: command sets, identifiers, the header part of an object,
 * JSON. A tree in an arena; elements sorted by tag; values are bytes as they stood (little endian
 * for binary VRs whatever came in). */
#ifndef LASTRA_DICOM_DATASET_H
#define LASTRA_DICOM_DATASET_H

#include "base/arena.h"
#include "base/wr.h"
#include "dicom/types.h"

struct dcm_ds;

struct dcm_elem {
    tag_t tag;
    vr_t vr;
    struct str value;      /* padded as it stood; for SQ empty */
    struct dcm_ds **items; /* SQ */
    size_t n_items;
    bool truncated; /* the value was over the limit or pixel data and is not here */
    uint32_t place; /* which it was in what was read */
};

struct dcm_ds {
    struct arena *arena;
    struct dcm_ds *parent; /* for the Specific Character Set, which items inherit */
    struct dcm_elem *elems;
    size_t n, cap;
};

/* An empty data set. NULL when the arena is full. */
struct dcm_ds *dcm_ds_new(struct arena *a);

/* Reads bytes. Values are copied into the arena unless `borrow`, when they are views of `bytes`
 * (but for those whose bytes had to be swapped). Over-long values and pixel data are left out and
 * marked. Of an element that stands twice the first counts. UN becomes what the dictionary says.
 * Quirks are read as dcm_read does, but E_MALFORMED for data that is cut short. E_LIMIT; E_NOMEM
 * past the arena's limit. */
err_t dcm_ds_parse(struct arena *a, struct str bytes, enum dcm_encoding encoding,
                   const struct dcm_limits *limits, bool borrow, struct dcm_ds **ret,
                   struct diag *d) MUST_CHECK;

/* NULL when it is not there. */
const struct dcm_elem *dcm_ds_get(const struct dcm_ds *ds, tag_t tag);

/* The value unpadded, as bytes in its own character set; empty when absent. */
struct str dcm_ds_str(const struct dcm_ds *ds, tag_t tag);

/* The value as UTF-8 by the data set's Specific Character Set (PS3.3 C.12.1.1.2), unpadded, in
 * arena a; what does not decode becomes U+FFFD. Empty when absent. p is NULL only when the arena is
 * full. */
struct str dcm_ds_text(const struct dcm_ds *ds, tag_t tag, struct arena *a);

/* The i-th value of US, UL, SS, SL, UV, SV, AT (binary) or IS (text). False when absent or not such
 * a number. */
bool dcm_ds_int(const struct dcm_ds *ds, tag_t tag, size_t i, int64_t *ret);

/* The i-th item of a sequence; NULL when there is none. */
const struct dcm_ds *dcm_ds_item(const struct dcm_ds *ds, tag_t tag, size_t i);

/* Set or replace; values are copied, text is padded to even length by VR. E_NOMEM past the arena's
 * limit. */
err_t dcm_ds_set(struct dcm_ds *ds, tag_t tag, vr_t vr, struct str value) MUST_CHECK;
err_t dcm_ds_set_u16(struct dcm_ds *ds, tag_t tag, uint16_t v) MUST_CHECK;
err_t dcm_ds_set_u32(struct dcm_ds *ds, tag_t tag, uint32_t v) MUST_CHECK;
/* Adds an item to a sequence (made when absent). */
err_t dcm_ds_add_item(struct dcm_ds *ds, tag_t tag, struct dcm_ds **ret_item) MUST_CHECK;
void dcm_ds_remove(struct dcm_ds *ds, tag_t tag);

/* Writes it in canonical form: sequences and items with undefined length (an empty sequence has
 * length 0), no group lengths, nothing for values that are not here. Latches w past
 * DCM_READER_DEPTH_MAX. */
void dcm_ds_write(const struct dcm_ds *ds, enum dcm_encoding encoding, struct wr *w);

#endif
