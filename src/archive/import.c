#include "archive/import.h"

#include <fcntl.h>
#include <stdlib.h>

#include "archive/import_media.h"
#include "archive/import_note.h"
#include "archive/import_object.h"
#include "base/size.h"
#include "io/clock.h"
#include "io/walk.h"

enum { THREADS_DEFAULT = 4, THREADS_MAX = 32, QUEUE = 64 };

/* A file that waits for a worker. */
struct job {
    char *path;
    uint64_t key;
};

struct import {
    struct archive *archive;
    const struct import_options *o;
    struct import_note *note;
    lock_t lock; /* guards all that follows */
    pthread_cond_t filled, drained;
    struct import_counts *counts;
    struct job queue[QUEUE];
    size_t first, n;
    bool closed; /* no more jobs come */
    err_t error; /* of the archive: the end */
    struct diag diag;
};

/* What one thread needs to take objects. */
struct worker {
    struct import *im;
    struct ingest *in;
    uint8_t *buf;
    struct thread *thread;
};

static err_t fail(struct import *im, err_t e, const struct diag *d)
{
    LOCKED(&im->lock);
    if (im->error == OK) {
        im->error = e;
        im->diag = *d;
    }
    pthread_cond_broadcast(&im->filled);
    pthread_cond_broadcast(&im->drained);
    return e;
}

static void count_taken(struct import *im, const struct ingest_result *r)
{
    switch (r->outcome) {
    case INGEST_STORED:
        im->counts->taken++;
        break;
    case INGEST_SAME:
        im->counts->same++;
        break;
    case INGEST_CONFLICT:
        im->counts->conflicts++;
        break;
    }
    im->counts->bytes += r->size;
    if (im->o->taken)
        im->o->taken(im->o->ctx, r);
}

static void say(struct import *im, const char *label, err_t why, const char *text)
{
    LOCKED(&im->lock);
    im->counts->failed++;
    im->o->say(im->o->ctx, label, why, text);
}

static void missing(void *ctx, const char *file)
{
    say(ctx, file, E_NOTFOUND, "the DICOMDIR names it, but it is not on the medium");
}

/* What became of one file. */
static void count(struct import *im, enum import_outcome outcome, const char *label, err_t why,
                  const struct ingest_result *r, const struct diag *d)
{
    switch (outcome) {
    case IMPORT_FAILED:
        say(im, label, why, diag_text(d, why));
        return;
    case IMPORT_MEDIA: {
        struct diag bad = {0};
        err_t e = import_media_check(label, missing, im, &bad);
        if (e != OK && e != E_NOTFOUND)
            say(im, label, e, diag_text(&bad, e));
        return;
    }
    case IMPORT_OTHER: {
        LOCKED(&im->lock);
        im->counts->other++;
        im->o->say(im->o->ctx, label, E_UNSUPPORTED, "not a DICOM object");
        return;
    }
    case IMPORT_TAKEN: {
        LOCKED(&im->lock);
        count_taken(im, r);
        return;
    }
    }
}

/* One file's bytes into the archive; what happened is counted, told and noted. */
static err_t take(struct worker *w, const struct import_source *s, const char *label, uint64_t key)
{
    struct diag d = {0};
    struct ingest_result r = {0};
    enum import_outcome outcome = IMPORT_FAILED;
    err_t why = OK;
    err_t e = import_object(w->in, s, w->buf, &outcome, &r, &why, &d);
    if (e != OK)
        return fail(w->im, e, &d);
    count(w->im, outcome, label, why, &r, &d);
    if (w->im->o->progress)
        progress_add(w->im->o->progress, 1, r.size);
    return outcome == IMPORT_TAKEN ? import_note_add(w->im->note, key) : OK;
}

struct file_source {
    int fd;
    uint64_t at;
    struct diag *d;
};

static err_t read_file(void *ctx, void *buf, size_t n, size_t *ret_n)
{
    struct file_source *f = ctx;
    TRY(file_read_some(f->fd, f->at, buf, n, ret_n, f->d));
    f->at += *ret_n;
    return OK;
}

