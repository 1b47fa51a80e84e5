/* The conclusion of a survey: every host identified, every system held against the table of
 * findings, the advisories, the policy and the captures' flows; written to the inventory in one
 * transaction. */
#ifndef LASTRA_SURVEY_ASSESS_ASSESS_H
#define LASTRA_SURVEY_ASSESS_ASSESS_H

#include "io/progress.h"
#include "survey/assess/advisory.h"
#include "survey/assess/finding.h"
#include "survey/assess/policy.h"
#include "survey/core/geo.h"
#include "survey/identify/identify.h"
#include "survey/inventory/inventory.h"

struct assess_options {
    const struct advisories *advisories; /* required */
    const struct policy *policy;         /* NULL: none */
    const struct geo *geo;               /* NULL: none */
    const char *today;                   /* YYYY-MM-DD: for certificates and end of life */
    const struct stop *stop;
    struct progress *progress; /* NULL: none */
};

/* Findings of one system, from its identity and its endpoints' evidence; tells each to `each`.
 * Pure: no inventory. Sets the openness fields of *s. */
err_t assess_system(const struct assess_options *o, struct system *s, const struct host *h,
                    struct arena *a, err_t (*each)(void *ctx, const struct finding *f),
                    void *ctx) MUST_CHECK;

struct assess_sum {
    uint64_t hosts, systems, findings;
};
err_t assess_survey(struct inventory *v, int64_t survey, const struct assess_options *o,
                    struct assess_sum *ret, struct diag *d) MUST_CHECK;

#endif
