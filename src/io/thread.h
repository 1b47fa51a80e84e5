/* Threads, locks and a bounded set of workers. One thread owns a connection; what is shared is
 * shared here and in `store`. Stacks are small (256 KiB): nothing of ours recurses or keeps large
 * arrays on the stack. */
#ifndef LASTRA_IO_THREAD_H
#define LASTRA_IO_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/str.h"

typedef pthread_mutex_t lock_t;

/* Locks until the end of the enclosing block: `LOCKED(&x->lock);` A lock is made with
 * PTHREAD_MUTEX_INITIALIZER and needs no end. */
#define LOCKED(m) LOCKED_AT_(m, __LINE__)
#define LOCKED_AT_(m, line) LOCKED_AS_(m, line)
#define LOCKED_AS_(m, line)                                                                        \
    pthread_mutex_t *locked_##line __attribute__((cleanup(lock_release_), unused)) = lock_take_(m)
pthread_mutex_t *lock_take_(pthread_mutex_t *m);
void lock_release_(pthread_mutex_t **m);

/* A condition with a monotonic clock. */
err_t cond_init(pthread_cond_t *c) MUST_CHECK;
/* Waits with the lock held until signalled or the deadline; false at the deadline. */
bool cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline);

/* A single thread; the name (for the system's tools) is cut to 15 bytes. It takes no signals: they
 * go to the main thread. join also frees; NULL is fine. */
struct thread;
err_t thread_start(void (*run)(void *arg), void *arg, const char *name,
                   struct thread **ret) MUST_CHECK;
void thread_join(struct thread *t);

/* A capped set of threads, each running one task straight through. A thread that had nothing to do
 * for half a minute ends. */
struct crew;
err_t crew_new(size_t max, struct crew **ret) MUST_CHECK;
/* Runs the task on a thread of its own (idle ones are used again). E_BUSY at the cap. */
err_t crew_run(struct crew *c, void (*run)(void *arg), void *arg) MUST_CHECK;
size_t crew_active(struct crew *c);
/* Waits for all to end, at most until the deadline; false when some are still running. */
bool crew_wait(struct crew *c, int64_t deadline);
/* Waits for the tasks that still run, without limit (make them end first), and frees; NULL is fine.
 */
void crew_free(struct crew *c);

/* A stop switch that blocked waits see: set once, from any thread or a signal handler. */
struct stop {
    int fd; /* eventfd, readable once stopped; -1 before stop_init and after stop_done */
    atomic_bool set;
};
err_t stop_init(struct stop *s) MUST_CHECK;
void stop_done(struct stop *s);
void stop_set(struct stop *s);
bool stop_is_set(const struct stop *s);

#endif
