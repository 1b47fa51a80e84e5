/* Text from strangers made fit to be kept: well-formed UTF-8 (RFC 3629), without C0, C1 and DEL,
 * line and paragraph separators and the marks that turn the direction of writing (a name that reads
 * otherwise than it is), without space at its ends, no longer than a cap. */
#ifndef LASTRA_SURVEY_CORE_CLEAN_H
#define LASTRA_SURVEY_CORE_CLEAN_H

#include "base/arena.h"
#include "base/err.h"

/* What must not stay becomes a space (control characters, separators) or U+FFFD (the rest). What is
 * past the cap is cut at a character. *ret is a view of the text where nothing had to be changed,
 * else in the arena (*ret_copied). E_NOMEM. */
err_t clean_text(struct str text, size_t cap, struct arena *a, struct str *ret,
                 bool *ret_copied) MUST_CHECK;
/* Whether clean_text would leave it as it is, apart from the cap. */
bool clean_is(struct str text);

#endif
