#include "access/pace.h"

enum { BURST_MS = 1000 };

/* Past this nothing is meant any more: some three hundred years are in an int64_t of nanoseconds.
 */
#define FAR_NS ((double)(1LL << 61))

int64_t pace_take(struct pace *p, uint64_t n, uint64_t rate, int64_t now_us)
{
    int64_t now_ns = now_us * 1000;
    double due = (double)(p->due_ns > now_ns ? p->due_ns - now_ns : 0);
    due += (double)n * 1e9 / (double)rate;
    if (due > FAR_NS)
        due = FAR_NS;
    p->due_ns = now_ns + (int64_t)due;
    int64_t ahead_ms = (int64_t)(due / 1e6) - BURST_MS;
    return ahead_ms > 0 ? ahead_ms : 0;
}
