#include "survey/source/capture/talk.h"

#include "base/size.h"

/* Segments that are looked at before a talk whose begin was seen is none of ours. */
enum { TRIES_MAX = 6 };

/* One direction being fed: what half_take calls back with. */
struct feed {
    struct talk *t;
    struct talk_world *w;
    unsigned from;
};

/* Ports that servers are found on and clients are not given; of a direction's guess only. */
static bool is_service(uint16_t port)
{
    static const uint16_t usual[] = {2575, 2576, 2761, 2762, 4242, 8042, 8080, 8443, 11112, 11113};
    for (size_t i = 0; i < COUNT(usual); i++)
        if (port == usual[i])
            return true;
    return port < 1024;
}

/* Nobody was seen to call: servers have the usual ports, or the lower ones. */
static void guess_client(struct talk *t)
{
    bool service[] = {is_service(t->port[0]), is_service(t->port[1])};
    if (t->client >= 0)
        return;
    t->client = t->port[0] > t->port[1] ? 0 : 1;
    if (service[0] != service[1])
        t->client = service[0] ? 1 : 0;
}

static struct scene scene_of(struct talk *t, struct talk_world *w)
{
    unsigned c = t->client > 0;
    return (struct scene){
        .g = w->g,
        .budget = &w->budget,
        .ends = {.client = t->ip[c], .server = t->ip[!c], .port = t->port[!c]},
    };
}

static enum protocol protocol_of(const struct talk *t)
{
    return t->dialect ? t->dialect->protocol : PROTOCOL_other;
}

void talk_tell(struct talk *t, struct talk_world *w)
{
    bool there = t->dialect || t->answered || t->told || t->bytes;
    if (!there || t->ignored || t->closed || (t->told && !t->bytes))
        return;
    guess_client(t);
    struct scene s = scene_of(t, w);
    gather_flow(w->g, &s.ends, protocol_of(t), !t->told, t->bytes, 0);
    t->told = true;
    t->bytes = 0;
}

static void adopt(struct talk *t, struct talk_world *w, const struct dialect *d, enum looks who,
                  unsigned from)
{
    if (t->client < 0 && who != LOOKS_either)
        t->client = (int8_t)(who == LOOKS_client ? from : !from);
    guess_client(t);
    struct scene s = scene_of(t, w);
    t->state = d->begin(&s, t->first[from]);
    if (!t->state) {
        t->opaque = true;
        return;
    }
    t->dialect = d;
}

static void speak(struct talk *t, struct talk_world *w, unsigned from, struct str bytes)
{
    struct scene s = scene_of(t, w);
    t->dialect->bytes(t->state, &s, from == (unsigned)t->client ? SIDE_CLIENT : SIDE_SERVER, bytes);
}

/* What a server says unasked, when it is none of our dialects. */
static void unknown(struct talk *t, struct talk_world *w, unsigned from, struct str head)
{
    bool greeting = t->first[from] && t->answered && t->first[!from] && t->client == (int8_t)!from;
    if (greeting) {
        struct scene s = scene_of(t, w);
        banner_tell(&s, head);
    }
    /* Where its begin was not seen, a connection may say something that we know at any time. */
    if (t->answered && ++t->tries >= TRIES_MAX)
        t->opaque = true;
}

/* The first bytes of a direction that are too few are kept until there are more. */
static void keep_prefix(struct talk *t, unsigned from, struct str bytes)
{
    size_t n = size_min(bytes.n, LOOKS_MAX - (size_t)t->n_prefix[from]);
    memcpy(t->prefix[from] + t->n_prefix[from], bytes.p, n);
    t->n_prefix[from] = (uint8_t)(t->n_prefix[from] + n);
}

static void find_dialect(struct talk *t, struct talk_world *w, unsigned from, struct str bytes)
{
    size_t before = t->n_prefix[from];
    struct str head = bytes;
    if (before) {
        keep_prefix(t, from, bytes);
        head = str_of(t->prefix[from], t->n_prefix[from]);
    }
    enum looks who;
    const struct dialect *d = dialect_find(head, t->first[from], &who);
    if (!d && who == LOOKS_more && t->first[from] && t->n_prefix[from] < LOOKS_MAX) {
        if (!before)
            keep_prefix(t, from, bytes);
        return;
    }
    if (d) {
        adopt(t, w, d, who, from);
        if (t->dialect && before)
            speak(t, w, from, str_of(t->prefix[from], before));
        if (t->dialect)
            speak(t, w, from, bytes);
    } else {
        unknown(t, w, from, before ? head : bytes);
    }
    t->n_prefix[from] = 0;
    t->first[from] = false;
}

static void on_bytes(void *ctx, struct str bytes)
{
    struct feed *f = ctx;
    f->t->bytes += bytes.n;
    if (f->t->opaque || f->t->ignored)
        return;
    if (f->t->dialect)
        speak(f->t, f->w, f->from, bytes);
    else
        find_dialect(f->t, f->w, f->from, bytes);
}

static void on_gap(void *ctx, uint32_t n)
{
    struct feed *f = ctx;
    struct talk *t = f->t;
    t->first[f->from] = false;
    t->n_prefix[f->from] = 0;
    if (!t->dialect || t->ignored)
        return;
    struct scene s = scene_of(t, f->w);
    t->dialect->gap(t->state, &s, f->from == (unsigned)t->client ? SIDE_CLIENT : SIDE_SERVER, n);
}

static struct half_calls calls_of(struct feed *f)
{
    return (struct half_calls){on_bytes, on_gap, f, &f->w->again, &f->w->gaps};
}

/* Who calls is said by the SYN; a SYN-ACK says it too when the SYN was not captured. */
static void learn_sides(struct talk *t, unsigned from, const struct packet *p)
{
    if (!(p->flags & TCP_SYN))
        return;
    bool ack = p->flags & TCP_ACK;
    if (!t->half[from].started)
        t->first[from] = true;
    if (t->client < 0)
        t->client = (int8_t)(ack ? !from : from);
    if (ack && t->client == (int8_t)!from)
        t->answered = true;
}

/* A reset counts where its sender's stream is, or within what we may have missed of it. */
static bool reset_counts(const struct half *h, const struct packet *p)
{
    return !h->started || p->seq - h->next <= 1 << 20;
}

void talk_packet(struct talk *t, struct talk_world *w, unsigned from, const struct packet *p)
{
    struct feed f = {t, w, from}, other = {t, w, !from};
    struct half_calls calls = calls_of(&f), back = calls_of(&other);
    if (t->closed)
        return;
    if (p->flags & TCP_RST) {
        if (reset_counts(&t->half[from], p))
            talk_close(t, w);
        return;
    }
    learn_sides(t, from, p);
    half_take(&t->half[from], p, &w->budget, &calls);
    if (p->flags & TCP_ACK)
        half_acked(&t->half[!from], p->ack, &w->budget, &back);
    if (t->half[0].closed && t->half[1].closed)
        talk_close(t, w);
}

void talk_close(struct talk *t, struct talk_world *w)
{
    for (unsigned from = 0; from < 2; from++) {
        struct feed f = {t, w, from};
        struct half_calls calls = calls_of(&f);
        half_end(&t->half[from], &w->budget, &calls);
    }
    talk_tell(t, w);
    if (t->dialect) {
        struct scene s = scene_of(t, w);
        t->dialect->end(t->state, &s);
    }
    t->dialect = NULL;
    t->state = NULL;
    t->closed = true;
}
