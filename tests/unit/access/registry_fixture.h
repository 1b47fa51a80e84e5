/* A registry in a fresh database under /tmp, opened as often as a test likes. */
#ifndef LASTRA_TESTS_REGISTRY_FIXTURE_H
#define LASTRA_TESTS_REGISTRY_FIXTURE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "access/access.h"
#include "io/file.h"

struct registry_fixture {
    char path[64], uri[128];
    struct access *access;
};

static struct diag d;
static const struct key fixture_key = {{7}};

/* Another connection to the same database, as another process would have. */
static inline struct access *fixture_open(const struct registry_fixture *f)
{
    struct sql *sql;
    struct access *a;
    assert_ok(sql_open(&(struct sql_options){.uri = f->uri,
                                             .key = &fixture_key,
                                             .create = true,
                                             .checkpoints = true,
                                             .busy_ms = 5000},
                       &sql, &d));
    assert_ok(access_open(&(struct access_options){.sql = sql}, &a, &d));
    return a;
}

static inline int fixture_set_up(void **state)
{
    struct registry_fixture *f = calloc(1, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/lastra-registry-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->uri, sizeof f->uri, "sqlcipher:%s/index.db", f->path);
    f->access = fixture_open(f);
    *state = f;
    return 0;
}

static inline err_t fixture_remove_one(void *ctx, const char *name)
{
    return file_remove(*(int *)ctx, name, &d);
}

static inline int fixture_tear_down(void **state)
{
    struct registry_fixture *f = *state;
    int dir = -1;
    access_close(f->access);
    assert_ok(dir_open(AT_FDCWD, f->path, &dir, &d));
    assert_ok(dir_each(dir, fixture_remove_one, &dir, &d));
    file_close(&dir);
    assert_int_equal(rmdir(f->path), 0);
    free(f);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

#endif
