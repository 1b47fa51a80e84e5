/* Correlation rows of the table: the version of a toolkit as a bracket for the version of a product
 * that ships with it. Never the version itself: distributions link their own toolkit. */
#ifndef LASTRA_SURVEY_IDENTIFY_CORRELATE_H
#define LASTRA_SURVEY_IDENTIFY_CORRELATE_H

#include "base/wr.h"
#include "survey/core/model.h"

/* A rule is "toolkit=DCMTK port=4242,8042 3.6.9=1.12.6-1.12.10 3.7.0=1.12.11-": the versions of the
 * product for a version of the toolkit; the first is empty when the rule says nothing of it. */
struct str correlate_rule(struct str rule, struct str toolkit, struct str version);

/* Adds to why what the rules say of a product whose version was not read. */
void correlate_text(struct wr *why, struct str product, const struct answer *toolkit);

#endif
