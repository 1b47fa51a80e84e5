/* Who is let in, as pure functions over a list of peers: no clock, no lock, no storage. The server
 * asks through access/access.h, which knows the peers of the moment. */
#ifndef LASTRA_ACCESS_ADMIT_H
#define LASTRA_ACCESS_ADMIT_H

#include "access/peer.h"

enum admit_verdict {
    ADMIT_DROP,   /* close without a byte */
    ADMIT_REJECT, /* A-ASSOCIATE-RJ */
    ADMIT_YES,
};

enum admit_cause {
#define CAUSE(name, verdict, result, source, reason, text) CAUSE_##name,
#include "access/causes.def"
#undef CAUSE
    CAUSES
};

/* A cause's row. */
struct admit_rule {
    enum admit_verdict verdict;
    uint8_t result, source, reason; /* of A-ASSOCIATE-RJ */
    struct str text;                /* for logs; not for the other side */
};
const struct admit_rule *admit_rule(enum admit_cause c);

/* What is known when an A-ASSOCIATE-RQ has been read. */
struct admit_query {
    const struct addr *from;
    bool tls;
    const uint8_t *cert;  /* SHA-256 of the peer's certificate; NULL: none (conn_peer_cert) */
    struct str cert_name; /* its common name where an authority of ours signed it; else empty */
    struct str calling, called;
    const struct str *titles; /* our own AE titles */
    size_t n_titles;
    int64_t now_s; /* wall clock, for certificates that end; access_admit fills it in */
};

/* A registry's contents at one moment. */
struct peers {
    const struct peer *list;
    size_t n;
    const uint8_t (*revoked)[FINGERPRINT_SIZE]; /* certificates withdrawn */
    size_t n_revoked;
};

/* Before TLS and before any byte: may anybody come from there, in this way? */
bool admit_source(const struct peers *p, const struct addr *from, bool tls);

/* The decision; *ret_peer is set (into p) for CAUSE_ADMITTED. */
enum admit_cause admit(const struct peers *p, const struct admit_query *q,
                       const struct peer **ret_peer);

/* By AE title; NULL when there is none. */
const struct peer *peers_find(const struct peers *p, struct str aet);

#endif
