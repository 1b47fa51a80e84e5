/* TLS: what its hellos tell, and the certificate where the version shows it. What is inside stays
 * closed: a flow on port 2762 is a candidate for DICOM, no more. */
#include <stdlib.h>

#include "base/rd.h"
#include "survey/source/capture/dialect.h"
#include "survey/wire/tls_text.h"

enum {
    HANDSHAKE = 22,
    APPLICATION = 23,
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    RECORD_MAX = (16 << 10) + 256,
    COST = 20 << 10, /* of a reader that holds a certificate */
};

struct tls {
    struct tls_reader *side[2]; /* NULL: it has told everything */
    size_t charged;
};

static enum looks looks(struct str head, bool first)
{
    struct rd r = rd_of(head);
    uint8_t type = rd_u8(&r), major = rd_u8(&r), minor = rd_u8(&r);
    uint16_t n = rd_u16be(&r);
    bool fits = head.n && (type == HANDSHAKE || (type == APPLICATION && !first)) &&
                (head.n < 2 || major == 3) && (head.n < 3 || minor <= 4) &&
                (head.n < 5 || (n > 0 && n <= RECORD_MAX));
    if (!fits)
        return LOOKS_no;
    if (head.n < 6)
        return first ? LOOKS_more : LOOKS_no;
    /* In the middle of a connection five bytes are too little to go by, unless the record ends
     * where the segment does. */
    if (type == APPLICATION)
        return head.n == (size_t)n + 5 ? LOOKS_either : LOOKS_no;
    uint8_t message = rd_u8(&r);
    if (message == CLIENT_HELLO)
        return LOOKS_client;
    return message == SERVER_HELLO ? LOOKS_server : LOOKS_no;
}

static void charge(struct tls *t, struct budget *b)
{
    size_t now = sizeof *t + (t->side[0] ? COST : 0) + (t->side[1] ? COST : 0);
    b->used = b->used - t->charged + now;
    t->charged = now;
}

static void *begin(struct scene *s, bool first)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    /* Without its begin nothing can be read of it; that it is TLS is said already. */
    if (first && (tls_reader_new(false, &t->side[SIDE_CLIENT]) != OK ||
                  tls_reader_new(true, &t->side[SIDE_SERVER]) != OK)) {
        tls_reader_free(t->side[SIDE_CLIENT]);
        free(t);
        return NULL;
    }
    charge(t, s->budget);
    return t;
}

/* A side has nothing more to tell. */
static void finish(struct tls *t, struct scene *s, enum side side)
{
    struct tls_reader *r = t->side[side];
    if (r && side == SIDE_SERVER && tls_reader_facts(r, BY_TRAFFIC, gather_scratch(s->g)) == OK)
        gather_evidence(s->g, &s->ends.server, s->ends.port);
    tls_reader_free(r);
    t->side[side] = NULL;
    charge(t, s->budget);
}

static void bytes(void *state, struct scene *s, enum side side, struct str in)
{
    struct tls *t = state;
    if (t->side[side] && tls_reader_feed(t->side[side], in) != STEP_MORE)
        finish(t, s, side);
}

static void gap(void *state, struct scene *s, enum side side, uint32_t n)
{
    (void)n;
    finish(state, s, side);
}

static void end(void *state, struct scene *s)
{
    struct tls *t = state;
    finish(t, s, SIDE_CLIENT);
    finish(t, s, SIDE_SERVER);
    s->budget->used -= t->charged;
    free(t);
}

const struct dialect dialect_tls = {"tls", PROTOCOL_tls, looks, begin, bytes, gap, end};
