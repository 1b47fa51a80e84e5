/* Which identifying fields a web message's body carries: a FHIR resource or a DICOM data set as
 * JSON (FHIR R4 8.1, PS3.18 F), DICOM objects as they are. Names and counts, never a value. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_WEB_FIELDS_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_WEB_FIELDS_H

#include "survey/source/capture/gather.h"

/* Adds to counts. A body that is cut short, or malformed, counts as far as it goes. */
void web_fields_json(struct str body, uint64_t counts[FIELDS]);

struct dicom_fields;
/* Objects in Part 10 form anywhere in the body; how many. `f` is used to read them (its counts go
 * up). */
unsigned web_objects(struct str body, struct dicom_fields *f);

#endif
