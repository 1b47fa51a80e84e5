#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "io/clock.h"

static void put(struct scratch *s, const char *name, const char *text)
{
    struct diag d;
    assert_ok(file_save(s->fd, name, 0600, str_z(text), &d));
}

static void writes_and_reads_at_any_place(void **state)
{
    struct scratch *s = *state;
    struct diag d = {0};
    int fd;
    uint64_t size;
    char buf[16];
    size_t n;
    assert_ok(file_open(s->fd, "a", FILE_CREATE, &fd, &d));
    assert_ok(file_write_at(fd, 5, "world", 5, &d));
    assert_ok(file_write_at(fd, 0, "hello", 5, &d));
    assert_ok(file_size(fd, &size, &d));
    assert_int_equal(size, 10);
    assert_ok(file_read_at(fd, 3, buf, 4, &d));
    assert_memory_equal(buf, "lowo", 4);
    assert_ok(file_read_some(fd, 8, buf, sizeof buf, &n, &d));
    assert_int_equal(n, 2);
    assert_ok(file_read_some(fd, 10, buf, sizeof buf, &n, &d));
    assert_int_equal(n, 0);
    assert_err(file_read_at(fd, 8, buf, 4, &d), E_DAMAGED);
    assert_non_null(strstr(d.text, "byte 10"));
    assert_ok(file_sync(fd, &d));
    assert_ok(file_truncate(fd, 3, &d));
    assert_ok(file_size(fd, &size, &d));
    assert_int_equal(size, 3);
    file_close(&fd);
    assert_int_equal(fd, -1);
    file_close(&fd);
}

static void each_mode_opens_what_it_says(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    int fd;
    assert_err(file_open(s->fd, "a", FILE_READ, &fd, &d), E_NOTFOUND);
    assert_err(file_open(s->fd, "a", FILE_WRITE, &fd, &d), E_NOTFOUND);
    assert_ok(file_open(s->fd, "a", FILE_OPEN_OR_CREATE, &fd, &d));
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    file_close(&fd);
    assert_err(file_open(s->fd, "a", FILE_CREATE, &fd, &d), E_EXISTS);
    assert_ok(file_open(s->fd, "a", FILE_READ, &fd, &d));
    assert_err(file_write_at(fd, 0, "x", 1, &d), E_IO);
    assert_non_null(strstr(d.text, s->path)); /* a descriptor's name is found again */
    file_close(&fd);
    assert_ok(file_open(s->fd, "a", FILE_WRITE, &fd, &d));
    file_close(&fd);
}

static void follows_no_link_under_a_folder_of_ours(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    char path[256];
    int fd;
    put(s, "target", "secret");
    assert_int_equal(symlinkat("target", s->fd, "link"), 0);
    assert_err(file_open(s->fd, "link", FILE_READ, &fd, &d), E_DENIED);
    assert_non_null(strstr(d.text, "symbolic link"));
    assert_err(file_open(s->fd, "link", FILE_OPEN_OR_CREATE, &fd, &d), E_DENIED);
    assert_ok(file_open(s->fd, "link", FILE_READ_LINK, &fd, &d));
    file_close(&fd);
    assert_ok(file_open(AT_FDCWD, scratch_path(s, "link", path), FILE_READ, &fd, &d));
    file_close(&fd);
    assert_int_equal(mkdirat(s->fd, "folder", 0700), 0);
    assert_int_equal(symlinkat("folder", s->fd, "folder-link"), 0);
    assert_err(dir_open(s->fd, "folder-link", &fd, &d), E_NOTFOUND);
    assert_ok(dir_open(AT_FDCWD, scratch_path(s, "folder-link", path), &fd, &d));
    file_close(&fd);
}

