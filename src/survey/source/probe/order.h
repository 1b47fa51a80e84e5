/* A random order over 0 .. n-1 that is a function of a seed: what stands at a place is computed, so
 * that a run of any size needs no list and goes on at a place. Addresses that lie together come far
 * apart. */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_ORDER_H
#define LASTRA_SURVEY_SOURCE_PROBE_ORDER_H

#include <stdint.h>

enum { ORDER_ROUNDS = 6 };

struct order {
    uint64_t n;
    unsigned half; /* bits of each half */
    uint64_t keys[ORDER_ROUNDS];
};

/* n at most 2^62. */
void order_init(struct order *o, uint64_t n, const uint8_t seed[32]);
/* A permutation: every number below n is at one place below n. */
uint64_t order_at(const struct order *o, uint64_t place);

#endif
