/* Inside of struct archive, for the files of this folder. */
#ifndef LASTRA_ARCHIVE_ARCHIVE_PRIVATE_H
#define LASTRA_ARCHIVE_ARCHIVE_PRIVATE_H

#include "archive/archive.h"
#include "archive/header.h"
#include "archive/pending.h"
#include "archive/pool.h"
#include "archive/rows.h"
#include "archive/terms.h"
#include "store/batch.h"

enum { ARCHIVE_WAIT_MS = 30000 };

struct archive {
    struct archive_options o;
    char *path, *uri;
    int dir, packs_dir, lock_fd;
    struct keys keys;
    struct packs *packs;
    uint8_t seed[UID_SEED_SIZE];
    struct pool pool;
    struct terms terms;
    struct pending pending;

    /* For work only. */
    struct sql *writer, *checkpointer;
    struct rows *rows; /* the committer's thread alone, once batch is there */
    struct batch *batch;
    lock_t lock; /* guards what follows */
    uint64_t unindexed;
    struct diag unindexed_why;
};

/* The lock that a data folder's one working process holds until the descriptor is closed. E_BUSY.
 */
err_t archive_lock(int dir, int *ret_fd, struct diag *d) MUST_CHECK;

/* An object is in a pack but could not be put into the index: for `status`. */
void archive_note_unindexed(struct archive *a, const struct diag *why);

/* The instance with this UID, by a reading connection; .id 0 when there is none. */
err_t archive_find_instance(struct archive *a, struct str uid,
                            struct instance_place *ret) MUST_CHECK;

/* A pool reader instead of its connection alone. */
err_t archive_reader(struct archive *a, int64_t deadline, struct reader **ret) MUST_CHECK;

#endif
