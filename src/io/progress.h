/* A progress line on standard error for long jobs: on a terminal a bar, the rate and the time that
 * is left, drawn at most ten times a second; nothing in a pipe or a log. Standard output stays free
 * for results and JSON.
 *
 *     import  [######----------]  38 %  1,140/3,000  512 MB  630/s  83 MB/s  0:03 left
 */
#ifndef LASTRA_IO_PROGRESS_H
#define LASTRA_IO_PROGRESS_H

#include "base/err.h"
#include "base/str.h"
#include "io/thread.h"

struct progress {
    lock_t lock; /* guards all of it */
    int fd;      /* -1: silent */
    struct str what;
    uint64_t items, bytes, total_items, total_bytes;
    int64_t started_us, drawn_us;
    bool shown; /* a line stands on the terminal */
};

/* `what` must outlive it. A total that is not known is 0. wanted: false keeps it silent (--quiet);
 * notes are written all the same. */
void progress_start(struct progress *p, struct str what, uint64_t total_items, uint64_t total_bytes,
                    bool wanted);

/* The totals, once they are known. */
void progress_totals(struct progress *p, uint64_t total_items, uint64_t total_bytes);

/* So much more is done. From any thread. */
void progress_add(struct progress *p, uint64_t items, uint64_t bytes);

/* A line of its own above the bar, on standard error, terminal or not ("not taken: ..."); control
 * bytes are escaped. From any thread. */
void progress_note(struct progress *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Takes the line away. p can be started again. */
void progress_end(struct progress *p);

/* What it has counted, and the seconds since the start: for a summary. */
struct progress_sum {
    uint64_t items, bytes;
    double seconds;
};
struct progress_sum progress_sum(struct progress *p);

/* The line as it would be drawn on a terminal of `width` columns, after `us` microseconds, into
 * buf; for tests. */
struct str progress_line(const struct progress *p, int64_t us, size_t width, char *buf, size_t cap);

#endif
