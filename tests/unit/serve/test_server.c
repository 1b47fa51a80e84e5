/* The whole server in this process, against our own client side: what the end-to-end tests see from
 * outside, here under each sanitizer. */
#include "unit.h"

#include "dicom/uid.h"
#include "house.h"
#include "io/clock.h"
#include "store/chain.h"

static int setup(void **state)
{
    struct house *h = malloc(sizeof *h);
    house_build(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    house_close(*state);
    free(*state);
    return 0;
}

static int logged(struct house *h, enum log_id id)
{
    return atomic_load(&h->lines[id]);
}

/* Until an event has been logged so often: the server's threads say so a moment later than the
 * client sees it. */
static void wait_logged(struct house *h, enum log_id id, int times)
{
    int64_t until = clock_deadline(20000);
    while (logged(h, id) < times && clock_ms() < until)
        clock_sleep_ms(2);
    assert_int_equal(logged(h, id), times);
}

static void verifies_stores_finds_and_returns(void **state)
{
    struct house *h = *state;
    size_t n;
    uint16_t status;
    house_open(h);
    struct assoc *a = house_call(h, "TEST");
    assert_non_null(a);
    assert_ok(scu_echo(a, 1, &status));
    assert_int_equal(status, DIMSE_SUCCESS);
    for (unsigned i = 1; i <= 5; i++)
        assert_int_equal(house_store(a, 1, i), DIMSE_SUCCESS);
    assert_int_equal(house_find(a, "P1", &n), DIMSE_SUCCESS);
    assert_int_equal(n, 1);
    assert_int_equal(house_get(a, 1, &n), DIMSE_SUCCESS);
    assert_int_equal(n, 5);
    assert_ok(assoc_release(a));
    assoc_free(a);
    wait_logged(h, LOG_ASSOCIATION_ENDED, 1);
    assert_int_equal(logged(h, LOG_ASSOCIATION_ABORTED), 0);
}

struct seen {
    unsigned begun, stored, sent, queries;
};

static err_t look(void *ctx, uint64_t n, struct str json)
{
    struct seen *seen = ctx;
    struct arena arena = arena_init(1 << 20);
    struct audit_message m;
    (void)n;
    assert_ok(audit_parse(json, &arena, &m));
    struct str id = m.id.code;
    seen->begun += str_eq(id, STR("110102"));
    seen->stored += str_eq(id, STR("110104")) && m.action == 'C';
    seen->sent += str_eq(id, STR("110104")) && m.action == 'R';
    seen->queries += str_eq(id, STR("110112"));
    arena_done(&arena);
    return OK;
}

static void the_audit_trail_has_transfers_by_study_and_queries(void **state)
{
    struct house *h = *state;
    struct seen seen = {0};
    struct chain_report report;
    struct diag d = {{0}};
    size_t n;
    house_open(h);
    struct assoc *a = house_call(h, "TEST");
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(house_store(a, 1, i), DIMSE_SUCCESS);
        assert_int_equal(house_store(a, 2, i), DIMSE_SUCCESS);
    }
    assert_int_equal(house_find(a, "P1", &n), DIMSE_SUCCESS);
    assert_int_equal(house_get(a, 2, &n), DIMSE_SUCCESS);
    assert_ok(assoc_release(a));
    assoc_free(a);
    wait_logged(h, LOG_ASSOCIATION_ENDED, 1);
    assert_ok(audit_sync(h->audit));
    assert_ok(
        chain_verify(h->audit_dir, &archive_keys(h->archive)->chain, look, &seen, &report, &d));
    assert_int_equal(seen.begun, 3); /* two studies in, one out */
    assert_int_equal(seen.stored, 2);
    assert_int_equal(seen.sent, 1);
    assert_int_equal(seen.queries, 1);
}

struct caller {
    struct house *house;
    unsigned study;
    bool ok;
};

static void call(void *arg)
{
    struct caller *c = arg;
    size_t studies, objects;
    struct assoc *a = house_call(c->house, "TEST");
    c->ok = a != NULL;
    for (unsigned i = 1; c->ok && i <= 4; i++)
        c->ok = house_store(a, c->study, i) == DIMSE_SUCCESS;
    c->ok = c->ok && house_get(a, c->study, &objects) == DIMSE_SUCCESS && objects == 4;
    c->ok = c->ok && house_find(a, "", &studies) == DIMSE_SUCCESS && studies >= 1;
    if (a && assoc_release(a) != OK)
        c->ok = false;
    assoc_free(a);
}

