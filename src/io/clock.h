/* Time. The monotonic clock drives deadlines; the wall clock only labels things, since it may step
 * back. A deadline is a monotonic time in milliseconds; IO_FOREVER never comes. */
#ifndef LASTRA_IO_CLOCK_H
#define LASTRA_IO_CLOCK_H

#include <stdint.h>

#define IO_FOREVER INT64_MAX

/* Milliseconds and microseconds since some moment, never stepping back. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Now + ms as a deadline; saturates. */
int64_t clock_deadline(int64_t ms);

/* Milliseconds left, 0 once past, for poll(2); -1 for IO_FOREVER. */
int clock_left(int64_t deadline);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

/* Waits; a signal does not cut it short. */
void clock_sleep_ms(int64_t ms);

#endif
