/* Objects on their way: a UID is decided by one sender at a time, and what was stored is known here
 * from the moment it is on stable storage until the index has it. */
#ifndef LASTRA_ARCHIVE_PENDING_H
#define LASTRA_ARCHIVE_PENDING_H

#include "io/crypto.h"
#include "io/thread.h"

enum { PENDING_BUCKETS = 1024 };

struct pending_entry;

struct pending {
    lock_t lock; /* guards everything in it */
    pthread_cond_t given;
    struct pending_entry *bucket[PENDING_BUCKETS];
};

err_t pending_init(struct pending *p) MUST_CHECK;
void pending_done(struct pending *p);

/* The caller alone decides on this UID until pending_give; waits while another does. *ret_stored:
 * an object with it is stored and not yet in the index, with this digest. E_BUSY at the deadline.
 */
err_t pending_take(struct pending *p, struct str uid, int64_t deadline, bool *ret_stored,
                   uint8_t ret_digest[DIGEST_SIZE]) MUST_CHECK;

/* Decided. digest: the object was stored and its entry handed to the committer, pending_indexed
 * follows; NULL: nothing new. */
void pending_give(struct pending *p, struct str uid, const uint8_t *digest);

/* The index has it (or never will: then it is replayed at the next start). May come before
 * pending_give. */
void pending_indexed(struct pending *p, struct str uid);

#endif
