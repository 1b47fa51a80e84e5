#include "survey/source/import/pipe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/source/import/sink.h"

enum {
    SLOTS = 6,
    WORKERS = 2,
    TEXT = 256 << 10, /* of a batch; one long line may be more */
    LINES = 2048,
    FLIGHT_MAX = 4 << 20, /* text between reading and writing, unless it is one batch */
    LOOK_MS = 200,        /* how often the caller's stop switch is looked at while waiting */
    MARK_MS = 10000,
    NOTES_TOLD = 20
};

static const uint32_t TOO_LONG = UINT32_MAX;

enum state { EMPTY, FILLED, TAKEN, READY };

struct slot {
    enum state state;
    bool last;
    err_t err; /* after what is in it */
    struct diag why;
    struct wr text;
    uint32_t ends[LINES]; /* where each line of text ends, or TOO_LONG */
    uint32_t n_lines;
    uint64_t first_line; /* lines before it */
    uint64_t read;       /* bytes of the file so far */
    struct batch out;
};

struct pipe;

struct worker {
    struct pipe *pipe;
    struct importer_sink sink;
    void *reader;
    struct thread *thread;
};

struct pipe {
    lock_t lock; /* guards states, counters, quit and flight; a slot's rest is its holder's */
    pthread_cond_t changed;
    struct slot slots[SLOTS];
    uint64_t filled, taken, written;
    size_t flight;
    bool quit;
    struct stop stop; /* ends the reader's wait */
    const struct source_run *r;
    const struct importer *imp;
    bool by_line;
    struct input *in;
    uint64_t start;
    struct worker workers[WORKERS];
    size_t n_workers;
    struct thread *reader;
    /* Of the writing thread. */
    uint64_t told, read_told;
    int64_t marked_ms;
};

static struct slot *slot_at(struct pipe *p, uint64_t n)
{
    return &p->slots[n % SLOTS];
}

/* Waits until a slot is in a state; NULL when all is over. */
static struct slot *wait_for(struct pipe *p, const uint64_t *n, enum state state)
{
    while (!p->quit && slot_at(p, *n)->state != state)
        cond_wait(&p->changed, &p->lock, IO_FOREVER);
    return p->quit ? NULL : slot_at(p, *n);
}

static void set_state(struct pipe *p, struct slot *s, enum state state)
{
    LOCKED(&p->lock);
    s->state = state;
    pthread_cond_broadcast(&p->changed);
}

/* --- The thread that reads. --- */

static err_t fill_lines(struct pipe *p, struct slot *s)
{
    struct str line;
    bool more = true, too_long;
    s->first_line = input_lines(p->in);
    while (s->n_lines < LINES && s->text.n < TEXT) {
        TRY(input_line(p->in, &line, &more, &too_long, &s->why));
        if (!more) {
            s->last = true;
            return OK;
        }
        wr_put(&s->text, line);
        if (s->text.bad)
            return E_NOMEM;
        s->ends[s->n_lines++] = too_long ? TOO_LONG : (uint32_t)s->text.n;
    }
    return OK;
}

static err_t fill_block(struct pipe *p, struct slot *s)
{
    struct str block;
    TRY(input_block(p->in, &block, &s->why));
    wr_put(&s->text, block);
    s->last = block.n == 0;
    return s->text.bad ? E_NOMEM : OK;
}

static void clear_slot(struct slot *s)
{
    wr_clear(&s->text);
    if (s->text.cap > 2 * TEXT) {
        wr_done(&s->text);
        s->text = wr_heap(INPUT_LINE_MAX + 2 * TEXT);
    }
    batch_clear(&s->out);
    s->n_lines = 0;
    s->last = false;
    s->err = OK;
    s->why.text[0] = '\0';
}

/* A slot that may be filled; one holder of very long lines at a time. */
static struct slot *free_slot(struct pipe *p)
{
    LOCKED(&p->lock);
    while (!p->quit && p->flight > FLIGHT_MAX)
        cond_wait(&p->changed, &p->lock, IO_FOREVER);
    return wait_for(p, &p->filled, EMPTY);
}

