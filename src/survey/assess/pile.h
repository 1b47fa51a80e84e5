/* Inside of assess only: CVEs that are told in one finding, so that they cannot bury the rest. */
#ifndef LASTRA_SURVEY_ASSESS_PILE_H
#define LASTRA_SURVEY_ASSESS_PILE_H

#include "survey/assess/inside.h"

enum { PILE_MAX = 1000, PILE_CVE_MAX = 22 };

struct pile {
    uint64_t n, exploited;
    int worst; /* CVSS times 10; -1 */
    struct str worst_source;
    size_t kept, len;
    char text[PILE_MAX * (PILE_CVE_MAX + 1)]; /* the first of them, separated by spaces */
};

void pile_clear(struct pile *p);
bool pile_has(const struct pile *p, struct str cve);
void pile_add(struct pile *p, struct str cve, int cvss, struct str source, bool exploited);
/* "3, worst CVSS 9.8, 1 known to be exploited: CVE-..., CVE-... and others" */
void pile_say(const struct pile *p, struct said *words);
/* Tells the finding with the pile's score, mark and list of CVEs. */
err_t pile_tell(const struct look *l, const struct pile *p, struct finding f,
                const struct said *words) MUST_CHECK;

/* CVEs of a system that have a finding of their own. */
enum { TOLD_MAX = 512 };
struct told {
    struct str cve[TOLD_MAX];
    size_t n;
};
bool told_has(const struct told *t, struct str cve);

/* What a search engine asserts: CVEs, and products that it names with a version which an advisory
 * holds. `told`: what the looks before have told. */
err_t look_at_asserted(const struct look *l, const struct told *told) MUST_CHECK;

#endif
