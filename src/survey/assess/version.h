/* Versions and ranges of versions as advisories write them: "< 3.6.7", ">= 1.3.4 | < 1.5.3",
 * "<= 12.2.x.x", "vers:all/x", "9.7", "vers:generic/>=1|<2", "prior to 4.4.1", "up to and
 * including 2.0", "3.0-3.7.0", "All versions < V2.0", "< july 1 2017". */
#ifndef LASTRA_SURVEY_ASSESS_VERSION_H
#define LASTRA_SURVEY_ASSESS_VERSION_H

#include "base/err.h"
#include "base/str.h"

/* <0, 0, >0: numbers by value, letters after numbers ("3.6.7" < "3.6.7a"; "1.0rc1" < "1.0"); parts
 * that are not there count as 0. */
int version_cmp(struct str a, struct str b);

/* How a version that was read stands to one that an advisory names, where that is certain. It is
 * not, when one is a date and the other is not, when one begins with letters that the other lacks,
 * or when the difference is the number of a commit. */
enum version_order {
    ORDER_BELOW,
    ORDER_SAME,
    ORDER_ABOVE,
    ORDER_WITHIN, /* the bound ended or had a wildcard where the version goes on: 5.0.3 to 5.0 */
    ORDER_SHORT,  /* the version ends where the bound goes on: 5.0 to 5.0.3 */
    ORDER_UNKNOWN
};
/* ret_open: the bound ends in wildcards ("12.2.x"); may be NULL. */
enum version_order version_order(struct str version, struct str bound, bool *ret_open);
/* Whether a text reads as one version, with wildcards or not. */
bool version_reads(struct str text);

enum range_answer {
    RANGE_OUTSIDE,
    RANGE_INSIDE,
    RANGE_ALL,    /* every version */
    RANGE_UNKNOWN /* the text or the version cannot be read with certainty */
};
/* version empty: RANGE_ALL or RANGE_UNKNOWN. Alternatives stand between ';' or "||"; constraints of
 * one alternative between '|' or ',' in ascending order, as vers has them. */
enum range_answer range_has(struct str range, struct str version);
/* Whether the text is a range that can be read, whatever the version. */
bool range_reads(struct str range);

#endif
