/* What is said on one connection: a machine for each protocol, without socket and clock. Bytes in,
 * bytes out, facts at the end. */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_TALK_H
#define LASTRA_SURVEY_SOURCE_PROBE_TALK_H

#include "survey/core/evidence.h"
#include "survey/source/probe/scope.h"

/* What every talk is given; lives as long as the run. */
struct talk_manner {
    struct str ae_title, called, contact, version; /* contact may be empty */
    bool own_calling; /* `ae_title` is a name that nobody knows: whoever takes it takes any */
    bool own_called;  /* `called` is a name that nobody has: whoever takes it takes any */
    bool surface, count;
    uint32_t count_cap;
};

/* Limits of one connection, beyond which it is ended with what is known. */
enum {
    TALK_IN_MAX = 20000, /* bytes taken in; a count alone may take TALK_COUNT_IN_MAX */
    TALK_COUNT_IN_MAX = 64 << 20,
    TALK_MESSAGE_MAX = 1400, /* one message is one segment */
    TALK_OUT_MAX = 2000,     /* bytes sent to one host and port */
    TALK_PACKETS_MAX = 12,
    TALK_SAID_MAX = 4,
    TALK_ARENA_MAX = 256 << 10
};

enum talk_end {
    TALK_END,   /* the other side closed */
    TALK_RESET, /* or cut */
    TALK_LATE,  /* nothing came in time */
    TALK_STOP,  /* we are to stop */
};

struct talk {
    const struct talk_calls *calls;
    const struct talk_manner *manner;
    struct arena *arena; /* facts and what they point to; of the connection */
    struct ip ip;
    uint16_t port;
    bool tls;
    uint32_t packets, bytes_out;     /* sent so far; the caller keeps them */
    bool brief;                      /* what is waited for now is courtesy only */
    bool counting;                   /* a count is under way: more time and bytes than else */
    const char *said[TALK_SAID_MAX]; /* names of the messages in `out`; the caller forgets them */
    unsigned n_said;
};
static inline void talk_say(struct talk *t, const char *name)
{
    if (t->n_said < TALK_SAID_MAX)
        t->said[t->n_said++] = name;
}

/* Each writes what is to be sent to `out` (TALK_MESSAGE_MAX) and names it with talk_say. */
struct talk_calls {
    size_t size;        /* of the machine, whose first member is a struct talk */
    bool wants_packets; /* t->packets is kept up: it costs a system call */
    /* Begins: the connection stands. DONE: nothing is to be said. */
    enum step (*open)(struct talk *t, struct wr *out);
    /* Bytes came. MORE; EVENT: a stage is done, the time for the next begins; DONE: `out` is the
     * last word, then the connection is closed. */
    enum step (*bytes)(struct talk *t, struct str in, struct wr *out);
    /* The connection ends without the machine's doing; `out` goes only if it still can. */
    void (*end)(struct talk *t, enum talk_end why, struct wr *out);
    err_t (*facts)(struct talk *t, struct evidence *e);
    void (*done)(struct talk *t); /* releases; may be NULL */
};
extern const struct talk_calls dicom_talk, http_talk, mllp_talk;

/* Of a kind's protocol; TLS is the connection's affair. */
const struct talk_calls *talk_of(enum probe_kind k);
enum { TALK_SIZE_MAX = 2048 }; /* the largest machine */

/* What came and is of no protocol that was asked for: banner, raw_banner, protocol. */
err_t talk_banner(struct str bytes, struct evidence *e) MUST_CHECK;

#endif
