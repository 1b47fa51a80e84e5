#include "unit.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/size.h"
#include "base/wr.h"
#include "io/thread.h"
#include "survey/core/input.h"

enum { MANY_LINES = 50000 };

static void save(const char *path, struct str s)
{
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
    fclose(f);
}

static void save_gzip(const char *path, struct str s)
{
    gzFile f = gzopen(path, "ab6");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, s.p, (unsigned)s.n), s.n);
    gzclose(f);
}

static int setup(void **state)
{
    char *path = strdup("/tmp/core-input-XXXXXX");
    int fd = path ? mkstemp(path) : -1;
    *state = path;
    return fd < 0 ? 1 : close(fd);
}

static int teardown(void **state)
{
    unlink(*state);
    free(*state);
    return 0;
}

static struct input *open_path(const char *path)
{
    struct input *in;
    assert_ok(input_open(path, &in, NULL));
    return in;
}

static void next_is(struct input *in, const char *expected)
{
    struct str line;
    bool more, too_long;
    assert_ok(input_line(in, &line, &more, &too_long, NULL));
    assert_true(more);
    assert_false(too_long);
    assert_str(line, expected);
}

static void ends(struct input *in)
{
    struct str line;
    bool more, too_long;
    for (int i = 0; i < 2; i++) {
        assert_ok(input_line(in, &line, &more, &too_long, NULL));
        assert_false(more);
    }
    input_close(in);
}

static err_t fails_after(struct input *in, uint64_t *ret_lines, struct diag *d)
{
    struct str line;
    bool more = true, too_long;
    err_t e = OK;
    for (*ret_lines = 0; e == OK && more; *ret_lines += e == OK && more)
        e = input_line(in, &line, &more, &too_long, d);
    assert_err(input_line(in, &line, &more, &too_long, NULL), e);
    input_close(in);
    return e;
}

static void lines_come_without_their_ends(void **state)
{
    save(*state, STR("one\ntwo\r\n\nlast"));
    struct input *in = open_path(*state);
    next_is(in, "one");
    next_is(in, "two");
    next_is(in, "");
    next_is(in, "last");
    assert_int_equal(input_lines(in), 4);
    assert_int_equal(input_read(in), 14);
    assert_int_equal(input_size(in), 14);
    ends(in);
}

static void an_empty_file_has_no_line(void **state)
{
    ends(open_path(*state));
}

static void many_lines(const char *path, void (*write)(const char *, struct str))
{
    struct wr w = wr_heap(8 << 20);
    for (int i = 0; i < MANY_LINES; i++)
        wr_printf(&w, "line %d of many\n", i);
    write(path, wr_str(&w));
    wr_done(&w);
}

static void reads_many(struct input *in)
{
    char expected[64];
    for (int i = 0; i < MANY_LINES; i++) {
        snprintf(expected, sizeof expected, "line %d of many", i);
        next_is(in, expected);
    }
}

static void lines_span_blocks(void **state)
{
    many_lines(*state, save);
    struct input *in = open_path(*state);
    reads_many(in);
    ends(in);
}

static void gzip_is_taken_off_member_by_member(void **state)
{
    many_lines(*state, save_gzip);
    save_gzip(*state, STR(""));
    save_gzip(*state, STR("second "));
    save_gzip(*state, STR("member"));
    save(*state, str_of("\0\0\0\0", 4));
    struct input *in = open_path(*state);
    reads_many(in);
    next_is(in, "second member");
    ends(in);
}

static void a_gzip_that_is_cut_off_is_damaged_at_its_end(void **state)
{
    struct diag d = {0};
    uint64_t lines;
    many_lines(*state, save_gzip);
    struct input *in = open_path(*state);
    uint64_t size = input_size(in);
    input_close(in);
    assert_int_equal(truncate(*state, (off_t)size / 2), 0);
    assert_err(fails_after(open_path(*state), &lines, &d), E_DAMAGED);
    assert_in_range(lines, MANY_LINES / 4, MANY_LINES * 3 / 4);
    assert_non_null(strstr(d.text, "cut off"));
}

static void bytes_behind_a_gzip_are_damage(void **state)
{
    struct diag d = {0};
    uint64_t lines;
    save_gzip(*state, STR("one\n"));
    save(*state, STR("garbage"));
    assert_err(fails_after(open_path(*state), &lines, &d), E_DAMAGED);
    assert_int_equal(lines, 1);
}

static void flipped_bits_are_damage(void **state)
{
    uint64_t lines;
    many_lines(*state, save_gzip);
    FILE *f = fopen(*state, "r+b");
    fseek(f, -6, SEEK_END);
    fputc('!', f);
    fclose(f);
    assert_err(fails_after(open_path(*state), &lines, NULL), E_DAMAGED);
}

