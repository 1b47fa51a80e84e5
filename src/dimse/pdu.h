/* Protocol data units of the DICOM upper layer (PS3.8 9.3) and the user information of PS3.7 annex
 * D. Codecs only: bytes in, structs of views out, and back. */
#ifndef LASTRA_DIMSE_PDU_H
#define LASTRA_DIMSE_PDU_H

#include "base/arena.h"
#include "base/err.h"
#include "base/wr.h"

enum pdu_type {
    PDU_ASSOCIATE_RQ = 1,
    PDU_ASSOCIATE_AC,
    PDU_ASSOCIATE_RJ,
    PDU_DATA_TF,
    PDU_RELEASE_RQ,
    PDU_RELEASE_RP,
    PDU_ABORT,
};

enum { PDU_CONTEXTS_MAX = 128, PDU_HEADER = 6, PDV_HEADER = 6, AE_TITLE_MAX = 16 };

/* The DICOM application context (PS3.7 A.2.1). */
#define PDU_APPLICATION_CONTEXT "1.2.840.10008.3.1.1.1"

/* Result of a context in an answer (PS3.8 9.3.3.2). */
enum pdu_result {
    PDU_ACCEPTED = 0,
    PDU_USER_REJECTION = 1,
    PDU_NO_REASON = 2,
    PDU_ABSTRACT_NOT_SUPPORTED = 3,
    PDU_TRANSFER_NOT_SUPPORTED = 4,
};

struct pdu_context {
    uint8_t id;            /* odd, 1 to 255 */
    uint8_t result;        /* answers */
    struct str abstract;   /* requests (an answer has none; assoc fills it in) */
    struct str *transfers; /* proposed; in an answer the one chosen */
    size_t n_transfers;
};

/* SCP/SCU role selection (PS3.7 D.3.3.4). */
struct pdu_role {
    struct str sop_class;
    bool scu, scp;
};

/* SOP class extended negotiation (PS3.7 D.3.3.5): for Q/R, byte 0 relational queries, 1 date-time
 * matching, ... (PS3.4 C.5.1.1). */
struct pdu_extended {
    struct str sop_class, info;
};

/* SOP class common extended negotiation (PS3.7 D.3.3.6), requests only. */
struct pdu_common_extended {
    struct str sop_class, service_class;
    struct str *related;
    size_t n_related;
};

/* A-ASSOCIATE-RQ and -AC. Text is unpadded. */
struct pdu_associate {
    uint16_t version;           /* bit 0 */
    struct str called, calling; /* AE titles, at most 16 bytes */
    struct str application;     /* application context */
    struct pdu_context *contexts;
    size_t n_contexts;
    uint32_t max_pdu; /* 0: no limit */
    struct str implementation_uid, implementation_version;
    bool has_ops; /* asynchronous operations window (PS3.7 D.3.3.3) */
    uint16_t ops_invoked, ops_performed;
    struct pdu_role *roles;
    size_t n_roles;
    struct pdu_extended *extended;
    size_t n_extended;
    struct pdu_common_extended *common;
    size_t n_common;
    uint8_t identity_type; /* user identity (PS3.7 D.3.3.7): 0 none, 1 name, 2 name and passcode, 3
                              Kerberos, 4 SAML, 5 JWT */
    bool identity_reply;
    struct str identity_primary, identity_secondary;
};

/* A-ASSOCIATE-RJ and A-ABORT: three bytes that mean something (PS3.8 9.3.4, 9.3.8); result is 0 for
 * an abort. */
struct pdu_refusal {
    uint8_t result, source, reason;
};

/* The payload of a PDU (after its 6-byte header) of type RQ or AC. Views into `payload`, arrays in
 * the arena. Counts are capped (128 contexts, 64 transfer syntaxes each, 256 of each other item):
 * E_LIMIT. E_MALFORMED: d says which item. */
err_t pdu_associate_parse(struct str payload, enum pdu_type type, struct arena *a,
                          struct pdu_associate *ret, struct diag *d) MUST_CHECK;

/* What a service provider must refuse in a request whatever its user says (PS3.8 9.3.4): a protocol
 * version or application context that is not DICOM's, an AE title that is empty or holds a control
 * character or a backslash (PS3.5 6.2, VR AE). OK, or E_REJECTED with the A-ASSOCIATE-RJ to send
 * and the cause in d. */
err_t pdu_associate_check(const struct pdu_associate *p, struct pdu_refusal *ret,
                          struct diag *d) MUST_CHECK;

/* An AE title's field without the spaces around it, which mean nothing (PS3.5 6.2), and the NULs
 * that some pad it with. */
struct str pdu_ae_trim(struct str field);

/* 1 to 16 printable characters without a backslash, not all spaces. */
bool pdu_ae_ok(struct str title);

/* At most 64 characters of digits and dots, no empty component (PS3.5 9.1). Leading zeros in a
 * component, which real devices write, are let pass: strict refuses them too. */
bool pdu_uid_ok(struct str uid, bool strict);

/* A whole PDU with its header. */
void pdu_associate_write(const struct pdu_associate *p, enum pdu_type type, struct wr *w);

/* From its payload of four bytes. */
err_t pdu_refusal_parse(struct str payload, enum pdu_type type, struct pdu_refusal *ret) MUST_CHECK;
void pdu_refusal_write(const struct pdu_refusal *p, enum pdu_type type, struct wr *w);
/* In words: "rejected permanently by the service user: called AE title not recognized". A view of a
 * literal or of buf. */
struct str pdu_refusal_text(const struct pdu_refusal *p, enum pdu_type type, char *buf, size_t cap);

void pdu_release_write(enum pdu_type type, struct wr *w);

/* Presentation data value (PS3.8 9.3.5.1, annex E.2). */
struct pdv {
    uint8_t context;
    bool command, last;
    struct str data;
};
/* Takes the next PDV off a whole P-DATA-TF payload (dimse/ul.h passes them on in pieces instead).
 * False at the end; *err on a malformed one. */
bool pdv_next(struct str *payload, struct pdv *ret, err_t *err);
/* Writes the header of a PDV whose data is n bytes. */
void pdv_header_write(uint8_t context, bool command, bool last, size_t n, struct wr *w);

#endif
