/* The cursor: the only way bytes from outside are read.
 *
 * Past the end every read gives 0 (or an empty view) and latches `bad`. Code reads a whole unit,
 * checks `bad` once, and only then acts on what it read. A length from the wire goes into rd_take
 * or rd_sub, never into a malloc or a loop bound alone.
 */
#ifndef LASTRA_BASE_RD_H
#define LASTRA_BASE_RD_H

#include "base/str.h"

struct rd {
    const uint8_t *p; /* next byte */
    size_t n;         /* bytes left */
    bool bad;         /* something was read past the end */
};

static inline struct rd rd_of(struct str s)
{
    /* An empty view may have no place at all, and nothing may be added to that. */
    return (struct rd){(const uint8_t *)(s.p ? s.p : ""), s.n, false};
}

/* A view of the next n bytes, which are passed over; empty and bad when fewer are left. */
static inline struct str rd_take(struct rd *r, size_t n)
{
    if (n > r->n) {
        r->bad = true;
        r->n = 0;
        return str_of(r->p, 0);
    }
    struct str s = str_of(r->p, n);
    r->p += n;
    r->n -= n;
    return s;
}

/* A cursor over the next n bytes, which are passed over in the parent. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
    struct rd sub = rd_of(rd_take(r, n));
    sub.bad = r->bad;
    return sub;
}

static inline void rd_skip(struct rd *r, size_t n)
{
    (void)rd_take(r, n);
}

static inline uint64_t rd_uint_(struct rd *r, size_t n, bool big)
{
    struct str s = rd_take(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (uint8_t)s.p[big ? i : s.n - 1 - i];
    return v;
}

static inline uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)rd_uint_(r, 1, true);
}
static inline uint16_t rd_u16be(struct rd *r)
{
    return (uint16_t)rd_uint_(r, 2, true);
}
static inline uint16_t rd_u16le(struct rd *r)
{
    return (uint16_t)rd_uint_(r, 2, false);
}
static inline uint32_t rd_u32be(struct rd *r)
{
    return (uint32_t)rd_uint_(r, 4, true);
}
static inline uint32_t rd_u32le(struct rd *r)
{
    return (uint32_t)rd_uint_(r, 4, false);
}
static inline uint64_t rd_u64be(struct rd *r)
{
    return rd_uint_(r, 8, true);
}
static inline uint64_t rd_u64le(struct rd *r)
{
    return rd_uint_(r, 8, false);
}

#endif
