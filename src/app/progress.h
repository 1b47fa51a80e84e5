/* A progress line on stderr, where it is a terminal; nothing elsewhere. One thread calls it. */
#ifndef LASTRA_APP_PROGRESS_H
#define LASTRA_APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on;
    const char *what; /* "sending" */
    const char *unit; /* "objects" */
    int64_t begun_ms, next_ms;
};

/* on: cmd_args.terminal and no --quiet. */
struct progress progress_start(bool on, const char *what, const char *unit);
/* As often as you like: it is drawn a few times a second. total 0: not known. bytes 0: not shown.
 */
void progress_show(struct progress *p, uint64_t done, uint64_t total, uint64_t bytes);
/* Takes the line away. */
void progress_end(struct progress *p);

#endif
