/* A pace: how far ahead of its rate somebody is (the generic cell rate algorithm), with a second's
 * worth of burst. Pure: the time comes in. */
#ifndef LASTRA_ACCESS_PACE_H
#define LASTRA_ACCESS_PACE_H

#include <stdint.h>

struct pace {
    int64_t due_ns; /* when everything so far would have been done at the rate; 0: never used */
};

/* Counts n more at `rate` a second (not 0) and returns for how many milliseconds to wait. */
int64_t pace_take(struct pace *p, uint64_t n, uint64_t rate, int64_t now_us);

#endif
