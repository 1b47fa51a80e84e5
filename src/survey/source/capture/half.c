#include "survey/source/capture/half.h"

#include <stdlib.h>

struct segment {
    struct segment *next;
    uint32_t seq, n, cut;
    char bytes[];
};

/* How far b lies behind a, on the circle of sequence numbers. */
static int32_t after(uint32_t b, uint32_t a)
{
    return (int32_t)(b - a);
}

static void release(struct half *h, struct segment *s, struct budget *b)
{
    h->n_held--;
    h->held -= s->n;
    b->used -= s->n + HALF_SEGMENT_OVERHEAD;
    free(s);
}

/* Bytes that begin at or before what is awaited. */
static void deliver(struct half *h, uint32_t seq, struct str bytes, uint32_t cut,
                    const struct half_calls *calls)
{
    uint32_t old = h->next - seq;
    uint64_t all = (uint64_t)bytes.n + cut;
    if (old >= all) {
        ++*calls->again;
        return;
    }
    h->next = seq + (uint32_t)all;
    struct str fresh = str_slice(bytes, old, bytes.n);
    if (fresh.n)
        calls->bytes(calls->ctx, fresh);
    if (cut) {
        ++*calls->gaps;
        calls->gap(calls->ctx, (uint32_t)(all - old - fresh.n));
    }
}

/* What was held and has become next. */
static void drain(struct half *h, struct budget *b, const struct half_calls *calls)
{
    while (h->segments && after(h->segments->seq, h->next) <= 0) {
        struct segment *s = h->segments;
        h->segments = s->next;
        deliver(h, s->seq, str_of(s->bytes, s->n), s->cut, calls);
        release(h, s, b);
    }
    if (h->has_fin && after(h->next, h->fin) >= 0)
        h->closed = true;
}

static void skip_gap(struct half *h, struct budget *b, const struct half_calls *calls)
{
    if (!h->segments)
        return;
    uint32_t n = h->segments->seq - h->next;
    ++*calls->gaps;
    h->next = h->segments->seq;
    calls->gap(calls->ctx, n);
    drain(h, b, calls);
}

/* Behind every held segment that does not begin later, so that the first of two stays first. */
static void hold(struct half *h, const struct packet *p, struct budget *b)
{
    struct segment *s = malloc(sizeof *s + p->payload.n);
    if (!s)
        return; /* as if it had not been captured */
    *s = (struct segment){.seq = p->seq, .n = (uint32_t)p->payload.n, .cut = p->cut};
    memcpy(s->bytes, p->payload.p, p->payload.n);
    struct segment **at = &h->segments;
    while (*at && after((*at)->seq, p->seq) <= 0)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
    h->n_held++;
    h->held += s->n;
    b->used += s->n + HALF_SEGMENT_OVERHEAD;
}

static void payload(struct half *h, const struct packet *p, struct budget *b,
                    const struct half_calls *calls)
{
    int32_t ahead = after(p->seq, h->next);
    if (ahead <= 0) {
        deliver(h, p->seq, p->payload, p->cut, calls);
        if (h->segments)
            drain(h, b, calls);
        return;
    }
    if (ahead > HALF_WINDOW) {
        ++*calls->again;
        return;
    }
    hold(h, p, b);
    while (h->n_held > HALF_SEGMENTS_MAX || h->held > HALF_HELD_MAX)
        skip_gap(h, b, calls);
}

void half_take(struct half *h, const struct packet *p, struct budget *b,
               const struct half_calls *calls)
{
    bool syn = p->flags & TCP_SYN;
    struct packet data = *p;
    if (syn)
        data.seq++; /* a SYN stands before the first byte */
    if (!h->started) {
        h->started = true;
        h->next = data.seq;
    }
    if (h->closed)
        return;
    if (data.payload.n || data.cut)
        payload(h, &data, b, calls);
    uint32_t end = data.seq + (uint32_t)data.payload.n + data.cut;
    if (p->flags & TCP_FIN && after(end, h->next) >= 0) { /* else it is from the past, or forged */
        h->has_fin = true;
        h->fin = end;
    }
    if (h->has_fin && after(h->next, h->fin) >= 0)
        h->closed = true;
}

void half_acked(struct half *h, uint32_t ack, struct budget *b, const struct half_calls *calls)
{
    while (h->n_held >= HALF_ACKED_MIN && after(ack, h->segments->seq) > 0)
        skip_gap(h, b, calls);
}

void half_end(struct half *h, struct budget *b, const struct half_calls *calls)
{
    while (h->segments)
        skip_gap(h, b, calls);
}
