#include "store_test.h"

enum { CHUNK = PACK_CHUNK };

/* Sizes around every border: chunks, the write buffer (about 290 KB), nothing at all. */
static const struct {
    size_t head, size;
} SHAPES[] = {{0, 0},
              {1, 1},
              {0, 1},
              {2000, 2000},
              {2000, 8192},
              {CHUNK, CHUNK},
              {CHUNK - 1, 2 * CHUNK - 1},
              {CHUNK + 1, 2 * CHUNK + 2},
              {132, 132 + 4 * CHUNK},
              {132, 133 + 4 * CHUNK},
              {132, 525000},
              {3000, 3000 + 9 * CHUNK},
              {3000, 3000 + 9 * CHUNK + 1},
              {300000, 300000},
              {300000, 700001},
              {0, 3000017}};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

static void gives_back_what_was_written(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_info info[N_SHAPES];
    for (size_t i = 0; i < N_SHAPES; i++) {
        info[i] = put_ok(p, i, SHAPES[i].head, SHAPES[i].size);
        assert_int_equal(info[i].size, SHAPES[i].size);
        assert_int_equal(info[i].head_size, SHAPES[i].head);
    }
    for (size_t i = 0; i < N_SHAPES; i++) {
        assert_ok(get(p, info[i].place, i, SHAPES[i].size));
        assert_ok(pack_check(p, info[i].place, NULL));
    }
    packs_close(p);
    p = open_packs(*state);
    for (size_t i = 0; i < N_SHAPES; i++)
        assert_ok(get(p, info[i].place, i, SHAPES[i].size));
    packs_close(p);
}

static void reads_any_part(void **state)
{
    struct packs *p = open_packs(*state);
    size_t size = 3 * CHUNK + 77;
    struct pack_info info = put_ok(p, 5, 1000, size);
    struct pack_reader *r;
    uint8_t *want = test_bytes(5, size), *got = malloc(size);
    assert_ok(pack_read(p, info.place, &r, NULL));
    static const size_t at[] = {0,        1, 999, 1000, 1001, CHUNK, CHUNK + 999, 2 * CHUNK + 1000,
                                3 * CHUNK};
    static const size_t len[] = {1, 16, 1000, CHUNK, CHUNK + 1, 2 * CHUNK};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        for (size_t j = 0; j < sizeof len / sizeof *len; j++) {
            size_t n, expect = at[i] + len[j] > size ? size - at[i] : len[j];
            assert_ok(pack_read_at(r, at[i], got, len[j], &n));
            assert_int_equal(n, expect);
            assert_memory_equal(got, want + at[i], n);
        }
    size_t n = 1;
    assert_ok(pack_read_at(r, size, got, 10, &n));
    assert_int_equal(n, 0);
    assert_ok(pack_read_at(r, UINT64_MAX, got, 10, &n));
    assert_int_equal(n, 0);
    pack_reader_free(r);
    free(want);
    free(got);
    packs_close(p);
}

static void keeps_flags_times_and_ids(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_writer *w;
    struct pack_info a, b;
    uint8_t digest[DIGEST_SIZE] = {1, 2, 3};
    assert_ok(pack_begin(p, &w, NULL));
    assert_ok(pack_head(w, STR("head")));
    assert_ok(pack_body(w, STR("body")));
    assert_ok(pack_commit(w, digest, PACK_CONFLICT, &a, NULL));
    b = put_ok(p, 1, 10, 20);
    struct pack_reader *r;
    assert_ok(pack_read(p, a.place, &r, NULL));
    const struct pack_info *i = pack_reader_info(r);
    assert_true(same_info(i, &a));
    assert_int_equal(i->flags, PACK_CONFLICT);
    assert_memory_equal(i->digest, digest, sizeof digest);
    assert_true(i->received_us > 1600000000000000);
    assert_memory_not_equal(a.object_id, b.object_id, OBJECT_ID_SIZE);
    assert_int_equal(a.end, b.place.offset);
    pack_reader_free(r);
    packs_close(p);
}

