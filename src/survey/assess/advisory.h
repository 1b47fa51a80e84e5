/* Known vulnerabilities: our table and files that the owner downloads, joined by CVE, found by
 * product. Loaded once, looked up many times; 50,000 fit in a few tens of MiB. */
#ifndef LASTRA_SURVEY_ASSESS_ADVISORY_H
#define LASTRA_SURVEY_ASSESS_ADVISORY_H

#include "base/err.h"
#include "survey/core/model.h"

/* One affected product of one CVE. */
struct advisory {
    struct str cve, id; /* id: ICSMA-22-174-01, or empty */
    struct str vendor, product, range, fixed;
    int cvss;               /* times 10; -1 */
    struct str cvss_source; /* "CISA CSAF (CVSS:3.0)" */
    bool exploited;
    bool is_toolkit; /* the product is a component: DCMTK, GDCM, ... */
    struct str references, note;
};

struct advisories;
/* The built-in table (data/advisories.tsv). */
err_t advisories_new(struct advisories **ret, struct diag *d) MUST_CHECK;
void advisories_free(struct advisories *a); /* NULL is fine */

/* A file of the owner's, plain or gzip: CISA CSAF 2.0, NVD JSON 2.0, CVE JSON 5.x, the KEV
 * catalogue, OSV; each found by looking. A record that is malformed is counted and passed over. A
 * folder: every .json and .json.gz under it. */
struct advisory_sum {
    uint64_t files, records, added, bad;
    uint64_t passed; /* rows past the caps; of general feeds only makers that we know */
};
err_t advisories_load(struct advisories *a, const char *path, struct advisory_sum *ret,
                      struct diag *d) MUST_CHECK;
size_t advisories_count(const struct advisories *a);

/* Calls each for what may concern this vendor and product (through data/products.tsv: OFFIS DCMTK
 * and "dcmtk" are one), once a CVE, in the order of the CVEs; version empty: not read. A name that
 * stands for several products (IntelliSpace) gives theirs as unknown. */
struct advisory_hit {
    const struct advisory *advisory;
    enum match_state state; /* confirmed, potential (toolkit), all_versions, unknown */
};
err_t advisories_match(const struct advisories *a, struct str vendor, struct str product,
                       struct str version, bool toolkit,
                       err_t (*each)(void *ctx, const struct advisory_hit *h),
                       void *ctx) MUST_CHECK;
/* The tables beside it. */
struct names;
struct eol;
const struct names *advisories_names(const struct advisories *a);
const struct eol *advisories_eol(const struct advisories *a);
/* By CVE, for what a search engine asserts: the first row; NULL when not known. */
const struct advisory *advisories_by_cve(const struct advisories *a, struct str cve);
/* Whether a CVE is known to be exploited: in the KEV catalogue, or so said a row about it. */
bool advisories_is_exploited(const struct advisories *a, struct str cve);

#endif
