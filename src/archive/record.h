/* A record of a pack read again for the index: when the index was lost or is behind. */
#ifndef LASTRA_ARCHIVE_RECORD_H
#define LASTRA_ARCHIVE_RECORD_H

#include "archive/entry.h"
#include "archive/header.h"
#include "store/pack.h"

/* Bytes of the record's header part. In the buffer, which is cleared first. */
err_t record_head(struct packs *packs, const struct pack_info *info, struct wr *buf,
                  struct diag *d) MUST_CHECK;

/* What the index is told of a record with this header part; text lives in the header's arena.
 * E_MALFORMED: not an object of ours. */
err_t record_entry(const struct pack_info *info, struct str head, struct header *h,
                   struct entry *ret, struct diag *d) MUST_CHECK;

#endif
