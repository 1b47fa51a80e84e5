/* Sending many files: over several associations at once, each with as many operations outstanding
 * as the other side agrees to; what failed for now is tried again, what failed for good is told. */
#ifndef LASTRA_SCU_SEND_H
#define LASTRA_SCU_SEND_H

#include "scu/files.h"
#include "scu/scu.h"

enum { SCU_JOBS_MAX = 64, SCU_WINDOW_MAX = 64 };

/* What became of one file. */
struct scu_sent {
    const struct scu_file *file;
    bool sent;       /* the other side has it */
    err_t error;     /* OK: it answered with `status`; else it was never answered */
    uint16_t status; /* DIMSE status; a warning may be behind `sent` too */
    const char *why; /* in words; never NULL */
};

struct scu_send_options {
    struct scu_peer peer; /* limits.max_ops: the window that is asked for */
    unsigned jobs;        /* associations at once; 1 to SCU_JOBS_MAX */
    unsigned retries;     /* how often a file or an association is tried again */
    int64_t backoff_ms;   /* before the first of these; doubles each time, up to 30 s */
    /* Both may be NULL. bytes is called from any of the threads as data leaves, done once for each
     * file, one at a time. */
    void (*bytes)(void *ctx, uint64_t n);
    void (*done)(void *ctx, const struct scu_sent *s);
    void *ctx;
};

struct scu_send_totals {
    size_t sent, warnings, failed;
    uint64_t bytes; /* of the data sets that were sent */
};

/* Sends them all. OK also when some failed: the totals say so. E_STOPPED; or, when no association
 * could be had at all, why not, with d. */
err_t scu_send(struct scu_files *files, const struct scu_send_options *o,
               struct scu_send_totals *ret, struct diag *d) MUST_CHECK;

#endif
