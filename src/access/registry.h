/* What is inside a struct access: only for this layer's own files. */
#ifndef LASTRA_ACCESS_REGISTRY_H
#define LASTRA_ACCESS_REGISTRY_H

#include "access/access.h"
#include "access/pace.h"

/* The registry at one moment; immutable once made, held by whoever decides or visits. */
struct snapshot {
    unsigned refs; /* guarded by access.held */
    int64_t generation;
    struct peer *list;
    size_t n;
    uint8_t (*revoked)[FINGERPRINT_SIZE];
    size_t n_revoked;
};

/* What a peer uses now, by AE title; made when it first comes and kept as long as the registry, so
 * that a change of its row does not forget what it has open. */
struct usage {
    struct usage *next;
    char aet[AET_MAX + 1];
    uint64_t associations;
    struct pace objects, bytes;
};

struct access {
    lock_t lock; /* guards sql and its statements; who changes now holds both locks */
    struct sql *sql;
    struct sql_stmt *generation; /* asks for the row that every change counts up */
    lock_t held; /* guards now, refs and usages; never held while the database is asked, so that a
                    slow disk stops newcomers only */
    struct snapshot *now;
    struct usage *usages;
    struct network *public_networks;
    size_t n_public_networks;
    struct peer_limits limits;
    lock_t hashing; /* one password hash at a time: each takes 16 MiB */
};

/* All with access.lock held. */
err_t registry_generation(struct access *a, int64_t *ret) MUST_CHECK;
err_t registry_load(struct access *a, struct snapshot **ret, struct diag *d) MUST_CHECK;
void registry_free(struct snapshot *s);

/* The snapshot of now, read again if the registry has changed; the caller holds a reference that it
 * gives back with snapshot_release. When the database cannot be read *ret is the last one known,
 * and the error says so. Takes the lock. */
err_t snapshot_take(struct access *a, struct snapshot **ret, struct diag *d) MUST_CHECK;
void snapshot_release(struct access *a, struct snapshot *s);

/* A change: runs inside one transaction, counts the generation up and puts it on stable storage.
 * Takes the lock. */
err_t registry_change(struct access *a, err_t (*change)(void *ctx, struct sql *s, struct diag *d),
                      void *ctx, struct diag *d) MUST_CHECK;

/* One statement, prepared, that is freed at the end of the block. */
#define STATEMENT __attribute__((cleanup(statement_done))) struct sql_stmt *
static inline void statement_done(struct sql_stmt **q)
{
    sql_free(*q);
}

/* Runs "... ?1 ... ?2" with text parameters, for what has no rows. */
err_t registry_run(struct sql *s, struct str text, const struct str *params, size_t n,
                   struct diag *d) MUST_CHECK;

#endif
