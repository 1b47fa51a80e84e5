/* Two surveys compared: what is new, gone, fixed, worse, changed. A system is the same by address
 * and type (or product); a finding by its system, kind and CVE.
 *
 *   new      a system that was not there; its findings are not told one by one
 *   gone     a system that is not there any more
 *   fixed    a finding that was there and is not, though the later survey looked as closely: what
 *            it could not see again (nothing is known of that openness, or less was verified) is
 *            not fixed. A finding that is there and accepted is not fixed either.
 *   worse    a finding that was not there, or is more severe now, unless it is accepted; more
 *            studies or images within reach; an access that was closed and is open
 *   changed  type, product, version, toolkit, vendor or ports say something else, or an access that
 *            was open is closed
 *
 * Fixed and worse are a row each finding; the others a row each system. */
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
    uint64_t counts[DIFF_COUNT]; /* of rows */
    uint64_t types_before[TYPE_COUNT], types_after[TYPE_COUNT];
    uint64_t dicom_before, dicom_after; /* DICOM servers, suspected honeypots left out: "14 % more
                                           than the year before" */
};
/* Both streamed in address order; bounded memory. Rows and their views live until each returns; it
 * may be NULL. before and after may be one inventory. */
err_t diff_surveys(struct inventory *before, int64_t survey_before, struct inventory *after,
                   int64_t survey_after, err_t (*each)(void *ctx, const struct diff_row *r),
                   void *ctx, struct diff_sum *ret, struct diag *d) MUST_CHECK;

#endif
