/* Finding many texts in one pass over bytes: a table says of three bytes whether any text begins so
 * (after Wu and Manber, 1994), and only there are texts compared. What is found is a candidate:
 * letters match in either case, and '_' and '-' match a space and each other, so that the caller
 * looks at the place again with its own rule. */
#ifndef LASTRA_SURVEY_IDENTIFY_TEXTS_H
#define LASTRA_SURVEY_IDENTIFY_TEXTS_H

#include "base/err.h"
#include "base/str.h"

enum { TEXT_MIN = 3 }; /* the shortest text */

struct texts;

/* The texts of an array for which wanted[i] is true; a text under TEXT_MIN bytes: E_LIMIT. Copies
 * nothing: the array must outlive it. */
err_t texts_new(const struct str *all, const bool *wanted, size_t n, struct texts **ret) MUST_CHECK;
void texts_free(struct texts *t); /* NULL is fine */

/* Two texts as they are compared here. */
bool texts_same(struct str a, struct str b);

/* One pass: `struct texts_scan s = texts_scan_of(t, bytes); while (texts_next(&s, &which, &end))`.
 */
struct texts_scan {
    const struct texts *t;
    struct str in;
    size_t at;     /* behind the three bytes looked at last */
    uint32_t key;  /* they, folded */
    uint16_t text; /* the next that may begin there + 1, 0: none */
};
struct texts_scan texts_scan_of(const struct texts *t, struct str in);
/* The next occurrence in the order of their beginnings: the text's index, and the index of the byte
 * behind it. */
bool texts_next(struct texts_scan *s, size_t *ret_text, size_t *ret_end);

#endif
