/* Sending many files. A file is in exactly one place: in its part's queue, with a worker, or done.
 */
#include "scu/send.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/thread.h"

enum { PIECE = 256 * 1024, BACKOFF_MAX_MS = 30000 };
static const uint32_t none = UINT32_MAX;

/* The files of one association's proposal that nobody works on. */
struct part {
    uint32_t head, tail;
    unsigned open; /* associations that are established now */
    bool hopeless; /* no association can be had */
};

struct job {
    struct scu_files *files;
    const struct scu_send_options *o;
    struct scu_proposal *proposal;
    lock_t lock; /* guards all below, and the proposal */
    struct part *parts;
    size_t n_parts;
    struct scu_send_totals totals;
    size_t ever_open;
    err_t error; /* why the last association could not be had */
    struct diag diag;
};

struct waiting {
    uint16_t message_id;
    uint32_t file;
};

/* One association after another, on a thread of its own. */
struct worker {
    struct job *job;
    struct assoc *a;
    struct waiting waiting[SCU_WINDOW_MAX];
    size_t n_waiting, window;
    uint16_t next_id;
    unsigned failures; /* in a row */
    uint8_t *piece;
    /* The file being read. */
    int fd;
    uint64_t at, size;
};

static void push(struct job *j, uint32_t i)
{
    struct part *p = &j->parts[j->files->list[i].part];
    j->files->list[i].next = none;
    if (p->head == none)
        p->head = i;
    else
        j->files->list[p->tail].next = i;
    p->tail = i;
}

static uint32_t pop(struct job *j, size_t part)
{
    LOCKED(&j->lock);
    struct part *p = &j->parts[part];
    uint32_t i = p->head;
    if (i != none)
        p->head = j->files->list[i].next;
    return i;
}

static void tell(struct job *j, uint32_t i, const struct scu_sent *s)
{
    struct scu_sent all = *s;
    all.file = &j->files->list[i];
    if (s->sent) {
        j->totals.sent++;
        j->totals.warnings += !dimse_is_success(s->status);
        j->totals.bytes += all.file->size - all.file->data_at;
    } else {
        j->totals.failed++;
    }
    if (j->o->done)
        j->o->done(j->o->ctx, &all);
}

static void finish(struct job *j, uint32_t i, const struct scu_sent *s)
{
    LOCKED(&j->lock);
    tell(j, i, s);
}

/* Back into the queue, unless it was tried often enough. */
static void again(struct job *j, uint32_t i, const struct scu_sent *s)
{
    LOCKED(&j->lock);
    /* Whoever aborts over an object will most likely do so again; once more, in case it was for
     * another reason. */
    unsigned most = s->error == E_REJECTED ? size_min(1, j->o->retries) : j->o->retries;
    if (++j->files->list[i].tries > most || s->error == E_STOPPED)
        tell(j, i, s);
    else
        push(j, i);
}

static bool stopped(const struct job *j)
{
    return j->o->peer.stop && stop_is_set(j->o->peer.stop);
}

