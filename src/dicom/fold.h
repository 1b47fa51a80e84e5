/* Folding of text for matching: without case, accents, width and presentation forms.
 *
 * "Müller" -> "muller", "STRASSE" and "Straße" -> "strasse", "Ångström" -> "angstrom",
 * "Ｙａｍａｄａ" -> "yamada", half-width and hiragana kana -> full-width katakana, final sigma ->
 * sigma, dotless i -> i. Voiced kana keep their marks, Hangul syllables stay whole, and vowel signs
 * of the Indic and South-East Asian scripts are letters, not accents. The mapping is data/fold.tsv,
 * whose Unicode edition stands in the file. fold(fold(x)) is fold(x).
 */
#ifndef LASTRA_DICOM_FOLD_H
#define LASTRA_DICOM_FOLD_H

#include "base/arena.h"
#include "base/wr.h"

enum {
    FOLD_RUNES_MAX = 4,  /* what one character folds to at most */
    FOLD_GROWTH_MAX = 3, /* bytes of output per byte of input at most */
};

/* Reads text as folded characters, one at a time, without memory of its own. */
struct fold_iter {
    struct str rest;
    uint32_t ahead[FOLD_RUNES_MAX]; /* folded, not yet given */
    uint8_t at, n;
};

struct fold_iter fold_iter(struct str utf8);

/* The next folded character. Bytes that are not UTF-8 give U+FFFD. False at the end. */
bool fold_next(struct fold_iter *it, uint32_t *ret_rune);

/* Writes the folded text as UTF-8. */
void fold(struct str utf8, struct wr *out);

/* The same in arena a; the input itself when it is its own folding already. p is NULL only when the
 * arena is full. */
struct str fold_text(struct str utf8, struct arena *a);

/* The next character of UTF-8 text as it is; U+FFFD for a byte that is not UTF-8. False at the
 * end. */
bool fold_rune(struct str *rest, uint32_t *ret_rune);

/* Writes a character as UTF-8. */
void fold_put_rune(struct wr *out, uint32_t rune);

#endif
