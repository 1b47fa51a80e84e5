/* An audit message (PS3.15 A.5.1, the schema that replaced RFC 3881): as a struct of views, as a
 * line of JSON for the chained log, as XML for syslog. Codecs only. */
#ifndef LASTRA_ACCESS_AUDIT_MESSAGE_H
#define LASTRA_ACCESS_AUDIT_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/wr.h"

enum audit_outcome {
    AUDIT_SUCCESS = 0,
    AUDIT_MINOR = 4,   /* retried or refused; nothing is harmed */
    AUDIT_SERIOUS = 8, /* did not happen */
    AUDIT_MAJOR = 12,  /* the system can no longer do its work */
};

/* A code of the scheme DCM, or of RFC-3881 for object ids. */
struct audit_code {
    struct str code, scheme, text;
};

/* ActiveParticipant: who took part. Roles are of PS3.16 CID 402. */
enum audit_role {
    AUDIT_NO_ROLE,
    AUDIT_APPLICATION,
    AUDIT_LAUNCHER,
    AUDIT_DESTINATION,
    AUDIT_SOURCE,
    AUDIT_DESTINATION_MEDIA,
    AUDIT_SOURCE_MEDIA,
    AUDIT_ROLES
};
struct audit_participant {
    struct str user_id;     /* a person's name, a process, an AE title */
    struct str alternative; /* "AETITLE=..." for a process (A.5.2.3); may be empty */
    struct str name;        /* of a person; may be empty */
    bool requestor;         /* started it */
    enum audit_role role;
    struct str address; /* IP address or machine name; may be empty */
    bool address_is_ip;
};

/* ParticipantObjectIdentification: what it was done to. */
enum audit_object_kind {
    AUDIT_PATIENT,           /* id: Patient ID */
    AUDIT_STUDY,             /* id: Study Instance UID */
    AUDIT_SOP_CLASS_QUERIED, /* id: SOP Class UID; query */
    AUDIT_NODE,              /* id: AE title or address; what a security alert is about */
    AUDIT_USER,              /* id: a user's name */
    AUDIT_LOG,               /* id: URI of the log; an Audit Log Used event's object */
    AUDIT_OBJECT_KINDS
};
struct audit_sop_class {
    struct str uid;
    uint64_t instances;
};
struct audit_detail {
    struct str type, value; /* the value is base64 in the message, as the schema has it */
};
struct audit_object {
    enum audit_object_kind kind;
    struct str id;
    struct str name;                       /* may be empty */
    struct str query;                      /* bytes of a C-FIND identifier; may be empty */
    struct str accession;                  /* studies; may be empty */
    struct audit_detail details[4];        /* those with a type */
    const struct audit_sop_class *classes; /* studies */
    size_t n_classes;
};

enum {
    AUDIT_PARTICIPANTS_MAX = 8,
    AUDIT_OBJECTS_MAX = 64,
    AUDIT_CLASSES_MAX = 64,
    AUDIT_DETAILS_MAX = 4,
    AUDIT_QUERY_MAX = 16384,
    AUDIT_LINE_MAX = 65536 /* what a chained log takes */
};

struct audit_message {
    struct audit_code id, type; /* type.code empty: none */
    char action;
    int64_t time_us; /* wall clock */
    enum audit_outcome outcome;
    struct str outcome_text; /* may be empty */
    const struct audit_participant *participants;
    size_t n_participants;
    struct str source_id;
    const struct audit_object *objects;
    size_t n_objects;
};

/* One line, without its newline; names as in the schema. Text that is not UTF-8 is mended. */
void audit_to_json(const struct audit_message *m, struct wr *w);

/* A whole AuditMessage document. */
void audit_to_xml(const struct audit_message *m, struct wr *w);

/* One line for a person: time, event, outcome, who, to what. Patient IDs are in it. */
void audit_to_text(const struct audit_message *m, struct wr *w);

/* Reads what audit_to_json wrote; views and arrays in the arena. E_MALFORMED. */
err_t audit_parse(struct str json, struct arena *a, struct audit_message *ret) MUST_CHECK;

#endif
