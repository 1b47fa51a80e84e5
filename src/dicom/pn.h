/* Person names (PS3.5 6.2.1): up to three component groups (alphabetic, ideographic, phonetic)
 * separated by '=', each of up to five components separated by '^'. All text here is UTF-8, one
 * value. */
#ifndef LASTRA_DICOM_PN_H
#define LASTRA_DICOM_PN_H

#include "base/arena.h"
#include "base/wr.h"

enum pn_group { PN_ALPHABETIC, PN_IDEOGRAPHIC, PN_PHONETIC, PN_GROUPS };
enum pn_component { PN_FAMILY, PN_GIVEN, PN_MIDDLE, PN_PREFIX, PN_SUFFIX, PN_COMPONENTS };

struct pn {
    struct str part[PN_GROUPS][PN_COMPONENTS]; /* views into the value, spaces trimmed */
};

/* Never fails: a fourth group is dropped, a sixth component stays part of the suffix. */
struct pn pn_parse(struct str utf8);

/* Writes one group, or all of them, in canonical form: components trimmed, trailing separators
 * dropped. */
void pn_format_group(const struct pn *pn, enum pn_group group, struct wr *out);
void pn_format(const struct pn *pn, struct wr *out);

/* The whole name as a person reads it: "Prefix Given Middle Family Suffix" of the first group that
 * is not empty. */
void pn_display(const struct pn *pn, struct wr *out);

/* For the index: the canonical form folded (fold.h), groups separated by '='. Idempotent. A pattern
 * with '*' and '?' keeps them. */
void pn_fold(struct str utf8, struct wr *out);

/* The same in arena a; p is NULL only when the arena is full. */
struct str pn_fold_text(struct str utf8, struct arena *a);

/* One group of a name in canonical form, as a view; empty when it has none. */
struct str pn_group_of(struct str canonical, enum pn_group group);

/* How many groups are written in it: 1 to 3. */
unsigned pn_groups(struct str utf8);

#endif
