/* What was put and touched since the last mark, held in memory and written sorted in one
 * transaction. Belongs to one run at a time. Nobody outside this folder includes it. */
#ifndef LASTRA_SURVEY_INVENTORY_PENDING_H
#define LASTRA_SURVEY_INVENTORY_PENDING_H

#include "survey/inventory/inside.h"

/* The batch is due at the soft figures, at the next record, and full at the hard ones. */
enum {
    PENDING_BYTES = 16 << 20,
    PENDING_SOFT_BYTES = 15 << 20,
    PENDING_ENTRIES = 81920,
    PENDING_SOFT_ENTRIES = 73728,
    PENDING_SLOTS = 262144,
    PENDING_FLOWS = 2048,
    PENDING_FLOW_SLOTS = 4096
};

struct pending_entry {
    struct place place;
    bool put, touched;
    uint32_t at, n; /* its evidence in `bytes` */
    int64_t first_us, last_us;
};

struct pending {
    struct run run; /* whose, with its figures as last told; id 0: nobody's */
    uint8_t *bytes;
    size_t used;
    struct pending_entry *entries;
    size_t n;
    uint32_t *slots; /* index + 1 by hash of the place; 0: free */
    struct flow *flows;
    size_t n_flows;
    uint16_t *flow_slots;
    struct arena flow_texts;
    struct arena scratch; /* of one call */
    uint8_t joined[EVIDENCE_BYTES_MAX];
};

err_t pending_new(struct pending **ret) MUST_CHECK;
void pending_free(struct pending *p); /* NULL is fine */

/* Writes what is pending and the figures of its run in one transaction of its own, on stable
 * storage when it returns. What failed stays pending. Looking: nothing to do. */
err_t pending_write(struct inventory *v) MUST_CHECK;
/* Everything pending is of this run afterwards; what was another's is written. */
err_t pending_pull(struct inventory *v, const struct run *r) MUST_CHECK;

/* The entry of a place; NULL when there is none. */
struct pending_entry *pending_find(struct pending *p, const struct place *place);

/* The same in a transaction that the caller has open. Forgets nothing. */
err_t pending_rows(struct inventory *v) MUST_CHECK;
void pending_forget(struct pending *p);

/* One endpoint's row written, or joined to what is there, in the caller's transaction. older_run:
 * where the row there is newer it stays with its run (merging); else it is this run's now. */
struct endpoint_put {
    int64_t survey, run, first_us, last_us;
    bool older_run;
    struct place place;
    struct str evidence; /* as evidence_write made it */
};
err_t write_endpoint(struct inventory *v, const struct endpoint_put *n,
                     bool *ret_changed) MUST_CHECK;
/* The same for a flow. */
err_t write_flow(struct inventory *v, int64_t survey, int64_t run, const struct flow *f) MUST_CHECK;
/* Moves the log into the database once it is long. */
void write_checkpoint(struct inventory *v);

/* Evidence of one endpoint from two times, the newer's values winning, as bytes into w. */
err_t pending_join(struct arena *a, struct str older, struct str newer, struct wr *w) MUST_CHECK;

/* Adds up two flows with the same key; texts in the arena. */
err_t flow_add(struct arena *a, struct flow *to, const struct flow *from) MUST_CHECK;
/* "A 2, B 3" and "B 1" into "A 2, B 4": names with counts, apart by a comma or semicolon and a
 * space; a name without a count is kept once. At most FLOW_TEXT_MAX bytes: names that do not fit
 * are dropped. */
err_t counts_add(struct arena *a, struct str to, struct str from, struct str *ret) MUST_CHECK;

#endif
