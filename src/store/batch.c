#include "store/batch.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/thread.h"

enum {
    QUEUE_MAX = 8192,
    JOBS_MAX = 512,
    HOLD_MS = 50,
    LOG_PAGES = 2048,
    SUBMIT_WAIT_MS = 1000,
    BACK_OFF_MIN_MS = 20,
    BACK_OFF_MAX_MS = 5000,
    LOG_FORCE = 4, /* times log_pages: the committer itself checkpoints */
};

/* The queue is a ring of jobs in the order of their tickets: slot ticket % queue_max. A slot is
 * taken from submit until its done was called. */
struct slot {
    struct batch_job job;
    bool withdrawn; /* by batch_call: never run, no done */
    err_t result;
};

struct batch {
    struct batch_options o;
    struct thread *thread, *checkpointer;
    uint64_t singly; /* the committer's: jobs up to this ticket run in transactions of their own */
    pthread_mutex_t lock;     /* guards everything below */
    pthread_cond_t work;      /* to the committer: jobs, or the end */
    pthread_cond_t ended;     /* to waiters: tickets ended, or the index fell behind */
    pthread_cond_t sweep;     /* to the checkpointer: the log is long, or the end */
    pthread_cond_t swept_now; /* to the committer: the checkpointer rests */
    struct slot *ring;
    uint64_t submitted; /* tickets given out: 1 ... submitted */
    uint64_t taken;     /* of those, in a transaction that is under way */
    uint64_t done;      /* of those, ended: their done was called */
    size_t waiting;     /* threads that wait for jobs to end */
    uint64_t failed, transactions;
    uint64_t log_pages, swept; /* length of the log now, and at the last checkpoint */
    bool sweeping, forcing;    /* a checkpoint runs beside the committer; in it */
    bool stopping;
    err_t behind;
    int64_t behind_since;
    struct diag reason;
};

static struct slot *slot(struct batch *b, uint64_t ticket)
{
    return &b->ring[ticket % b->o.queue_max];
}

/* Errors that say nothing about the job: the whole transaction fails and is tried again. */
static bool from_outside(err_t e)
{
    static const bool outside[] = {
        [E_NOSPACE] = true, [E_IO] = true, [E_BUSY] = true, [E_NOMEM] = true, [E_DAMAGED] = true};
    return (size_t)e < COUNT(outside) && outside[e];
}

static err_t run_job(struct batch *b, struct slot *s)
{
    struct sql *db = b->o.db;
    TRY(sql_savepoint(db));
    s->result = s->job.run(db, s->job.arg);
    if (s->result == OK)
        return sql_release(db);
    sql_rollback_to(db);
    return from_outside(s->result) ? s->result : OK;
}

/* Takes the next job into the transaction; NULL when the queue is empty. Withdrawn ones are passed
 * over. */
static struct slot *take(struct batch *b)
{
    LOCKED(&b->lock);
    while (b->taken < b->submitted) {
        struct slot *s = slot(b, ++b->taken);
        if (!s->withdrawn)
            return s;
    }
    return NULL;
}

static err_t fill(struct batch *b)
{
    int64_t deadline = clock_deadline(b->o.hold_ms);
    size_t max = b->done < b->singly ? 1 : b->o.jobs_max;
    struct slot *s;
    for (size_t n = 0; n < max && clock_ms() < deadline && (s = take(b)); n++)
        TRY(run_job(b, s));
    return OK;
}

static err_t transaction(struct batch *b)
{
    struct sql *db = b->o.db;
    TRY(sql_begin(db));
    err_t e = fill(b);
    if (e == OK)
        e = sql_commit(db);
    if (e != OK)
        sql_rollback(db);
    return e;
}

/* Tells the owners of the jobs in (done, upto] how they ended. */
static void end_jobs(struct batch *b, uint64_t upto, err_t all)
{
    uint64_t failed = 0;
    for (uint64_t t = b->done + 1; t <= upto; t++) {
        struct slot *s = slot(b, t);
        err_t result = all != OK ? all : s->result;
        failed += !s->withdrawn && result != OK;
        if (!s->withdrawn && s->job.done)
            s->job.done(s->job.arg, result);
    }
    LOCKED(&b->lock);
    b->done = upto;
    b->failed += failed;
    pthread_cond_broadcast(&b->ended);
}

static void fall_behind(struct batch *b, err_t e)
{
    LOCKED(&b->lock);
    b->taken = b->done;
    if (b->behind == OK)
        b->behind_since = clock_ms();
    b->behind = e;
    diag_set(&b->reason, e, "%s", diag_text(sql_diag(b->o.db), e));
    pthread_cond_broadcast(&b->ended);
}

static void catch_up(struct batch *b)
{
    LOCKED(&b->lock);
    b->behind = OK;
    b->transactions++;
    b->log_pages = sql_log_pages(b->o.db);
    if (b->log_pages < b->swept)
        b->swept = 0; /* it began anew */
    if (b->log_pages - b->swept >= b->o.log_pages)
        pthread_cond_signal(&b->sweep);
}

