/* The index anew, from packs and keys alone: when it is lost or damaged. */
#ifndef LASTRA_ARCHIVE_REBUILD_H
#define LASTRA_ARCHIVE_REBUILD_H

#include "archive/archive.h"

struct rebuild_result {
    struct archive_recovery recovery; /* .replayed: objects put into the index; .damaged: records */
    uint64_t settled;                 /* removals that the packs' tombstones asked for */
    bool registry;                    /* peers and users came along from the old index */
    struct diag registry_why;         /* if not: why */
    char old[32];                     /* the old index's new name in DATA; empty: there was none */
};

/* The data folder must not be served (E_BUSY). The old index stays beside the new one under another
 * name until somebody removes it. o->mode is not looked at. One that failed or was killed is done
 * again from the beginning. */
err_t archive_rebuild(const struct archive_options *o, struct rebuild_result *ret,
                      struct diag *d) MUST_CHECK;

/* E_INDEX: a rebuild was cut short, and what stands there as index is not all of it. */
err_t archive_check_rebuilt(int dir, struct diag *d) MUST_CHECK;

#endif
