/* Inside json_in: an attribute's JSON values as the bytes of a value field (PS3.18 F.2.3, PS3.5
 * 6.2). */
#ifndef LASTRA_DICOM_JSON_PARSE_H
#define LASTRA_DICOM_JSON_PARSE_H

#include <jansson.h>

#include "base/wr.h"
#include "dicom/types.h"

/* E_MALFORMED with a diagnosis that names the attribute and says what is wrong with it. */
err_t json_bad(struct diag *d, tag_t tag, const char *what);

/* The array "Value". `w` latches when it is full. */
err_t json_parse_values(tag_t tag, vr_t vr, json_t *values, struct wr *w,
                        struct diag *d) MUST_CHECK;

/* "InlineBinary": a string of base64, or (as the example in F.4 has it) an array of one. */
err_t json_parse_base64(tag_t tag, json_t *value, struct wr *w, struct diag *d) MUST_CHECK;

#endif
