#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/size.h"

enum { BLOCK = 16 * 1024, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t n, cap;
    alignas(ALIGN) uint8_t bytes[];
};

struct arena arena_init(size_t limit)
{
    return (struct arena){.limit = limit};
}

static void free_from(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_done(struct arena *a)
{
    if (!a)
        return;
    free_from(a->blocks);
    *a = arena_init(a->limit);
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->blocks;
    a->used = 0;
    if (!keep)
        return;
    free_from(keep->next);
    keep->next = NULL;
    keep->n = 0;
}

static struct arena_block *new_block(struct arena *a, size_t n)
{
    size_t cap = size_max(n, BLOCK), total;
    if (!size_add(cap, sizeof(struct arena_block), &total))
        return NULL;
    struct arena_block *b = malloc(total);
    if (!b)
        return NULL;
    *b = (struct arena_block){.next = a->blocks, .cap = cap};
    a->blocks = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t rounded, used;
    if (!size_add(n, ALIGN - 1, &rounded))
        return NULL;
    rounded = rounded / ALIGN * ALIGN;
    if (!size_add(a->used, rounded, &used) || used > a->limit)
        return NULL;
    struct arena_block *b = a->blocks;
    if (!b || rounded > b->cap - b->n)
        b = new_block(a, rounded);
    if (!b)
        return NULL;
    void *p = b->bytes + b->n;
    b->n += rounded;
    a->used = used;
    memset(p, 0, rounded);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;
    return size_mul(count, size, &n) ? arena_alloc(a, n) : NULL;
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n);
    if (!p)
        return str_of(NULL, 0);
    if (s.n)
        memcpy(p, s.p, s.n);
    return str_of(p, s.n);
}
