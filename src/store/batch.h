/* The committer: jobs from many threads run inside shared transactions on the one connection that
 * writes the index, so that a hundred objects cost one commit.
 *
 * Jobs run in the order in which they were submitted, after gathering for a moment unless somebody
 * waits for one. A transaction is committed when the queue is empty, or holds jobs_max, or is older
 * than hold_ms. When it fails for a reason outside the jobs (disk full, locked, I/O error) its jobs
 * stay queued and are tried again with growing pauses; the index is then "behind", batch_barrier
 * and batch_state say so with the reason, and new jobs are refused once the queue is full.
 */
#ifndef LASTRA_STORE_BATCH_H
#define LASTRA_STORE_BATCH_H

#include "base/err.h"
#include "store/sql.h"

struct batch;

struct batch_options {
    struct sql *db;           /* the writing connection: the batch's own until batch_free */
    struct sql *checkpointer; /* another connection, for checkpoints beside the commits; NULL: none
                                 are made. Also the batch's own. */
    size_t queue_max;         /* jobs that may wait; 0: 8192 */
    size_t jobs_max;          /* jobs in one transaction; 0: 512 */
    int64_t gather_ms;        /* how long jobs gather before a transaction begins, unless somebody
                                 waits for them or there are jobs_max; 0: not at all */
    int64_t hold_ms;          /* age at which a transaction commits though more jobs come; 0: 50 */
    uint64_t log_pages;       /* write-ahead log pages at which a checkpoint runs; 0: 2048 */
};

err_t batch_new(const struct batch_options *o, struct batch **ret, struct diag *d) MUST_CHECK;
/* Ends: what is queued is still committed, if that works at once; what is not gets done(E_STOPPED).
 * The connections are the caller's again. NULL is fine. */
void batch_free(struct batch *b);

struct batch_job {
    /* Runs on the committer's thread inside a transaction, possibly several times (after a failed
     * commit), each time as if for the first. OK keeps its changes; an error undoes them alone and
     * ends the job with it, unless it is one of E_NOSPACE, E_IO, E_BUSY, E_NOMEM, E_DAMAGED: those
     * fail the whole transaction, which is tried again. */
    err_t (*run)(struct sql *db, void *arg);
    /* Called once for each accepted job on the committer's thread, with no lock held: OK after its
     * transaction committed, else why it ended. Frees arg. May be NULL. Must not call batch_*. */
    void (*done)(void *arg, err_t result);
    void *arg; /* the batch's from submit to done */
};

/* Hands a job over and returns at once (at most 1 s later when the queue is full and the committer
 * healthy). *ret_ticket (may be NULL) is for batch_wait. When it fails the job was not taken and
 * arg is still the caller's: the reason when behind, E_BUSY when merely full, E_STOPPED when
 * ending. */
err_t batch_submit(struct batch *b, const struct batch_job *job, uint64_t *ret_ticket) MUST_CHECK;

/* Whether a submit would likely be taken: asked before work is begun that should not be lost. The
 * reason when behind and the queue is three quarters full, else OK. */
err_t batch_admit(struct batch *b, struct diag *d) MUST_CHECK;

/* Waits until the job of that ticket has ended. E_TIMEOUT at the deadline (io/clock.h), the reason
 * as soon as the index is behind. */
err_t batch_wait(struct batch *b, uint64_t ticket, int64_t deadline) MUST_CHECK;
/* The same for everything submitted before now. A query calls it first. */
err_t batch_barrier(struct batch *b, int64_t deadline) MUST_CHECK;

/* Runs one job and waits for its end; its own result. arg may be on the caller's stack: it is not
 * touched any more when this returns. When the index is behind or at the deadline the job is
 * withdrawn and the reason or E_TIMEOUT returned. */
err_t batch_call(struct batch *b, err_t (*run)(struct sql *db, void *arg), void *arg,
                 int64_t deadline) MUST_CHECK;

struct batch_state {
    uint64_t submitted, ended, failed; /* jobs; failed are among the ended */
    uint64_t transactions;             /* committed */
    size_t queued;
    err_t behind;       /* OK, or why the last transaction failed */
    int64_t behind_ms;  /* for how long */
    struct diag reason; /* in words */
};
struct batch_state batch_state(struct batch *b);

#endif
