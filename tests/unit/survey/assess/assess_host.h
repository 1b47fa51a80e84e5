/* A host made of facts, a system on it, and the findings it gets: for the tests of assess. */
#ifndef LASTRA_TESTS_ASSESS_HOST_H
#define LASTRA_TESTS_ASSESS_HOST_H

#include "survey/assess/assess.h"
#include "unit.h"

enum { POINTS_MAX = 8, FOUND_MAX = 256 };

struct made {
    struct arena arena;
    struct endpoint points[POINTS_MAX];
    struct host host;
    struct system system;
    struct assess_options o;
    struct finding found[FOUND_MAX];
    size_t n;
};

/* A PACS at an address with no endpoint yet. */
struct made *made_new(const struct advisories *a, const char *ip);
void made_free(struct made *m);
/* A fact of an endpoint (made when it is new). */
void made_fact(struct made *m, uint16_t port, enum ev_by by, enum ev_kind kind, const char *value);
/* Looks at it; again from the beginning. */
void made_assess(struct made *m);
/* How many findings of a kind, and the first of them. */
size_t made_count(const struct made *m, const char *kind);
const struct finding *made_first(const struct made *m, const char *kind);
err_t made_on_finding(void *ctx, const struct finding *f);

#endif