static void a_gzip_bomb_is_refused_early(void **state)
{
    struct wr w = wr_heap(32 << 20);
    struct diag d = {0};
    uint64_t lines;
    for (int i = 0; i < 1 << 20; i++)
        wr_put(&w, STR("{}\n\n\n\n\n\n\n\n\n\n\n\n\n\n"));
    save_gzip(*state, wr_str(&w));
    wr_done(&w);
    assert_err(fails_after(open_path(*state), &lines, &d), E_LIMIT);
    assert_non_null(strstr(d.text, "bomb"));
    /* 64 kB were read at once and may swell so far, not more. */
    assert_in_range(lines, 1, (INPUT_RATIO * (64 << 10) + INPUT_BLOCK));
}

static void a_line_past_the_limit_is_passed_over(void **state)
{
    struct wr w = wr_heap(INPUT_LINE_MAX + 1000);
    struct str line;
    bool more, too_long;
    save(*state, STR("before\n"));
    wr_fill(&w, 'x', INPUT_LINE_MAX + 10);
    save(*state, wr_str(&w));
    save(*state, STR("\nafter\n"));
    wr_done(&w);
    struct input *in = open_path(*state);
    next_is(in, "before");
    assert_ok(input_line(in, &line, &more, &too_long, NULL));
    assert_true(more && too_long);
    assert_int_equal(line.n, 0);
    next_is(in, "after");
    assert_int_equal(input_lines(in), 3);
    ends(in);
}

static void what_was_looked_at_can_be_put_back(void **state)
{
    struct str head;
    save(*state, STR("one\ntwo\n"));
    struct input *in = open_path(*state);
    assert_ok(input_block(in, &head, NULL));
    assert_str(head, "one\ntwo\n");
    input_unread(in, head);
    next_is(in, "one");
    next_is(in, "two");
    ends(in);
}

static void folders_devices_and_nothing_are_refused(void **state)
{
    struct input *in;
    struct diag d = {0};
    (void)state;
    assert_err(input_open("/tmp", &in, &d), E_UNSUPPORTED);
    assert_err(input_open("/dev/zero", &in, &d), E_UNSUPPORTED);
    assert_err(input_open("/tmp/core-no-such-file", &in, &d), E_NOTFOUND);
}

static void label_is_the_name_without_its_folder(void **state)
{
    char expected[64];
    save(*state, STR("12345"));
    struct input *in = open_path(*state);
    snprintf(expected, sizeof expected, "%s (5 bytes)", (char *)*state + strlen("/tmp/"));
    assert_str(input_label(in), expected);
    input_close(in);
}

/* Standard input is a pipe that the test holds. */
static int pipe_as_stdin(int *ret_saved)
{
    int ends_[2];
    assert_int_equal(pipe(ends_), 0);
    *ret_saved = dup(STDIN_FILENO);
    dup2(ends_[0], STDIN_FILENO);
    close(ends_[0]);
    return ends_[1];
}

static void restore_stdin(int saved)
{
    if (saved >= 0)
        dup2(saved, STDIN_FILENO);
    close(saved);
}

static void standard_input_is_read_as_it_comes(void **state)
{
    int saved, out = pipe_as_stdin(&saved);
    (void)state;
    assert_int_equal(write(out, "a\nb", 3), 3);
    close(out);
    struct input *in = open_path("-");
    assert_int_equal(input_size(in), 0);
    assert_str(input_label(in), "standard input");
    next_is(in, "a");
    next_is(in, "b");
    ends(in);
    restore_stdin(saved);
}

static void stop_ends_the_wait_for_standard_input(void **state)
{
    int saved, out = pipe_as_stdin(&saved);
    struct stop stop = {.fd = -1};
    struct str line;
    bool more, too_long;
    (void)state;
    assert_ok(stop_init(&stop));
    struct input *in = open_path("-");
    input_set_stop(in, &stop);
    stop_set(&stop);
    assert_err(input_line(in, &line, &more, &too_long, NULL), E_STOPPED);
    input_close(in);
    close(out);
    stop_done(&stop);
    restore_stdin(saved);
}

#define WITH_FILE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(lines_come_without_their_ends),
        WITH_FILE(an_empty_file_has_no_line),
        WITH_FILE(lines_span_blocks),
        WITH_FILE(gzip_is_taken_off_member_by_member),
        WITH_FILE(a_gzip_that_is_cut_off_is_damaged_at_its_end),
        WITH_FILE(bytes_behind_a_gzip_are_damage),
        WITH_FILE(flipped_bits_are_damage),
        WITH_FILE(a_gzip_bomb_is_refused_early),
        WITH_FILE(a_line_past_the_limit_is_passed_over),
        WITH_FILE(what_was_looked_at_can_be_put_back),
        cmocka_unit_test(folders_devices_and_nothing_are_refused),
        WITH_FILE(label_is_the_name_without_its_folder),
        cmocka_unit_test(standard_input_is_read_as_it_comes),
        cmocka_unit_test(stop_ends_the_wait_for_standard_input),
    };
    return cmocka_run_group_tests_name("input", tests, NULL, NULL);
}
