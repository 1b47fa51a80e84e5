/* What a crash or a bad disk leaves, place by place. */
#include "store_test.h"

enum { LEADER = 192, SMALL = 700 };

/* A pack with three objects, closed in order or as a crash leaves it: without the last mark. */
struct built {
    struct pack_info info[3];
    uint8_t *bytes;
    size_t n;
};

static const size_t SIZES[3] = {SMALL, 70000, SMALL};

static struct built build(const struct scratch *s)
{
    struct built b;
    struct packs *p = open_packs(s);
    for (size_t i = 0; i < 3; i++)
        b.info[i] = put_ok(p, i, 100, SIZES[i]);
    b.bytes = slurp(s, PACK_1, &b.n);
    assert_int_equal(b.n, b.info[2].end);
    packs_close(p);
    return b;
}

/* Opens what stands there and says which of the three objects are whole. */
static unsigned whole(const struct scratch *s, const struct built *b, struct packs_repair *ret)
{
    struct packs *p = open_packs(s);
    unsigned mask = 0;
    for (unsigned i = 0; i < 3; i++)
        if (get(p, b->info[i].place, i, SIZES[i]) == OK)
            mask |= 1u << i;
    *ret = packs_repair(p);
    packs_close(p);
    return mask;
}

/* A new object can be written, and found after a new start, whatever was there. */
static void goes_on(const struct scratch *s)
{
    struct packs *p = open_packs(s);
    struct pack_info info = put_ok(p, 99, 100, 5000);
    packs_close(p);
    p = open_packs(s);
    assert_ok(get(p, info.place, 99, 5000));
    struct scanned sc;
    scan(p, info.place.pack, info.place.offset, &sc);
    assert_int_equal(sc.n, 1);
    assert_true(sc.records[0].live);
    packs_close(p);
}

static void a_record_cut_short_anywhere_is_torn(void **state)
{
    struct built b = build(*state);
    size_t last = b.info[2].place.offset;
    for (size_t n = last; n < b.n; n++) {
        struct packs_repair r;
        spill(*state, PACK_1, b.bytes, n);
        assert_int_equal(whole(*state, &b, &r), 3);
        assert_int_equal(r.unclean, 1);
        assert_int_equal(r.torn, n > last);
        assert_int_equal(r.torn_bytes, n - last);
        assert_int_equal(r.damaged, 0);
        if (n % 97 == 0)
            goes_on(*state);
    }
    free(b.bytes);
}

/* Power lost: the file has its length, and some sectors were never written. */
static void a_record_with_sectors_missing_is_torn(void **state)
{
    struct scratch *s = *state;
    struct packs *p = open_packs(s);
    struct pack_info a = put_ok(p, 0, 100, SMALL), last = put_ok(p, 1, 100, 70000);
    size_t n;
    uint8_t *bytes = slurp(s, PACK_1, &n), *torn = malloc(n);
    packs_close(p);
    for (size_t sector = last.place.offset / 512; sector * 512 < n; sector++) {
        size_t from = sector * 512, to = from + 512;
        from = from < last.place.offset ? last.place.offset : from;
        to = to > n ? n : to;
        memcpy(torn, bytes, n);
        memset(torn + from, 0, to - from);
        spill(s, PACK_1, torn, n);
        p = open_packs(s);
        struct packs_repair r = packs_repair(p);
        /* The padding at the end means nothing. */
        bool padding = n - from < 64;
        assert_int_equal(r.torn, !padding);
        assert_int_equal(r.damaged, 0);
        assert_ok(get(p, a.place, 0, SMALL));
        packs_close(p);
    }
    free(bytes);
    free(torn);
}

