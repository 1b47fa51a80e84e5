/* Taking objects out for good: a study, a series, an instance; and settling conflicts.
 *
 * The order makes every crash harmless: the rows go and the objects' places are noted in the table
 * `removal`, in one transaction that is made durable; then each object's key is dropped and its
 * space given back (pack_remove); then the notes go. What is still noted when the archive opens is
 * finished there. So nothing is half removed for longer than until the next start, and no removed
 * object comes back.
 */
#ifndef LASTRA_ARCHIVE_REMOVE_H
#define LASTRA_ARCHIVE_REMOVE_H

#include "archive/archive.h"
#include "archive/query.h"

struct remove_counts {
    uint64_t objects; /* with the conflicting ones that were kept aside for them */
    uint64_t bytes;   /* of data sets */
};

/* Everything with this UID at a level (STUDY, SERIES, IMAGE). E_NOTFOUND: nothing has it. counts
 * may be NULL. */
err_t archive_remove(struct archive *a, enum query_level level, struct str uid,
                     struct remove_counts *ret, struct diag *d) MUST_CHECK;

/* Objects that were kept aside because their UID was taken, oldest first. */
struct conflict {
    int64_t id;
    struct str sop_instance;        /* text; valid in the callback */
    struct pack_place place, first; /* itself; the one that has the UID (pack 0: gone since) */
    uint64_t size;
    int64_t received_us;
};
err_t conflicts_each(struct archive *a, err_t (*each)(void *ctx, const struct conflict *c),
                     void *ctx, struct diag *d) MUST_CHECK;

enum conflict_choice {
    CONFLICT_KEEP_FIRST, /* the object kept aside is removed */
    CONFLICT_TAKE_OTHER, /* it takes the UID, and the one that had it is removed */
};
/* E_NOTFOUND: no conflict has this number. */
err_t conflict_settle(struct archive *a, int64_t id, enum conflict_choice choice,
                      struct diag *d) MUST_CHECK;

/* Finishes what an earlier run began; called when an archive opens for work. */
err_t removal_finish(struct archive *a, struct diag *d) MUST_CHECK;

#endif