static bool hand_on(struct pipe *p, struct slot *s)
{
    bool over = s->last || s->err != OK;
    LOCKED(&p->lock);
    s->state = FILLED;
    p->filled++;
    p->flight += s->text.n;
    pthread_cond_broadcast(&p->changed);
    return !over;
}

/* Lines that the inventory holds already. */
static err_t pass_over(struct pipe *p, struct diag *d)
{
    struct str line;
    bool more = true, too_long;
    while (p->by_line && more && input_lines(p->in) < p->start) {
        if (stop_is_set(&p->stop))
            return E_STOPPED;
        TRY(input_line(p->in, &line, &more, &too_long, d));
    }
    return OK;
}

static void read_all(void *arg)
{
    struct pipe *p = arg;
    struct slot *s;
    struct diag d = {0};
    err_t e = pass_over(p, &d);
    do {
        s = free_slot(p);
        if (!s)
            return;
        clear_slot(s);
        s->why = d;
        s->err = e != OK ? e : p->by_line ? fill_lines(p, s) : fill_block(p, s);
        s->read = input_read(p->in);
    } while (hand_on(p, s));
}

/* --- The threads that understand. --- */

static struct slot *take(struct pipe *p)
{
    LOCKED(&p->lock);
    struct slot *s = wait_for(p, &p->taken, FILLED);
    if (s) {
        s->state = TAKEN;
        p->taken++;
    }
    return s;
}

static err_t understand_lines(struct worker *w, const struct slot *s)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->n_lines; i++) {
        w->sink.place = s->first_line + i + 1;
        if (s->ends[i] == TOO_LONG) {
            sink_bad(&w->sink, "longer than %d MiB", INPUT_LINE_MAX >> 20);
            continue;
        }
        struct str line = str_of((const char *)s->text.p + at, s->ends[i] - at);
        at = s->ends[i];
        TRY(w->pipe->imp->reader->line(w->reader, line));
    }
    return OK;
}

static err_t understand_block(struct worker *w, struct slot *s)
{
    const struct import_reader *how = w->pipe->imp->reader;
    TRY(how->block(w->reader, wr_str(&s->text), &s->why));
    return s->last && s->err == OK ? how->end(w->reader, &s->why) : OK;
}

static void understand(void *arg)
{
    struct worker *w = arg;
    struct slot *s;
    while ((s = take(w->pipe))) {
        s->out.text = wr_str(&s->text);
        sink_into(&w->sink, &s->out);
        err_t e = w->pipe->by_line ? understand_lines(w, s) : understand_block(w, s);
        if (e != OK)
            s->err = e;
        set_state(w->pipe, s, READY);
    }
}

/* --- The caller's thread, which writes. --- */

static bool is_stopped(const struct pipe *p)
{
    return p->r->stop && stop_is_set(p->r->stop);
}

static struct slot *next_ready(struct pipe *p)
{
    LOCKED(&p->lock);
    struct slot *s = slot_at(p, p->written);
    while (s->state != READY && !is_stopped(p))
        cond_wait(&p->changed, &p->lock, clock_deadline(LOOK_MS));
    return s->state == READY && !is_stopped(p) ? s : NULL;
}

static void give_back(struct pipe *p, struct slot *s)
{
    LOCKED(&p->lock);
    s->state = EMPTY;
    p->written++;
    p->flight -= s->text.n;
    pthread_cond_broadcast(&p->changed);
}

