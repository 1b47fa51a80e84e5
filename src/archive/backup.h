/* A copy of the whole archive into a folder, consistent, while the archive serves; and back.
 *
 * The index is copied first, then what the packs hold: so the copy's packs hold all that its index
 * names and perhaps more, and opening the copy replays the rest. Packs only grow, so that a second
 * backup into the same folder copies what is new; objects that were removed since lose their key in
 * the copy too. The copy is as encrypted as the archive is; its keys go along unless they are left
 * out, and then the backup is worth nothing without them.
 */
#ifndef LASTRA_ARCHIVE_BACKUP_H
#define LASTRA_ARCHIVE_BACKUP_H

#include "archive/archive.h"
#include "io/progress.h"

struct backup_options {
    const struct stop *stop;   /* may be NULL */
    struct progress *progress; /* may be NULL */
    bool without_keys;
};

struct backup_counts {
    uint64_t packs, bytes; /* bytes copied this time */
    uint64_t removed;      /* removals carried out in the copy */
};

/* Into a folder that is made, empty, or holds an earlier backup of this archive (E_CONFLICT for
 * another's). An interrupted one is continued by the next. */
err_t archive_backup(struct archive *a, const char *folder, const struct backup_options *o,
                     struct backup_counts *ret, struct diag *d) MUST_CHECK;

/* From a backup into a new data folder (E_EXISTS when there is something). Both are paths. Opening
 * the new folder for work afterwards replays and settles. E_NOTFOUND: no backup there; E_MISSING:
 * it was made without keys and the new folder's keys/ does not have them. */
err_t archive_restore(const char *folder, const char *path, const struct backup_options *o,
                      struct backup_counts *ret, struct diag *d) MUST_CHECK;

#endif
