/* One object from one file, of a folder or inside an archive: what an import's workers do. */
#ifndef LASTRA_ARCHIVE_IMPORT_OBJECT_H
#define LASTRA_ARCHIVE_IMPORT_OBJECT_H

#include "archive/ingest.h"

/* Where bytes come from: up to n of them, 0 at the end. */
struct import_source {
    err_t (*read)(void *ctx, void *buf, size_t n, size_t *ret_n);
    void *ctx;
};

enum import_outcome {
    IMPORT_TAKEN,  /* *ret is filled; ret->outcome says stored, same or conflict */
    IMPORT_OTHER,  /* no DICOM object */
    IMPORT_MEDIA,  /* a DICOMDIR */
    IMPORT_FAILED, /* *why and the diag say why; the next file may be tried */
};

enum { IMPORT_BUFFER = (1 << 20) + (64 << 10) };

/* buf: IMPORT_BUFFER bytes of the caller's. An error is the archive's and ends the import. */
err_t import_object(struct ingest *in, const struct import_source *s, uint8_t *buf,
                    enum import_outcome *ret_outcome, struct ingest_result *ret, err_t *ret_why,
                    struct diag *d) MUST_CHECK;

#endif
