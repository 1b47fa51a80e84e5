#include "archive/marks.h"

#include <fcntl.h>
#include <unistd.h>

#include "fixture.h"
#include "io/file.h"

enum { RECORDS = 200 };

struct rig {
    char path[64];
    int dir;
    struct packs *packs;
    struct pack_info at[RECORDS];
};

static void put(struct rig *r, int i)
{
    struct pack_writer *w;
    uint8_t digest[DIGEST_SIZE] = {(uint8_t)i};
    assert_ok(pack_begin(r->packs, &w, NULL));
    assert_ok(pack_head(w, STR("head")));
    assert_ok(pack_commit(w, digest, 0, &r->at[i], NULL));
}

static int setup(void **state)
{
    static const struct key key = {{1}};
    struct rig *r = calloc(1, sizeof *r);
    assert_true(str_to_z(STR("/tmp/lastra-marks-XXXXXX"), r->path, sizeof r->path));
    assert_non_null(mkdtemp(r->path));
    assert_ok(dir_open(AT_FDCWD, r->path, &r->dir, NULL));
    struct packs_options o = {.dir = r->dir, .key = &key};
    assert_ok(packs_open(&o, &r->packs, NULL));
    for (int i = 0; i < RECORDS; i++)
        put(r, i);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    packs_close(r->packs);
    close(r->dir);
    remove_tree(r->path);
    free(r);
    return 0;
}

static void note(struct rig *r, struct mark *m, int i)
{
    mark_record(m, r->packs, r->at[i].place.offset, r->at[i].end);
}

static void moves_over_records_in_order(void **state)
{
    struct rig *r = *state;
    struct mark m = {.pack = r->at[0].place.pack};
    for (int i = 0; i < RECORDS; i++) {
        note(r, &m, i);
        assert_int_equal(m.done, r->at[i].end);
    }
}

static void waits_for_what_was_not_handed_over(void **state)
{
    struct rig *r = *state;
    struct mark m = {.pack = r->at[0].place.pack};
    note(r, &m, 0);
    for (int i = 2; i < RECORDS; i++) {
        note(r, &m, i);
        assert_int_equal(m.done, r->at[0].end);
    }
    note(r, &m, 1);
    assert_int_equal(m.done, r->at[RECORDS - 1].end);
}

static void the_first_record_may_come_late(void **state)
{
    struct rig *r = *state;
    struct mark m = {.pack = r->at[0].place.pack};
    note(r, &m, 2);
    note(r, &m, 1);
    assert_int_equal(m.done, 0);
    note(r, &m, 0);
    assert_int_equal(m.done, r->at[2].end);
}

static void any_order_of_neighbours_comes_to_the_end(void **state)
{
    struct rig *r = *state;
    struct mark m = {.pack = r->at[0].place.pack};
    for (int block = 0; block < RECORDS; block += 10)
        for (int i = 0; i < 10; i++)
            note(r, &m, block + (i * 7 + 3) % 10);
    assert_int_equal(m.done, r->at[RECORDS - 1].end);
}

static void removed_records_and_tombstones_are_no_gap(void **state)
{
    struct rig *r = *state;
    struct mark m = {.pack = r->at[0].place.pack};
    assert_ok(pack_remove(r->packs, r->at[5].place, NULL)); /* its tombstone stands at the end */
    put(r, 5);
    for (int i = 0; i < RECORDS; i++)
        if (i != 5)
            note(r, &m, i);
    note(r, &m, 5);
    assert_int_equal(m.done, r->at[5].end);
}

static void beyond_its_memory_it_stays_behind(void **state)
{
    struct rig *r = *state;
    struct mark m = {.pack = r->at[0].place.pack};
    note(r, &m, 0);
    for (int i = 2; i < RECORDS; i += 2) /* a gap before each */
        note(r, &m, i);
    for (int i = 1; i < RECORDS; i += 2)
        note(r, &m, i);
    assert_true(m.done <= r->at[RECORDS - 1].end);
    assert_true(m.done >= r->at[2 * MARKS_AHEAD].end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moves_over_records_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_what_was_not_handed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_record_may_come_late, setup, teardown),
        cmocka_unit_test_setup_teardown(any_order_of_neighbours_comes_to_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(removed_records_and_tombstones_are_no_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(beyond_its_memory_it_stays_behind, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