static void nothing_readable_stands_on_disk(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_writer *w;
    struct pack_info info;
    static const uint8_t digest[DIGEST_SIZE] = {1};
    assert_ok(pack_begin(p, &w, NULL));
    assert_ok(pack_head(w, STR("0010,0010 Mustermann^Erika")));
    assert_ok(pack_body(w, STR("Mustermann^Erika")));
    assert_ok(pack_commit(w, digest, 0, &info, NULL));
    packs_close(p);
    size_t n;
    uint8_t *file = slurp(*state, PACK_1, &n);
    assert_null(memmem(file, n, "Mustermann", 10));
    free(file);
}

static void an_abandoned_object_leaves_nothing(void **state)
{
    struct packs *p = open_packs(*state);
    uint8_t *bytes = test_bytes(1, 1000000);
    struct pack_writer *w;
    struct scanned s;
    for (int i = 0; i < 3; i++) {
        assert_ok(pack_begin(p, &w, NULL));
        assert_ok(pack_head(w, str_of(bytes, 100)));
        if (i > 0)
            assert_ok(pack_body(w, str_of(bytes, i == 1 ? 1000 : 1000000)));
        pack_abandon(w);
    }
    struct pack_info info = put_ok(p, 2, 10, 5000);
    assert_int_equal(info.place.offset, 4096);
    scan(p, 1, 0, &s);
    assert_int_equal(s.n, 1);
    assert_ok(get(p, info.place, 2, 5000));
    pack_abandon(NULL);
    free(bytes);
    packs_close(p);
}

static void wrong_order_is_refused(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_writer *w;
    struct pack_info info;
    struct diag d = {0};
    static const uint8_t digest[DIGEST_SIZE];
    assert_ok(pack_begin(p, &w, NULL));
    assert_ok(pack_body(w, STR("body")));
    assert_err(pack_head(w, STR("head")), E_USAGE);
    assert_err(pack_body(w, STR("more")), E_USAGE);
    assert_string_not_equal(pack_writer_diag(w)->text, "");
    assert_err(pack_commit(w, digest, 0, &info, &d), E_USAGE);
    assert_ok(pack_begin(p, &w, NULL));
    char *big = calloc(1, PACK_HEAD_MAX + 1);
    assert_err(pack_head(w, str_of(big, PACK_HEAD_MAX + 1)), E_LIMIT);
    pack_abandon(w);
    assert_ok(pack_begin(p, &w, NULL));
    assert_ok(pack_head(w, str_of(big, PACK_HEAD_MAX)));
    assert_ok(pack_commit(w, digest, 0, &info, &d));
    assert_ok(pack_check(p, info.place, NULL));
    free(big);
    packs_close(p);
}

static void a_full_pack_is_closed_for_good(void **state)
{
    struct packs_options o = test_options(*state);
    struct packs *p;
    o.size_max = 200000;
    assert_ok(packs_open(&o, &p, NULL));
    struct pack_info a = put_ok(p, 1, 10, 150000), b = put_ok(p, 2, 10, 150000),
                     c = put_ok(p, 3, 10, 10);
    assert_int_equal(a.place.pack, 1);
    assert_int_equal(b.place.pack, 1);
    assert_int_equal(c.place.pack, 2);
    packs_close(p);
    assert_ok(packs_open(&o, &p, NULL));
    assert_int_equal(packs_repair(p).unclean, 0);
    assert_int_equal(put_ok(p, 4, 10, 10).place.pack, 2);
    assert_ok(get(p, a.place, 1, 150000));
    packs_close(p);
}

static void each_writer_has_a_pack_of_its_own(void **state)
{
    struct packs_options o = test_options(*state);
    struct packs *p;
    struct pack_writer *w[2], *third;
    struct pack_info info[2];
    struct diag d = {0};
    static const uint8_t digest[DIGEST_SIZE];
    o.open_max = 2;
    o.lease_wait_ms = 20;
    assert_ok(packs_open(&o, &p, NULL));
    uint8_t *bytes = test_bytes(1, 500000);
    for (int i = 0; i < 2; i++) {
        assert_ok(pack_begin(p, &w[i], NULL));
        assert_ok(pack_head(w[i], str_of(bytes, 10)));
        assert_ok(pack_body(w[i], str_of(bytes, 500000)));
    }
    assert_ok(pack_begin(p, &third, NULL));
    assert_ok(pack_head(third, str_of(bytes, 10)));
    assert_err(pack_commit(third, digest, 0, &info[0], &d), E_BUSY);
    assert_string_not_equal(d.text, "");
    for (int i = 0; i < 2; i++)
        assert_ok(pack_commit(w[i], digest, 0, &info[i], NULL));
    assert_int_not_equal(info[0].place.pack, info[1].place.pack);
    assert_int_equal(put_ok(p, 4, 10, 10).place.pack, 1);
    free(bytes);
    packs_close(p);
}

