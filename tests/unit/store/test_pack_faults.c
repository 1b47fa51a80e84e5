/* The n-th write, sync, cut, reservation and allocation fails, for every n. */
#include "store_test.h"

#include "faults.h"

enum { OBJECTS = 6, CALLS_MAX = 400 };

static const size_t SIZES[OBJECTS] = {500, 300000, 9000, 700000, 500, 70000};

/* What was answered while calls failed. */
struct ledger {
    struct pack_info info[OBJECTS];
    bool stored[OBJECTS];
    err_t removed; /* of object 0 */
    bool opened;
};

static void use(const struct scratch *s, struct ledger *l)
{
    struct packs_options o = test_options(s);
    struct packs *p;
    *l = (struct ledger){.removed = E_USAGE};
    o.size_max = 400000;
    o.lease_wait_ms = 10;
    if (packs_open(&o, &p, NULL) != OK)
        return;
    l->opened = true;
    for (uint64_t i = 0; i < OBJECTS; i++)
        l->stored[i] = put(p, i, 100, SIZES[i], &l->info[i], NULL) == OK;
    if (l->stored[0])
        l->removed = pack_remove(p, l->info[0].place, NULL);
    /* What is there can be read while writing fails. */
    for (uint64_t i = 1; i < OBJECTS && fault.kind != FAULT_ALLOC; i++)
        if (l->stored[i])
            assert_ok(get(p, l->info[i].place, i, SIZES[i]));
    packs_close(p);
}

struct live {
    const struct ledger *l;
    struct packs *p;
    unsigned strange; /* live records that nobody was answered for */
};

static err_t see(void *ctx, const struct pack_record *r)
{
    struct live *v = ctx;
    bool known = !r->live;
    for (size_t i = 0; i < OBJECTS; i++)
        known |= v->l->stored[i] && same_place(v->l->info[i].place, r->info.place);
    v->strange += !known;
    return r->error;
}

static err_t see_pack(void *ctx, const struct pack_summary *s)
{
    struct live *v = ctx;
    uint64_t end;
    return pack_scan(v->p, s->pack, 0, see, v, &end, NULL);
}

/* After a new start without faults: everything acknowledged is there, and nothing else. */
static void check_after(const struct scratch *s, const struct ledger *l, bool strict)
{
    struct packs *p = open_packs(s);
    struct live v = {l, p, 0};
    for (uint64_t i = 0; i < OBJECTS; i++) {
        if (!l->stored[i])
            continue;
        err_t e = get(p, l->info[i].place, i, SIZES[i]);
        if (i > 0 || l->removed == E_USAGE)
            assert_ok(e);
        else if (l->removed == OK)
            assert_err(e, E_NOTFOUND);
        else
            assert_true(e == OK || e == E_NOTFOUND);
    }
    assert_ok(packs_each(p, see_pack, &v));
    if (strict)
        assert_int_equal(v.strange, 0);
    put_ok(p, 77, 10, 5000);
    packs_close(p);
}

static void wipe(const struct scratch *s)
{
    char name[32];
    for (int i = 1; i < 40; i++) {
        snprintf(name, sizeof name, "%08d.pack", i);
        (void)!unlinkat(s->fd, name, 0);
    }
}

static void fail_every(const struct scratch *s, enum fault_kind kind, bool onwards, int errnum)
{
    bool came = true;
    unsigned n = 0;
    while (came && ++n < CALLS_MAX) {
        struct ledger l;
        fault_arm(kind, n, onwards, errnum);
        use(s, &l);
        came = fault_came();
        fault_arm(FAULT_NONE, 0, false, 0);
        check_after(s, &l, !onwards);
        wipe(s);
    }
    assert_in_range(n, 3, CALLS_MAX - 1);
}

static void a_write_that_fails_loses_nothing_acknowledged(void **state)
{
    fail_every(*state, FAULT_WRITE, false, EIO);
}

static void a_disk_that_is_full_from_some_write_on_loses_nothing(void **state)
{
    fail_every(*state, FAULT_WRITE, true, ENOSPC);
}

static void a_sync_that_fails_loses_nothing_acknowledged(void **state)
{
    fail_every(*state, FAULT_SYNC, false, EIO);
}

static void a_disk_that_does_not_sync_any_more_loses_nothing(void **state)
{
    fail_every(*state, FAULT_SYNC, true, EIO);
}

static void a_cut_that_fails_loses_nothing(void **state)
{
    fail_every(*state, FAULT_CUT, false, EIO);
}

static void a_reservation_that_fails_is_only_that(void **state)
{
    fail_every(*state, FAULT_RESERVE, false, ENOSPC);
}

static void an_allocation_that_fails_is_an_error(void **state)
{
    fail_every(*state, FAULT_ALLOC, false, ENOMEM);
}

/* A single failure is answered as what it is. */
static void failures_have_their_names(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_info info;
    struct diag d = {0};
    put_ok(p, 1, 10, 10);
    fault_arm(FAULT_WRITE, 1, false, ENOSPC);
    assert_err(put(p, 2, 10, 5000, &info, &d), E_NOSPACE);
    fault_arm(FAULT_SYNC, 1, false, EIO);
    assert_err(put(p, 2, 10, 5000, &info, &d), E_IO);
    assert_string_not_equal(d.text, "");
    fault_arm(FAULT_WRITE, 1, true, ENOSPC);
    assert_err(put(p, 2, 10, 900000, &info, &d), E_NOSPACE);
    fault_arm(FAULT_NONE, 0, false, 0);
    put_ok(p, 3, 10, 10);
    packs_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(a_write_that_fails_loses_nothing_acknowledged),
        MEMORY_TEST(a_disk_that_is_full_from_some_write_on_loses_nothing),
        MEMORY_TEST(a_sync_that_fails_loses_nothing_acknowledged),
        MEMORY_TEST(a_disk_that_does_not_sync_any_more_loses_nothing),
        MEMORY_TEST(a_cut_that_fails_loses_nothing),
        MEMORY_TEST(a_reservation_that_fails_is_only_that),
        MEMORY_TEST(an_allocation_that_fails_is_an_error),
        MEMORY_TEST(failures_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