/* Damage is not a crash: what was acknowledged stays where it is, and says so. */
static void a_flipped_bit_is_found_and_nothing_is_cut(void **state)
{
    struct built b = build(*state);
    struct {
        size_t at;
        const char *field;
    } places[] = {{0, "magic"},
                  {8, "kind"},
                  {12, "flags"},
                  {16, "object id"},
                  {32, "offset"},
                  {40, "head size"},
                  {48, "size"},
                  {56, "time"},
                  {64, "check"},
                  {80, "nonce"},
                  {92, "key"},
                  {124, "digest"},
                  {156, "key's tag"},
                  {LEADER, "head"},
                  {LEADER + 100, "head's tag"},
                  {LEADER + 116, "chunk"},
                  {LEADER + SMALL + 16, "chunk's tag"}};
    for (unsigned victim = 0; victim < 3; victim += 2)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            struct packs_repair r;
            size_t at = b.info[victim].place.offset + places[i].at;
            b.bytes[at] ^= 4;
            spill(*state, PACK_1, b.bytes, b.n);
            unsigned mask = whole(*state, &b, &r);
            if (mask != (7u & ~(1u << victim)) || r.torn != 0)
                fail_msg("a flip in the %s of record %u: whole %u, torn %u", places[i].field,
                         victim, mask, r.torn);
            goes_on(*state);
            b.bytes[at] ^= 4;
        }
    free(b.bytes);
}

static void every_flipped_bit_of_a_leader_is_found(void **state)
{
    struct built b = build(*state);
    for (size_t at = 0; at < 172; at++) {
        struct packs_repair r;
        uint8_t *byte = &b.bytes[b.info[0].place.offset + at];
        *byte ^= (uint8_t)(1u << at % 8);
        spill(*state, PACK_1, b.bytes, b.n);
        assert_int_equal(whole(*state, &b, &r), 6);
        assert_int_equal(r.torn, 0);
        *byte ^= (uint8_t)(1u << at % 8);
    }
    free(b.bytes);
}

static void damage_in_the_middle_is_reported_and_passed_over(void **state)
{
    struct built b = build(*state);
    struct scanned s;
    struct packs *p;
    /* The leader: found again by looking for the next one. */
    b.bytes[b.info[1].place.offset + 50] ^= 1;
    spill(*state, PACK_1, b.bytes, b.n);
    p = open_packs(*state);
    assert_int_equal(packs_repair(p).damaged, 1);
    scan(p, 1, 0, &s);
    assert_int_equal(s.n, 3);
    assert_err(s.records[1].error, E_DAMAGED);
    assert_false(s.records[1].live);
    assert_int_equal(s.records[1].info.place.offset, b.info[1].place.offset);
    assert_int_equal(s.records[1].info.end, b.info[2].place.offset);
    assert_true(s.records[2].live);
    packs_close(p);
    b.bytes[b.info[1].place.offset + 50] ^= 1;
    /* The key: the length can still be trusted. */
    b.bytes[b.info[1].place.offset + 95] ^= 1;
    spill(*state, PACK_1, b.bytes, b.n);
    p = open_packs(*state);
    scan(p, 1, 0, &s);
    assert_int_equal(s.n, 3);
    assert_err(s.records[1].error, E_DAMAGED);
    assert_int_equal(s.records[1].info.size, SIZES[1]);
    assert_true(s.records[2].live);
    assert_err(get(p, b.info[1].place, 1, SIZES[1]), E_DAMAGED);
    assert_err(pack_check(p, b.info[1].place, NULL), E_DAMAGED);
    packs_close(p);
    free(b.bytes);
}

/* A leader that the disk lost in the middle must not let the start cut what follows it. */
static void a_lost_sector_in_the_middle_cuts_nothing(void **state)
{
    struct built b = build(*state);
    struct packs_repair r;
    memset(b.bytes + b.info[1].place.offset, 0, 4096);
    spill(*state, PACK_1, b.bytes, b.n);
    assert_int_equal(whole(*state, &b, &r), 5);
    assert_int_equal(r.torn, 0);
    assert_int_equal(r.damaged, 1);
    goes_on(*state);
    free(b.bytes);
}

static void bytes_of_an_unfinished_object_are_cut(void **state)
{
    struct built b = build(*state);
    struct packs_repair r;
    /* The leader's place is empty until the commit. */
    size_t n = b.n + 300000;
    uint8_t *more = realloc(b.bytes, n);
    for (size_t i = b.n; i < n; i++)
        more[i] = i < b.n + LEADER ? 0 : test_byte(5, i);
    spill(*state, PACK_1, more, n);
    assert_int_equal(whole(*state, &b, &r), 7);
    assert_int_equal(r.torn_bytes, 300000);
    goes_on(*state);
    free(more);
}

