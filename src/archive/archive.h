/* A data folder, opened: keys, packs and index as one thing. Every use case of the archive (ingest,
 * query, fetch, import, ...) takes this.
 *
 * Opening for work (ARCHIVE_WORK) takes the folder's lock, so that one process at a time writes,
 * and replays what the packs hold past the position that the index recorded. Opening for looking
 * (ARCHIVE_LOOK) takes no lock, writes nothing, and works while a server runs: for `status` and
 * `verify`.
 *
 * The index is written by one thread, the committer, in batches across all senders; readers have
 * connections of their own from a capped pool. Order is that of arrival in the index, never that of
 * a clock.
 */
#ifndef LASTRA_ARCHIVE_ARCHIVE_H
#define LASTRA_ARCHIVE_ARCHIVE_H

#include "base/err.h"
#include "base/str.h"
#include "dicom/types.h"
#include "store/keys.h"
#include "store/pack.h"
#include "store/sql.h"

struct archive;
struct progress; /* io/progress.h */

enum archive_mode { ARCHIVE_WORK, ARCHIVE_LOOK };

/* Each is an option; zero takes the default in brackets. */
struct archive_options {
    const char *path; /* DATA */
    struct str passphrase;
    enum archive_mode mode;
    size_t readers;            /* index connections at most for reading at one time (16) */
    size_t cache;              /* bytes of page cache of the writing connection (24 MiB) */
    size_t reader_cache;       /* of each reading connection (2 MiB) */
    uint64_t pack_size;        /* a pack is closed past this (1 GiB) */
    uint64_t reserve;          /* disk kept free (none) */
    struct dcm_limits limits;  /* on data sets from outside (depth 64, 16 M elements, 1 MiB) */
    size_t head_max;           /* bytes of an object that stand ready for the index (1 MiB) */
    struct progress *progress; /* of what opening replays; may be NULL */
    uint64_t object_max;       /* bytes of one object, 0 no limit (0) */
};

/* What opening found to do. */
struct archive_recovery {
    uint64_t replayed; /* records that the packs held and the index did not */
    uint64_t skipped;  /* records past the position that the index had already */
    uint64_t damaged;  /* records that did not hold; `verify` names them */
};

/* Makes an empty data folder: DATA (0700), its keys, packs and index. E_EXISTS when there is an
 * index or a key. Keys that are there already (a rebuild) are used. */
err_t archive_create(const char *path, struct str passphrase, struct diag *d) MUST_CHECK;

/* E_BUSY: another process works on it. E_NOTFOUND: no data folder, or its index is lost (rebuild).
 * E_UNSUPPORTED: a newer version wrote it. ret_recovery may be NULL. */
err_t archive_open(const struct archive_options *o, struct archive **ret,
                   struct archive_recovery *ret_recovery, struct diag *d) MUST_CHECK;

/* Commits what is pending and closes. No call on the archive may be running. NULL is fine. */
void archive_close(struct archive *a);

int archive_dir(const struct archive *a); /* descriptor of DATA */
struct packs *archive_packs(struct archive *a);
const struct keys *archive_keys(const struct archive *a);
const struct archive_options *archive_get_options(const struct archive *a);

/* Waits until everything that was submitted before is in the index and committed: after this a
 * query finds it. Returns at once when nothing is pending. E_INDEX when the index cannot be
 * written; what was acknowledged stands in the packs and is replayed. */
err_t archive_barrier(struct archive *a) MUST_CHECK;
/* The same, and says so when the index is behind. */
err_t archive_settle(struct archive *a, struct diag *d) MUST_CHECK;

/* A reading connection of the pool for this thread, given back with archive_read_end; waits for one
 * until the deadline (io/clock.h): E_BUSY. Held only as long as rows are being read. */
err_t archive_read_begin(struct archive *a, int64_t deadline, struct sql **ret) MUST_CHECK;
void archive_read_end(struct archive *a, struct sql *s);

/* Runs a function on the committer's connection inside a transaction of its own, and waits for it
 * to be committed; on an error everything it did is rolled back. For what is rare: removal,
 * conflict resolution, tables of other layers (peers, users). E_DENIED on an archive that is open
 * for looking. */
err_t archive_write(struct archive *a, err_t (*write)(void *ctx, struct sql *s, struct diag *d),
                    void *ctx, struct diag *d) MUST_CHECK;

/* A connection of the caller's own to the index of a data folder that another process may be
 * serving (`lastra peer add` beside a running server). Closed with sql_close. */
err_t archive_index_open(const char *path, struct str passphrase, bool read_only, struct sql **ret,
                         struct diag *d) MUST_CHECK;

/* Figures for `status` and tests. */
struct archive_state {
    uint64_t patients, studies, series, instances, conflicts;
    uint64_t flagged_studies; /* some of their objects name another patient */
    uint64_t unindexed;       /* objects that could not be put into the index since the start */
    uint64_t bytes;           /* of all objects as they came */
    uint64_t pending;         /* submitted and not yet committed */
    bool index_failed;        /* the committer could not write the index; see text */
    struct diag index_text;   /* why */
};
err_t archive_get_state(struct archive *a, struct archive_state *ret) MUST_CHECK;

#endif
