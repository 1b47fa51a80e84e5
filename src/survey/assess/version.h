/* Versions and ranges of versions as advisories write them: "< 3.6.7", ">= 1.3.4 | < 1.5.3",
 * "<= 12.2.x.x", "vers:all/x", "9.7", "vers:generic/>=1|<2", "prior to 4.4.1", "up to and
 * including 2.0". */
#ifndef LASTRA_SURVEY_ASSESS_VERSION_H
#define LASTRA_SURVEY_ASSESS_VERSION_H

#include "base/err.h"
#include "base/str.h"

/* <0, 0, >0: numbers by value, letters after numbers ("3.6.7" < "3.6.7a"; "1.0rc1" < "1.0"); parts
 * that are not there count as 0. */
int version_cmp(struct str a, struct str b);

enum range_answer {
    RANGE_OUTSIDE,
    RANGE_INSIDE,
    RANGE_ALL,    /* every version */
    RANGE_UNKNOWN /* the text or the version cannot be read with certainty */
};
/* version empty: RANGE_ALL or RANGE_UNKNOWN. */
enum range_answer range_has(struct str range, struct str version);

#endif
