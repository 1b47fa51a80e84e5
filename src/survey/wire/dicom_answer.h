/* What a DICOM upper layer said, as evidence: an acceptor's bytes (PDUs as they came, perhaps cut
 * short, perhaps lying about lengths) and, from traffic, both sides. No I/O. */
#ifndef LASTRA_SURVEY_WIRE_DICOM_ANSWER_H
#define LASTRA_SURVEY_WIRE_DICOM_ANSWER_H

#include "dimse/pdu.h"
#include "survey/core/evidence.h"

/* From bytes of an acceptor that begin with its answer. Adds dicom_answer, class UID, version name,
 * maximum length, contexts, transport facts it can tell, raw_dicom. E_MALFORMED: these are not the
 * bytes of an upper layer (nothing added). A truncated A-ASSOCIATE-AC gives what was whole. AE
 * titles in it are an echo: never added. */
err_t dicom_answer_bytes(struct str bytes, enum ev_by by, struct evidence *e) MUST_CHECK;

/* An A-ASSOCIATE-AC that was parsed already, with the request it answers (for abstract syntaxes;
 * NULL: not known). */
err_t dicom_answer_accept(const struct pdu_associate *ac, const struct pdu_associate *rq,
                          enum ev_by by, struct evidence *e) MUST_CHECK;
err_t dicom_answer_refusal(const struct pdu_refusal *r, enum pdu_type type, enum ev_by by,
                           struct evidence *e) MUST_CHECK;

/* Undoes the escapings in which exports hold raw bytes, into w: \xNN, \NN octal, \n \r \t \0 \\,
 * JSON's own \u00NN already decoded (code points up to 255 as UTF-8 back to bytes), hexadecimal
 * pairs with or without spaces or colons, base64. Tries each and takes the first after which the
 * bytes begin an upper-layer PDU; false when none does. A label before them ("DICOM Server
 * Response\n") is passed over. */
bool dicom_banner_decode(struct str text, struct wr *w);

#endif
