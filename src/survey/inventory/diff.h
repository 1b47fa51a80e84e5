/* Two surveys compared: what is new, gone, fixed, worse, changed. A system is the same by address
 * and type (or product); a finding by its system, kind and CVE. */
#ifndef LASTRA_SURVEY_INVENTORY_DIFF_H
#define LASTRA_SURVEY_INVENTORY_DIFF_H

#include "survey/inventory/inventory.h"

enum diff_what { DIFF_new, DIFF_gone, DIFF_fixed, DIFF_worse, DIFF_changed, DIFF_COUNT };

struct diff_row {
    enum diff_what what;
    const struct system *before, *after; /* one may be NULL */
    struct str finding;                  /* its kind, and CVE, for fixed and worse */
    struct str text;                     /* in words, English */
};
struct diff_sum {
    uint64_t systems_before, systems_after;
    uint64_t counts[DIFF_COUNT];
    uint64_t types_before[TYPE_COUNT], types_after[TYPE_COUNT];
    uint64_t dicom_before, dicom_after; /* DICOM servers: "14 % more than the year before" */
};
/* Both streamed in address order; bounded memory. each may be NULL. */
err_t diff_surveys(struct inventory *before, int64_t survey_before, struct inventory *after,
                   int64_t survey_after, err_t (*each)(void *ctx, const struct diff_row *r),
                   void *ctx, struct diff_sum *ret, struct diag *d) MUST_CHECK;

#endif
