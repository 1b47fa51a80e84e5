/* All TCP connections of a capture: found by their ends, the one that was silent longest forgotten
 * first when there are too many or they hold too much. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_TABLE_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_TABLE_H

#include "survey/source/capture/talk.h"

enum {
    TALKS_MAX = 20000,
    TALKS_MEMORY = 40 << 20, /* held segments and what dialects keep */
};

struct table;
/* talks, memory: caps, 0 for those above. */
err_t table_new(struct gather *g, size_t talks, size_t memory, struct table **ret) MUST_CHECK;
void table_free(struct table *t); /* NULL is fine */

/* E_NOMEM. */
err_t table_packet(struct table *t, const struct packet *p) MUST_CHECK;
/* Bytes and connections so far, of all, to the gatherer. */
void table_tell(struct table *t);
/* The capture is at its end: all are closed. */
void table_end(struct table *t);

struct table_sum {
    uint64_t again;    /* segments that held nothing new */
    uint64_t gaps;     /* places where bytes were not captured */
    uint64_t dropped;  /* connections forgotten for want of room */
    uint64_t repeated; /* connections that came a second time: the capture repeats itself */
    size_t memory_max; /* the most that was held */
};
struct table_sum table_sum(const struct table *t);

#endif
