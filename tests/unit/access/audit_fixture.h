/* An audit trail in a fresh folder under /tmp, and its file's bytes to meddle with. */
#ifndef LASTRA_TESTS_AUDIT_FIXTURE_H
#define LASTRA_TESTS_AUDIT_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "access/audit.h"
#include "io/file.h"
#include "store/chain.h"

#define FIRST_LOG "00000001.log"

struct trail {
    char path[64];
    int dir;
    struct audit *audit;
};

static struct diag d;
static const struct key trail_key = {{9, 8, 7}};

static inline void trail_open_with(struct trail *t, const struct key *key)
{
    assert_ok(
        audit_open(&(struct audit_options){.dir = t->dir, .key = key, .source_id = STR("LASTRA")},
                   &t->audit, &d));
}

static inline void trail_close(struct trail *t)
{
    audit_close(t->audit);
    t->audit = NULL;
}

static inline int trail_set_up(void **state)
{
    struct trail *t = calloc(1, sizeof *t);
    snprintf(t->path, sizeof t->path, "/tmp/lastra-audit-XXXXXX");
    assert_non_null(mkdtemp(t->path));
    assert_ok(dir_open(AT_FDCWD, t->path, &t->dir, &d));
    trail_open_with(t, &trail_key);
    *state = t;
    return 0;
}

static inline err_t trail_remove_one(void *ctx, const char *name)
{
    return file_remove(*(int *)ctx, name, &d);
}

static inline int trail_tear_down(void **state)
{
    struct trail *t = *state;
    trail_close(t);
    assert_ok(dir_each(t->dir, trail_remove_one, &t->dir, &d));
    file_close(&t->dir);
    assert_int_equal(rmdir(t->path), 0);
    free(t);
    return 0;
}

/* All lines of the trail as one text, each ended, after checking that it is whole. */
struct lines {
    struct wr w;
    uint64_t n;
};

static inline err_t lines_one(void *ctx, uint64_t n, struct str json)
{
    struct lines *l = ctx;
    l->n = n;
    wr_put(&l->w, json);
    wr_u8(&l->w, '\n');
    return OK;
}

static inline struct lines trail_lines(struct trail *t)
{
    struct lines l = {.w = wr_heap(64 << 20)};
    struct chain_report r;
    assert_ok(chain_verify(t->dir, &trail_key, lines_one, &l, &r, &d));
    assert_false(l.w.bad);
    assert_int_equal(r.lines, l.n);
    return l;
}

static inline bool lines_have(const struct lines *l, const char *text)
{
    return memmem(l->w.p, l->w.n, text, strlen(text)) != NULL;
}

static inline size_t lines_count(const struct lines *l, const char *text)
{
    size_t n = 0;
    const uint8_t *p = l->w.p, *end = l->w.p + l->w.n;
    while ((p = memmem(p, (size_t)(end - p), text, strlen(text)))) {
        n++;
        p++;
    }
    return n;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, trail_set_up, trail_tear_down)

#endif
