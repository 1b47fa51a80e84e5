/* The table of findings (findings.def): severity, what to do first, the frameworks each maps to,
 * and its words in English and Italian. */
#ifndef LASTRA_SURVEY_ASSESS_FINDING_H
#define LASTRA_SURVEY_ASSESS_FINDING_H

#include "base/wr.h"
#include "survey/core/model.h"

/* The FBI's five groups (Private Industry Notification 20220912-001). */
enum fbi_group {
    FBI_endpoint,
    FBI_identity,
    FBI_asset,
    FBI_vulnerability,
    FBI_training,
    FBI_GROUPS
};

enum language { LANG_en, LANG_it, LANGUAGES };

struct finding_kind {
    struct str name;        /* "accepts_any_calling_ae": in JSON, CSV, SARIF, accepted risks */
    enum severity severity; /* where nothing else says */
    enum fbi_group group;
    unsigned first; /* what to do first: 1 before 2 */
    struct str title[LANGUAGES], meaning[LANGUAGES], remedy[LANGUAGES];
    struct str hipaa, nist, hicp, ps315, atna, nis2; /* the clauses it maps to */
    struct str references;                           /* separated by spaces */
};
size_t finding_count(void);
const struct finding_kind *finding_at(size_t i);
const struct finding_kind *finding_by_name(struct str name); /* NULL */
struct str fbi_group_name(enum fbi_group g, enum language l);

/* A finding's evidence in words; in English where the language has none (an inventory of before).
 */
struct str finding_evidence(const struct finding *f, enum language l);

/* The manual's chapter: each finding with its meaning, remedy and clauses. Counting: a system is
 * vulnerable, strictly, when it has a `vulnerability` (version confirmed, or all versions); its
 * component is, when it has a `vulnerable_toolkit`; loosely, when it has any of these,
 * `possible_vulnerability` or `asserted_vulnerability`. */
void finding_markdown(struct wr *w);

#endif
