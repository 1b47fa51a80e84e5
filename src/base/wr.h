/* The writer: the only way bytes go out. Capped and latching: what does not fit sets `bad` and
 * nothing more is written; check once at the end. Three kinds of storage, one interface:
 *
 *   wr_fixed   the caller's array;
 *   wr_heap    grows by malloc up to a cap; release with wr_done;
 *   wr_sink    the caller's array, handed to a function whenever it is full (for output of any
 * length).
 */
#ifndef LASTRA_BASE_WR_H
#define LASTRA_BASE_WR_H

#include <stdarg.h>

#include "base/err.h"
#include "base/str.h"

struct wr {
    uint8_t *p;
    size_t n;   /* bytes written and not yet flushed */
    size_t cap; /* bytes there is room for now */
    size_t max; /* heap: how far cap may grow; else equal to cap */
    bool heap;
    bool bad;
    err_t (*flush)(void *ctx, struct str bytes);
    void *ctx;
};

struct wr wr_fixed(void *buf, size_t cap);
struct wr wr_heap(size_t max);
struct wr wr_sink(void *buf, size_t cap, err_t (*flush)(void *ctx, struct str bytes), void *ctx);

/* Releases heap storage; NULL and other kinds are fine. */
void wr_done(struct wr *w);

/* Forgets what was written (not flushed) and the latch, keeps the storage. */
void wr_clear(struct wr *w);

/* Hands what is pending to the sink. E_LIMIT when the writer has latched. Other kinds: only the
 * check. */
err_t wr_flush(struct wr *w) MUST_CHECK;

/* What was written so far (not flushed). */
static inline struct str wr_str(const struct wr *w)
{
    return str_of(w->p, w->n);
}

void wr_bytes(struct wr *w, const void *p, size_t n);
static inline void wr_put(struct wr *w, struct str s)
{
    wr_bytes(w, s.p, s.n);
}

/* n copies of c. */
void wr_fill(struct wr *w, char c, size_t n);

/* Room for n bytes that the caller fills itself; NULL, and latched, when there is none. */
uint8_t *wr_reserve(struct wr *w, size_t n);

void wr_u8(struct wr *w, uint8_t v);
void wr_u16be(struct wr *w, uint16_t v);
void wr_u16le(struct wr *w, uint16_t v);
void wr_u32be(struct wr *w, uint32_t v);
void wr_u32le(struct wr *w, uint32_t v);
void wr_u64be(struct wr *w, uint64_t v);
void wr_u64le(struct wr *w, uint64_t v);

/* printf, without the NUL. */
void wr_printf(struct wr *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void wr_vprintf(struct wr *w, const char *fmt, va_list ap);

/* The text with every control byte (C0, DEL, and C1 when it stands alone) as \xNN: safe on a
 * terminal. */
void wr_printable(struct wr *w, struct str s);

/* Lower-case hexadecimal. */
void wr_hex(struct wr *w, struct str s);

/* Standard base64 with padding (RFC 4648 section 4). */
void wr_base64(struct wr *w, struct str s);

/* Leaves room for a length that is known later and patched by wr_patch_*: the number of bytes
 * written since the mark's own field. Not for sinks. */
size_t wr_mark(struct wr *w, size_t field);
void wr_patch_u16be(struct wr *w, size_t mark);
void wr_patch_u32be(struct wr *w, size_t mark);
void wr_patch_u32le(struct wr *w, size_t mark);

#endif
