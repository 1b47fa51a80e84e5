/* Which identifying attributes of a patient a DICOM data set in clear carries: names and counts,
 * never a value. The attributes are those of PS3.15 table E.1-1 that a survey reports
 * (dicom_fields.def). */
#ifndef LASTRA_SURVEY_WIRE_DICOM_FIELDS_H
#define LASTRA_SURVEY_WIRE_DICOM_FIELDS_H

#include "base/err.h"
#include "base/str.h"

enum dicom_field_id {
#define DICOM_FIELD(id, tag) DICOM_FIELD_##id,
#include "survey/wire/dicom_fields.def"
#undef DICOM_FIELD
    DICOM_FIELDS
};
struct str dicom_field_name(enum dicom_field_id id);

/* Walks the top level of a data set that comes in pieces, up to the last field of the table (the
 * rest is not looked at), and counts fields that are not empty. transfer_syntax: as negotiated; an
 * unknown or deflated one counts nothing. */
struct dicom_fields;
err_t dicom_fields_new(struct dicom_fields **ret) MUST_CHECK;
void dicom_fields_free(struct dicom_fields *f); /* NULL is fine */
/* Begins the next data set. */
void dicom_fields_begin(struct dicom_fields *f, struct str transfer_syntax);
/* False once nothing more is wanted of this data set: the caller may skip the rest. Malformed bytes
 * end it too. */
bool dicom_fields_feed(struct dicom_fields *f, struct str bytes);
const uint64_t *
dicom_fields_counts(const struct dicom_fields *f); /* DICOM_FIELDS of them, summed up */

#endif
