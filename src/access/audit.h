/* The audit trail: every access to a patient's data and every change of who may, as PS3.15 A.5
 * messages in the hash-chained log DATA/audit (store/chain.h), and to a syslog collector where one
 * is configured. From any thread and several processes at once.
 *
 * The trail holds Patient IDs and query keys, since the standard's messages do: it is the one place
 * outside the encrypted index and packs where they stand, in a folder that only the archive's user
 * can read (docs/threat-model.md). */
#ifndef LASTRA_ACCESS_AUDIT_H
#define LASTRA_ACCESS_AUDIT_H

#include "access/audit_message.h"
#include "io/crypto.h"
#include "io/net.h"

enum audit_kind {
#define AUDIT(name, id, event, type, type_text, action, sync) AUDIT_##name,
#include "access/audit.def"
#undef AUDIT
    AUDIT_KINDS
};

struct audit;
struct syslog_sender; /* access/syslog.h */

struct audit_options {
    int dir;                      /* DATA/audit, opened; stays the caller's */
    const struct key *key;        /* keys.chain */
    struct str source_id;         /* who writes: the archive's name, its first AE title */
    uint64_t file_max;            /* 0: 64 MiB */
    struct syslog_sender *remote; /* NULL: none; stays the caller's and outlives the audit */
};
err_t audit_open(const struct audit_options *o, struct audit **ret, struct diag *d) MUST_CHECK;
void audit_close(struct audit *a); /* syncs; NULL is fine */

struct audit_event {
    enum audit_kind kind;
    enum audit_outcome outcome;
    struct str outcome_text;
    const struct audit_participant *participants;
    size_t n_participants;
    const struct audit_object *objects;
    size_t n_objects;
};
/* Stamps the time and writes. An event that cannot be written is counted; the next one that can is
 * preceded by a RECORDING_STOPPED event with the count. */
err_t audit_write(struct audit *a, const struct audit_event *e) MUST_CHECK;

/* What was written is on stable storage. The server calls it about every second. */
err_t audit_sync(struct audit *a) MUST_CHECK;

/* Participants as our events have them. addr may be NULL. buf holds the address's text and lives as
 * long as the participant. */
struct audit_participant audit_self(const struct audit *a, enum audit_role role);
struct audit_participant audit_peer(struct str aet, const struct addr *addr,
                                    char buf[ADDR_TEXT_MAX], enum audit_role role, bool requestor);
/* The person at the command line, by operating system account. */
struct audit_participant audit_person(struct str user);

/* Shorthands. */
/* A C-FIND: who asked what. sop_class, transfer_syntax, identifier as they came. */
err_t audit_query(struct audit *a, const struct audit_participant *peer, struct str sop_class,
                  struct str transfer_syntax, struct str identifier,
                  enum audit_outcome outcome) MUST_CHECK;
/* A refused association or TLS handshake: aet may be empty. */
err_t audit_refused(struct audit *a, const struct addr *from, struct str aet,
                    struct str why) MUST_CHECK;
/* Something done to a peer, a user or the configuration by a person at the command line:
 * ("USER_CHANGED", "root", "user anna added"). */
err_t audit_admin(struct audit *a, enum audit_kind kind, struct str person,
                  enum audit_object_kind what, struct str id, struct str description) MUST_CHECK;
/* Started, stopped: AUDIT_APPLICATION_*. */
err_t audit_application(struct audit *a, enum audit_kind kind) MUST_CHECK;

/* The kind in the standard's words: "Node Authentication", "Query". */
struct str audit_event_text(enum audit_kind k);

#endif
