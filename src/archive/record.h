/* A record of a pack read again for the index: when the index was lost or is behind. */
#ifndef LASTRA_ARCHIVE_RECORD_H
#define LASTRA_ARCHIVE_RECORD_H

#include "archive/entry.h"
#include "archive/header.h"
#include "dicom/part10.h"
#include "store/pack.h"

/* Bytes of the header part of the record at a place, and what it says of itself. In the buffer,
 * which is cleared first. ret_info may be NULL. */
err_t record_head(struct packs *packs, struct pack_place at, struct wr *buf,
                  struct pack_info *ret_info, struct diag *d) MUST_CHECK;

/* A header part's data set, in the header's arena, and its file meta (views of head). E_MALFORMED:
 * not an object of ours. */
err_t record_dataset(struct str head, struct header *h, struct dcm_meta *ret_meta,
                     struct dcm_ds **ret, struct diag *d) MUST_CHECK;

/* What the index is told of a record with this header part; text lives in the header's arena. */
err_t record_entry(const struct pack_info *info, struct str head, struct header *h,
                   struct entry *ret, struct diag *d) MUST_CHECK;

#endif
