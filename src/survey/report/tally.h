/* Counting by a name: products, countries, sites. Names come from evidence, so their number is
 * capped: past the cap they are counted together. */
#ifndef LASTRA_SURVEY_REPORT_TALLY_H
#define LASTRA_SURVEY_REPORT_TALLY_H

#include "base/arena.h"
#include "base/err.h"

/* What is counted of systems, everywhere the same; docs/manual/survey-report.md has each definition
 * under this name. */
enum counter {
    N_systems,
    N_open,       /* open to anyone */
    N_clear,      /* speaks without encryption */
    N_strict,     /* vulnerability of the product, version confirmed or every version affected */
    N_component,  /* of a component, by its banner */
    N_asserted,   /* asserted by a search engine */
    N_unknown,    /* the product has some, our version was not read */
    N_exploited,  /* of strict and component: exploited in the wild */
    N_any,        /* strict, component or asserted */
    N_public,     /* at a public address */
    N_severe,     /* a finding of high or critical severity that is not accepted */
    N_dicom,      /* speaks DICOM */
    N_clear_only, /* these four add up to systems */
    N_clear_tls,
    N_tls_only,
    N_no_transport,
    N_values, /* of fields: how often */
    COUNTERS
};

struct tally_row {
    struct str key, note;
    uint64_t n[COUNTERS];
    int cvss; /* of a CVE, times 10 */
    bool exploited;
};

enum { TALLY_MAX = 2048, TALLY_KEY_MAX = 200 };
struct tally {
    struct arena *arena;
    struct tally_row *rows;
    uint32_t *slots; /* of a hash table: index + 1 */
    size_t n;
    struct tally_row others;
    bool full;
};

err_t tally_init(struct tally *t, struct arena *a) MUST_CHECK;
/* The row of a name, made when it is not there; the common one when there are too many or the arena
 * is full. Empty names have a row of their own. Stays valid until tally_sort. */
struct tally_row *tally_row(struct tally *t, struct str key);
/* Most first, by a counter, then by name; nothing is added afterwards. */
void tally_sort(struct tally *t, enum counter by);
/* The sum over rows from `from` on, and of the others. */
void tally_rest(const struct tally *t, size_t from, struct tally_row *ret);

#endif
