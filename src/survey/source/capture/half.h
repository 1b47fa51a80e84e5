/* One direction of a TCP connection put in order (RFC 9293 3.4): bytes in order go on as views of
 * their packet, what comes too early is held, copied, under a cap; what never comes is a gap.
 *
 * The first copy of a byte counts: what comes again, the same or not, is dropped. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_HALF_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_HALF_H

#include "survey/source/capture/packet.h"

enum {
    HALF_SEGMENTS_MAX = 256,    /* held of one direction */
    HALF_HELD_MAX = 1 << 20,    /* their bytes */
    HALF_ACKED_MIN = 8,         /* held when the receiver has what we lack: it was not captured */
    HALF_WINDOW = 1 << 30,      /* the largest window TCP has */
    HALF_SEGMENT_OVERHEAD = 64, /* what a held segment costs beside its bytes */
};

/* Memory of all directions and dialects together: what is taken is told, what decides is above. */
struct budget {
    size_t used, max;
};

struct segment;
struct half {
    uint32_t next; /* the sequence number that is awaited */
    uint32_t fin;  /* where its stream ends, when has_fin */
    bool started, has_fin, closed;
    uint16_t n_held;
    uint32_t held;
    struct segment *segments; /* in order of sequence number */
};

struct half_calls {
    /* In order; a view until it returns. */
    void (*bytes)(void *ctx, struct str bytes);
    /* So many bytes are not there. */
    void (*gap)(void *ctx, uint32_t n);
    void *ctx;
    uint64_t *again, *gaps; /* counted: segments that held nothing new; gaps */
};

/* A packet of this direction, its payload or its end. */
void half_take(struct half *h, const struct packet *p, struct budget *b,
               const struct half_calls *calls);
/* The other side said that it has everything before `ack`. */
void half_acked(struct half *h, uint32_t ack, struct budget *b, const struct half_calls *calls);
/* Nothing more comes: what is held goes on, with its gaps. */
void half_end(struct half *h, struct budget *b, const struct half_calls *calls);

#endif