static void a_removed_object_is_gone_and_its_space_free(void **state)
{
    struct scratch *sc = *state;
    struct packs *p = open_packs(sc);
    struct pack_info a = put_ok(p, 1, 1000, 2000000), b = put_ok(p, 2, 10, 5000);
    struct stat before, after;
    struct scanned s;
    assert_int_equal(fstatat(sc->fd, PACK_1, &before, 0), 0);
    assert_ok(pack_remove(p, a.place, NULL));
    assert_int_equal(fstatat(sc->fd, PACK_1, &after, 0), 0);
    assert_true(after.st_blocks + 1900000 / 512 < before.st_blocks);
    assert_err(get(p, a.place, 1, 2000000), E_NOTFOUND);
    assert_err(pack_check(p, a.place, NULL), E_NOTFOUND);
    assert_ok(pack_remove(p, a.place, NULL));
    assert_ok(get(p, b.place, 2, 5000));
    scan(p, 1, 0, &s);
    assert_int_equal(s.n, 3);
    assert_false(s.records[0].live);
    assert_false(s.records[0].tombstone);
    assert_ok(s.records[0].error);
    assert_true(s.records[1].live);
    assert_true(s.records[2].tombstone);
    assert_memory_equal(s.records[2].info.object_id, a.object_id, OBJECT_ID_SIZE);
    assert_int_equal(s.records[2].removed.pack, a.place.pack);
    assert_int_equal(s.records[2].removed.offset, a.place.offset);
    packs_close(p);
    /* Neither key nor bytes are there any more. */
    size_t n;
    uint8_t *file = slurp(sc, PACK_1, &n);
    for (size_t i = a.place.offset + 192; i < a.end; i++)
        assert_int_equal(file[i], 0);
    for (size_t i = a.place.offset + 80; i < a.place.offset + 172; i++)
        assert_int_equal(file[i], 0);
    free(file);
}

static void removing_what_is_not_there_is_an_error(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_info a = put_ok(p, 1, 10, 3000);
    struct pack_reader *r;
    struct scanned s;
    assert_err(pack_remove(p, (struct pack_place){9, 4096}, NULL), E_NOTFOUND);
    assert_err(pack_remove(p, (struct pack_place){1, 0}, NULL), E_NOTFOUND);
    assert_err(pack_remove(p, (struct pack_place){1, a.end}, NULL), E_NOTFOUND);
    assert_err(pack_remove(p, (struct pack_place){1, 4096 + 64}, NULL), E_DAMAGED);
    assert_err(pack_remove(p, (struct pack_place){1, 4097}, NULL), E_NOTFOUND);
    assert_err(pack_read(p, (struct pack_place){1, UINT64_MAX - 63}, &r, NULL), E_NOTFOUND);
    assert_err(pack_read(p, (struct pack_place){1, 4096 + 64}, &r, NULL), E_DAMAGED);
    assert_err(pack_read(p, (struct pack_place){7, 4096}, &r, NULL), E_NOTFOUND);
    assert_ok(pack_remove(p, a.place, NULL));
    scan(p, 1, 0, &s);
    struct pack_place tombstone = s.records[1].info.place;
    assert_err(pack_remove(p, tombstone, NULL), E_NOTFOUND);
    assert_err(pack_read(p, tombstone, &r, NULL), E_NOTFOUND);
    packs_close(p);
}

