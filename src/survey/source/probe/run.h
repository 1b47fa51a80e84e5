/* Inside of survey/source/probe: a probe at work. */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_RUN_H
#define LASTRA_SURVEY_SOURCE_PROBE_RUN_H

#include "survey/source/probe/gate.h"
#include "survey/source/probe/ledger.h"
#include "survey/source/probe/order.h"
#include "survey/source/probe/pace.h"
#include "survey/source/probe/probe.h"
#include "survey/source/probe/visit.h"

enum {
    BATCH = 256,
    BATCH_UNLIMITED = 1024,
    HEAVY_MAX = 256,  /* HTTP and TLS at once: they take memory */
    HOSTS_MAX = 4096, /* under way, resting ones too */
    CONNECT_MS = 3000,
    ANSWER_MS = 5000,
    BRIEF_MS = 1000, /* for a release that is only courtesy */
    COUNT_TIMES = 6, /* answer times that a count may take */
    GRACE_MS = 1000, /* for what is under way when the switch is set */
};
#define AE_TITLE "LASTRA-SURVEY"
#define CALLED "ANY-SCP"

/* A host that is under way: one connection at a time. */
struct host_slot {
    struct ip ip;
    uint64_t place; /* in the order */
    uint64_t todo;  /* ports, one bit each */
    int64_t ready_ms;
    bool used, busy, answered, any_open;
    const char *never; /* an answer said that it is a device that is never probed */
    uint8_t outcomes[SCOPE_PORTS_MAX];
};

struct probing {
    const struct source_run *r;
    const struct probe_options *o;
    const struct scope *s;
    struct talk_manner manner;
    struct visit_times times;
    uint32_t batch, connect_ms, pause_ms;
    struct order order;
    uint64_t n_hosts, next_place;
    struct gate *gate;
    struct breakers *breakers;
    struct bucket bucket;
    struct ledger ledger;
    struct fp_matcher *matcher;
    struct reach *reach;
    struct reach_obsolete_credentials *credentials;
    struct run run;
    struct host_slot *hosts; /* HOSTS_MAX */
    unsigned n_hosts_used, hosts_top, heavy;
    struct visit **visits; /* by reach's id */
    unsigned *pending;     /* ids with something to send or to close */
    unsigned n_pending;
    unsigned *group; /* slots whose turn has come */
    unsigned n_group;
    struct evidence evidence;
    int64_t looked_ms; /* when clock and stop file were asked last */
    int64_t marked_ms; /* when what was learnt was made durable */
    bool stopping, window_open;
    bool hungry; /* there are more places to look at, though no host was found in the last */
    struct probe_sum sum;
    err_t failed; /* in a callback */
    struct diag *d;
};

/* plan.c: what was asked for held against the scope; order, run, and everything that is made once.
 */
err_t probing_check(const struct source_run *r, const struct probe_options *o,
                    struct diag *d) MUST_CHECK;
err_t probing_init(struct probing *p, const struct source_run *r, const struct probe_options *o,
                   struct diag *d) MUST_CHECK;
void probing_done(struct probing *p);
void today_text(char ret[11]);

/* hosts.c: the next hosts of the order; what is left of each. */
err_t hosts_fill(struct probing *p) MUST_CHECK;
/* One port of a host is over. */
err_t host_port_done(struct probing *p, unsigned slot, unsigned port,
                     enum visit_outcome outcome) MUST_CHECK;
/* All ports but this one are passed over: the host turned out to be one that is never probed. */
err_t host_leave(struct probing *p, unsigned slot, unsigned port) MUST_CHECK;
/* The whole host is given up; its ports are passed over. */
err_t host_drop(struct probing *p, unsigned slot) MUST_CHECK;
/* The place before which everything is done. */
uint64_t hosts_position(const struct probing *p);

/* turn.c: who may be connected to now, and doing it. *ret_until_ms: when to look again. */
err_t turn_connect(struct probing *p, int64_t *ret_until_ms) MUST_CHECK;
/* What was learnt so far, on stable storage. */
err_t turn_mark(struct probing *p) MUST_CHECK;
/* What the visits have to say is written to the journal and sent; what is over is closed. */
err_t turn_flush(struct probing *p) MUST_CHECK;
void turn_event(void *ctx, const struct reach_event *e);
/* Everything under way ends now. */
err_t turn_stop(struct probing *p) MUST_CHECK;

#endif
