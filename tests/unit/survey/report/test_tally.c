#include "unit.h"

#include <stdio.h>

#include "survey/report/tally.h"

static void counts_by_name_and_sorts(void **state)
{
    (void)state;
    struct arena a = arena_init(8 << 20);
    struct tally t;
    assert_ok(tally_init(&t, &a));
    tally_row(&t, STR("b"))->n[N_systems] += 2;
    tally_row(&t, STR("a"))->n[N_systems] += 2;
    tally_row(&t, STR("c"))->n[N_systems] += 5;
    tally_row(&t, STR(""))->n[N_systems] += 1;
    tally_row(&t, STR("b"))->n[N_open] += 1;
    tally_sort(&t, N_systems);
    assert_int_equal(t.n, 4);
    assert_str(t.rows[0].key, "c");
    assert_str(t.rows[1].key, "a");
    assert_str(t.rows[2].key, "b");
    assert_int_equal(t.rows[2].n[N_open], 1);
    struct tally_row rest;
    tally_rest(&t, 1, &rest);
    assert_int_equal(rest.n[N_systems], 5);
    arena_done(&a);
}

static void names_past_the_cap_are_counted_together(void **state)
{
    (void)state;
    struct arena a = arena_init(8 << 20);
    struct tally t;
    assert_ok(tally_init(&t, &a));
    for (unsigned i = 0; i < TALLY_MAX + 500; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "p%u", i);
        tally_row(&t, str_of(name, (size_t)n))->n[N_systems]++;
    }
    assert_int_equal(t.n, TALLY_MAX);
    assert_true(t.full);
    assert_int_equal(t.others.n[N_systems], 500);
    tally_row(&t, STR("p7"))->n[N_systems]++;
    assert_int_equal(tally_row(&t, STR("p7"))->n[N_systems], 2);
    arena_done(&a);
}

static void a_full_arena_counts_all_together(void **state)
{
    (void)state;
    struct arena a = arena_init(TALLY_MAX * (sizeof(struct tally_row) + 2 * sizeof(uint32_t)) + 64);
    struct tally t;
    assert_ok(tally_init(&t, &a));
    char name[TALLY_KEY_MAX + 50];
    memset(name, 'x', sizeof name);
    tally_row(&t, str_of(name, sizeof name))->n[N_systems]++;
    tally_row(&t, str_of(name, sizeof name))->n[N_systems]++;
    assert_int_equal(t.others.n[N_systems], 2);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_name_and_sorts),
        cmocka_unit_test(names_past_the_cap_are_counted_together),
        cmocka_unit_test(a_full_arena_counts_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
