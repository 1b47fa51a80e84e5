/* Many senders and askers at once; meant to run under the thread sanitizer too. */
#include <stdio.h>

#include "fixture.h"
#include "io/thread.h"

enum { THREADS = 6, OBJECTS = 40 };

struct worker {
    struct archive *a;
    unsigned id;
    unsigned stored, same, conflict, failed;
};

static void count(struct worker *w, err_t e, enum ingest_outcome outcome)
{
    if (e != OK)
        w->failed++;
    else
        *(outcome == INGEST_STORED ? &w->stored
          : outcome == INGEST_SAME ? &w->same
                                   : &w->conflict) += 1;
}

static void put(struct worker *w, const struct slice *s)
{
    struct wr bytes = slice_bytes(s, LE);
    struct ingest_result result = {0};
    err_t e = take_in(w->a, wr_str(&bytes), LE, 4096, &result, NULL);
    count(w, e, result.outcome);
    wr_done(&bytes);
}

/* Everybody sends the same objects. */
static void send_same(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < OBJECTS; i++) {
        char sop[32];
        snprintf(sop, sizeof sop, "1.2.3.4.1.%d", i + 1);
        struct slice s = {.sop = sop, .pixels = 3000};
        put(w, &s);
    }
}

/* Everybody sends other bytes under the same UIDs. */
static void send_conflicting(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < OBJECTS; i++) {
        char sop[32];
        snprintf(sop, sizeof sop, "1.2.3.4.1.%d", i + 1);
        struct slice s = {.sop = sop, .pixels = 3000 + 2 * w->id};
        put(w, &s);
    }
}

static void send_own(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < OBJECTS; i++) {
        char sop[64], series[48];
        snprintf(series, sizeof series, "1.2.3.4.%u", w->id + 1);
        snprintf(sop, sizeof sop, "%s.%d", series, i + 1);
        struct slice s = {.sop = sop, .series = series, .pixels = 3000};
        put(w, &s);
    }
}

/* An object that was acknowledged to this thread is found by its next query. */
static void send_and_ask(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < OBJECTS; i++) {
        char sop[64], study[40], series[48], got[64];
        snprintf(study, sizeof study, "1.5.%u.%d", w->id + 1, i + 1);
        snprintf(series, sizeof series, "%s.1", study);
        snprintf(sop, sizeof sop, "%s.1", series);
        struct slice s = {.study = study, .series = series, .sop = sop};
        put(w, &s);
        const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "STUDY", 0},
                                 {TAG_StudyInstanceUID, "UI", study, 0},
                                 {0, NULL, NULL, 0}};
        if (ask(w->a, QUERY_STUDY_ROOT, false, els, TAG_StudyInstanceUID, got, sizeof got) != 1)
            w->failed++;
    }
}

static struct worker run(struct archive *a, void (*work)(void *arg))
{
    struct worker w[THREADS], sum = {0};
    struct thread *t[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        w[i] = (struct worker){.a = a, .id = i};
        assert_ok(thread_start(work, &w[i], "worker", &t[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        thread_join(t[i]);
        sum.stored += w[i].stored;
        sum.same += w[i].same;
        sum.conflict += w[i].conflict;
        sum.failed += w[i].failed;
    }
    assert_int_equal(sum.failed, 0);
    return sum;
}

static void figures_are(struct archive *a, uint64_t instances, uint64_t conflicts)
{
    struct archive_state state;
    assert_ok(archive_barrier(a));
    assert_ok(archive_get_state(a, &state));
    assert_int_equal(state.instances, instances);
    assert_int_equal(state.conflicts, conflicts);
    assert_int_equal(state.pending, 0);
    assert_int_equal(state.unindexed, 0);
}

static void two_senders_of_one_object_store_it_once(void **state)
{
    struct fixture *f = *state;
    struct worker sum = run(f->a, send_same);
    assert_int_equal(sum.stored, OBJECTS);
    assert_int_equal(sum.same, OBJECTS * (THREADS - 1));
    figures_are(f->a, OBJECTS, 0);
    fixture_reopen(f);
    figures_are(f->a, OBJECTS, 0);
}

static void of_many_with_one_uid_one_is_first_and_the_others_aside(void **state)
{
    struct fixture *f = *state;
    struct worker sum = run(f->a, send_conflicting);
    assert_int_equal(sum.stored, OBJECTS);
    assert_int_equal(sum.conflict, OBJECTS * (THREADS - 1));
    figures_are(f->a, OBJECTS, OBJECTS * (THREADS - 1));
}

static void own_objects_are_all_stored(void **state)
{
    struct fixture *f = *state;
    char got[64];
    struct worker sum = run(f->a, send_own);
    assert_int_equal(sum.stored, OBJECTS * THREADS);
    figures_are(f->a, OBJECTS * THREADS, 0);
    const struct el els[] = {{TAG_QueryRetrieveLevel, "CS", "STUDY", 0},
                             {TAG_StudyInstanceUID, "UI", "1.2.3.4", 0},
                             {TAG_NumberOfStudyRelatedInstances, "IS", "", 0},
                             {0, NULL, NULL, 0}};
    ask(f->a, QUERY_STUDY_ROOT, false, els, TAG_NumberOfStudyRelatedInstances, got, sizeof got);
    assert_int_equal(strtoul(got, NULL, 10), OBJECTS * THREADS);
    fixture_reopen(f);
    assert_int_equal(f->recovery.replayed + f->recovery.skipped, 0);
}

static void a_query_finds_what_was_acknowledged_before(void **state)
{
    struct fixture *f = *state;
    run(f->a, send_and_ask);
}

int main(void)
{
#define WITH_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_ARCHIVE(two_senders_of_one_object_store_it_once),
        WITH_ARCHIVE(of_many_with_one_uid_one_is_first_and_the_others_aside),
        WITH_ARCHIVE(own_objects_are_all_stored),
        WITH_ARCHIVE(a_query_finds_what_was_acknowledged_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