static void a_damaged_header_costs_no_object(void **state)
{
    struct built b = build(*state);
    struct packs_repair r;
    struct pack_info info;
    for (size_t at = 0; at < 56; at += 5) {
        b.bytes[at] ^= 1;
        spill(*state, PACK_1, b.bytes, b.n);
        assert_int_equal(whole(*state, &b, &r), 7);
        assert_int_equal(r.damaged, 1);
        b.bytes[at] ^= 1;
    }
    b.bytes[20] ^= 1;
    spill(*state, PACK_1, b.bytes, b.n);
    struct packs *p = open_packs(*state);
    info = put_ok(p, 9, 10, 100);
    assert_int_equal(info.place.pack, 2);
    packs_close(p);
    free(b.bytes);
}

static void a_damaged_mark_costs_a_look_through(void **state)
{
    struct built b = build(*state);
    struct packs_repair r;
    size_t n;
    uint8_t *closed = slurp(*state, PACK_1, &n);
    assert_int_equal(whole(*state, &b, &r), 7);
    assert_int_equal(r.unclean, 0);
    for (size_t at = 512; at < 548; at++) {
        closed[at] ^= 1;
        spill(*state, PACK_1, closed, n);
        assert_int_equal(whole(*state, &b, &r), 7);
        assert_int_equal(r.unclean, 1);
        assert_int_equal(r.torn + r.damaged, 0);
        closed[at] ^= 1;
    }
    free(closed);
    free(b.bytes);
}

static void a_pack_that_was_only_being_made_is_taken_up(void **state)
{
    struct packs *p = open_packs(*state);
    put_ok(p, 1, 10, 100);
    packs_close(p);
    size_t n;
    uint8_t *bytes = slurp(*state, PACK_1, &n), zeros[4096] = {0};
    const size_t lengths[] = {0, 1, 64, 511, 547, 600, 4095};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        spill(*state, PACK_1, bytes, lengths[i]);
        p = open_packs(*state);
        assert_int_equal(put_ok(p, 1, 10, 100).place.pack, 1);
        packs_close(p);
    }
    spill(*state, PACK_1, zeros, sizeof zeros);
    goes_on(*state);
    free(bytes);
}

static void a_pack_under_another_number_is_not_believed(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_info a = put_ok(p, 1, 10, 3000);
    packs_close(p);
    size_t n;
    uint8_t *bytes = slurp(*state, PACK_1, &n);
    spill(*state, PACK_2, bytes, n);
    p = open_packs(*state);
    assert_int_equal(packs_repair(p).damaged, 1);
    assert_ok(get(p, a.place, 1, 3000));
    a.place.pack = 2;
    assert_err(get(p, a.place, 1, 3000), E_DAMAGED);
    packs_close(p);
    free(bytes);
}

static void a_record_moved_to_another_place_is_not_believed(void **state)
{
    struct built b = build(*state);
    struct scanned s;
    size_t n = b.info[0].end - b.info[0].place.offset;
    uint8_t *more = realloc(b.bytes, b.n + n);
    memcpy(more + b.n, more + b.info[0].place.offset, n);
    spill(*state, PACK_1, more, b.n + n);
    struct packs *p = open_packs(*state);
    assert_int_equal(packs_repair(p).torn, 0);
    scan(p, 1, 0, &s);
    assert_int_equal(s.n, 4);
    assert_err(s.records[3].error, E_DAMAGED);
    packs_close(p);
    free(more);
}

static void chunks_cannot_change_places(void **state)
{
    struct packs *p = open_packs(*state);
    struct pack_info a = put_ok(p, 1, 0, 3 * PACK_CHUNK);
    packs_close(p);
    size_t n, sealed = PACK_CHUNK + 16;
    uint8_t *bytes = slurp(*state, PACK_1, &n), *tmp = malloc(sealed);
    uint8_t *first = bytes + a.place.offset + LEADER, *second = first + sealed;
    memcpy(tmp, first, sealed);
    memcpy(first, second, sealed);
    memcpy(second, tmp, sealed);
    spill(*state, PACK_1, bytes, n);
    p = open_packs(*state);
    assert_err(get(p, a.place, 1, 3 * PACK_CHUNK), E_DAMAGED);
    packs_close(p);
    free(tmp);
    free(bytes);
}