static void serves_many_at_once(void **state)
{
    struct house *h = *state;
    enum { CALLERS = 12 };
    struct caller callers[CALLERS];
    struct thread *threads[CALLERS];
    house_open(h);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){h, 100 + i, false};
        assert_ok(thread_start(call, &callers[i], "caller", &threads[i]));
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        thread_join(threads[i]);
        assert_true(callers[i].ok);
    }
    wait_logged(h, LOG_ASSOCIATION_ENDED, CALLERS);
}

static void refuses_what_the_peer_was_not_granted(void **state)
{
    struct house *h = *state;
    size_t n;
    house_open(h);
    struct assoc *a = house_call(h, "READER");
    assert_non_null(a);
    assert_null(assoc_context_for(a, STR(UID_CTImageStorage), STR("")));
    assert_null(assoc_context_for(a, STR(UID_Verification), STR("")));
    assert_int_equal(house_find(a, "", &n), DIMSE_SUCCESS);
    assert_ok(assoc_release(a));
    assoc_free(a);
    assert_null(house_call(h, "STRANGER"));
    wait_logged(h, LOG_ASSOCIATION_REJECTED, 1);
}

static void says_busy_past_its_limit(void **state)
{
    struct house *h = *state;
    struct diag d = {{0}};
    h->options.associations = 2;
    house_open(h);
    struct assoc *first = house_call(h, "TEST"), *second = house_call(h, "TEST"), *third = NULL;
    assert_true(first && second);
    struct scu_peer p = house_peer(h, "TEST");
    assert_err(scu_open(&p, STR(UID_Verification), false, &third, &d), E_BUSY);
    assert_ok(assoc_release(first));
    assoc_free(first);
    wait_logged(h, LOG_ASSOCIATION_ENDED, 1);
    /* The place is free when the thread has ended, a moment after its last line. */
    int64_t until = clock_deadline(5000);
    while (!third && clock_ms() < until)
        third = house_call(h, "TEST");
    assert_non_null(third);
    assoc_free(second);
    assoc_free(third);
}

static struct conn *connect_only(struct house *h)
{
    struct conn *c = NULL;
    struct diag d = {{0}};
    assert_ok(conn_connect(STR("127.0.0.1"), server_port(h->server, 0), NULL, clock_deadline(5000),
                           NULL, &c, &d));
    return c;
}

static void the_oldest_that_asks_for_nothing_makes_room(void **state)
{
    struct house *h = *state;
    enum { SILENT = 6 };
    struct conn *silent[SILENT];
    char byte;
    size_t n;
    h->options.handshakes = 3;
    house_open(h);
    for (unsigned i = 0; i < SILENT; i++)
        silent[i] = connect_only(h);
    struct assoc *a = house_call(h, "TEST");
    assert_non_null(a);
    assoc_free(a);
    /* Those that had to go are the first ones. */
    for (unsigned i = 0; i < 3; i++)
        assert_err(conn_read(silent[i], &byte, 1, clock_deadline(5000), &n), E_CLOSED);
    for (unsigned i = 0; i < SILENT; i++)
        conn_free(silent[i]);
}

static void a_stop_ends_idle_associations_and_connections_at_once(void **state)
{
    struct house *h = *state;
    struct dimse_command m;
    house_open(h);
    struct assoc *a = house_call(h, "TEST");
    struct conn *c = connect_only(h);
    assert_non_null(a);
    int64_t begun = clock_ms();
    stop_set(&h->stop);
    assert_err(assoc_next(a, clock_deadline(5000), &m), E_REJECTED); /* A-ABORT */
    assoc_free(a);
    thread_join(h->thread);
    h->thread = NULL;
    assert_true(clock_ms() - begun < 4000);
    conn_free(c);
}

int main(void)
{
#define HOUSE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        HOUSE(verifies_stores_finds_and_returns),
        HOUSE(the_audit_trail_has_transfers_by_study_and_queries),
        HOUSE(serves_many_at_once),
        HOUSE(refuses_what_the_peer_was_not_granted),
        HOUSE(says_busy_past_its_limit),
        HOUSE(the_oldest_that_asks_for_nothing_makes_room),
        HOUSE(a_stop_ends_idle_associations_and_connections_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
