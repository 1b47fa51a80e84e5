#include "scratch.h"

#include <pty.h>
#include <sys/ioctl.h>

#include "io/progress.h"

static struct progress some(uint64_t items, uint64_t total_items, uint64_t bytes,
                            uint64_t total_bytes)
{
    return (struct progress){.what = STR("import"),
                             .items = items,
                             .total_items = total_items,
                             .bytes = bytes,
                             .total_bytes = total_bytes};
}

static void says_how_far_how_fast_and_how_long(void **state)
{
    (void)state;
    char buf[256];
    struct progress p = some(1140, 3000, 512000000, 0);
    assert_str(progress_line(&p, 2000000, 200, buf, sizeof buf),
               "import  [#########---------------]  38 %  1,140/3,000  512 MB  570/s  256 MB/s"
               "  0:03 left");
    p = some(3, 0, 0, 0);
    assert_str(progress_line(&p, 1000000, 200, buf, sizeof buf), "import  3  3.0/s");
    p = some(0, 0, 0, 0);
    assert_str(progress_line(&p, 0, 200, buf, sizeof buf), "import");
    p = some(1, 2, 9950, 1000000000000);
    assert_str(progress_line(&p, 10000000, 200, buf, sizeof buf),
               "import  [------------------------]   0 %  1/2  10 kB  0.1/s  995 B/s");
    p = some(1, 2000, 0, 0);
    assert_str(progress_line(&p, 10000000, 200, buf, sizeof buf),
               "import  [------------------------]   0 %  1/2,000  0.1/s  5:33:10 left");
}

static void a_total_that_was_too_small_is_not_exceeded(void **state)
{
    (void)state;
    char buf[256];
    struct progress p = some(5, 4, 0, 0);
    assert_str(progress_line(&p, 0, 200, buf, sizeof buf),
               "import  [########################] 100 %  5/4");
}

static void fits_the_terminal(void **state)
{
    (void)state;
    char buf[256];
    struct progress p = some(1140, 3000, 512000000, 0);
    for (size_t width = 0; width < 150; width++)
        assert_true(progress_line(&p, 2000000, width, buf, sizeof buf).n <=
                    (width ? width - 1 : 0));
}

/* Runs with standard error as given; what came out of the other end. */
static size_t captured(int err_fd, int from, void (*run)(void), char *buf, size_t cap)
{
    int old = dup(STDERR_FILENO);
    size_t n = 0;
    assert_true(old >= 0);
    assert_int_equal(dup2(err_fd, STDERR_FILENO), STDERR_FILENO);
    close(err_fd);
    run();
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    close(old);
    for (ssize_t got; n < cap - 1 && (got = read(from, buf + n, cap - 1 - n)) > 0;)
        n += (size_t)got;
    close(from);
    buf[n] = '\0';
    return n;
}

static void a_job(void)
{
    struct progress p;
    progress_start(&p, STR("import"), 10, 0, true);
    progress_add(&p, 5, 0);
    progress_note(&p, "not taken: %s", "a\x1b[2Jname");
    progress_totals(&p, 20, 0);
    progress_add(&p, 5, 100);
    progress_end(&p);
    struct progress_sum sum = progress_sum(&p);
    assert_int_equal(sum.items, 10);
    assert_int_equal(sum.bytes, 100);
    assert_true(sum.seconds >= 0);
}

static void a_quiet_job(void)
{
    struct progress p;
    progress_start(&p, STR("import"), 10, 0, false);
    progress_add(&p, 5, 0);
    progress_end(&p);
}

static void in_a_pipe_only_notes_are_written(void **state)
{
    (void)state;
    char buf[4096];
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    captured(fds[1], fds[0], a_job, buf, sizeof buf);
    assert_string_equal(buf, "not taken: a\\x1b[2Jname\n");
}

static int terminal(int *ret_err)
{
    int master;
    struct winsize size = {.ws_row = 24, .ws_col = 60};
    if (openpty(&master, ret_err, NULL, NULL, &size) != 0)
        skip();
    return master;
}

static void on_a_terminal_a_line_is_drawn_and_taken_away(void **state)
{
    (void)state;
    char buf[4096];
    int err, master = terminal(&err);
    captured(err, master, a_job, buf, sizeof buf);
    assert_non_null(strstr(buf, "import  [############"));
    assert_non_null(strstr(buf, "50 %  5/10"));
    assert_non_null(strstr(buf, "\r\x1b[Knot taken: a\\x1b[2Jname\r\n"));
    size_t n = strlen(buf);
    assert_true(n > 4);
    assert_string_equal(buf + n - 4, "\r\x1b[K");
}

static void unwanted_it_is_silent_on_a_terminal_too(void **state)
{
    (void)state;
    char buf[64];
    int err, master = terminal(&err);
    assert_int_equal(captured(err, master, a_quiet_job, buf, sizeof buf), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_far_how_fast_and_how_long),
        cmocka_unit_test(a_total_that_was_too_small_is_not_exceeded),
        cmocka_unit_test(fits_the_terminal),
        cmocka_unit_test(in_a_pipe_only_notes_are_written),
        cmocka_unit_test(on_a_terminal_a_line_is_drawn_and_taken_away),
        cmocka_unit_test(unwanted_it_is_silent_on_a_terminal_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
