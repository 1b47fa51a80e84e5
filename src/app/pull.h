/* What get and move share: keys, progress by the other side's counts, the report. */
#ifndef LASTRA_APP_PULL_H
#define LASTRA_APP_PULL_H

#include "app/client_keys.h"
#include "io/progress.h"

struct pull {
    struct client client;
    struct client_keys keys;
    struct arena arena;
    struct assoc *a;
    struct scu_outcome outcome;
    struct wr failed; /* UIDs */
    struct progress progress;
    uint64_t done, bytes;
    bool shown;
    bool counts_come_from_us; /* progress is counted as objects arrive */
};

err_t pull_init(struct pull *r, const struct cmd_args *a, const struct client_key_options *o,
                enum client_verb verb, bool shown, struct diag *d) MUST_CHECK;
/* Releases the association if it is open. */
void pull_done(struct pull *r);

/* For scu_retrieve_calls. */
err_t pull_progress(void *ctx, const struct scu_counts *c);

/* The counts, and the UIDs that failed; an error when some did. */
err_t pull_report(struct pull *r, const char *what, struct diag *d) MUST_CHECK;

#endif
