#include "io/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/clock.h"

/* Sanitizers widen every frame. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(undefined_behavior_sanitizer)
#define STACK_SIZE (2048 * 1024)
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (2048 * 1024)
#endif
#ifndef STACK_SIZE
#define STACK_SIZE (256 * 1024)
#endif

enum { IDLE_MS = 30000, NAME_MAX_ = 16 };

pthread_mutex_t *lock_take_(pthread_mutex_t *m)
{
    pthread_mutex_lock(m);
    return m;
}

void lock_release_(pthread_mutex_t **m)
{
    pthread_mutex_unlock(*m);
}

err_t cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return E_NOMEM;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
    return rc == 0 ? OK : E_NOMEM;
}

bool cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline)
{
    if (deadline == IO_FOREVER)
        return pthread_cond_wait(c, m) == 0;
    struct timespec t = {.tv_sec = (time_t)(deadline / 1000),
                         .tv_nsec = (long)(deadline % 1000) * 1000000};
    return pthread_cond_timedwait(c, m, &t) != ETIMEDOUT;
}

/* Signals are the main thread's; only those that a thread raises itself by a fault stay. */
static void block_signals(pthread_attr_t *attr)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&set, own[i]);
    pthread_attr_setsigmask_np(attr, &set);
}

static err_t start(pthread_t *ret, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return E_NOMEM;
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    block_signals(&attr);
    int rc = pthread_create(ret, &attr, run, arg);
    pthread_attr_destroy(&attr);
    return rc == 0 ? OK : E_NOMEM;
}

struct thread {
    pthread_t id;
    void (*run)(void *arg);
    void *arg;
    char name[NAME_MAX_];
};

static void *thread_main(void *arg)
{
    struct thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    t->run(t->arg);
    return NULL;
}

err_t thread_start(void (*run)(void *arg), void *arg, const char *name, struct thread **ret)
{
    struct thread *t = calloc(1, sizeof *t);
    if (!t)
        return E_NOMEM;
    t->run = run;
    t->arg = arg;
    snprintf(t->name, sizeof t->name, "%s", name);
    err_t e = start(&t->id, thread_main, t);
    if (e != OK) {
        free(t);
        return e;
    }
    *ret = t;
    return OK;
}

void thread_join(struct thread *t)
{
    if (!t)
        return;
    pthread_join(t->id, NULL);
    free(t);
}

struct worker {
    struct crew *crew;
    struct worker *next; /* in the crew's list of idle or of ended workers */
    pthread_t id;
    pthread_cond_t wake;
    void (*run)(void *arg); /* NULL: nothing to do */
    void *arg;
};

struct crew {
    lock_t lock; /* guards all below, and each worker's task and place in a list */
    pthread_cond_t done;
    size_t max, active, threads;
    struct worker *idle;  /* the last one to finish first: its stack is warm */
    struct worker *ended; /* to be joined */
    bool closing;
};

err_t crew_new(size_t max, struct crew **ret)
{
    struct crew *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    c->max = max;
    pthread_mutex_init(&c->lock, NULL);
    err_t e = cond_init(&c->done);
    if (e != OK) {
        free(c);
        return e;
    }
    *ret = c;
    return OK;
}

static void leave_idle(struct worker *w)
{
    struct worker **at = &w->crew->idle;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

/* With the lock held: waits as an idle worker. False when the worker shall end. */
static bool await_task(struct worker *w)
{
    struct crew *c = w->crew;
    w->next = c->idle;
    c->idle = w;
    int64_t until = clock_deadline(IDLE_MS);
    bool in_time = true;
    while (!w->run && !c->closing && in_time)
        in_time = cond_wait(&w->wake, &c->lock, until);
    if (w->run)
        return true;
    leave_idle(w);
    return false;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct crew *c = w->crew;
    pthread_setname_np(pthread_self(), "lastra-work");
    LOCKED(&c->lock);
    do {
        void (*run)(void *) = w->run;
        void *task = w->arg;
        pthread_mutex_unlock(&c->lock);
        run(task);
        pthread_mutex_lock(&c->lock);
        w->run = NULL;
        c->active--;
        pthread_cond_broadcast(&c->done);
    } while (!c->closing && await_task(w));
    w->next = c->ended;
    c->ended = w;
    c->threads--;
    pthread_cond_broadcast(&c->done);
    return NULL;
}

/* With the lock held; what is joined has nothing left to do but to release it. */
static void join_ended(struct crew *c)
{
    while (c->ended) {
        struct worker *w = c->ended;
        c->ended = w->next;
        pthread_mutex_unlock(&c->lock);
        pthread_join(w->id, NULL);
        pthread_cond_destroy(&w->wake);
        free(w);
        pthread_mutex_lock(&c->lock);
    }
}

static err_t hire(struct crew *c, void (*run)(void *arg), void *arg)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return E_NOMEM;
    *w = (struct worker){.crew = c, .run = run, .arg = arg};
    err_t e = cond_init(&w->wake);
    if (e == OK)
        e = start(&w->id, worker_main, w);
    if (e != OK) {
        free(w);
        return e;
    }
    c->threads++;
    return OK;
}

err_t crew_run(struct crew *c, void (*run)(void *arg), void *arg)
{
    LOCKED(&c->lock);
    join_ended(c);
    if (c->active >= c->max)
        return E_BUSY;
    if (c->idle) {
        struct worker *w = c->idle;
        c->idle = w->next;
        w->run = run;
        w->arg = arg;
        pthread_cond_signal(&w->wake);
    } else {
        TRY(hire(c, run, arg));
    }
    c->active++;
    return OK;
}

size_t crew_active(struct crew *c)
{
    LOCKED(&c->lock);
    return c->active;
}

bool crew_wait(struct crew *c, int64_t deadline)
{
    LOCKED(&c->lock);
    while (c->active > 0)
        if (!cond_wait(&c->done, &c->lock, deadline))
            return c->active == 0;
    return true;
}

void crew_free(struct crew *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    for (struct worker *w = c->idle; w; w = w->next)
        pthread_cond_signal(&w->wake);
    while (c->threads > 0)
        pthread_cond_wait(&c->done, &c->lock);
    join_ended(c);
    pthread_mutex_unlock(&c->lock);
    pthread_cond_destroy(&c->done);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

err_t stop_init(struct stop *s)
{
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&s->set, false);
    return s->fd < 0 ? E_IO : OK;
}

void stop_done(struct stop *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void stop_set(struct stop *s)
{
    int saved = errno; /* it may be a signal handler's call */
    atomic_store(&s->set, true);
    /* Fails only when the counter is full, which says the same. */
    ssize_t put = write(s->fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)put;
    errno = saved;
}

bool stop_is_set(const struct stop *s)
{
    return s && atomic_load(&s->set);
}
