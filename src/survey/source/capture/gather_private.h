/* Inside of gather: its tables. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_GATHER_PRIVATE_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_GATHER_PRIVATE_H

#include "survey/source/capture/gather.h"
#include "survey/source/capture/macs.h"
#include "survey/source/capture/notes.h"

enum {
    BUCKETS = 1 << 14,
    PLACES_MAX = 12000, /* endpoints held */
    COUNTED_MAX = 4000, /* of them, those with counts, which are kept as long as that */
    ROWS_MAX = 12000,   /* flows held */
    NOTES_MAX = 180,    /* facts of an endpoint */
    DETAILS_MAX = 24,   /* particulars of a flow */
    SEEN = 16,
    SCRATCH = 1 << 20
};

struct place {
    struct place *next;
    struct ip ip;
    uint16_t port;
    bool made, dirty, counted, put;
    uint8_t seen_at;
    int64_t us;
    struct notes facts;
    uint64_t objects;
    uint64_t *fields; /* FIELDS; NULL: none yet */
    uint64_t *seen;   /* SEEN hashes; NULL: none yet */
};

struct row {
    struct row *next;
    struct ends ends;
    enum protocol protocol;
    uint64_t connections, bytes, messages;
    struct notes details;
    uint64_t *fields;
};

struct gather {
    const struct source_run *run;
    struct fp_matcher *matcher;
    struct arena arena;
    struct evidence scratch;
    struct place *places[BUCKETS];
    struct row *rows[BUCKETS];
    struct place *last_place; /* the last that was asked for */
    struct row *last_row;
    size_t n_places, n_counted, n_rows;
    uint8_t named[FIELDS]; /* of fields with one name in both tables, the first */
    uint64_t seed, n_endpoints, n_flows;
    struct macs macs;
    int64_t us;
    err_t err;
};

/* Drops the flows, and endpoints when they have become too many. */
void gather_trim(struct gather *g);
/* The name of a field of either table. */
struct str field_name(size_t i);

#endif
