/* A TCP connection in a capture: both directions in order, whose side is whose, and the dialect it
 * is spoken in, found by the bytes and never by the port. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_TALK_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_TALK_H

#include "survey/source/capture/dialect.h"

struct talk {
    struct talk *chain;         /* of the table's bucket */
    struct talk *older, *newer; /* by last packet */
    struct ip ip[2];            /* ends, the lower first */
    uint16_t port[2];
    struct half half[2];
    uint32_t isn; /* of the SYN, when has_isn */
    bool has_isn;
    int8_t client; /* which end called; -1: not known yet */
    bool first[2]; /* nothing of this direction was seen but its SYN */
    bool answered; /* SYN and SYN-ACK were seen */
    bool opaque;   /* none of ours: only counted */
    bool closed;   /* told and done: what still comes is passed over */
    bool ignored;  /* seen before: a capture that repeats itself */
    bool told;     /* the connection was counted */
    uint8_t tries;
    uint8_t n_prefix[2];
    char prefix[2][LOOKS_MAX]; /* the first bytes while they were too few to tell */
    const struct dialect *dialect;
    void *state;
    uint64_t bytes; /* since they were told */
};

/* What all talks share, and count. */
struct talk_world {
    struct gather *g;
    struct budget budget;
    uint64_t again, gaps; /* segments with nothing new; gaps in streams */
};

/* A packet of it; from: the end that sent it. */
void talk_packet(struct talk *t, struct talk_world *w, unsigned from, const struct packet *p);
/* Tells the bytes so far, and the connection if that was not yet. */
void talk_tell(struct talk *t, struct talk_world *w);
/* Nothing more comes: what is held goes on, all is told, memory is given back. */
void talk_close(struct talk *t, struct talk_world *w);

#endif
