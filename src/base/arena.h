/* An arena: memory of one request, association or message. Nothing in it is freed singly; all goes
 * at once with arena_done or arena_reset. Capped: past the cap allocations give NULL. */
#ifndef LASTRA_BASE_ARENA_H
#define LASTRA_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used;  /* bytes handed out, with rounding */
    size_t limit; /* cap on `used` */
};

/* An empty arena; nothing is allocated yet. */
struct arena arena_init(size_t limit);

/* Frees everything; NULL is fine. The arena can be used again. */
void arena_done(struct arena *a);

/* Forgets everything but keeps one block, for the next message. */
void arena_reset(struct arena *a);

/* n zeroed bytes aligned for any type; NULL past the limit or out of memory. n may be 0. */
void *arena_alloc(struct arena *a, size_t n);

/* Zeroed array; NULL also on overflow of count * size. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy. On failure ret.p is NULL (an empty input gives a non-NULL p). */
struct str arena_copy(struct arena *a, struct str s);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

#endif