static err_t take_file(struct worker *w, const char *path, uint64_t key)
{
    struct diag d = {0};
    struct file_source f = {.fd = -1, .d = &d};
    err_t e = file_open(AT_FDCWD, path, FILE_READ_LINK, &f.fd, &d);
    if (e != OK) {
        say(w->im, path, e, diag_text(&d, e));
        return OK;
    }
    e = take(w, &(struct import_source){read_file, &f}, path, key);
    file_close(&f.fd);
    return e;
}

static err_t worker_init(struct worker *w, struct import *im)
{
    *w = (struct worker){.im = im, .buf = malloc(IMPORT_BUFFER)};
    return w->buf ? ingest_new(im->archive, &w->in) : E_NOMEM;
}

static void worker_done(struct worker *w)
{
    thread_join(w->thread);
    ingest_free(w->in);
    free(w->buf);
}

static bool next_job(struct import *im, struct job *ret)
{
    LOCKED(&im->lock);
    while (!im->n && !im->closed && im->error == OK)
        (void)cond_wait(&im->filled, &im->lock, IO_FOREVER);
    if (!im->n || im->error != OK)
        return false;
    *ret = im->queue[im->first];
    im->first = (im->first + 1) % QUEUE;
    im->n--;
    pthread_cond_signal(&im->drained);
    return true;
}

static void work(void *arg)
{
    struct worker *w = arg;
    struct job job;
    while (next_job(w->im, &job)) {
        struct diag d = {0};
        err_t e = take_file(w, job.path, job.key);
        free(job.path);
        if (e != OK)
            (void)fail(w->im, e, &d);
    }
}

static err_t put_job(struct import *im, const char *path, uint64_t key)
{
    LOCKED(&im->lock);
    while (im->n == QUEUE && im->error == OK)
        (void)cond_wait(&im->drained, &im->lock, IO_FOREVER);
    if (im->error != OK)
        return im->error;
    struct job job = {strdup(path), key};
    if (!job.path)
        return E_NOMEM;
    im->queue[(im->first + im->n++) % QUEUE] = job;
    pthread_cond_signal(&im->filled);
    return OK;
}

/* --- archives: read by the walking thread itself --- */

static err_t read_entry(void *ctx, void *buf, size_t n, size_t *ret_n)
{
    return unpack_read(ctx, buf, n, ret_n);
}

static bool stopped(const struct import *im)
{
    return im->o->stop && stop_is_set(im->o->stop);
}

static bool already(struct import *im, uint64_t key, uint64_t size)
{
    if (!import_note_has(im->note, key))
        return false;
    LOCKED(&im->lock);
    im->counts->before++;
    if (im->o->progress)
        progress_add(im->o->progress, 1, size);
    return true;
}

static err_t take_entry(struct worker *w, struct unpack *u, const struct unpack_entry *entry,
                        const char *path, uint64_t number)
{
    uint64_t key;
    char buf[512];
    struct wr label = wr_fixed(buf, sizeof buf - 1);
    wr_printf(&label, "%.200s: ", path);
    wr_printable(&label, str_slice(entry->label, 0, 60));
    buf[label.n] = '\0';
    TRY(import_note_key(wr_str(&label), number, (int64_t)entry->size, &key));
    if (already(w->im, key, entry->size))
        return OK;
    return take(w, &(struct import_source){read_entry, u}, buf, key);
}

static err_t take_entries(struct worker *w, struct unpack *u, const char *path)
{
    for (uint64_t number = 0;; number++) {
        struct unpack_entry entry;
        bool more = false;
        if (stopped(w->im))
            return E_STOPPED;
        err_t e = unpack_next(u, &entry, &more);
        if (e != OK)
            say(w->im, path, e, diag_text(unpack_diag(u), e));
        if (e != OK || !more)
            return OK;
        TRY(take_entry(w, u, &entry, path, number));
    }
}

static err_t take_archive(struct worker *w, int fd, const char *path)
{
    struct unpack *u = NULL;
    struct diag d = {0};
    err_t e = unpack_open(fd, &w->im->o->limits, &u, &d);
    if (e != OK) {
        say(w->im, path, e, diag_text(&d, e));
        return OK;
    }
    e = take_entries(w, u, path);
    unpack_free(u);
    return e;
}