/* Tombstone on disk, removal not carried out: the next start does it. */
static void a_removal_is_finished_after_a_crash(void **state)
{
    struct scratch *s = *state;
    struct packs *p = open_packs(s);
    struct pack_info a = put_ok(p, 0, 100, 70000), b = put_ok(p, 1, 100, SMALL);
    size_t n, m;
    uint8_t *before = slurp(s, PACK_1, &n);
    assert_ok(pack_remove(p, a.place, NULL));
    uint8_t *after = slurp(s, PACK_1, &m);
    packs_close(p);
    /* Every mixture of old and new bytes of the object, with the tombstone there. */
    for (size_t done = 0; done <= 92; done += 23) {
        uint8_t *mixed = malloc(m);
        memcpy(mixed, after, m);
        memcpy(mixed + a.place.offset, before + a.place.offset, a.end - a.place.offset);
        memset(mixed + a.place.offset + 80, 0, done);
        spill(s, PACK_1, mixed, m);
        p = open_packs(s);
        assert_int_equal(packs_repair(p).removals, done < 92);
        assert_err(get(p, a.place, 0, 70000), E_NOTFOUND);
        assert_ok(get(p, b.place, 1, SMALL));
        packs_close(p);
        p = open_packs(s);
        assert_int_equal(packs_repair(p).removals, 0);
        assert_int_equal(packs_repair(p).unclean, 0);
        packs_close(p);
        free(mixed);
    }
    /* Without the tombstone the object was not removed. */
    spill(s, PACK_1, before, n);
    p = open_packs(s);
    assert_ok(get(p, a.place, 0, 70000));
    packs_close(p);
    free(before);
    free(after);
}

static void a_removed_record_at_the_end_is_not_torn(void **state)
{
    struct scratch *s = *state;
    struct packs_options o = test_options(s);
    struct packs *p;
    struct packs_repair r;
    size_t n;
    o.size_max = 8192;
    assert_ok(packs_open(&o, &p, NULL));
    struct pack_info a = put_ok(p, 0, 100, 70000), b = put_ok(p, 1, 100, SMALL);
    assert_ok(pack_remove(p, a.place, NULL));
    packs_close(p);
    uint8_t *bytes = slurp(s, PACK_1, &n);
    memset(bytes + 512, 0, 36); /* no mark: it is looked through */
    spill(s, PACK_1, bytes, n);
    assert_ok(packs_open(&o, &p, NULL));
    r = packs_repair(p);
    assert_int_equal(r.unclean, 1);
    assert_int_equal(r.torn + r.damaged, 0);
    assert_ok(get(p, b.place, 1, SMALL));
    packs_close(p);
    free(bytes);
}

static void a_read_only_set_sees_past_the_torn_end_and_leaves_it(void **state)
{
    struct built b = build(*state);
    struct packs_options o = test_options(*state);
    struct packs *p;
    struct scanned s;
    size_t n;
    o.read_only = true;
    spill(*state, PACK_1, b.bytes, b.n - 100);
    assert_ok(packs_open(&o, &p, NULL));
    assert_int_equal(packs_repair(p).torn, 1);
    scan(p, 1, 0, &s);
    assert_int_equal(s.n, 2);
    packs_close(p);
    uint8_t *after = slurp(*state, PACK_1, &n);
    assert_int_equal(n, b.n - 100);
    free(after);
    free(b.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(a_record_cut_short_anywhere_is_torn),
        MEMORY_TEST(a_record_with_sectors_missing_is_torn),
        MEMORY_TEST(a_flipped_bit_is_found_and_nothing_is_cut),
        MEMORY_TEST(every_flipped_bit_of_a_leader_is_found),
        MEMORY_TEST(damage_in_the_middle_is_reported_and_passed_over),
        MEMORY_TEST(a_lost_sector_in_the_middle_cuts_nothing),
        MEMORY_TEST(bytes_of_an_unfinished_object_are_cut),
        MEMORY_TEST(a_damaged_header_costs_no_object),
        MEMORY_TEST(a_damaged_mark_costs_a_look_through),
        MEMORY_TEST(a_pack_that_was_only_being_made_is_taken_up),
        MEMORY_TEST(a_pack_under_another_number_is_not_believed),
        MEMORY_TEST(a_record_moved_to_another_place_is_not_believed),
        MEMORY_TEST(chunks_cannot_change_places),
        MEMORY_TEST(a_removal_is_finished_after_a_crash),
        MEMORY_TEST(a_removed_record_at_the_end_is_not_torn),
        MEMORY_TEST(a_read_only_set_sees_past_the_torn_end_and_leaves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
