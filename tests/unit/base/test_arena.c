#include "unit.h"

#include <stdalign.h>

#include "base/arena.h"
#include "base/size.h"

static void gives_zeroed_aligned_memory_of_its_own(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    uint8_t *got[100];
    for (size_t i = 0; i < COUNT(got); i++) {
        got[i] = arena_alloc(&a, i);
        assert_non_null(got[i]);
        assert_int_equal((uintptr_t)got[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(got[i][k], 0);
        memset(got[i], (int)i + 1, i);
    }
    for (size_t i = 0; i < COUNT(got); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(got[i][k], (uint8_t)(i + 1));
    arena_done(&a);
}

static void takes_what_is_larger_than_a_block(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    char *small = arena_alloc(&a, 10), *big = arena_alloc(&a, 500000), *after = arena_alloc(&a, 10);
    assert_true(small && big && after);
    memset(big, 'x', 500000);
    assert_int_equal(small[0], 0);
    assert_int_equal(after[0], 0);
    arena_done(&a);
}

static void past_its_limit_there_is_nothing(void **state)
{
    (void)state;
    struct arena a = arena_init(1000);
    assert_non_null(arena_alloc(&a, 900));
    assert_null(arena_alloc(&a, 200));
    assert_non_null(arena_alloc(&a, 80));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 5));
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_true(a.used <= 1000);
    arena_done(&a);
    assert_non_null(arena_alloc(&a, 900)); /* it can be used again, with the same limit */
    assert_null(arena_alloc(&a, 200));
    arena_done(&a);
    arena_done(NULL);
}

static void reset_gives_clean_memory_again(void **state)
{
    (void)state;
    struct arena a = arena_init(100000);
    for (int round = 0; round < 50; round++) {
        uint8_t *p = arena_alloc(&a, 3000), *q = arena_alloc(&a, 40000);
        assert_true(p && q);
        for (size_t i = 0; i < 3000; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, 3000);
        memset(q, 0xff, 40000);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    arena_done(&a);
    arena_reset(&a);
}

static void copies_text(void **state)
{
    (void)state;
    struct arena a = arena_init(100);
    char text[] = "abc";
    struct str s = arena_copy(&a, str_z(text));
    text[0] = 'x';
    assert_str(s, "abc");
    s = arena_copy(&a, STR(""));
    assert_non_null(s.p);
    assert_int_equal(s.n, 0);
    char big[200] = {0};
    assert_null(arena_copy(&a, str_of(big, sizeof big)).p);
    arena_done(&a);
}

static void typed_arrays_have_room(void **state)
{
    (void)state;
    struct pair {
        uint64_t a, b;
    };
    struct arena a = arena_init(10000);
    struct pair *p = ARENA_ARRAY(&a, 10, struct pair), *one = ARENA_NEW(&a, struct pair);
    assert_true(p && one);
    p[9] = (struct pair){1, 2};
    assert_int_equal(one->a, 0);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory_of_its_own),
        cmocka_unit_test(takes_what_is_larger_than_a_block),
        cmocka_unit_test(past_its_limit_there_is_nothing),
        cmocka_unit_test(reset_gives_clean_memory_again),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(typed_arrays_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