static void a_reader_learns_that_its_object_was_removed(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_info a = put_ok(p, 1, 10, 1000000);
    struct pack_reader *r;
    static uint8_t buf[CHUNK];
    size_t n;
    assert_ok(pack_read(p, a.place, &r, NULL));
    assert_ok(pack_remove(p, a.place, NULL));
    assert_err(pack_read_at(r, 500000, buf, sizeof buf, &n), E_NOTFOUND);
    assert_non_null(strstr(pack_reader_diag(r)->text, "removed"));
    pack_reader_free(r);
    packs_close(p);
}

static void a_restored_pack_is_settled(void **state)
{
    struct scratch *sc = *state;
    struct packs_options o = test_options(sc);
    struct packs *p;
    size_t n;
    uint64_t removed;
    o.size_max = 8192;
    assert_ok(packs_open(&o, &p, NULL));
    struct pack_info a = put_ok(p, 1, 10, 9000), b = put_ok(p, 2, 10, 9000);
    assert_int_equal(a.place.pack, 1);
    assert_int_equal(b.place.pack, 2);
    uint8_t *backup = slurp(sc, PACK_1, &n);
    assert_ok(pack_remove(p, a.place, NULL));
    packs_close(p);
    spill(sc, PACK_1, backup, n);
    assert_ok(packs_open(&o, &p, NULL));
    assert_ok(get(p, a.place, 1, 9000));
    assert_ok(packs_settle(p, &removed, NULL));
    assert_int_equal(removed, 1);
    assert_err(get(p, a.place, 1, 9000), E_NOTFOUND);
    assert_ok(get(p, b.place, 2, 9000));
    assert_ok(packs_settle(p, &removed, NULL));
    assert_int_equal(removed, 0);
    packs_close(p);
    free(backup);
}

static void scanning_goes_on_from_a_position(void **state)
{
    struct packs *p = open_packs(*state);
    struct scanned s;
    struct pack_info info[5];
    for (size_t i = 0; i < 5; i++)
        info[i] = put_ok(p, i, 100, 100 + i * 60000);
    scan(p, 1, info[2].end, &s);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.records[0].info.place.offset, info[3].place.offset);
    assert_int_equal(s.end, info[4].end);
    assert_true(same_info(&s.records[1].info, &info[4]));
    scan(p, 1, s.end, &s);
    assert_int_equal(s.n, 0);
    scan(p, 1, s.end + 100000, &s);
    assert_int_equal(s.n, 0);
    packs_close(p);
}

static err_t stop_at_second(void *ctx, const struct pack_record *r)
{
    (void)r;
    return ++*(int *)ctx == 2 ? E_CANCELLED : OK;
}

static err_t count_pack(void *ctx, const struct pack_summary *s)
{
    uint64_t *sum = ctx;
    *sum += s->end;
    assert_false(s->damaged);
    return OK;
}

static void callbacks_end_what_calls_them(void **state)
{
    struct packs *p = open_packs(*state);
    int n = 0;
    uint64_t end = 77, sum = 0;
    for (uint64_t i = 0; i < 3; i++)
        put_ok(p, i, 10, 10);
    assert_err(pack_scan(p, 1, 0, stop_at_second, &n, &end, NULL), E_CANCELLED);
    assert_int_equal(n, 2);
    assert_int_equal(end, 77);
    assert_err(pack_scan(p, 2, 0, stop_at_second, &n, &end, NULL), E_NOTFOUND);
    assert_ok(packs_each(p, count_pack, &sum));
    assert_int_equal(sum, 4096 + 3 * 256);
    packs_close(p);
}

static void read_only_sets_change_nothing(void **state)
{
    struct packs_options o = test_options(*state);
    struct packs *p = open_packs(*state);
    struct pack_info a = put_ok(p, 1, 10, 5000);
    struct pack_writer *w;
    uint64_t removed;
    packs_close(p);
    o.read_only = true;
    assert_ok(packs_open(&o, &p, NULL));
    assert_ok(get(p, a.place, 1, 5000));
    assert_err(pack_begin(p, &w, NULL), E_DENIED);
    assert_err(pack_remove(p, a.place, NULL), E_DENIED);
    assert_err(packs_settle(p, &removed, NULL), E_DENIED);
    packs_close(p);
}

