/* The DICOM JSON model (PS3.18 Annex F) read into a data set. The text is checked for size, depth
 * and number of values before it is parsed, so that hostile JSON costs no more than reading it. */
#ifndef LASTRA_DICOM_JSON_IN_H
#define LASTRA_DICOM_JSON_IN_H

#include "base/arena.h"
#include "dicom/dataset.h"

struct dcm_json_in_options {
    struct dcm_limits limits; /* depth of sequences, elements, bytes of one value */
    size_t text_max;          /* bytes of JSON; default 16 MiB */
    size_t values_max;        /* values of any kind; default 1,000,000 */
    /* Fetches a BulkDataURI's bytes (in the arena, or living as long). NULL: the element is empty
     * and `truncated`. */
    err_t (*bulk)(void *ctx, tag_t tag, vr_t vr, struct str uri, struct str *ret_value);
    void *ctx;
};
#define DCM_JSON_IN_OPTIONS_DEFAULT                                                                \
    ((struct dcm_json_in_options){                                                                 \
        .limits = {32, 1000000, 1 << 20}, .text_max = 1 << 24, .values_max = 1000000})

/* Reads one data set: an object, or an array of exactly one. Text values are UTF-8, and where one
 * is not ASCII the data set gets Specific Character Set ISO_IR 192, whatever it said (F.2.2 note 3
 * speaks of the source's). E_MALFORMED with what and where (never a value) in d; E_LIMIT; E_NOMEM;
 * the callback's error. */
err_t dcm_json_read(struct arena *a, struct str text, const struct dcm_json_in_options *options,
                    struct dcm_ds **ret, struct diag *d) MUST_CHECK;

/* The same for an array of any number of data sets (at most `max`). */
err_t dcm_json_read_array(struct arena *a, struct str text,
                          const struct dcm_json_in_options *options, size_t max,
                          struct dcm_ds ***ret, size_t *ret_n, struct diag *d) MUST_CHECK;

#endif
