/* Every record, chunk and row against each other: what is damaged, and what is whole. Works beside
 * a running server (an archive open for looking) and changes nothing.
 *
 * From the packs: each record's leader, each chunk of each live object, and that the index has the
 * object under its SOP Instance UID at this place. From the index: that each row's object is there,
 * and that counts are right.
 */
#ifndef LASTRA_ARCHIVE_VERIFY_H
#define LASTRA_ARCHIVE_VERIFY_H

#include "archive/archive.h"
#include "io/progress.h"

struct verify_counts {
    uint64_t packs, records, bytes;
    uint64_t whole;      /* live objects, every chunk of which holds, found in the index */
    uint64_t conflicts;  /* of these: kept aside */
    uint64_t removed;    /* records of removed objects, and tombstones */
    uint64_t damaged;    /* records or objects that do not hold */
    uint64_t unindexed;  /* whole objects that the index does not have */
    uint64_t missing;    /* rows without their object */
    uint64_t miscounted; /* studies and series with wrong counts */
};

struct verify_options {
    const struct stop *stop;   /* may be NULL */
    struct progress *progress; /* may be NULL */
    bool quick;                /* leaders and rows only, no chunks */
    /* Each fault, in words: what and where ("pack 3, offset 8192: ..."). */
    void (*say)(void *ctx, const char *text);
    void *ctx;
};

/* OK also when faults were found: the counts say. */
err_t archive_verify(struct archive *a, const struct verify_options *o, struct verify_counts *ret,
                     struct diag *d) MUST_CHECK;

static inline uint64_t verify_faults(const struct verify_counts *c)
{
    return c->damaged + c->unindexed + c->missing + c->miscounted;
}

#endif