static void two_sets_do_not_write_to_one_folder(void **state)
{
    struct packs_options o = test_options(*state);
    struct packs *p = open_packs(*state), *second;
    struct diag d = {0};
    assert_err(packs_open(&o, &second, &d), E_BUSY);
    assert_non_null(strstr(d.text, "in use"));
    o.read_only = true;
    assert_ok(packs_open(&o, &second, &d));
    packs_close(second);
    packs_close(p);
}

static void space_held_ahead_is_given_back(void **state)
{
    struct scratch *sc = *state;
    struct packs *p = open_packs(sc);
    struct stat st;
    put_ok(p, 1, 10, 5000);
    assert_int_equal(fstatat(sc->fd, PACK_1, &st, 0), 0);
    assert_true(st.st_blocks * 512 > 1000000);
    packs_close(p);
    assert_int_equal(fstatat(sc->fd, PACK_1, &st, 0), 0);
    assert_true(st.st_blocks * 512 < 40000);
}

static void the_reserve_is_not_touched(void **state)
{
    struct packs_options o = test_options(*state);
    struct packs *p;
    struct pack_info info;
    struct diag d = {0};
    o.reserve = UINT64_MAX / 4;
    assert_ok(packs_open(&o, &p, NULL));
    assert_err(put(p, 1, 10, 5000, &info, &d), E_NOSPACE);
    assert_non_null(strstr(d.text, "full"));
    assert_err(put(p, 1, 10, 900000, &info, &d), E_NOSPACE);
    packs_close(p);
    /* Removal works all the same. */
    p = open_packs(*state);
    struct pack_info a = put_ok(p, 3, 10, 5000);
    packs_close(p);
    assert_ok(packs_open(&o, &p, NULL));
    assert_ok(pack_remove(p, a.place, NULL));
    packs_close(p);
}

static void another_key_is_refused_and_nothing_is_touched(void **state)
{
    struct packs_options o = test_options(*state);
    static const struct key other = {{9, 9, 9}};
    struct packs *p = open_packs(*state);
    struct diag d = {0};
    size_t n, m;
    put_ok(p, 1, 10, 5000);
    packs_close(p);
    uint8_t *before = slurp(*state, PACK_1, &n);
    o.key = &other;
    assert_err(packs_open(&o, &p, &d), E_DENIED);
    uint8_t *after = slurp(*state, PACK_1, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
}

static void foreign_files_are_let_be(void **state)
{
    struct scratch *sc = *state;
    static const char *const names[] = {"00000001.pack.bak", "1.pack",        "00000000.pack",
                                        "abcdefgh.pack",     "00000001.PACK", "-0000001.pack"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        spill(sc, names[i], (const uint8_t *)"x", 1);
    struct packs *p = open_packs(sc);
    assert_int_equal(packs_repair(p).packs, 0);
    assert_int_equal(put_ok(p, 1, 10, 10).place.pack, 1);
    packs_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(gives_back_what_was_written),
        SCRATCH_TEST(reads_any_part),
        SCRATCH_TEST(keeps_flags_times_and_ids),
        SCRATCH_TEST(nothing_readable_stands_on_disk),
        SCRATCH_TEST(an_abandoned_object_leaves_nothing),
        SCRATCH_TEST(wrong_order_is_refused),
        SCRATCH_TEST(a_full_pack_is_closed_for_good),
        SCRATCH_TEST(each_writer_has_a_pack_of_its_own),
        SCRATCH_TEST(a_removed_object_is_gone_and_its_space_free),
        SCRATCH_TEST(removing_what_is_not_there_is_an_error),
        SCRATCH_TEST(a_reader_learns_that_its_object_was_removed),
        SCRATCH_TEST(a_restored_pack_is_settled),
        SCRATCH_TEST(scanning_goes_on_from_a_position),
        SCRATCH_TEST(callbacks_end_what_calls_them),
        SCRATCH_TEST(read_only_sets_change_nothing),
        SCRATCH_TEST(two_sets_do_not_write_to_one_folder),
        SCRATCH_TEST(space_held_ahead_is_given_back),
        SCRATCH_TEST(the_reserve_is_not_touched),
        SCRATCH_TEST(another_key_is_refused_and_nothing_is_touched),
        SCRATCH_TEST(foreign_files_are_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
