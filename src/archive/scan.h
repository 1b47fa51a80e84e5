/* Running a plan: legs of bounded length, each on a reading connection that is given back at its
 * end. Where a leg ended the next goes on, so that neither a slow consumer nor a long answer holds
 * a connection or a read transaction. */
#ifndef LASTRA_ARCHIVE_SCAN_H
#define LASTRA_ARCHIVE_SCAN_H

#include "archive/row.h"

enum { SCAN_LEG_MS = 50 };

struct scan_place {
    bool is_text;
    int64_t number;
    struct wr text; /* heap */
};

struct scan {
    struct archive *a;
    const struct keys_of *keys;
    struct plan plan;
    struct row_reader reader;
    struct arena arena; /* of a turn's bounds */
    size_t turn;        /* of plan.n_values */
    bool resume, ended;
    struct scan_place place[PLAN_ORDER_MAX];
    lock_t lock; /* guards running and cancelled */
    struct sql *running;
    bool cancelled;
};

/* keys must stay where they are. */
err_t scan_init(struct scan *s, struct archive *a, const struct keys_of *keys) MUST_CHECK;
void scan_done(struct scan *s);

/* Calls each for every row that matches, until it says that it has enough (*ret_enough), the leg
 * has lasted long enough, or the rows are at their end (s->ended). E_CANCELLED, E_BUSY, E_INDEX,
 * ... */
typedef err_t scan_each(void *ctx, struct row *r, bool *ret_enough);
err_t scan_leg(struct scan *s, int64_t deadline, scan_each *each, void *ctx) MUST_CHECK;

/* From any thread. */
void scan_cancel(struct scan *s);
bool scan_is_cancelled(struct scan *s);

#endif
