/* Version rules of data/fingerprints.tsv: a text in which
 *     \1 .. \9   is a group of the row's expression,
 *     {1} .. {9} is a dotted part of what follows the row's text in the value,
 *     {next}     is the version that follows it ("Orthanc 1.12.6", "mirth_connect:4.5.0"),
 * or, after '=', always that text. A part that is missing or empty makes the version empty. */
#ifndef LASTRA_SURVEY_IDENTIFY_FP_VERSION_H
#define LASTRA_SURVEY_IDENTIFY_FP_VERSION_H

#include "base/wr.h"

enum { FP_GROUPS = 10, FP_VERSION_MAX = 48 };

/* What a rule may refer to. */
struct fp_caught {
    struct str groups[FP_GROUPS]; /* [0] the whole match */
    struct str after;             /* of the value, behind the row's text */
};

/* False, with w as it was, when there is no version. */
bool fp_version(struct str rule, const struct fp_caught *c, struct wr *w);

#endif
