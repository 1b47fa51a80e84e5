/* Inside json_out: values as the arrays of the DICOM JSON model (PS3.18 F.2.3 to F.2.5). */
#ifndef LASTRA_DICOM_JSON_VALUE_H
#define LASTRA_DICOM_JSON_VALUE_H

#include "base/json.h"
#include "dicom/types.h"

/* Little endian numbers or tags as elements of the array that is open; a rest that is no whole one
 * is dropped. */
void json_value_numbers(struct json *j, vr_t vr, struct str bytes);

/* A text value in UTF-8 as the member "Value", or nothing when it is empty (F.2.5). */
void json_value_text(struct json *j, vr_t vr, struct str utf8);

#endif
