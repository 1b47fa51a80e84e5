/* How often the same kind of thing is written down when strangers can cause it at will: so many in
 * a minute, the rest is counted. Pure; the caller locks. */
#ifndef LASTRA_SERVE_DIMSE_THROTTLE_H
#define LASTRA_SERVE_DIMSE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

enum { THROTTLE_PER_MINUTE = 10 };

struct throttle {
    int64_t since_ms;
    unsigned n;          /* in the minute that began then */
    uint64_t suppressed; /* since the last one that was let through */
};

/* Whether this one is written; *ret_suppressed is how many before it were not. now_ms never steps
 * back (io/clock.h). */
bool throttle_pass(struct throttle *t, int64_t now_ms, uint64_t *ret_suppressed);

#endif
