/* HL7 v2 messages as evidence, and which identifying fields a message carries. Never a value. */
#ifndef LASTRA_SURVEY_WIRE_HL7_ANSWER_H
#define LASTRA_SURVEY_WIRE_HL7_ANSWER_H

#include "hl7/message.h"
#include "survey/core/evidence.h"

/* What an HL7 port sent, with or without framing: MSH-3, 4, 12, MSA-1 and a cleaned MSA-3, raw_hl7.
 * E_MALFORMED: it is not HL7 (raw_banner is not added here). */
err_t hl7_answer_bytes(struct str bytes, enum ev_by by, struct evidence *e) MUST_CHECK;

/* Counts the identifying fields of a message that are filled in, into `fields` by name: the table's
 * names are those of DICOM where DICOM has one (PatientName, PatientBirthDate, PatientID, ...). */
enum hl7_field_id {
#define HL7_FIELD(id, segment, field, component) HL7_FIELD_##id,
#include "survey/wire/hl7_fields.def"
#undef HL7_FIELD
    HL7_FIELDS
};
struct str hl7_field_name(enum hl7_field_id id);
void hl7_count_fields(const struct hl7_message *m, uint64_t counts[HL7_FIELDS]);

#endif
