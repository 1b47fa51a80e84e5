/* Studies out of the archive as files: PT000001/ST000001/SE000001/IM000001 under a folder, with a
 * DICOMDIR (PS3.10 8): names from counters, never from what a peer sent. Objects are Part 10 files
 * with the data set as it was received. */
#ifndef LASTRA_ARCHIVE_EXPORT_H
#define LASTRA_ARCHIVE_EXPORT_H

#include "archive/archive.h"
#include "archive/query.h"
#include "io/progress.h"

struct export_options {
    /* What goes out: at most one list of these; none: everything. UIDs and Patient IDs as text. */
    const struct str *studies, *patients;
    size_t n_studies, n_patients;
    struct str series;         /* of the one study: this series only; may be empty */
    const struct stop *stop;   /* may be NULL */
    struct progress *progress; /* may be NULL */
    /* Each study when all of it is out, for the audit trail; and each object that could not be
     * written (damaged), with why. done may be NULL. */
    void (*done)(void *ctx, struct str study, struct str patient_id, uint64_t objects);
    void (*say)(void *ctx, struct str sop_instance, err_t why, const char *text);
    void *ctx;
};

struct export_counts {
    uint64_t patients, studies, series, objects, bytes, failed;
};

/* Into a folder that is made or empty (E_EXISTS otherwise). E_NOTFOUND when nothing fits. */
err_t export_to(struct archive *a, const char *folder, const struct export_options *o,
                struct export_counts *ret, struct diag *d) MUST_CHECK;

#endif
