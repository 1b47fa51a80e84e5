/* Active probing by the seven safety rules (docs/manual/survey.md). */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_PROBE_H
#define LASTRA_SURVEY_SOURCE_PROBE_PROBE_H

#include "survey/source/probe/scope.h"
#include "survey/source/source.h"

struct probe_options {
    const struct scope *scope;
    bool surface, count; /* asked for on the command line; each needs the scope's grant: E_DENIED */
    const char *ae_title, *called;  /* ours (LASTRA-SURVEY); what we call (ANY-SCP) */
    uint32_t batch;                 /* connections at once; 0: 256, unlimited 1024 */
    uint32_t connect_ms, answer_ms; /* 0: 3000, 5000 */
    uint32_t rate;    /* overrides downwards only; more than the scope's is E_DENIED */
    bool unlimited;   /* loopback only: E_DENIED when the scope holds anything else */
    uint32_t rest_ms; /* of a subnet's circuit breaker, the first time; 0: 10000 */
    /* The stop switch besides the signal: probing ends when it exists; or NULL. */
    const char *stop_file;
};

struct probe_sum {
    struct source_sum sum;
    uint64_t planned, done, skipped, open, silent, refused;
    uint64_t packets_out, bytes_out; /* as the system counted them: all segments; payload */
    uint32_t broken_subnets;         /* given up by the circuit breaker */
};

/* Stopped, by the switch or because the permission ended: OK with sum.stopped; the same call goes
 * on where it stopped. A changed list of networks or ports, or other things asked for, is another
 * run. */
err_t probe_run(const struct source_run *r, const struct probe_options *o, struct probe_sum *ret,
                struct diag *d) MUST_CHECK;

/* --dry-run: the plan in words, and (limited) its pairs, to w; nothing is sent. */
struct wr;
err_t probe_plan(const struct source_run *r, const struct probe_options *o, struct wr *w,
                 struct diag *d) MUST_CHECK;

#endif
