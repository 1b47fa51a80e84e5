/* The fingerprints (data/fingerprints.tsv, generated into a table): what in a fact points to which
 * vendor, product, toolkit or type. Matching only; the conclusion is identify.h. */
#ifndef LASTRA_SURVEY_IDENTIFY_FINGERPRINT_H
#define LASTRA_SURVEY_IDENTIFY_FINGERPRINT_H

#include "survey/core/evidence.h"
#include "survey/core/model.h"

/* What a match is a clue to; the roles and kinds of a category stand in category.def. */
enum fp_role {
    ROLE_nothing,
    ROLE_system,
    ROLE_toolkit,
    ROLE_vendor,
    ROLE_protocol,
    ROLE_honeypot,
    ROLE_scanner
};

struct fingerprint {
    struct str id; /* fp001 */
    struct str layer, match, pattern;
    struct str vendor, product;
    struct str category; /* of category.def: pacs, dicom_toolkit, vendor_root, honeypot, ... */
    struct str version_rule, cpe, source, note;
    struct str built_with; /* the toolkit that the product is known to be built with, or empty */
    struct str example;    /* what it must match: the bytes of a fact of its layer */
    enum confidence conf;
    bool weak; /* names a product only together with another signal */
    enum fp_role role;
    enum sys_type type;
    bool never_probe; /* as a hardware address */
};
size_t fingerprint_count(void);
const struct fingerprint *fingerprint_at(size_t i);
/* NULL when there is none. */
const struct fingerprint *fingerprint_by_id(struct str id);

/* A match: which row, and the version that its rule took out of the value. */
struct fp_match {
    const struct fingerprint *fp;
    struct str version; /* in the arena or a view of the value */
};

/* Compiled patterns; one per thread. */
struct fp_matcher;
err_t fp_matcher_new(struct fp_matcher **ret, struct diag *d) MUST_CHECK;
void fp_matcher_free(struct fp_matcher *m); /* NULL is fine */
/* Every row that fits a fact. At most cap; returns how many. Regular expressions run with a step
 * limit. */
size_t fp_match_fact(struct fp_matcher *m, const struct fact *f, struct arena *a,
                     struct fp_match *ret, size_t cap);

/* Looks at the RAW facts of a set, replaces them by `match` facts, and drops them: what every
 * source does before it hands evidence to the inventory. */
err_t observe(struct fp_matcher *m, struct evidence *e) MUST_CHECK;

/* Device kinds that are never probed (DESIGN 6.5), by hardware address: the row of its OUI, NULL
 * when none or harmless. mac: any usual writing. */
const struct fingerprint *fp_never_probe_mac(struct str mac);
const struct fingerprint *fp_by_mac(struct str mac);

#endif