/* Waits longer after each failure in a row; in steps, so that a stop is seen. */
static void back_off(struct worker *w)
{
    int64_t ms = w->job->o->backoff_ms;
    for (unsigned i = 1; i < w->failures && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    int64_t until = clock_deadline(ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
    while (clock_ms() < until && !stopped(w->job))
        clock_sleep_ms(size_min(50, (size_t)clock_left(until)));
}

static err_t next_piece(void *ctx, struct str *ret_piece, bool *ret_last)
{
    struct worker *w = ctx;
    size_t n = (size_t)(w->size - w->at < PIECE ? w->size - w->at : PIECE);
    TRY(file_read_at(w->fd, w->at, w->piece, n, NULL));
    w->at += n;
    if (w->job->o->bytes)
        w->job->o->bytes(w->job->o->ctx, n);
    *ret_piece = str_of(w->piece, n);
    *ret_last = w->at == w->size;
    return OK;
}

static uint16_t fresh_id(struct worker *w)
{
    if (++w->next_id == 0)
        w->next_id = 1;
    return w->next_id;
}

static void lost(struct worker *w, uint32_t i, err_t e, const char *why)
{
    const struct scu_sent s = {.error = e, .why = why};
    again(w->job, i, &s);
}

/* Sends one file; its answer is waited for later. */
static err_t send_file(struct worker *w, uint32_t i)
{
    const struct scu_file *f = &w->job->files->list[i];
    struct diag d = {""};
    uint16_t id = fresh_id(w);
    struct scu_object o = {f->sop_class, f->sop_instance, f->transfer_syntax, next_piece, w};
    err_t e = file_open(AT_FDCWD, f->path, FILE_READ, &w->fd, &d);
    w->at = f->data_at;
    w->size = f->size;
    if (e == OK)
        e = scu_store(w->a, &o, id, 0, NULL, &d);
    file_close(&w->fd);
    if (e == OK) {
        w->waiting[w->n_waiting++] = (struct waiting){id, i};
        return OK;
    }
    /* The file's own fault, or the other side's choice, is for good; that of the line is not. */
    bool wire = !assoc_is_open(w->a) && !d.text[0];
    if (wire) {
        lost(w, i, e, diag_text(assoc_diag(w->a), e));
    } else {
        const struct scu_sent s = {.error = e, .why = diag_text(&d, e)};
        finish(w->job, i, &s);
    }
    return assoc_is_open(w->a) ? OK : e;
}

static bool for_now(uint16_t status)
{
    return (status & 0xff00) == DIMSE_OUT_OF_RESOURCES;
}

static void answered(struct worker *w, uint32_t i, const struct dimse_command *rsp)
{
    char why[160];
    struct wr text = wr_fixed(why, sizeof why - 1);
    bool sent = dimse_is_success(rsp->status) || dimse_is_warning(rsp->status);
    wr_printf(&text, "%s (%04X)", dimse_status_text(rsp->status), rsp->status);
    if (rsp->comment.n && !sent) {
        wr_put(&text, STR(": "));
        wr_printable(&text, str_slice(rsp->comment, 0, 20));
    }
    why[text.n] = '\0';
    const struct scu_sent s = {.sent = sent, .status = rsp->status, .why = why};
    if (sent || !for_now(rsp->status)) {
        w->failures = 0;
        finish(w->job, i, &s);
        return;
    }
    w->failures++;
    again(w->job, i, &s);
    back_off(w);
}

/* One response to one of the outstanding operations. */
static err_t await_one(struct worker *w)
{
    struct dimse_command rsp;
    TRY(assoc_next(w->a, clock_deadline(w->job->o->peer.limits.dimse_ms), &rsp));
    for (size_t k = 0; rsp.field == C_STORE_RSP && k < w->n_waiting; k++)
        if (w->waiting[k].message_id == rsp.message_id) {
            uint32_t file = w->waiting[k].file;
            w->waiting[k] = w->waiting[--w->n_waiting];
            answered(w, file, &rsp);
            return OK;
        }
    assoc_abort(w->a);
    return E_PROTOCOL;
}

/* Until the part's queue is empty and everything is answered, or the association ends. */
static err_t run_association(struct worker *w, size_t part)
{
    for (;;) {
        if (stopped(w->job))
            return E_STOPPED;
        while (w->n_waiting && (w->n_waiting == w->window || assoc_readable(w->a)))
            TRY(await_one(w));
        uint32_t i = pop(w->job, part);
        if (i != none)
            TRY(send_file(w, i));
        else if (w->n_waiting)
            TRY(await_one(w));
        else
            return OK;
    }
}

static void end_association(struct worker *w, err_t e)
{
    if (e == OK && assoc_release(w->a) != OK)
        w->failures = 0; /* everything was answered: how it ended does not matter */
    for (size_t k = 0; k < w->n_waiting; k++)
        lost(w, w->waiting[k].file, e, diag_text(assoc_diag(w->a), e));
    w->failures += w->n_waiting > 0 || e != OK;
    w->n_waiting = 0;
    assoc_free(w->a);
    w->a = NULL;
}

static err_t open_part(struct worker *w, size_t part, struct diag *d)
{
    struct pdu_context contexts[PDU_CONTEXTS_MAX];
    struct pdu_associate rq;
    {
        LOCKED(&w->job->lock);
        TRY(scu_proposal_part(w->job->proposal, part, &rq));
        memcpy(contexts, rq.contexts, rq.n_contexts * sizeof *contexts);
        rq.contexts = contexts;
    }
    TRY(scu_open_with(&w->job->o->peer, &rq, &w->a, d));
    size_t window = assoc_window(w->a);
    w->window = window == 0 ? SCU_WINDOW_MAX : size_min(window, SCU_WINDOW_MAX);
    return OK;
}

static bool is_final(err_t e)
{
    return e == E_REJECTED || e == E_DENIED || e == E_NOTFOUND || e == E_STOPPED || e == E_USAGE;
}

/* No association for this part. As long as another worker has one, this one only steps back: some
 * take few at a time. Otherwise what is left of the part has failed. */
static void give_up(struct worker *w, size_t part, err_t e, const struct diag *d)
{
    struct job *j = w->job;
    LOCKED(&j->lock);
    struct part *p = &j->parts[part];
    if (p->open)
        return;
    j->error = e;
    j->diag = *d;
    p->hopeless = true;
    const struct scu_sent s = {.error = e, .why = diag_text(d, e)};
    for (uint32_t i = p->head; i != none; i = j->files->list[i].next)
        tell(j, i, &s);
    p->head = none;
}

static void count_open(struct job *j, size_t part, int by)
{
    LOCKED(&j->lock);
    j->parts[part].open = (unsigned)((int)j->parts[part].open + by);
    j->ever_open += by > 0;
}

/* Whether to go on with this part. */
static bool serve_part(struct worker *w, size_t part)
{
    struct diag d = {""};
    err_t e = open_part(w, part, &d);
    if (e == OK) {
        count_open(w->job, part, 1);
        end_association(w, run_association(w, part));
        count_open(w->job, part, -1);
    } else {
        w->failures++;
    }
    if (e != OK && (is_final(e) || w->failures > w->job->o->retries || stopped(w->job))) {
        give_up(w, part, e, &d);
        return false;
    }
    if (w->failures)
        back_off(w);
    return !stopped(w->job);
}

static bool has_work(struct job *j, size_t part)
{
    LOCKED(&j->lock);
    return j->parts[part].head != none && !j->parts[part].hopeless;
}

static void work(void *arg)
{
    struct worker *w = arg;
    for (size_t part = 0; part < w->job->n_parts; part++)
        while (has_work(w->job, part) && serve_part(w, part))
            ;
}

/* What nobody took any more: after a stop. */
static void give_back(struct job *j)
{
    err_t e = stopped(j) ? E_STOPPED : E_CLOSED;
    const struct scu_sent s = {.error = e, .why = err_text(e)};
    for (size_t part = 0; part < j->n_parts; part++)
        for (uint32_t i; (i = pop(j, part)) != none;)
            finish(j, i, &s);
}

static err_t run_workers(struct job *j)
{
    size_t n = size_min(size_max(j->o->jobs, 1), SCU_JOBS_MAX), running = 0;
    n = size_min(n, size_max(j->files->n, 1));
    struct worker *workers = calloc(n, sizeof *workers);
    struct thread *threads[SCU_JOBS_MAX] = {0};
    err_t e = workers ? OK : E_NOMEM;
    for (; e == OK && running < n; running++) {
        struct worker *w = &workers[running];
        w->job = j;
        w->fd = -1;
        w->piece = malloc(PIECE);
        e = w->piece ? thread_start(work, w, "send", &threads[running]) : E_NOMEM;
    }
    for (size_t i = 0; i < n && workers; i++) {
        thread_join(threads[i]);
        free(workers[i].piece);
    }
    free(workers);
    return e == OK || j->totals.sent ? OK : e;
}

static err_t propose(struct job *j)
{
    TRY(scu_proposal_new(&j->proposal));
    for (size_t i = 0; i < j->files->n; i++) {
        struct scu_file *f = &j->files->list[i];
        TRY(scu_proposal_add(j->proposal, f->sop_class, f->transfer_syntax, &f->part));
        f->tries = 0;
    }
    j->n_parts = scu_proposal_parts(j->proposal);
    j->parts = calloc(size_max(j->n_parts, 1), sizeof *j->parts);
    if (!j->parts)
        return E_NOMEM;
    for (size_t i = 0; i < j->n_parts; i++)
        j->parts[i].head = none;
    for (size_t i = 0; i < j->files->n; i++)
        push(j, (uint32_t)i);
    return OK;
}

err_t scu_send(struct scu_files *files, const struct scu_send_options *o,
               struct scu_send_totals *ret, struct diag *d)
{
    struct job j = {.files = files, .o = o, .lock = PTHREAD_MUTEX_INITIALIZER};
    err_t e = propose(&j);
    if (e == OK)
        e = run_workers(&j);
    if (j.parts)
        give_back(&j);
    scu_proposal_free(j.proposal);
    free(j.parts);
    *ret = j.totals;
    TRY(e);
    if (stopped(&j))
        return E_STOPPED;
    if (j.ever_open == 0 && j.error != OK)
        return diag_set(d, j.error, "%s", diag_text(&j.diag, j.error));
    return OK;
}
