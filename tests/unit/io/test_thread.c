#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/thread.h"

struct shared {
    lock_t lock;
    pthread_cond_t cond;
    unsigned count, arrived;
    bool open;
};

static struct shared shared(void)
{
    struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    assert_ok(cond_init(&s.cond));
    return s;
}

static void count_up(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 1000; i++) {
        LOCKED(&s->lock);
        s->count++;
    }
}

static void a_lock_keeps_threads_apart(void **state)
{
    (void)state;
    struct shared s = shared();
    struct thread *t[4];
    for (size_t i = 0; i < COUNT(t); i++)
        assert_ok(thread_start(count_up, &s, "a name longer than fifteen bytes", &t[i]));
    for (size_t i = 0; i < COUNT(t); i++)
        thread_join(t[i]);
    assert_int_equal(s.count, 4000);
    thread_join(NULL);
}

static void two_locks_can_stand_in_one_block(void **state)
{
    (void)state;
    lock_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
    {
        LOCKED(&a);
        LOCKED(&b);
        assert_int_not_equal(pthread_mutex_trylock(&a), 0);
        assert_int_not_equal(pthread_mutex_trylock(&b), 0);
    }
    assert_int_equal(pthread_mutex_trylock(&a), 0);
    assert_int_equal(pthread_mutex_trylock(&b), 0);
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    struct shared s = shared();
    LOCKED(&s.lock);
    int64_t before = clock_ms();
    while (cond_wait(&s.cond, &s.lock, before + 30))
        continue; /* a spurious wake */
    assert_true(clock_ms() >= before + 30);
}

/* A task that says it has come and stays until the door opens. */
static void stay(void *arg)
{
    struct shared *s = arg;
    LOCKED(&s->lock);
    s->arrived++;
    pthread_cond_broadcast(&s->cond);
    while (!s->open)
        cond_wait(&s->cond, &s->lock, IO_FOREVER);
    s->count++;
}

static void await_arrivals(struct shared *s, unsigned n)
{
    LOCKED(&s->lock);
    while (s->arrived < n)
        cond_wait(&s->cond, &s->lock, IO_FOREVER);
}

static void open_door(struct shared *s)
{
    LOCKED(&s->lock);
    s->open = true;
    pthread_cond_broadcast(&s->cond);
}

static void a_crew_is_busy_at_its_cap(void **state)
{
    (void)state;
    struct shared s = shared();
    struct crew *c;
    assert_ok(crew_new(3, &c));
    for (int i = 0; i < 3; i++)
        assert_ok(crew_run(c, stay, &s));
    assert_err(crew_run(c, stay, &s), E_BUSY);
    await_arrivals(&s, 3);
    assert_int_equal(crew_active(c), 3);
    assert_false(crew_wait(c, clock_deadline(20)));
    open_door(&s);
    assert_true(crew_wait(c, clock_deadline(5000)));
    assert_int_equal(crew_active(c), 0);
    assert_int_equal(s.count, 3);
    assert_ok(crew_run(c, stay, &s));
    crew_free(c); /* waits */
    assert_int_equal(s.count, 4);
    crew_free(NULL);
}

static void note_thread(void *arg)
{
    pthread_t *id = arg;
    *id = pthread_self();
}

static void an_idle_thread_is_used_again(void **state)
{
    (void)state;
    struct crew *c;
    pthread_t first, next;
    assert_ok(crew_new(8, &c));
    assert_ok(crew_run(c, note_thread, &first));
    for (int i = 0; i < 50; i++) {
        assert_true(crew_wait(c, clock_deadline(5000)));
        assert_ok(crew_run(c, note_thread, &next));
    }
    assert_true(crew_wait(c, clock_deadline(5000)));
    assert_true(pthread_equal(first, next));
    crew_free(c);
}

static void add_one(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void a_crew_runs_every_task_once(void **state)
{
    (void)state;
    struct crew *c;
    atomic_uint n = 0;
    unsigned taken = 0;
    assert_ok(crew_new(16, &c));
    for (int i = 0; i < 2000; i++)
        if (crew_run(c, add_one, &n) == OK)
            taken++;
    assert_true(crew_wait(c, clock_deadline(20000)));
    assert_int_equal(atomic_load(&n), taken);
    assert_true(taken >= 16);
    crew_free(c);
}

static void note_signals(void *arg)
{
    sigset_t *set = arg;
    pthread_sigmask(SIG_SETMASK, NULL, set);
}

static void threads_take_no_signals(void **state)
{
    (void)state;
    struct thread *t;
    sigset_t set;
    assert_ok(thread_start(note_signals, &set, "x", &t));
    thread_join(t);
    assert_true(sigismember(&set, SIGTERM));
    assert_true(sigismember(&set, SIGHUP));
    assert_true(sigismember(&set, SIGPIPE));
    assert_false(sigismember(&set, SIGSEGV));
}

static bool readable(const struct stop *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void stop_it(void *arg)
{
    stop_set(arg);
}

static void a_stop_switch_stays_set(void **state)
{
    (void)state;
    struct stop s;
    struct thread *t;
    assert_ok(stop_init(&s));
    assert_false(stop_is_set(&s));
    assert_false(readable(&s));
    assert_ok(thread_start(stop_it, &s, "x", &t));
    thread_join(t);
    stop_set(&s);
    assert_true(stop_is_set(&s));
    assert_true(readable(&s));
    assert_true(readable(&s));
    stop_done(&s);
    stop_done(&s);
    assert_false(stop_is_set(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_keeps_threads_apart),
        cmocka_unit_test(two_locks_can_stand_in_one_block),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(a_crew_is_busy_at_its_cap),
        cmocka_unit_test(an_idle_thread_is_used_again),
        cmocka_unit_test(a_crew_runs_every_task_once),
        cmocka_unit_test(threads_take_no_signals),
        cmocka_unit_test(a_stop_switch_stays_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
