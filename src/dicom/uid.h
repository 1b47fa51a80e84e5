/* Unique identifiers: the registry of PS3.6 Annex A, generated from data/uids.tsv, and UIDs of our
 * own. The generated header dicom/uids.h has UID_<Keyword>, a string literal, for each of its rows,
 * and is included here. */
#ifndef LASTRA_DICOM_UID_H
#define LASTRA_DICOM_UID_H

#include "base/str.h"
#include "dicom/uids.h"

enum { DCM_UID_MAX = 64 };

enum dcm_uid_type {
    DCM_UID_SOP_CLASS,
    DCM_UID_META_SOP_CLASS,
    DCM_UID_TRANSFER_SYNTAX,
    DCM_UID_WELL_KNOWN_INSTANCE, /* SOP instances and frames of reference */
    DCM_UID_SERVICE_CLASS,
    DCM_UID_OTHER, /* application context, coding schemes, LDAP, ... */
};

struct dcm_uid {
    struct str uid, name, keyword;
    enum dcm_uid_type type;
    bool retired;
    bool storage; /* a SOP class whose instances are stored by C-STORE */
};

/* False when the registry does not have it. */
bool dcm_uid_find(struct str uid, struct dcm_uid *ret);
bool dcm_uid_keyword(struct str keyword, struct dcm_uid *ret);

/* By place in the order of their text, 0 to dcm_uid_count() - 1. */
size_t dcm_uid_count(void);
struct dcm_uid dcm_uid_at(size_t i);

/* A SOP class of the storage service in the registry, retired ones too. */
bool dcm_uid_is_storage(struct str uid);

/* The name for a person, the UID itself when unknown. */
struct str dcm_uid_name(struct str uid);

/* PS3.5 9.1: 1 to 64 bytes, digits in components parted by single dots, no leading zero in a
 * component but "0" itself. Unpadded. */
bool dcm_uid_valid(struct str uid);

/* A new UID under 2.25 (PS3.5 B.2) from 16 random bytes, which the caller takes from the system's
 * generator; they become a version 4 UUID. */
struct dcm_uid_text {
    char text[DCM_UID_MAX + 1];
};
struct dcm_uid_text dcm_uid_generate(const uint8_t random[16]);

/* Who wrote a file or asks for an association (PS3.7 D.3.3.2): ours, at most 16 bytes the name. */
#define LASTRA_IMPLEMENTATION_UID "2.25.230438178907831574007640271399986339323"
#define LASTRA_IMPLEMENTATION_VERSION "LASTRA_0_1"

#endif
