/* A set of evidence and short checks of it, for the tests of survey/wire. */
#ifndef LASTRA_TESTS_WIRE_FACTS_H
#define LASTRA_TESTS_WIRE_FACTS_H

#include "unit.h"

#include "survey/core/evidence.h"

struct facts {
    struct arena arena;
    struct evidence e;
};

static inline int facts_setup(void **state)
{
    struct facts *f = calloc(1, sizeof *f);
    f->arena = arena_init(1 << 20);
    evidence_init(&f->e, &f->arena);
    *state = f;
    return 0;
}

static inline int facts_teardown(void **state)
{
    struct facts *f = *state;
    arena_done(&f->arena);
    free(f);
    return 0;
}

static inline void facts_clear(struct facts *f)
{
    arena_reset(&f->arena);
    evidence_init(&f->e, &f->arena);
}

static inline bool facts_has(const struct facts *f, enum ev_kind kind, struct str value)
{
    return evidence_is(&f->e, kind, value);
}

#define assert_fact(f, kind, literal) assert_str(evidence_get(&(f)->e, EV_##kind), literal)
#define assert_has(f, kind, literal) assert_true(facts_has((f), EV_##kind, str_z(literal)))
#define assert_has_not(f, kind, literal) assert_false(facts_has((f), EV_##kind, str_z(literal)))
#define assert_none(f, kind) assert_null(evidence_get(&(f)->e, EV_##kind).p)
#define FACTS_TEST(name) cmocka_unit_test_setup_teardown(name, facts_setup, facts_teardown)

#endif
