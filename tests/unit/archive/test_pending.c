#include "archive/pending.h"

#include "io/clock.h"
#include "unit.h"

static const uint8_t digest[DIGEST_SIZE] = {7};

static int setup(void **state)
{
    struct pending *p = malloc(sizeof *p);
    *state = p;
    return pending_init(p) != OK;
}

static int teardown(void **state)
{
    pending_done(*state);
    free(*state);
    return 0;
}

static void what_is_stored_is_known_until_it_is_indexed(void **state)
{
    struct pending *p = *state;
    uint8_t got[DIGEST_SIZE];
    bool stored;
    assert_ok(pending_take(p, STR("1.2"), IO_FOREVER, &stored, got));
    assert_false(stored);
    pending_give(p, STR("1.2"), digest);
    assert_ok(pending_take(p, STR("1.2"), IO_FOREVER, &stored, got));
    assert_true(stored);
    assert_memory_equal(got, digest, DIGEST_SIZE);
    pending_give(p, STR("1.2"), NULL);
    pending_indexed(p, STR("1.2"));
    assert_ok(pending_take(p, STR("1.2"), IO_FOREVER, &stored, got));
    assert_false(stored);
    pending_give(p, STR("1.2"), NULL);
}

static void the_index_may_be_quicker_than_the_sender(void **state)
{
    struct pending *p = *state;
    uint8_t got[DIGEST_SIZE];
    bool stored;
    assert_ok(pending_take(p, STR("1.2"), IO_FOREVER, &stored, got));
    pending_indexed(p, STR("1.2"));
    pending_give(p, STR("1.2"), digest);
    assert_ok(pending_take(p, STR("1.2"), IO_FOREVER, &stored, got));
    assert_false(stored);
    pending_give(p, STR("1.2"), NULL);
}

static void one_at_a_time_for_each_uid(void **state)
{
    struct pending *p = *state;
    uint8_t got[DIGEST_SIZE];
    bool stored;
    assert_ok(pending_take(p, STR("1.2"), IO_FOREVER, &stored, got));
    assert_ok(pending_take(p, STR("1.3"), IO_FOREVER, &stored, got));
    assert_err(pending_take(p, STR("1.2"), clock_deadline(20), &stored, got), E_BUSY);
    pending_give(p, STR("1.2"), NULL);
    assert_ok(pending_take(p, STR("1.2"), clock_deadline(20), &stored, got));
    pending_give(p, STR("1.2"), NULL);
    pending_give(p, STR("1.3"), NULL);
}

struct waiter {
    struct pending *p;
    err_t result;
    bool stored;
};

static void wait_for_it(void *arg)
{
    struct waiter *w = arg;
    uint8_t got[DIGEST_SIZE];
    w->result = pending_take(w->p, STR("1.2"), clock_deadline(10000), &w->stored, got);
    if (w->result == OK)
        pending_give(w->p, STR("1.2"), NULL);
}

static void who_waits_sees_what_the_other_did(void **state)
{
    struct waiter w = {.p = *state, .result = E_INTERNAL};
    uint8_t got[DIGEST_SIZE];
    struct thread *t;
    bool stored;
    assert_ok(pending_take(w.p, STR("1.2"), IO_FOREVER, &stored, got));
    assert_ok(thread_start(wait_for_it, &w, "wait", &t));
    clock_sleep_ms(20);
    pending_give(w.p, STR("1.2"), digest);
    thread_join(t);
    assert_ok(w.result);
    assert_true(w.stored);
    pending_indexed(w.p, STR("1.2"));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(what_is_stored_is_known_until_it_is_indexed),
        WITH(the_index_may_be_quicker_than_the_sender),
        WITH(one_at_a_time_for_each_uid),
        WITH(who_waits_sees_what_the_other_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
