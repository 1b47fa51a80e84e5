/* A Feistel network over the smallest even number of bits that holds n; what falls past n is sent
 * through again (cycle walking), at most four times in the mean. */
#include "survey/source/probe/order.h"

#include <string.h>

/* The finalizer of MurmurHash3: every bit in changes every bit out. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

void order_init(struct order *o, uint64_t n, const uint8_t seed[32])
{
    uint64_t word[4];
    memcpy(word, seed, sizeof word);
    o->n = n;
    o->half = 1;
    while (o->half < 31 && (uint64_t)1 << 2 * o->half < n)
        o->half++;
    for (unsigned i = 0; i < ORDER_ROUNDS; i++)
        o->keys[i] = mix(word[i % 4] + i);
}

static uint64_t once(const struct order *o, uint64_t x)
{
    uint64_t mask = ((uint64_t)1 << o->half) - 1, left = x >> o->half, right = x & mask;
    for (unsigned i = 0; i < ORDER_ROUNDS; i++) {
        uint64_t next = left ^ (mix(right + o->keys[i]) & mask);
        left = right;
        right = next;
    }
    return left << o->half | right;
}

uint64_t order_at(const struct order *o, uint64_t place)
{
    do {
        place = once(o, place);
    } while (place >= o->n);
    return place;
}
