/* The registry of peers and users, kept in the index database, and the decisions made on it.
 *
 * One struct access serves a whole process, from any thread. It stands on an SQL connection of its
 * own. The peers are held in memory as an immutable snapshot; each decision first asks the database
 * for the registry's generation (one row) and reads the peers again when it has changed, so that a
 * `lastra peer add` in another process counts from the next association on.
 *
 *     access_knows_source(a, addr, tls)   on accept: no -> conn_drop, nothing was sent
 *     [TLS handshake, with access_knows_cert as tls_server's `known`; A-ASSOCIATE-RQ]
 *     access_admit(a, &query, &admission)
 *         ADMIT_YES     admission.visit: rights and limits, until visit_end
 *         ADMIT_REJECT  assoc_reject(result, source, reason)
 *         ADMIT_DROP    conn_drop
 */
#ifndef LASTRA_ACCESS_ACCESS_H
#define LASTRA_ACCESS_ACCESS_H

#include "access/admit.h"
#include "access/visit.h"
#include "store/sql.h"

struct access;

struct access_options {
    struct sql *sql;                       /* taken over, also on failure */
    const struct network *public_networks; /* that peers may live in (option networks_public) */
    size_t n_public_networks;
    struct peer_limits limits; /* of peers without their own; zeroed: PEER_LIMITS_DEFAULT */
};

/* Opens, making or migrating its tables first: peer, peer_network, peer_cert, peer_destination,
 * cert_revoked, account, setting. All other calls need nothing else. */
err_t access_open(const struct access_options *o, struct access **ret, struct diag *d) MUST_CHECK;
void access_close(struct access *a); /* NULL is fine; every visit has ended */

/* The tables alone, for whoever makes the index. Idempotent; in a transaction of its own. */
err_t access_schema(struct sql *s, struct diag *d) MUST_CHECK;

bool access_knows_source(struct access *a, const struct addr *from, bool tls);

/* For tls_server: whether a certificate is registered with any peer. ctx is the struct access. */
bool access_knows_cert(void *ctx, const uint8_t sha256[FINGERPRINT_SIZE]);

struct admission {
    enum admit_verdict verdict;
    enum admit_cause cause;
    uint8_t result, source, reason; /* for ADMIT_REJECT */
    struct str text;                /* the cause in words, for log and audit trail */
    struct visit *visit;            /* for ADMIT_YES; the caller ends it */
};
void access_admit(struct access *a, const struct admit_query *q, struct admission *ret);

/* Changes, each a transaction, durable and seen by other processes when it returns. All check with
 * peer_check first. add: E_EXISTS. change: the row with the same AE title becomes *p (E_NOTFOUND);
 * certificates that are no longer in it are withdrawn. remove: E_NOTFOUND; its certificates are
 * withdrawn and it is taken out of every destination list. A withdrawn certificate is refused for
 * good unless it is registered again. */
err_t access_add_peer(struct access *a, const struct peer *p, struct diag *d) MUST_CHECK;
err_t access_change_peer(struct access *a, const struct peer *p, struct diag *d) MUST_CHECK;
err_t access_remove_peer(struct access *a, struct str aet, struct diag *d) MUST_CHECK;

/* A copy of one. E_NOTFOUND. */
err_t access_find_peer(struct access *a, struct str aet, struct peer *ret,
                       struct diag *d) MUST_CHECK;
/* Every peer by AE title, with the number of its associations open in this process. Stops at the
 * callback's first error and returns it. */
err_t access_each_peer(struct access *a,
                       err_t (*each)(void *ctx, const struct peer *p, uint64_t associations),
                       void *ctx, struct diag *d) MUST_CHECK;

#endif
