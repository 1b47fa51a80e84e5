/* What the tests of `store` share: a scratch folder each, packs with contents that can be told
 * apart, threads. */
#ifndef LASTRA_TESTS_STORE_TEST_H
#define LASTRA_TESTS_STORE_TEST_H

#include "unit.h"

/* clang-format off */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
/* clang-format on */

#include "io/file.h"
#include "store/pack.h"

struct scratch {
    char path[64];
    int fd;
};

static inline int scratch_remove_one_(const char *path, const struct stat *st, int kind,
                                      struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static inline int scratch_make_(void **state, const char *where)
{
    struct scratch *s = calloc(1, sizeof *s);
    snprintf(s->path, sizeof s->path, "%s/lastra-store-XXXXXX", where);
    if (!mkdtemp(s->path) || dir_open(AT_FDCWD, s->path, &s->fd, NULL) != OK)
        return 1;
    *state = s;
    return 0;
}

/* For cmocka_unit_test_setup_teardown. */
static inline int scratch_setup(void **state)
{
    return scratch_make_(state, "/tmp");
}

/* On memory where there is some: for tests that sync a thousand times. */
static inline int scratch_setup_memory(void **state)
{
    return scratch_make_(state, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline int scratch_teardown(void **state)
{
    struct scratch *s = *state;
    close(s->fd);
    nftw(s->path, scratch_remove_one_, 16, FTW_DEPTH | FTW_PHYS);
    free(s);
    return 0;
}

#define MEMORY_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, scratch_setup_memory, scratch_teardown)
#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

/* The whole file, malloc'd. */
static inline uint8_t *slurp(const struct scratch *s, const char *name, size_t *ret_n)
{
    int fd;
    uint64_t size;
    assert_ok(file_open(s->fd, name, FILE_READ, &fd, NULL));
    assert_ok(file_size(fd, &size, NULL));
    uint8_t *p = malloc(size ? size : 1);
    assert_ok(file_read_at(fd, 0, p, size, NULL));
    file_close(&fd);
    *ret_n = size;
    return p;
}

static inline void spill(const struct scratch *s, const char *name, const uint8_t *p, size_t n)
{
    int fd;
    assert_ok(file_open(s->fd, name, FILE_OPEN_OR_CREATE, &fd, NULL));
    assert_ok(file_truncate(fd, 0, NULL));
    assert_ok(file_write_at(fd, 0, p, n, NULL));
    file_close(&fd);
}

static const struct key TEST_KEY = {{7, 1, 2, 3, 4, 5, 6, 8, 9}};

static inline struct packs_options test_options(const struct scratch *s)
{
    return (struct packs_options){.dir = s->fd, .key = &TEST_KEY};
}

static inline struct packs *open_packs(const struct scratch *s)
{
    struct packs_options o = test_options(s);
    struct packs *p;
    struct diag d = {0};
    err_t e = packs_open(&o, &p, &d);
    if (e != OK)
        print_error("%s\n", diag_text(&d, e));
    assert_ok(e);
    return p;
}

/* Byte i of the object that `seed` names: no period that a chunk or a sector could share. */
static inline uint8_t test_byte(uint64_t seed, uint64_t i)
{
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + i * 0xd1342543de82ef95u;
    x ^= x >> 29;
    return (uint8_t)(x * 0xbf58476d1ce4e5b9u >> 56);
}

static inline uint8_t *test_bytes(uint64_t seed, size_t n)
{
    /* Not malloc: the tests that fail allocations do not mean this one. */
    void *p = NULL;
    if (posix_memalign(&p, 16, n ? n : 1) != 0)
        abort();
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = test_byte(seed, i);
    return p;
}

static inline err_t put(struct packs *p, uint64_t seed, size_t head, size_t size,
                        struct pack_info *ret, struct diag *d)
{
    struct pack_writer *w;
    uint8_t digest[DIGEST_SIZE] = {0};
    memcpy(digest, &seed, sizeof seed);
    TRY(pack_begin(p, &w, d));
    uint8_t *bytes = test_bytes(seed, size);
    err_t e = pack_head(w, str_of(bytes, head));
    for (size_t at = head; e == OK && at < size; at += 10007)
        e = pack_body(w, str_slice(str_of(bytes, size), at, 10007));
    free(bytes);
    return pack_commit(w, digest, 0, ret, d);
}

static inline struct pack_info put_ok(struct packs *p, uint64_t seed, size_t head, size_t size)
{
    struct pack_info info = {0};
    struct diag d = {0};
    err_t e = put(p, seed, head, size, &info, &d);
    if (e != OK)
        print_error("%s\n", diag_text(&d, e));
    assert_ok(e);
    return info;
}

/* Whether the object at a place is the one that seed names, bit for bit; else the error. */
static inline err_t get(struct packs *p, struct pack_place at, uint64_t seed, size_t size)
{
    struct pack_reader *r;
    TRY(pack_read(p, at, &r, NULL));
    uint8_t *want = test_bytes(seed, size), *got = malloc(size + 1);
    size_t n = 0;
    err_t e = pack_read_at(r, 0, got, size + 1, &n);
    if (e == OK && (n != size || memcmp(want, got, size) != 0 ||
                    memcmp(pack_reader_info(r)->digest, &seed, sizeof seed) != 0))
        e = E_CONFLICT;
    free(want);
    free(got);
    pack_reader_free(r);
    return e;
}

static inline bool same_place(struct pack_place a, struct pack_place b)
{
    return a.pack == b.pack && a.offset == b.offset;
}

static inline bool same_info(const struct pack_info *a, const struct pack_info *b)
{
    return same_place(a->place, b->place) && a->head_size == b->head_size && a->size == b->size &&
           a->received_us == b->received_us && a->flags == b->flags && a->end == b->end &&
           memcmp(a->object_id, b->object_id, OBJECT_ID_SIZE) == 0 &&
           memcmp(a->digest, b->digest, DIGEST_SIZE) == 0;
}

/* Everything a scan says. */
struct scanned {
    struct pack_record records[256];
    size_t n;
    uint64_t end;
};

static inline err_t scan_one_(void *ctx, const struct pack_record *r)
{
    struct scanned *s = ctx;
    assert_true(s->n < 256);
    s->records[s->n++] = *r;
    return OK;
}

static inline void scan(struct packs *p, uint32_t pack, uint64_t from, struct scanned *ret)
{
    ret->n = 0;
    assert_ok(pack_scan(p, pack, from, scan_one_, ret, &ret->end, NULL));
}

static const char PACK_1[] = "00000001.pack", PACK_2[] = "00000002.pack";

#endif
