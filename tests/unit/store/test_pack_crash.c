/* Many writers at once, and the end of the process at any moment. */
#include "store_test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "io/clock.h"
#include "io/thread.h"

enum { WRITERS = 6, EACH = 40, ROUNDS = 12, ACKED_MAX = 4096 };

static size_t size_of(uint64_t seed)
{
    static const size_t sizes[] = {300, 5000, 70000, 280000, 600000};
    return sizes[seed % 5] + seed % 97;
}

struct worker {
    struct packs *p;
    uint64_t first;
    struct pack_info info[EACH];
    err_t error;
};

/* Writes, reads back, removes every fourth, abandons one now and then. */
static void work(void *arg)
{
    struct worker *w = arg;
    struct pack_writer *pw;
    for (size_t i = 0; i < EACH && w->error == OK; i++) {
        uint64_t seed = w->first + i;
        w->error = put(w->p, seed, 200, size_of(seed), &w->info[i], NULL);
        if (w->error == OK)
            w->error = get(w->p, w->info[i].place, seed, size_of(seed));
        if (w->error == OK && i % 4 == 3)
            w->error = pack_remove(w->p, w->info[i].place, NULL);
        if (w->error == OK && i % 7 == 0 && pack_begin(w->p, &pw, NULL) == OK)
            pack_abandon(pw);
    }
}

static err_t ignore_record(void *ctx, const struct pack_record *r)
{
    *(err_t *)ctx = r->error;
    return r->error;
}

static err_t scan_pack(void *ctx, const struct pack_summary *s)
{
    uint64_t end;
    err_t e;
    return pack_scan(ctx, s->pack, 0, ignore_record, &e, &end, NULL);
}

static void many_threads_write_read_and_remove(void **state)
{
    struct packs_options o = test_options(*state);
    struct packs *p;
    static struct worker w[WRITERS];
    struct thread *t[WRITERS];
    o.open_max = 4;
    o.size_max = 3 << 20;
    assert_ok(packs_open(&o, &p, NULL));
    memset(w, 0, sizeof w);
    for (size_t i = 0; i < WRITERS; i++) {
        w[i].p = p;
        w[i].first = i * 1000;
        assert_ok(thread_start(work, &w[i], "writer", &t[i]));
    }
    for (int i = 0; i < 20; i++)
        assert_ok(packs_each(p, scan_pack, p));
    for (size_t i = 0; i < WRITERS; i++)
        thread_join(t[i]);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < WRITERS; i++)
            for (size_t j = 0; j < EACH; j++)
                assert_err(get(p, w[i].info[j].place, w[i].first + j, size_of(w[i].first + j)),
                           j % 4 == 3 ? E_NOTFOUND : OK);
        packs_close(p);
        assert_ok(packs_open(&o, &p, NULL));
        assert_int_equal(packs_repair(p).unclean, 0);
    }
    for (size_t i = 0; i < WRITERS; i++)
        assert_ok(w[i].error);
    packs_close(p);
}

/* What the child was answered for, seen by the parent after its death. */
struct acked {
    uint64_t n;
    struct {
        uint64_t seed;
        struct pack_place place;
        uint64_t done; /* set last */
        uint64_t removing, removed;
    } a[ACKED_MAX];
};

struct child {
    struct packs *p;
    struct acked *acked;
    uint64_t first;
};

static void write_on(void *arg)
{
    struct child *c = arg;
    struct pack_info info;
    for (uint64_t seed = c->first;; seed++) {
        if (put(c->p, seed, 200, size_of(seed), &info, NULL) != OK)
            _exit(3);
        uint64_t i = __atomic_fetch_add(&c->acked->n, 1, __ATOMIC_SEQ_CST);
        if (i >= ACKED_MAX)
            _exit(0);
        c->acked->a[i].seed = seed;
        c->acked->a[i].place = info.place;
        __atomic_store_n(&c->acked->a[i].done, 1, __ATOMIC_SEQ_CST);
        if (seed % 5 != 4)
            continue;
        __atomic_store_n(&c->acked->a[i].removing, 1, __ATOMIC_SEQ_CST);
        if (pack_remove(c->p, info.place, NULL) != OK)
            _exit(4);
        __atomic_store_n(&c->acked->a[i].removed, 1, __ATOMIC_SEQ_CST);
    }
}

static void run_child(const struct scratch *s, struct acked *acked, uint64_t round)
{
    struct packs_options o = test_options(s);
    struct child c[3];
    struct thread *t;
    o.size_max = 8 << 20;
    if (packs_open(&o, &c[0].p, NULL) != OK)
        _exit(5);
    for (uint64_t i = 0; i < 3; i++) {
        c[i] = (struct child){c[0].p, acked, (round * 3 + i) * 100000};
        if (i > 0 && thread_start(write_on, &c[i], "writer", &t) != OK)
            _exit(6);
    }
    write_on(&c[0]);
}

static void check_acked(struct packs *p, const struct acked *acked)
{
    uint64_t n = acked->n < ACKED_MAX ? acked->n : ACKED_MAX;
    for (uint64_t i = 0; i < n; i++) {
        if (!acked->a[i].done)
            continue;
        err_t e = get(p, acked->a[i].place, acked->a[i].seed, size_of(acked->a[i].seed));
        if (acked->a[i].removed)
            assert_err(e, E_NOTFOUND);
        else if (acked->a[i].removing)
            assert_true(e == OK || e == E_NOTFOUND);
        else
            assert_ok(e);
    }
}

static void nothing_acknowledged_is_lost_by_a_kill(void **state)
{
    struct acked *acked =
        mmap(NULL, sizeof *acked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned random = 12345;
    uint32_t unclean = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            run_child(*state, acked, round);
        random = random * 1103515245 + 12345;
        clock_sleep_ms(15 + random % 60);
        int status;
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        struct packs *p = open_packs(*state);
        unclean += packs_repair(p).unclean;
        assert_int_equal(packs_repair(p).damaged, 0);
        check_acked(p, acked);
        assert_ok(packs_each(p, scan_pack, p));
        packs_close(p);
    }
    assert_true(acked->n > 0 && unclean > 0);
    munmap(acked, sizeof *acked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(many_threads_write_read_and_remove),
        SCRATCH_TEST(nothing_acknowledged_is_lost_by_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