/* The checkpointer works beside the commits, and the log begins anew once it has all of it. Under a
 * load that never pauses that may not come; then the committer does the rest itself, which is
 * little, since nothing is added meanwhile. */
static void force_checkpoint(struct batch *b)
{
    uint64_t left;
    if (!b->o.checkpointer || sql_log_pages(b->o.db) < LOG_FORCE * b->o.log_pages)
        return;
    pthread_mutex_lock(&b->lock);
    b->forcing = true;
    while (b->sweeping)
        cond_wait(&b->swept_now, &b->lock, IO_FOREVER);
    pthread_mutex_unlock(&b->lock);
    /* What fails here fails the next commit too, which tells. */
    (void)!sql_checkpoint(b->o.db, false, &left);
    LOCKED(&b->lock);
    b->forcing = false;
    b->swept = b->log_pages;
}

/* With the lock held: lets more jobs come, so that one commit serves them all, unless somebody
 * waits for those that are there. */
static void gather(struct batch *b)
{
    int64_t until = clock_deadline(b->o.gather_ms);
    while (!b->stopping && !b->waiting && b->submitted - b->taken < b->o.jobs_max &&
           cond_wait(&b->work, &b->lock, until))
        continue;
}

/* Waits for jobs; false at the end. After a failure first until the time to try again. */
static bool wait_for_work(struct batch *b, int64_t not_before)
{
    LOCKED(&b->lock);
    while (!b->stopping && not_before && cond_wait(&b->work, &b->lock, not_before))
        if (clock_ms() >= not_before)
            break;
    while (!b->stopping && b->taken == b->submitted)
        cond_wait(&b->work, &b->lock, IO_FOREVER);
    gather(b);
    return b->taken < b->submitted;
}

static bool is_stopping(struct batch *b)
{
    LOCKED(&b->lock);
    return b->stopping;
}

/* A transaction failed for a reason that lies in a job (a constraint that is checked at the
 * commit). Each then gets its own, and the guilty one ends. */
static void single_out(struct batch *b, err_t e)
{
    if (b->taken - b->done == 1) {
        end_jobs(b, b->taken, e);
        return;
    }
    LOCKED(&b->lock);
    b->singly = b->taken;
    b->taken = b->done;
}

static void succeed(struct batch *b)
{
    catch_up(b);
    end_jobs(b, b->taken, OK);
    force_checkpoint(b);
}

/* What is left at the end. From here on no job is withdrawn. */
static void end_rest(struct batch *b)
{
    pthread_mutex_lock(&b->lock);
    b->taken = b->submitted;
    pthread_mutex_unlock(&b->lock);
    end_jobs(b, b->taken, E_STOPPED);
}

static void committer(void *arg)
{
    struct batch *b = arg;
    int64_t pause = 0;
    while (wait_for_work(b, pause ? clock_deadline(pause) : 0)) {
        err_t e = transaction(b);
        if (e != OK && (from_outside(e) || b->taken == b->done)) {
            fall_behind(b, e);
            if (is_stopping(b))
                break;
            pause = pause ? pause * 2 : BACK_OFF_MIN_MS;
            pause = pause > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : pause;
            continue;
        }
        pause = 0;
        if (e == OK)
            succeed(b);
        else
            single_out(b, e);
    }
    end_rest(b);
}

/* Waits until the log has grown enough; false at the end. */
static bool wait_for_sweep(struct batch *b)
{
    LOCKED(&b->lock);
    b->sweeping = false;
    pthread_cond_signal(&b->swept_now);
    while (!b->stopping && (b->forcing || b->log_pages - b->swept < b->o.log_pages))
        cond_wait(&b->sweep, &b->lock, IO_FOREVER);
    b->sweeping = true;
    b->swept = b->log_pages;
    return !b->stopping;
}

static void checkpointer(void *arg)
{
    struct batch *b = arg;
    uint64_t left;
    while (wait_for_sweep(b))
        (void)!sql_checkpoint(b->o.checkpointer, false, &left);
    LOCKED(&b->lock);
    b->sweeping = false;
    pthread_cond_signal(&b->swept_now);
}

static void options_default(struct batch_options *o)
{
    if (!o->queue_max)
        o->queue_max = QUEUE_MAX;
    if (!o->jobs_max)
        o->jobs_max = JOBS_MAX;
    if (!o->hold_ms)
        o->hold_ms = HOLD_MS;
    if (!o->log_pages)
        o->log_pages = LOG_PAGES;
}

static void batch_destroy(struct batch *b)
{
    pthread_cond_destroy(&b->work);
    pthread_cond_destroy(&b->ended);
    pthread_cond_destroy(&b->sweep);
    pthread_cond_destroy(&b->swept_now);
    pthread_mutex_destroy(&b->lock);
    free(b->ring);
    free(b);
}

