/* A folder of its own for a test, removed with everything in it. */
#ifndef LASTRA_TESTS_IO_SCRATCH_H
#define LASTRA_TESTS_IO_SCRATCH_H

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "io/file.h"

struct scratch {
    char path[64];
    int fd;
};

static inline struct scratch *scratch_new(void)
{
    struct scratch *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->path, sizeof s->path, "/tmp/lastra-unit-XXXXXX");
    assert_non_null(mkdtemp(s->path));
    s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(s->fd >= 0);
    return s;
}

static inline int scratch_remove_(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static inline void scratch_free(struct scratch *s)
{
    close(s->fd);
    assert_int_equal(nftw(s->path, scratch_remove_, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(s);
}

/* The path of a name in it; the view of the text lives in buf. */
static inline const char *scratch_path(const struct scratch *s, const char *name, char buf[256])
{
    snprintf(buf, 256, "%s/%s", s->path, name);
    return buf;
}

static inline int scratch_setup(void **state)
{
    *state = scratch_new();
    return 0;
}

static inline int scratch_teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

#endif