/* --- the walk --- */

struct walker {
    struct worker w; /* its own, for archives */
};

static err_t looks_packed(int fd, bool *ret)
{
    char head[UNPACK_HEAD];
    size_t n = 0;
    TRY(file_read_some(fd, 0, head, sizeof head, &n, NULL));
    *ret = unpack_looks_so(str_of(head, n));
    return OK;
}

static err_t found(void *ctx, const struct walk_file *f)
{
    struct walker *wk = ctx;
    struct import *im = wk->w.im;
    uint64_t key;
    bool packed = false;
    int fd = -1;
    if (stopped(im))
        return E_STOPPED;
    TRY(import_note_key(str_z(f->path), f->info.size, f->info.modified_us, &key));
    if (already(im, key, f->info.size))
        return OK;
    if (file_open(AT_FDCWD, f->path, FILE_READ_LINK, &fd, NULL) == OK &&
        looks_packed(fd, &packed) == OK && packed) {
        err_t e = take_archive(&wk->w, fd, f->path);
        file_close(&fd);
        return e;
    }
    file_close(&fd);
    return put_job(im, f->path, key);
}

static err_t cannot_read(void *ctx, const char *path, err_t why, const struct diag *d)
{
    say(((struct walker *)ctx)->w.im, path, why, diag_text(d, why));
    return OK;
}

static void finish(struct import *im, struct worker *workers, size_t n)
{
    {
        LOCKED(&im->lock);
        im->closed = true;
        pthread_cond_broadcast(&im->filled);
    }
    for (size_t i = 0; i < n; i++)
        worker_done(&workers[i]);
    for (; im->n; im->n--, im->first = (im->first + 1) % QUEUE)
        free(im->queue[im->first].path);
}

static err_t run(struct import *im, const char *path, struct diag *d)
{
    struct worker workers[THREADS_MAX] = {0};
    struct walker wk = {0};
    size_t want = im->o->threads ? size_min(im->o->threads, THREADS_MAX) : THREADS_DEFAULT, n = 0;
    err_t e = worker_init(&wk.w, im);
    for (; e == OK && n < want; n++) {
        e = worker_init(&workers[n], im);
        if (e == OK)
            e = thread_start(work, &workers[n], "import", &workers[n].thread);
    }
    struct walk_calls calls = {.each = found, .skip = cannot_read, .ctx = &wk};
    if (e == OK)
        e = walk_files(path, &calls, d);
    finish(im, workers, n);
    worker_done(&wk.w);
    if (im->error != OK) {
        *d = im->diag;
        e = im->error;
    }
    return e;
}

/* A DICOMDIR stands for the folder it is in. */
static void dicomdir_folder(char *path)
{
    struct str s = str_z(path);
    size_t slash = s.n;
    while (slash && s.p[slash - 1] != '/')
        slash--;
    if (!str_eq_nocase(str_slice(s, slash, s.n), STR("DICOMDIR")))
        return;
    if (slash)
        path[slash] = '\0';
    else
        memcpy(path, ".", 2);
}

static err_t import_from(struct archive *a, char *path, const struct import_options *o,
                         struct import_counts *counts, struct diag *d)
{
    struct import im = {.archive = a, .o = o, .counts = counts};
    im.lock = (lock_t)PTHREAD_MUTEX_INITIALIZER;
    TRY(cond_init(&im.filled));
    TRY(cond_init(&im.drained));
    TRY(import_note_open(archive_dir(a), str_z(path), o->afresh, &im.note, d));
    err_t e = run(&im, path, d);
    import_note_close(im.note, e == OK);
    pthread_cond_destroy(&im.filled);
    pthread_cond_destroy(&im.drained);
    return e;
}

err_t import_path(struct archive *a, const char *path, const struct import_options *o,
                  struct import_counts *counts, struct diag *d)
{
    char *full = realpath(path, NULL);
    if (!full)
        return diag_set(d, E_NOTFOUND, "there is no %s", path);
    dicomdir_folder(full);
    err_t e = import_from(a, full, o, counts, d);
    free(full);
    return e;
}