static void with_commas(uint64_t n, char buf[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
}

static void tell_notes(struct pipe *p, const struct batch *b)
{
    for (unsigned i = 0; i < b->n_notes && p->r->note && p->told < NOTES_TOLD; i++, p->told++) {
        char text[NOTE_MAX + 64], place[32];
        with_commas(b->notes[i].place, place);
        snprintf(text, sizeof text, "%s %s: %s", p->by_line ? "line" : "record", place,
                 b->notes[i].text);
        p->r->note(p->r->ctx, text);
    }
}

static void count(struct pipe *p, const struct slot *s, struct run *run, struct source_sum *sum)
{
    const struct batch *b = &s->out;
    run->position += p->by_line ? s->n_lines : b->records + b->bad;
    run->records += b->records;
    run->bad += b->bad;
    sum->records += b->records;
    sum->bad += b->bad;
    sum->endpoints += b->n_found;
    if (p->r->progress)
        progress_add(p->r->progress, b->records + b->bad, s->read - p->read_told);
    p->read_told = s->read;
}

/* The inventory may make durable what it holds at any put: run->position moves only behind a slot
 * that is in it whole, and putting the same again changes nothing. */
static err_t write_slot(struct pipe *p, struct slot *s, struct run *run, struct source_sum *sum)
{
    _Static_assert(sizeof(struct evidence) < 16 << 10, "evidence stands on the stack");
    struct evidence e;
    struct inventory *v = p->r->inventory;
    evidence_init(&e, &s->out.arena);
    for (uint32_t i = 0; i < s->out.n_found; i++) {
        const struct found *f = &s->out.found[i];
        batch_evidence(&s->out, f, &e);
        TRY(inventory_put(v, run, &f->ip, f->port, &e, f->when_us));
    }
    tell_notes(p, &s->out);
    count(p, s, run, sum);
    if (clock_ms() - p->marked_ms < MARK_MS)
        return OK;
    p->marked_ms = clock_ms();
    return inventory_run_mark(v, run);
}

static err_t write_all(struct pipe *p, struct run *run, struct source_sum *sum, struct diag *d)
{
    for (;;) {
        struct slot *s = next_ready(p);
        if (!s) {
            sum->stopped = true;
            return OK;
        }
        err_t e = write_slot(p, s, run, sum);
        if (e != OK)
            return diag_set(d, e, "%s", diag_text(inventory_diag(p->r->inventory), e));
        if (s->err != OK)
            return diag_set(d, s->err, "%s", diag_text(&s->why, s->err));
        if (s->last)
            return OK;
        give_back(p, s);
    }
}

/* --- All of it. --- */

static err_t start(struct pipe *p)
{
    TRY(cond_init(&p->changed));
    TRY(stop_init(&p->stop));
    input_set_stop(p->in, &p->stop);
    for (size_t i = 0; i < SLOTS; i++) {
        p->slots[i].text = wr_heap(INPUT_LINE_MAX + 2 * TEXT);
        batch_init(&p->slots[i].out);
    }
    for (; p->n_workers < (p->by_line ? WORKERS : 1); p->n_workers++) {
        struct worker *w = &p->workers[p->n_workers];
        w->pipe = p;
        TRY(sink_init(&w->sink, p->r, p->by_line));
        w->sink.skip = p->by_line ? 0 : p->start;
        TRY(p->imp->reader->open(p->imp->format, &w->sink, &w->reader));
    }
    for (size_t i = 0; i < p->n_workers; i++)
        TRY(thread_start(understand, &p->workers[i], "import", &p->workers[i].thread));
    return thread_start(read_all, p, "import-read", &p->reader);
}

static void quit(struct pipe *p)
{
    LOCKED(&p->lock);
    p->quit = true;
    stop_set(&p->stop);
    pthread_cond_broadcast(&p->changed);
}

static void end(struct pipe *p)
{
    quit(p);
    thread_join(p->reader);
    for (size_t i = 0; i < WORKERS; i++)
        thread_join(p->workers[i].thread);
    for (size_t i = 0; i < WORKERS; i++) {
        if (p->workers[i].reader)
            p->imp->reader->close(p->workers[i].reader);
        sink_done(&p->workers[i].sink);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        wr_done(&p->slots[i].text);
        batch_done(&p->slots[i].out);
    }
    input_set_stop(p->in, NULL);
    stop_done(&p->stop);
    pthread_cond_destroy(&p->changed);
    free(p);
}

err_t pipe_run(const struct source_run *r, const struct importer *imp, bool by_line,
               struct input *in, struct run *run, struct source_sum *sum, struct diag *d)
{
    struct pipe *p = calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    pthread_mutex_init(&p->lock, NULL);
    p->stop.fd = -1;
    p->r = r;
    p->imp = imp;
    p->by_line = by_line;
    p->in = in;
    p->start = run->position;
    p->marked_ms = clock_ms();
    err_t e = start(p);
    if (e == OK)
        e = write_all(p, run, sum, d);
    end(p);
    return e;
}
