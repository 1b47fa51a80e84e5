/* The conclusion of a survey: every host identified, every system held against the table of
 * findings, the advisories, the policy and the captures' flows; written to the inventory in one
 * transaction.
 *
 * How vulnerabilities become findings, so that shares can be counted strictly and loosely:
 *   vulnerability           one a CVE: the version was read and is in the range (confirmed), or
 *                           every version is affected (all versions)
 *   vulnerable_toolkit      one a CVE of the toolkit that the system announces (potential)
 *   possible_vulnerability  one a product or toolkit, for all CVEs whose ranges or whose version
 *                           are not known well enough (unknown version)
 *   asserted_vulnerability  one a system, for all CVEs that a search engine names, or that are of
 *                           a product and version that it names, without a finding of their own
 * The strict share counts systems with the first, the component share those with the second, the
 * asserted share those with the last; the loose share counts systems with any of the four. */
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
    bool site_list;            /* the site's own list was read: what is not in it is unmanaged */
    struct str vantage; /* where probes were made that do not say so themselves (reached_from) */
};

/* Findings of one system, from its identity and its endpoints' evidence; tells each to `each`.
 * Pure: no inventory. Sets the openness fields of *s. Texts are in the arena or views of host,
 * advisories and tables. A suspected honeypot has that one finding only. */
err_t assess_system(const struct assess_options *o, struct system *s, const struct host *h,
                    struct arena *a, err_t (*each)(void *ctx, const struct finding *f),
                    void *ctx) MUST_CHECK;

/* A flow to a host's endpoint held against the policy: tells a finding for each zone and service
 * that should not have reached it. flows: all those to this host. */
err_t assess_flows(const struct assess_options *o, const struct system *s, const struct host *h,
                   const struct flow *flows, size_t n, struct arena *a,
                   err_t (*each)(void *ctx, const struct finding *f), void *ctx) MUST_CHECK;

struct assess_sum {
    uint64_t hosts, systems, findings;
};
/* site_list and vantage are taken from the survey's runs and notes when not given. */
err_t assess_survey(struct inventory *v, int64_t survey, const struct assess_options *o,
                    struct assess_sum *ret, struct diag *d) MUST_CHECK;

#endif
