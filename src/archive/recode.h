/* Copies data sets with every text in another character set: what comes in becomes UTF-8 for the
 * index, an answer becomes what its requester reads. */
#ifndef LASTRA_ARCHIVE_RECODE_H
#define LASTRA_ARCHIVE_RECODE_H

#include "dicom/charset.h"
#include "dicom/dataset.h"

enum { RECODE_DEPTH = 8 }; /* items in items; deeper ones are left out */

/* One text value in the character set `from`, into `arena`; false when it cannot be said. */
typedef bool recode_fn(void *ctx, const struct charset *from, vr_t vr, struct str value,
                       struct arena *arena, struct str *ret);

/* Appends to `to` what `from` has, but for Specific Character Set; cs is what is in force in `from`
 * unless it has its own. E_UNSUPPORTED when a text cannot be said, E_NOMEM. */
err_t recode(const struct dcm_ds *from, const struct charset *cs, struct dcm_ds *to,
             recode_fn *text, void *ctx) MUST_CHECK;

/* To UTF-8; ctx is a struct charset_conv, or NULL. Never false. */
recode_fn recode_to_utf8;

#endif
