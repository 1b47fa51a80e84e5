/* What a DICOM upper layer said, as evidence: an acceptor's bytes (PDUs as they came, perhaps cut
 * short, perhaps lying about lengths) and, from traffic, both sides. No I/O. */
#ifndef LASTRA_SURVEY_WIRE_DICOM_ANSWER_H
#define LASTRA_SURVEY_WIRE_DICOM_ANSWER_H

#include "dimse/pdu.h"
#include "survey/core/evidence.h"

/* From bytes of an acceptor that begin with its answer. Adds dicom_answer, class UID, version name,
 * maximum length, accepted transfer syntaxes, protocol, raw_dicom; values are views of `bytes`.
 * E_MALFORMED: these are not the bytes of an acceptor (nothing added). A truncated A-ASSOCIATE-AC
 * gives the items that are whole, a refusal cut before its reason "rejected" or "aborted" alone. AE
 * titles in it are an echo: never added. An A-ASSOCIATE-RQ is not an answer: echo servers send
 * ours back. */
err_t dicom_answer_bytes(struct str bytes, enum ev_by by, struct evidence *e) MUST_CHECK;

/* Whether bytes begin such an answer, cut or not. */
bool dicom_answer_looks(struct str bytes);

/* An A-ASSOCIATE-AC that was parsed already, with the request it answers (for abstract syntaxes;
 * NULL: not known). */
err_t dicom_answer_accept(const struct pdu_associate *ac, const struct pdu_associate *rq,
                          enum ev_by by, struct evidence *e) MUST_CHECK;
err_t dicom_answer_refusal(const struct pdu_refusal *r, enum pdu_type type, enum ev_by by,
                           struct evidence *e) MUST_CHECK;

/* Undoes the escapings in which exports hold raw bytes, into w, which is cleared first: bytes as
 * they are; code points up to 255 as UTF-8 (JSON's \u00NN); \xNN, \x{NN}, \uNNNN, \NNN octal, \n
 * \r \t \0 \\ and their like, also as nmap writes them (\0 is always NUL); %NN; hexadecimal pairs
 * with or without spaces, colons, commas, 0x; base64 of both alphabets. A label line before them
 * ("DICOM Server Response\n"), quotes and b'' around them are passed over. Each is tried; taken is
 * the first after which the bytes are a whole answer, else the first that begins one
 * (dicom_answer_looks); false, and w empty, when none does. At most DICOM_BANNER_MAX bytes. A byte
 * that the export replaced by U+FFFD becomes 0xFF, and a maximum length that held one is hidden. */
enum { DICOM_BANNER_MAX = 4096 };
bool dicom_banner_decode(struct str text, struct wr *w);

#endif
