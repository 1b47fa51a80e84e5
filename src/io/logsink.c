#include "io/logsink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/wr.h"
#include "io/clock.h"

static const struct {
    const char *name;
    char priority; /* syslog(3), as systemd reads it */
} levels[] = {[LOG_LEVEL_ERROR] = {"error", '3'},
              [LOG_LEVEL_WARNING] = {"warning", '4'},
              [LOG_LEVEL_INFO] = {"info", '6'},
              [LOG_LEVEL_DEBUG] = {"debug", '7'}};

/* The variable alone proves nothing: it is inherited by a program whose output was sent elsewhere.
 */
static bool is_journal(int fd)
{
    const char *named = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    if (!named || fstat(fd, &st) != 0)
        return false;
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return strcmp(named, own) == 0;
}

struct logsink logsink_stderr(void)
{
    return (struct logsink){.fd = STDERR_FILENO, .journal = is_journal(STDERR_FILENO)};
}

static void put_time(struct wr *w)
{
    int64_t us = clock_wall_us();
    time_t s = (time_t)(us / 1000000);
    struct tm t;
    gmtime_r(&s, &t);
    wr_printf(w, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
              t.tm_hour, t.tm_min, t.tm_sec, (int)(us / 1000 % 1000));
}

static void sink(void *ctx, enum log_level level, struct str line)
{
    const struct logsink *s = ctx;
    char text[LOG_LINE_MAX + 64];
    struct wr w = wr_fixed(text, sizeof text);
    if (s->journal) {
        wr_printf(&w, "<%c>", levels[level].priority);
    } else {
        put_time(&w);
        wr_printf(&w, "%s ", levels[level].name);
    }
    wr_put(&w, line);
    ssize_t put;
    do
        put = write(s->fd, w.p, w.n);
    while (put < 0 && errno == EINTR);
}

struct log logsink_log(struct logsink *s, enum log_level level)
{
    return (struct log){.level = level, .sink = sink, .ctx = s};
}
