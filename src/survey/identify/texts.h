/* Finding many texts in one pass over bytes (Aho and Corasick, CACM 18(6), 1975). What is found is
 * a candidate: letters match in either case, and '_' and '-' match a space and each other, so that
 * the caller looks at the place again with its own rule. */
#ifndef LASTRA_SURVEY_IDENTIFY_TEXTS_H
#define LASTRA_SURVEY_IDENTIFY_TEXTS_H

#include "base/err.h"
#include "base/str.h"

struct texts;

/* The texts of an array for which wanted[i] is true; none may be empty. E_LIMIT: more than fit in
 * 32,767 states. Copies nothing: the array must outlive it. */
err_t texts_new(const struct str *all, const bool *wanted, size_t n, struct texts **ret) MUST_CHECK;
void texts_free(struct texts *t); /* NULL is fine */

/* A byte as texts compare it. */
uint8_t texts_fold(uint8_t c);

/* One pass: `struct texts_scan s = texts_scan_of(t, bytes); while (texts_next(&s, &which, &end))`.
 */
struct texts_scan {
    const struct texts *t;
    struct str in;
    size_t at;
    uint16_t state, left; /* left: the state whose texts are being told, 0: none */
    uint16_t text;        /* the next of them + 1, 0: none left in this state */
};
struct texts_scan texts_scan_of(const struct texts *t, struct str in);
/* The next occurrence: the text's index, and the index of the byte behind it. */
bool texts_next(struct texts_scan *s, size_t *ret_text, size_t *ret_end);

#endif