static void a_pipe_or_folder_is_no_file_and_nobody_waits(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    int fd;
    assert_int_equal(mkfifoat(s->fd, "pipe", 0600), 0);
    assert_int_equal(mkdirat(s->fd, "folder", 0700), 0);
    assert_err(file_open(s->fd, "pipe", FILE_READ, &fd, &d), E_UNSUPPORTED);
    assert_err(file_open(s->fd, "pipe", FILE_WRITE, &fd, &d), E_UNSUPPORTED);
    assert_err(file_open(s->fd, "folder", FILE_READ, &fd, &d), E_UNSUPPORTED);
    assert_err(file_open(AT_FDCWD, "/dev/zero", FILE_READ, &fd, &d), E_UNSUPPORTED);
}

static void a_full_disk_is_no_space(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    int full = open("/dev/full", O_RDWR | O_CLOEXEC), fd;
    assert_true(full >= 0);
    assert_err(file_write_at(full, 0, "x", 1, &d), E_NOSPACE);
    assert_non_null(strstr(d.text, "/dev/full"));
    close(full);
    /* And so is a limit on the size of files. */
    struct rlimit old, small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    assert_ok(file_open(s->fd, "big", FILE_CREATE, &fd, &d));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char block[8192] = {0};
    err_t e = file_write_at(fd, 0, block, sizeof block, &d);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_err(e, E_NOSPACE);
    file_close(&fd);
}

static void a_bad_descriptor_is_an_error_in_words(void **state)
{
    (void)state;
    struct diag d = {0};
    uint64_t a, b;
    char buf[4];
    assert_err(file_sync(-1, &d), E_IO);
    assert_non_null(strstr(d.text, "cannot sync"));
    assert_err(file_read_at(-1, 0, buf, 4, &d), E_IO);
    assert_err(file_write_at(-1, 0, buf, 4, &d), E_IO);
    assert_err(file_size(-1, &a, &d), E_IO);
    assert_err(file_truncate(-1, 0, &d), E_IO);
    assert_err(file_reserve(-1, 0, 10, &d), E_IO);
    assert_err(file_punch(-1, 0, 10, &d), E_IO);
    assert_err(file_lock(-1, &d), E_IO);
    assert_err(file_space(-1, &a, &b, &d), E_IO);
    assert_err(dir_sync(-1, &d), E_IO);
    assert_err(file_sync(-1, NULL), E_IO);
}

