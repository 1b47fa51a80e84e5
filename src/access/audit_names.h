/* The codes that stand for roles and kinds of objects in an audit message: one table for both
 * writers and the reader. */
#ifndef LASTRA_ACCESS_AUDIT_NAMES_H
#define LASTRA_ACCESS_AUDIT_NAMES_H

#include "access/audit_message.h"

/* RoleIDCode (PS3.16 CID 402), scheme DCM; the code of AUDIT_NO_ROLE is empty. */
struct audit_role_code {
    struct str code, text;
};
extern const struct audit_role_code audit_role_codes[AUDIT_ROLES];

/* ParticipantObjectTypeCode, ...TypeCodeRole and ...IDTypeCode (PS3.15 A.5.2). */
struct audit_object_code {
    uint8_t type, role;
    struct str code, scheme, text;
    struct str word; /* in a line for people */
};
extern const struct audit_object_code audit_object_codes[AUDIT_OBJECT_KINDS];

/* NetworkAccessPointTypeCode: 1 machine name, 2 IP address. */
enum { AUDIT_POINT_NAME = 1, AUDIT_POINT_IP = 2 };

/* How much of a text goes into a message: whatever a peer sends, one message with one object fits a
 * line. Cut between characters. */
enum { AUDIT_CLIP_NAME = 64, AUDIT_CLIP_TEXT = 256, AUDIT_CLIP_DETAIL = 512 };
struct str audit_clip(struct str s, size_t max);

#endif