err_t batch_new(const struct batch_options *o, struct batch **ret, struct diag *d)
{
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        return E_NOMEM;
    b->o = *o;
    options_default(&b->o);
    pthread_mutex_init(&b->lock, NULL);
    b->ring = calloc(b->o.queue_max, sizeof *b->ring);
    err_t e = b->ring ? OK : E_NOMEM;
    pthread_cond_t *conds[] = {&b->work, &b->ended, &b->sweep, &b->swept_now};
    for (size_t i = 0; i < COUNT(conds); i++)
        if (cond_init(conds[i]) != OK)
            e = E_NOMEM;
    if (e == OK && b->o.checkpointer)
        e = thread_start(checkpointer, b, "checkpoint", &b->checkpointer);
    if (e == OK)
        e = thread_start(committer, b, "commit", &b->thread);
    if (e != OK) {
        batch_free(b);
        return diag_set(d, e, "cannot start the index's committer: %s", err_text(e));
    }
    *ret = b;
    return OK;
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    {
        LOCKED(&b->lock);
        b->stopping = true;
        pthread_cond_broadcast(&b->work);
        pthread_cond_broadcast(&b->sweep);
    }
    thread_join(b->thread);
    thread_join(b->checkpointer);
    batch_destroy(b);
}

static bool is_full(const struct batch *b)
{
    return b->submitted - b->done >= b->o.queue_max;
}

/* With the lock held. */
static err_t submit_locked(struct batch *b, const struct batch_job *job, uint64_t *ret_ticket)
{
    int64_t deadline = clock_deadline(SUBMIT_WAIT_MS);
    bool more = true;
    b->waiting++;
    while (more && is_full(b) && b->behind == OK && !b->stopping) {
        pthread_cond_signal(&b->work);
        more = cond_wait(&b->ended, &b->lock, deadline);
    }
    b->waiting--;
    if (b->stopping)
        return E_STOPPED;
    if (is_full(b))
        return b->behind != OK ? b->behind : E_BUSY;
    *slot(b, ++b->submitted) = (struct slot){.job = *job};
    if (b->taken + 1 == b->submitted || b->submitted - b->taken == b->o.jobs_max)
        pthread_cond_signal(&b->work);
    if (ret_ticket)
        *ret_ticket = b->submitted;
    return OK;
}

err_t batch_submit(struct batch *b, const struct batch_job *job, uint64_t *ret_ticket)
{
    LOCKED(&b->lock);
    return submit_locked(b, job, ret_ticket);
}

err_t batch_admit(struct batch *b, struct diag *d)
{
    LOCKED(&b->lock);
    if (b->stopping)
        return E_STOPPED;
    if (b->behind == OK || b->submitted - b->done < b->o.queue_max / 4 * 3)
        return OK;
    return diag_set(d, b->behind, "%s", b->reason.text);
}

/* With the lock held. */
static err_t wait_locked(struct batch *b, uint64_t ticket, int64_t deadline)
{
    bool more = true;
    b->waiting++;
    pthread_cond_signal(&b->work);
    while (b->done < ticket && b->behind == OK && more)
        more = cond_wait(&b->ended, &b->lock, deadline);
    b->waiting--;
    if (b->done >= ticket)
        return OK;
    return b->behind != OK ? b->behind : E_TIMEOUT;
}

err_t batch_wait(struct batch *b, uint64_t ticket, int64_t deadline)
{
    LOCKED(&b->lock);
    return wait_locked(b, ticket, deadline);
}

err_t batch_barrier(struct batch *b, int64_t deadline)
{
    LOCKED(&b->lock);
    return wait_locked(b, b->submitted, deadline);
}

struct call {
    err_t (*run)(struct sql *db, void *arg);
    void *arg;
    err_t result;
};

static err_t call_run(struct sql *db, void *arg)
{
    struct call *c = arg;
    return c->run(db, c->arg);
}

static void call_done(void *arg, err_t result)
{
    struct call *c = arg;
    c->result = result;
}

err_t batch_call(struct batch *b, err_t (*run)(struct sql *db, void *arg), void *arg,
                 int64_t deadline)
{
    struct call c = {.run = run, .arg = arg};
    struct batch_job job = {.run = call_run, .done = call_done, .arg = &c};
    uint64_t ticket;
    LOCKED(&b->lock);
    TRY(submit_locked(b, &job, &ticket));
    err_t e = wait_locked(b, ticket, deadline);
    if (e == OK)
        return c.result;
    /* Once in a transaction it must be waited for: that touches what is on our stack. */
    while (b->done < ticket && b->taken >= ticket)
        cond_wait(&b->ended, &b->lock, IO_FOREVER);
    if (b->done >= ticket)
        return c.result;
    slot(b, ticket)->withdrawn = true;
    return e;
}

struct batch_state batch_state(struct batch *b)
{
    LOCKED(&b->lock);
    return (struct batch_state){.submitted = b->submitted,
                                .ended = b->done,
                                .failed = b->failed,
                                .transactions = b->transactions,
                                .queued = (size_t)(b->submitted - b->done),
                                .behind = b->behind,
                                .behind_ms = b->behind != OK ? clock_ms() - b->behind_since : 0,
                                .reason = b->reason};
}
