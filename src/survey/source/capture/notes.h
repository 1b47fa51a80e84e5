/* Facts of one endpoint, or particulars of one flow, as a short list: kind, text, count. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_NOTES_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_NOTES_H

#include "survey/core/evidence.h"

struct noted {
    struct noted *next;
    uint64_t count;
    uint16_t kind, n;
    char text[];
};

struct notes {
    struct noted *first;
    uint16_t n;
};

/* Adds `count` to the one of this kind and text, made when there are fewer than `max` (and
 * FACTS_KIND_MAX of its kind). E_NOMEM.
 * ret_new says whether anything but a count is different now. */
err_t notes_add(struct notes *l, enum ev_kind kind, struct str text, uint64_t count, unsigned max,
                bool *ret_new) MUST_CHECK;
/* The same, in place of every other of its kind. */
err_t notes_set(struct notes *l, enum ev_kind kind, struct str text, bool *ret_new) MUST_CHECK;
void notes_done(struct notes *l);

#endif
