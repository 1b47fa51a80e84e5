/* The attributes of a level that have no column of their own, in one compact value: for each a code
 * (attrs.def), a length and bytes. Text is UTF-8 and trimmed, UIDs are packed, a sequence is a data
 * set of one element (explicit little endian, UTF-8). Layout: docs/formats.md, "Index". */
#ifndef LASTRA_ARCHIVE_EXTRA_H
#define LASTRA_ARCHIVE_EXTRA_H

#include "base/wr.h"

enum { EXTRA_MAX = 32768, EXTRA_VALUE_MAX = 12288 };

/* Appends one; an empty value is left out, and so is what would go past the limits. */
void extra_put(struct wr *w, uint8_t code, struct str value);

/* Takes the next one off the front. False at the end, and at the first byte that is no such thing.
 */
bool extra_next(struct str *rest, uint8_t *ret_code, struct str *ret_value);

/* The value of one code; empty when it is not there. */
struct str extra_get(struct str extra, uint8_t code);

/* What `had` has, and after it what only `more` has. Whether that is anything new. */
bool extra_merge(struct str had, struct str more, struct wr *w);

#endif
