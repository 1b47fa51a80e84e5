#include "scratch.h"

#include <sys/stat.h>

#include "io/walk.h"

struct seen {
    char names[4096];
    unsigned files, skipped, stop_at;
    err_t skip_with;
    size_t root;
};

static err_t see(void *ctx, const struct walk_file *f)
{
    struct seen *seen = ctx;
    struct wr w = wr_fixed(seen->names, sizeof seen->names);
    w.n = strlen(seen->names);
    wr_printf(&w, "%s=%zu@%u;", f->path + seen->root, (size_t)f->info.size, f->depth);
    wr_u8(&w, 0);
    assert_int_equal(f->info.kind, FILE_IS_REGULAR);
    return ++seen->files == seen->stop_at ? E_CANCELLED : OK;
}

static err_t skip_it(void *ctx, const char *path, err_t why, const struct diag *d)
{
    struct seen *seen = ctx;
    assert_true(why != OK && path[0] && d->text[0]);
    seen->skipped++;
    return seen->skip_with;
}

static void put(struct scratch *s, const char *name, const char *text)
{
    struct diag d;
    assert_ok(file_save(s->fd, name, 0600, str_z(text), &d));
}

static err_t walk(struct scratch *s, const char *below, struct seen *seen)
{
    struct walk_calls calls = {.each = see, .skip = skip_it, .ctx = seen};
    struct diag d = {0};
    char path[256];
    seen->root = strlen(s->path) + 1;
    return walk_files(below ? scratch_path(s, below, path) : s->path, &calls, &d);
}

static void every_file_is_seen_once(void **state)
{
    struct scratch *s = *state;
    struct seen seen = {.files = 0};
    assert_int_equal(mkdirat(s->fd, "a", 0700), 0);
    assert_int_equal(mkdirat(s->fd, "a/b", 0700), 0);
    assert_int_equal(mkdirat(s->fd, "a/empty", 0700), 0);
    put(s, "top", "1");
    put(s, "a/middle", "22");
    put(s, "a/b/deep", "333");
    assert_int_equal(mkfifoat(s->fd, "pipe", 0600), 0);
    assert_ok(walk(s, NULL, &seen));
    assert_int_equal(seen.files, 3);
    assert_int_equal(seen.skipped, 0);
    assert_non_null(strstr(seen.names, "top=1@1;"));
    assert_non_null(strstr(seen.names, "a/middle=2@2;"));
    assert_non_null(strstr(seen.names, "a/b/deep=3@3;"));
}

static void a_root_may_be_a_file_and_must_be_there(void **state)
{
    struct scratch *s = *state;
    struct seen seen = {.files = 0};
    put(s, "only", "x");
    assert_ok(walk(s, "only", &seen));
    assert_string_equal(seen.names, "only=1@0;");
    assert_err(walk(s, "none", &seen), E_NOTFOUND);
}

static void links_to_files_are_followed_and_to_folders_are_not(void **state)
{
    struct scratch *s = *state;
    struct seen seen = {.files = 0};
    assert_int_equal(mkdirat(s->fd, "a", 0700), 0);
    put(s, "a/file", "12345");
    assert_int_equal(symlinkat("a/file", s->fd, "link"), 0);
    assert_int_equal(symlinkat("..", s->fd, "a/around"), 0);
    assert_int_equal(symlinkat("nowhere", s->fd, "dangling"), 0);
    assert_ok(walk(s, NULL, &seen));
    assert_int_equal(seen.files, 2);
    assert_int_equal(seen.skipped, 1);
    assert_non_null(strstr(seen.names, "link=5@1;"));
}

static void folders_nest_to_a_limit(void **state)
{
    struct scratch *s = *state;
    struct seen seen = {.files = 0};
    int at = dup(s->fd);
    for (int i = 0; i < WALK_DEPTH_MAX + 3; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int below = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        close(at);
        at = below;
    }
    close(at);
    assert_ok(walk(s, NULL, &seen));
    assert_int_equal(seen.skipped, 1);
    seen.skip_with = E_LIMIT;
    assert_err(walk(s, NULL, &seen), E_LIMIT);
}

static void the_first_error_ends_the_walk(void **state)
{
    struct scratch *s = *state;
    struct seen seen = {.stop_at = 2};
    assert_int_equal(mkdirat(s->fd, "a", 0700), 0);
    assert_int_equal(mkdirat(s->fd, "b", 0700), 0);
    put(s, "1", "");
    put(s, "2", "");
    put(s, "3", "");
    assert_err(walk(s, NULL, &seen), E_CANCELLED);
    assert_int_equal(seen.files, 2);
}

#define ON_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCRATCH(every_file_is_seen_once),
        ON_SCRATCH(a_root_may_be_a_file_and_must_be_there),
        ON_SCRATCH(links_to_files_are_followed_and_to_folders_are_not),
        ON_SCRATCH(folders_nest_to_a_limit),
        ON_SCRATCH(the_first_error_ends_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
