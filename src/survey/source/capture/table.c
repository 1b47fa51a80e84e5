#include "survey/source/capture/table.h"

#include <stdlib.h>

#include "io/crypto.h"

enum {
    BUCKETS = 1 << 15,
    REPEATS = 1 << 16, /* beginnings that are remembered */
};

struct table {
    struct talk_world world;
    struct talk *buckets[BUCKETS];
    struct talk *newest, *oldest;
    size_t n, max;
    uint64_t seed;
    uint64_t *begun; /* REPEATS hashes of ends and initial sequence number */
    struct table_sum sum;
};

err_t table_new(struct gather *g, size_t talks, size_t memory, struct table **ret)
{
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        return E_NOMEM;
    t->world.g = g;
    t->world.budget.max = memory ? memory : TALKS_MEMORY;
    t->max = talks ? talks : TALKS_MAX;
    t->begun = calloc(REPEATS, sizeof *t->begun);
    err_t e = t->begun ? crypto_random(&t->seed, sizeof t->seed) : E_NOMEM;
    if (e != OK)
        table_free(t);
    else
        *ret = t;
    return e;
}

struct ends_key {
    struct ip ip[2];
    uint16_t port[2];
};

/* Both directions give the same key; the answer is which end sent it. */
static unsigned key_of(const struct packet *p, struct ends_key *ret)
{
    int order = ip_cmp(&p->src, &p->dst);
    unsigned from = order ? order > 0 : p->src_port > p->dst_port;
    ret->ip[from] = p->src;
    ret->ip[!from] = p->dst;
    ret->port[from] = p->src_port;
    ret->port[!from] = p->dst_port;
    return from;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0xff51afd7ed558ccdu;
    return h ^ h >> 32;
}

static uint64_t hash_of(const struct table *t, const struct ends_key *k)
{
    uint64_t words[4];
    uint64_t h = t->seed;
    memcpy(words, k->ip, sizeof words);
    for (size_t i = 0; i < 4; i++)
        h = mix(h, words[i]);
    return mix(h, (uint64_t)k->port[0] << 16 | k->port[1]);
}

static bool is(const struct talk *t, const struct ends_key *k)
{
    return t->port[0] == k->port[0] && t->port[1] == k->port[1] &&
           memcmp(t->ip, k->ip, sizeof k->ip) == 0;
}

static void unlink_age(struct table *t, struct talk *k)
{
    if (k->newer)
        k->newer->older = k->older;
    else
        t->newest = k->older;
    if (k->older)
        k->older->newer = k->newer;
    else
        t->oldest = k->newer;
    k->older = k->newer = NULL;
}

static void link_newest(struct table *t, struct talk *k)
{
    k->older = t->newest;
    if (t->newest)
        t->newest->newer = k;
    else
        t->oldest = k;
    t->newest = k;
}

static void forget(struct table *t, struct talk *k)
{
    struct ends_key key = {{k->ip[0], k->ip[1]}, {k->port[0], k->port[1]}};
    struct talk **at = &t->buckets[hash_of(t, &key) % BUCKETS];
    while (*at != k)
        at = &(*at)->chain;
    *at = k->chain;
    unlink_age(t, k);
    if (!k->closed)
        talk_close(k, &t->world);
    free(k);
    t->n--;
}

/* Room by forgetting what was silent longest. */
static void make_room(struct table *t)
{
    struct budget *b = &t->world.budget;
    if (b->used > t->sum.memory_max)
        t->sum.memory_max = b->used;
    while (t->oldest && (t->n > t->max || b->used > b->max)) {
        t->sum.dropped += !t->oldest->closed;
        forget(t, t->oldest);
    }
}

/* Whether this very beginning was seen before. */
static bool repeats(struct table *t, uint64_t hash, uint32_t isn)
{
    uint64_t h = mix(hash, isn) | 1;
    uint64_t *slot = &t->begun[h >> 48 & (REPEATS - 1)];
    bool seen = *slot == h;
    *slot = h;
    return seen;
}

static err_t insert(struct table *t, const struct ends_key *k, uint64_t hash,
                    const struct packet *p, struct talk **ret)
{
    struct talk *n = calloc(1, sizeof *n);
    if (!n)
        return E_NOMEM;
    n->client = -1;
    memcpy(n->ip, k->ip, sizeof n->ip);
    memcpy(n->port, k->port, sizeof n->port);
    n->has_isn = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    n->isn = p->seq;
    n->ignored = n->has_isn && repeats(t, hash, p->seq);
    t->sum.repeated += n->ignored;
    n->chain = t->buckets[hash % BUCKETS];
    t->buckets[hash % BUCKETS] = n;
    link_newest(t, n);
    t->n++;
    *ret = n;
    return OK;
}

/* A SYN with another beginning on ends that are known: their next connection. */
static bool begins_anew(const struct talk *k, const struct packet *p)
{
    if ((p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
        return false;
    return k->closed || !k->has_isn || k->isn != p->seq;
}

/* A lone acknowledgement, or a farewell to what is forgotten, begins nothing. */
static bool worth_a_talk(const struct packet *p)
{
    return !(p->flags & TCP_RST) && (p->flags & TCP_SYN || p->payload.n || p->cut);
}

err_t table_packet(struct table *t, const struct packet *p)
{
    struct ends_key key;
    unsigned from = key_of(p, &key);
    uint64_t hash = hash_of(t, &key);
    struct talk *k = t->buckets[hash % BUCKETS];
    while (k && !is(k, &key))
        k = k->chain;
    if (k && begins_anew(k, p)) {
        forget(t, k);
        k = NULL;
    }
    if (!k && !worth_a_talk(p))
        return OK;
    if (!k)
        TRY(insert(t, &key, hash, p, &k));
    if (t->newest != k) {
        unlink_age(t, k);
        link_newest(t, k);
    }
    talk_packet(k, &t->world, from, p);
    make_room(t);
    return OK;
}

void table_tell(struct table *t)
{
    for (struct talk *k = t->oldest; k; k = k->newer)
        if (!k->closed && (k->dialect || k->opaque || k->told))
            talk_tell(k, &t->world);
}

void table_end(struct table *t)
{
    while (t->oldest)
        forget(t, t->oldest);
}

void table_free(struct table *t)
{
    if (!t)
        return;
    table_end(t);
    free(t->begun);
    free(t);
}

struct table_sum table_sum(const struct table *t)
{
    struct table_sum s = t->sum;
    s.again = t->world.again;
    s.gaps = t->world.gaps;
    return s;
}
