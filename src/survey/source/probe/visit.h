/* One connection of a probe, from its opening to its facts. */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_VISIT_H
#define LASTRA_SURVEY_SOURCE_PROBE_VISIT_H

#include "io/reach.h"
#include "survey/source/probe/talk.h"

enum visit_outcome {
    VISIT_NONE, /* under way */
    VISIT_OPEN,
    VISIT_RESET, /* open, and cut before it said anything */
    VISIT_REFUSED,
    VISIT_SILENT,
    VISIT_UNREACHABLE,
    VISIT_OURS, /* it is us who could not */
    VISIT_STOPPED,
};

struct visit {
    unsigned host; /* whose */
    struct ip ip;
    struct scope_port port;
    enum visit_outcome outcome;
    bool opened, talking, pending;
    bool closing; /* once what is in `out` is sent */
    uint64_t bytes_in, bytes_out;
    struct arena arena;
    struct wr out;
    uint8_t out_bytes[2 * TALK_MESSAGE_MAX];
    union {
        struct talk talk;
        uint64_t aligned[TALK_SIZE_MAX / 8];
    } machine;
};

/* How long each stage may take. */
struct visit_times {
    uint32_t answer_ms, brief_ms, count_ms;
};

/* Ready for a connection to ip and port. v was zeroed, or used before. */
void visit_begin(struct visit *v, unsigned host, const struct ip *ip, struct scope_port port,
                 const struct talk_manner *m);
/* What happened to it. Sets v->closing when it is over; what is to be sent before stands in v->out.
 * *ret_deadline_ms: how long from now the next may take; 0: as before. */
void visit_event(struct visit *v, struct reach *r, const struct reach_event *e,
                 const struct visit_times *t, uint32_t *ret_deadline_ms);
/* We are to stop. */
void visit_stop(struct visit *v);
/* Before the connection is closed: what was learnt. Values live until the next visit_begin and the
 * connection's end. */
err_t visit_facts(struct visit *v, struct reach *r, unsigned id, struct evidence *e) MUST_CHECK;
void visit_close(struct visit *v);
void visit_free(struct visit *v); /* NULL is fine */

/* "refused", "silent", ... : the fact of a port that is not open; empty otherwise. */
struct str visit_refused_text(enum visit_outcome o);

#endif
