/* Bringing objects in from folders, single files, DICOMDIR media and zip or tar archives.
 *
 * What was taken is noted in DATA/import, by path and by each file's size and time, so that an
 * import that was broken off goes on where it stopped; the note goes away with the import's end. A
 * file that was noted but is not in the archive cannot be: the note comes after ingest_end.
 */
#ifndef LASTRA_ARCHIVE_IMPORT_H
#define LASTRA_ARCHIVE_IMPORT_H

#include "archive/ingest.h"
#include "io/progress.h"
#include "io/unpack.h"

struct import_counts {
    uint64_t taken;     /* new objects */
    uint64_t same;      /* were there already, byte for byte */
    uint64_t conflicts; /* kept aside: their UID is there with other bytes */
    uint64_t before;    /* taken by an earlier run that was broken off */
    uint64_t other;     /* files that are not DICOM objects, DICOMDIRs among them */
    uint64_t failed;    /* not taken: each was told to `say` */
    uint64_t bytes;     /* read */
};

struct import_options {
    const struct stop *stop;     /* E_STOPPED when set; may be NULL */
    struct progress *progress;   /* may be NULL */
    struct unpack_limits limits; /* of archives */
    unsigned threads;            /* 0: 4 */
    bool afresh;                 /* do not go on where an earlier run stopped */
    /* Each object taken, for the audit trail, and each file that was not, with why; from any
     * thread, one at a time. taken may be NULL. */
    void (*taken)(void *ctx, const struct ingest_result *r);
    void (*say)(void *ctx, const char *label, err_t why, const char *text);
    void *ctx;
};

/* One path: a folder with everything below it, a file, a DICOMDIR (its folder), a zip or tar
 * archive. Files that fail are counted and told, and do not end it; what ends it is the archive (a
 * full disk), the stop switch, or a path that is not there. *counts is added to. */
err_t import_path(struct archive *a, const char *path, const struct import_options *o,
                  struct import_counts *counts, struct diag *d) MUST_CHECK;

#endif
