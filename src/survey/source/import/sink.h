/* Inside of the import driver: what came of some lines or of a block, handed from the thread that
 * reads it to the one that owns the inventory. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_SINK_H
#define LASTRA_SURVEY_SOURCE_IMPORT_SINK_H

#include "survey/source/import/importer.h"

enum { NOTES_MAX = 8, NOTE_MAX = 200 };

struct found {
    struct ip ip;
    uint16_t port;
    int64_t when_us;
    uint32_t facts, n;
};

/* Results in order; facts are views of `text`, the owner's, and of the arena. */
struct batch {
    struct str text;
    struct arena arena;
    struct fact *facts;
    struct found *found;
    uint32_t n_facts, cap_facts, n_found, cap_found;
    uint64_t records, bad;
    struct {
        uint64_t place;
        char text[NOTE_MAX];
    } notes[NOTES_MAX];
    unsigned n_notes;
};

void batch_init(struct batch *b);
void batch_done(struct batch *b);
void batch_clear(struct batch *b); /* keeps its memory */
/* The evidence of one of its endpoints, as the inventory wants it. */
void batch_evidence(const struct batch *b, const struct found *f, struct evidence *ret);

struct importer_sink {
    struct fp_matcher *matcher;
    unsigned shard, shards;
    int64_t now_us;
    bool by_line;   /* place is set by the driver; else it counts records */
    uint64_t place; /* of the line, or records so far */
    uint64_t skip;  /* records that the inventory holds already */
    struct batch *out;
    struct arena own; /* of the open record, when it may outlive a block */
    struct evidence e;
    struct fact *facts; /* of the open record */
    struct found *found;
    uint32_t n_facts, cap_facts, n_found, cap_found;
};

err_t sink_init(struct importer_sink *s, const struct source_run *r, bool by_line) MUST_CHECK;
void sink_done(struct importer_sink *s);
/* What follows goes there. */
void sink_into(struct importer_sink *s, struct batch *b);

#endif
