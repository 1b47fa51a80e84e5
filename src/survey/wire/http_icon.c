/* An icon's hash as search engines count it: MurmurHash3 (32 bits, seed 0; public domain, A.
 * Appleby) over base64 in lines of 76 characters, each with a newline (as Python's base64 writes
 * it), without keeping the text. */
#include "base/wr.h"
#include "survey/wire/http_text.h"

enum { LINE_BYTES = 57 }; /* 76 characters of base64 */

struct murmur {
    uint32_t h, block;
    size_t n;
};

static uint32_t rotate(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static uint32_t scrambled(uint32_t k)
{
    return rotate(k * 0xCC9E2D51u, 15) * 0x1B873593u;
}

static void add_byte(struct murmur *m, uint8_t c)
{
    m->block |= (uint32_t)c << 8 * (m->n % 4);
    if (++m->n % 4 == 0) {
        m->h = rotate(m->h ^ scrambled(m->block), 13) * 5 + 0xE6546B64u;
        m->block = 0;
    }
}

static uint32_t finish(struct murmur *m)
{
    uint32_t h = m->n % 4 ? m->h ^ scrambled(m->block) : m->h;
    h ^= (uint32_t)m->n;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

int32_t http_favicon_hash(struct str icon)
{
    struct murmur m = {0};
    for (; icon.n; icon = str_slice(icon, LINE_BYTES, icon.n)) {
        char line[80];
        struct wr w = wr_fixed(line, sizeof line);
        wr_base64(&w, str_slice(icon, 0, LINE_BYTES));
        wr_u8(&w, '\n');
        for (size_t i = 0; i < w.n; i++)
            add_byte(&m, (uint8_t)line[i]);
    }
    return (int32_t)finish(&m);
}
