#include "scratch.h"

#include <sys/stat.h>

#include "io/logsink.h"

static struct str written(struct scratch *s, char *buf, size_t cap)
{
    struct diag d;
    struct wr w = wr_fixed(buf, cap);
    assert_ok(file_load(s->fd, "log", cap, &w, &d));
    return wr_str(&w);
}

static int sink_file(struct scratch *s)
{
    int fd = openat(s->fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void the_journal_gets_priorities(void **state)
{
    struct scratch *s = *state;
    char buf[4096];
    struct logsink sink = {.fd = sink_file(s), .journal = true};
    struct log log = logsink_log(&sink, LOG_LEVEL_INFO);
    log_event(&log, LOG_STARTED, "version=%s", "1");
    log_event(&log, LOG_SOURCE_REFUSED, "source=%s", "10.0.0.9\nfaked: yes");
    log_event(&log, LOG_OPERATION_FAILED, "%s", "");
    close(sink.fd);
    assert_str(written(s, buf, sizeof buf), "<6>started: version=1\n"
                                            "<4>source refused: source=10.0.0.9\\x0afaked: yes\n"
                                            "<3>operation failed\n");
}

static void elsewhere_lines_carry_time_and_level(void **state)
{
    struct scratch *s = *state;
    char buf[4096];
    struct logsink sink = {.fd = sink_file(s)};
    struct log log = logsink_log(&sink, LOG_LEVEL_WARNING);
    log_event(&log, LOG_STARTED, "dropped=yes");
    log_event(&log, LOG_BUSY, "cap=%d", 3);
    close(sink.fd);
    struct str line = written(s, buf, sizeof buf);
    assert_int_equal(line.p[4], '-');
    assert_int_equal(line.p[10], 'T');
    assert_str(str_slice(line, 23, line.n), "Z warning too many associations: cap=3\n");
}

static void the_journal_is_known_by_its_stream_not_its_name(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    char own[64];
    setenv("JOURNAL_STREAM", "1:2", 1);
    assert_false(logsink_stderr().journal);
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", own, 1);
    assert_true(logsink_stderr().journal);
    unsetenv("JOURNAL_STREAM");
    assert_false(logsink_stderr().journal);
    (void)s;
}

static void a_closed_sink_loses_lines_quietly(void **state)
{
    (void)state;
    struct logsink sink = {.fd = -1};
    struct log log = logsink_log(&sink, LOG_LEVEL_INFO);
    log_event(&log, LOG_STARTED, "x=%d", 1);
}

#define ON_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCRATCH(the_journal_gets_priorities),
        ON_SCRATCH(elsewhere_lines_carry_time_and_level),
        ON_SCRATCH(the_journal_is_known_by_its_stream_not_its_name),
        ON_SCRATCH(a_closed_sink_loses_lines_quietly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
