#include "base/wr.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"

struct wr wr_fixed(void *buf, size_t cap)
{
    return (struct wr){.p = buf, .cap = cap, .max = cap};
}

struct wr wr_heap(size_t max)
{
    return (struct wr){.max = max, .heap = true};
}

struct wr wr_sink(void *buf, size_t cap, err_t (*flush)(void *ctx, struct str bytes), void *ctx)
{
    return (struct wr){.p = buf, .cap = cap, .max = cap, .flush = flush, .ctx = ctx};
}

void wr_done(struct wr *w)
{
    if (w && w->heap) {
        free(w->p);
        *w = wr_heap(w->max);
    }
}

void wr_clear(struct wr *w)
{
    w->n = 0;
    w->bad = false;
}

err_t wr_flush(struct wr *w)
{
    if (w->bad)
        return E_LIMIT;
    if (!w->flush || w->n == 0)
        return OK;
    err_t e = w->flush(w->ctx, wr_str(w));
    w->n = 0;
    w->bad = e != OK;
    return e;
}

static bool grow(struct wr *w, size_t want)
{
    if (!w->heap || want > w->max)
        return false;
    size_t cap = size_max(w->cap, size_min(256, w->max));
    while (cap < want)
        cap = cap > w->max / 2 ? w->max : cap * 2;
    uint8_t *p = realloc(w->p, cap);
    if (!p)
        return false;
    w->p = p;
    w->cap = cap;
    return true;
}

uint8_t *wr_reserve(struct wr *w, size_t n)
{
    size_t want;
    if (w->bad)
        return NULL;
    if (w->flush && n > w->cap - w->n && wr_flush(w) != OK)
        return NULL;
    if (!size_add(w->n, n, &want) || (want > w->cap && !grow(w, want))) {
        w->bad = true;
        return NULL;
    }
    uint8_t *room = w->p + w->n;
    w->n = want;
    return room;
}

void wr_bytes(struct wr *w, const void *p, size_t n)
{
    const uint8_t *from = p;
    while (w->flush && !w->bad && n > w->cap - w->n) {
        size_t part = w->cap - w->n;
        uint8_t *room = wr_reserve(w, part);
        memcpy(room, from, part);
        from += part;
        n -= part;
        if (wr_flush(w) != OK)
            return;
    }
    uint8_t *room = n ? wr_reserve(w, n) : NULL;
    if (room)
        memcpy(room, from, n);
}

void wr_fill(struct wr *w, char c, size_t n)
{
    while (n--)
        wr_u8(w, (uint8_t)c);
}

static void put_uint(struct wr *w, uint64_t v, size_t n, bool big)
{
    uint8_t *room = wr_reserve(w, n);
    for (size_t i = 0; room && i < n; i++)
        room[big ? n - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

void wr_u8(struct wr *w, uint8_t v)
{
    put_uint(w, v, 1, true);
}
void wr_u16be(struct wr *w, uint16_t v)
{
    put_uint(w, v, 2, true);
}
void wr_u16le(struct wr *w, uint16_t v)
{
    put_uint(w, v, 2, false);
}
void wr_u32be(struct wr *w, uint32_t v)
{
    put_uint(w, v, 4, true);
}
void wr_u32le(struct wr *w, uint32_t v)
{
    put_uint(w, v, 4, false);
}
void wr_u64be(struct wr *w, uint64_t v)
{
    put_uint(w, v, 8, true);
}
void wr_u64le(struct wr *w, uint64_t v)
{
    put_uint(w, v, 8, false);
}

void wr_vprintf(struct wr *w, const char *fmt, va_list ap)
{
    char buf[1024];
    int n = vsnprintf(buf, sizeof buf, fmt, ap);
    if (n < 0 || (size_t)n >= sizeof buf)
        w->bad = true;
    else
        wr_bytes(w, buf, (size_t)n);
}

void wr_printf(struct wr *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    wr_vprintf(w, fmt, ap);
    va_end(ap);
}

void wr_printable(struct wr *w, struct str s)
{
    /* In well-formed UTF-8 the C1 controls are C2 80 to C2 9F; elsewhere any high byte is suspect.
     */
    bool utf8 = str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        bool c1 = utf8 ? c == 0xc2 && (uint8_t)s.p[i + 1] < 0xa0 : c >= 0x80;
        if (c < 0x20 || c == 0x7f || (c1 && !utf8))
            wr_printf(w, "\\x%02x", c);
        else if (c1)
            wr_printf(w, "\\x%02x", (uint8_t)s.p[++i]);
        else
            wr_u8(w, c);
    }
}

void wr_hex(struct wr *w, struct str s)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        wr_u8(w, (uint8_t)digits[(uint8_t)s.p[i] >> 4]);
        wr_u8(w, (uint8_t)digits[(uint8_t)s.p[i] & 15]);
    }
}

void wr_base64(struct wr *w, struct str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        size_t have = size_min(3, s.n - i);
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < have ? (uint8_t)s.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            wr_u8(w, k <= have ? (uint8_t)digits[v >> (18 - 6 * k) & 63] : '=');
    }
}

size_t wr_mark(struct wr *w, size_t field)
{
    size_t mark = w->n;
    wr_fill(w, 0, field);
    return mark;
}

static void patch(struct wr *w, size_t mark, size_t field, bool big)
{
    if (w->bad)
        return;
    size_t n = w->n - mark - field;
    if (field < sizeof n && n >> (8 * field)) {
        w->bad = true;
        return;
    }
    for (size_t i = 0; i < field; i++)
        w->p[mark + (big ? field - 1 - i : i)] = (uint8_t)(n >> (8 * i));
}

void wr_patch_u16be(struct wr *w, size_t mark)
{
    patch(w, mark, 2, true);
}
void wr_patch_u32be(struct wr *w, size_t mark)
{
    patch(w, mark, 4, true);
}
void wr_patch_u32le(struct wr *w, size_t mark)
{
    patch(w, mark, 4, false);
}
