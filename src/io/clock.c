#include "io/clock.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

static int64_t now(clockid_t id, int64_t per_second)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

int64_t clock_ms(void)
{
    return now(CLOCK_MONOTONIC, 1000);
}

int64_t clock_us(void)
{
    return now(CLOCK_MONOTONIC, 1000000);
}

int64_t clock_deadline(int64_t ms)
{
    int64_t t;
    return __builtin_add_overflow(clock_ms(), ms, &t) ? IO_FOREVER : t;
}

int clock_left(int64_t deadline)
{
    if (deadline == IO_FOREVER)
        return -1;
    int64_t t = clock_ms();
    if (deadline <= t)
        return 0;
    /* Subtracting cannot overflow: both are positive once the deadline is later. */
    return deadline - t > INT_MAX ? INT_MAX : (int)(deadline - t);
}

int64_t clock_wall_us(void)
{
    return now(CLOCK_REALTIME, 1000000);
}

void clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
        continue;
}