static uint64_t blocks(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void punching_gives_room_back_and_reads_as_zeros(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    static char block[256 * 1024], back[256 * 1024], zeros[128 * 1024];
    int fd;
    memset(block, 'x', sizeof block);
    assert_ok(file_open(s->fd, "a", FILE_CREATE, &fd, &d));
    assert_ok(file_write_at(fd, 0, block, sizeof block, &d));
    assert_ok(file_sync(fd, &d));
    uint64_t before = blocks(fd), size;
    assert_ok(file_punch(fd, 65536, sizeof zeros, &d));
    assert_ok(file_read_at(fd, 0, back, sizeof back, &d));
    assert_memory_equal(back + 65536, zeros, sizeof zeros);
    assert_int_equal(back[65535], 'x');
    assert_int_equal(back[65536 + sizeof zeros], 'x');
    assert_true(blocks(fd) < before);
    /* Past the end it changes nothing, above all not the size. */
    assert_ok(file_punch(fd, sizeof block - 10, 1 << 20, &d));
    assert_ok(file_punch(fd, 1 << 20, 10, &d));
    assert_ok(file_size(fd, &size, &d));
    assert_int_equal(size, sizeof block);
    file_close(&fd);
}

static void reserving_room_does_not_change_the_size(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    uint64_t size;
    int fd;
    assert_ok(file_open(s->fd, "a", FILE_CREATE, &fd, &d));
    assert_ok(file_reserve(fd, 0, 1 << 20, &d));
    assert_ok(file_reserve(fd, 0, 0, &d));
    assert_ok(file_size(fd, &size, &d));
    assert_int_equal(size, 0);
    assert_true(blocks(fd) >= 1 << 20);
    file_close(&fd);
}

static void a_lock_has_one_holder(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    int a, b;
    assert_ok(file_open(s->fd, "lock", FILE_OPEN_OR_CREATE, &a, &d));
    assert_ok(file_open(s->fd, "lock", FILE_OPEN_OR_CREATE, &b, &d));
    assert_ok(file_lock(a, &d));
    assert_err(file_lock(b, &d), E_BUSY);
    file_close(&a);
    assert_ok(file_lock(b, &d));
    file_close(&b);
}

static void saving_replaces_the_whole_text(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct stat st;
    struct wr w = wr_heap(1000);
    put(s, "conf", "a long first text");
    put(s, "conf", "short");
    assert_ok(file_load(s->fd, "conf", 1000, &w, &d));
    assert_str(wr_str(&w), "short");
    wr_done(&w);
    assert_ok(file_save(s->fd, "conf", 0644, STR(""), &d));
    assert_int_equal(fstatat(s->fd, "conf", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(faccessat(s->fd, "conf.new", F_OK, 0), -1);
    char path[256];
    assert_ok(file_save(AT_FDCWD, scratch_path(s, "by-path", path), 0600, STR("x"), &d));
}

static void saving_over_what_a_crash_left_works(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct wr w = wr_heap(1000);
    put(s, "conf.new", "half a te");
    put(s, "conf", "text");
    assert_ok(file_load(s->fd, "conf", 1000, &w, &d));
    assert_str(wr_str(&w), "text");
    wr_done(&w);
}

static void a_failed_save_leaves_the_old_text(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    assert_int_equal(mkdirat(s->fd, "name", 0700), 0); /* cannot be renamed over */
    assert_true(file_save(s->fd, "name", 0600, STR("x"), &d) != OK);
    assert_int_equal(faccessat(s->fd, "name.new", F_OK, 0), -1);
    assert_err(file_save(s->fd, "no/such/folder", 0600, STR("x"), &d), E_NOTFOUND);
}

static void loading_has_a_limit(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    char text[64];
    struct wr w = wr_fixed(text, 4);
    put(s, "a", "0123456789");
    assert_err(file_load(s->fd, "a", 9, &w, &d), E_LIMIT);
    wr_clear(&w);
    assert_err(file_load(s->fd, "a", 10, &w, &d), E_LIMIT); /* the writer has no room */
    w = wr_fixed(text, sizeof text);
    assert_ok(file_load(s->fd, "a", 10, &w, &d));
    assert_str(wr_str(&w), "0123456789");
}

static void looks_at_what_stands_under_a_name(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct file_info i;
    char path[256];
    put(s, "file", "12345");
    assert_int_equal(symlinkat("file", s->fd, "link"), 0);
    assert_int_equal(mkdirat(s->fd, "folder", 0750), 0);
    assert_int_equal(mkfifoat(s->fd, "pipe", 0600), 0);
    assert_ok(file_stat(s->fd, "file", &i, &d));
    assert_int_equal(i.kind, FILE_IS_REGULAR);
    assert_int_equal(i.size, 5);
    assert_int_equal(i.mode, 0600);
    assert_true(llabs(i.modified_us - clock_wall_us()) < 60 * 1000000ll);
    assert_ok(file_stat(s->fd, "link", &i, &d));
    assert_int_equal(i.kind, FILE_IS_LINK);
    assert_ok(file_stat(AT_FDCWD, scratch_path(s, "link", path), &i, &d));
    assert_int_equal(i.kind, FILE_IS_REGULAR);
    assert_ok(file_stat(s->fd, "folder", &i, &d));
    assert_int_equal(i.kind, FILE_IS_DIR);
    assert_ok(file_stat(s->fd, "pipe", &i, &d));
    assert_int_equal(i.kind, FILE_IS_OTHER);
    assert_err(file_stat(s->fd, "none", &i, &d), E_NOTFOUND);
}

struct seen {
    unsigned n, stop_at;
};

static err_t see(void *ctx, const char *name)
{
    struct seen *seen = ctx;
    assert_true(name[0] != '.');
    return ++seen->n == seen->stop_at ? E_CANCELLED : OK;
}

static void walks_a_folder_as_often_as_asked(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct seen all = {0}, some = {.stop_at = 2};
    put(s, "a", "");
    put(s, "b", "");
    put(s, "c", "");
    assert_ok(dir_each(s->fd, see, &all, &d));
    assert_ok(dir_each(s->fd, see, &all, &d));
    assert_int_equal(all.n, 6);
    assert_err(dir_each(s->fd, see, &some, &d), E_CANCELLED);
    assert_int_equal(some.n, 2);
    assert_true(dir_each(-1, see, &all, &d) != OK);
}

static void makes_a_folder_once(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct file_info i;
    int fd;
    assert_err(dir_open(s->fd, "data", &fd, &d), E_NOTFOUND);
    assert_ok(dir_make(s->fd, "data", &fd, &d));
    assert_ok(dir_sync(fd, &d));
    file_close(&fd);
    assert_ok(dir_make(s->fd, "data", &fd, &d));
    file_close(&fd);
    assert_ok(file_stat(s->fd, "data", &i, &d));
    assert_int_equal(i.mode, 0700);
    put(s, "file", "");
    assert_err(dir_make(s->fd, "file", &fd, &d), E_NOTFOUND);
}

static void removes_and_renames(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct wr w = wr_heap(10);
    put(s, "a", "1");
    put(s, "b", "2");
    assert_ok(file_rename(s->fd, "a", "b", &d));
    assert_ok(file_load(s->fd, "b", 10, &w, &d));
    assert_str(wr_str(&w), "1");
    wr_done(&w);
    assert_err(file_rename(s->fd, "a", "b", &d), E_NOTFOUND);
    assert_ok(file_remove(s->fd, "b", &d));
    assert_err(file_remove(s->fd, "b", &d), E_NOTFOUND);
}

static void knows_the_room_on_the_disk(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    uint64_t room, total;
    assert_ok(file_space(s->fd, &room, &total, &d));
    assert_true(room > 0 && room <= total);
}

/* As root, in a folder of nobody's; as anybody else, in one's own. */
static void what_is_made_belongs_to_the_folders_owner(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct stat st;
    int fd;
    uid_t owner = geteuid() == 0 ? 65534 : geteuid();
    if (geteuid() == 0)
        assert_int_equal(fchown(s->fd, owner, 65534), 0);
    assert_ok(file_open(s->fd, "new", FILE_CREATE, &fd, &d));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_uid, owner);
    file_close(&fd);
    assert_ok(dir_make(s->fd, "below", &fd, &d));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_uid, owner);
    file_close(&fd);
    put(s, "saved", "text");
    assert_int_equal(fstatat(s->fd, "saved", &st, 0), 0);
    assert_int_equal(st.st_uid, owner);
}

#define ON_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCRATCH(writes_and_reads_at_any_place),
        ON_SCRATCH(each_mode_opens_what_it_says),
        ON_SCRATCH(follows_no_link_under_a_folder_of_ours),
        ON_SCRATCH(a_pipe_or_folder_is_no_file_and_nobody_waits),
        ON_SCRATCH(a_full_disk_is_no_space),
        ON_SCRATCH(a_bad_descriptor_is_an_error_in_words),
        ON_SCRATCH(punching_gives_room_back_and_reads_as_zeros),
        ON_SCRATCH(reserving_room_does_not_change_the_size),
        ON_SCRATCH(a_lock_has_one_holder),
        ON_SCRATCH(saving_replaces_the_whole_text),
        ON_SCRATCH(saving_over_what_a_crash_left_works),
        ON_SCRATCH(a_failed_save_leaves_the_old_text),
        ON_SCRATCH(loading_has_a_limit),
        ON_SCRATCH(looks_at_what_stands_under_a_name),
        ON_SCRATCH(walks_a_folder_as_often_as_asked),
        ON_SCRATCH(makes_a_folder_once),
        ON_SCRATCH(removes_and_renames),
        ON_SCRATCH(knows_the_room_on_the_disk),
        ON_SCRATCH(what_is_made_belongs_to_the_folders_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
