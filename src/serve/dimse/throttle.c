#include "serve/dimse/throttle.h"

bool throttle_pass(struct throttle *t, int64_t now_ms, uint64_t *ret_suppressed)
{
    enum { MINUTE = 60000 };
    if (t->n == 0 || now_ms - t->since_ms >= MINUTE) {
        t->since_ms = now_ms;
        t->n = 0;
    }
    if (t->n >= THROTTLE_PER_MINUTE) {
        t->suppressed++;
        return false;
    }
    t->n++;
    *ret_suppressed = t->suppressed;
    t->suppressed = 0;
    return true;
}
