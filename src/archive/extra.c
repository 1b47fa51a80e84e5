#include "archive/extra.h"

#include "base/rd.h"

/* Lengths: 7 bits a byte, the lower ones first, at most two bytes (EXTRA_VALUE_MAX < 2^14). */
static void put_length(struct wr *w, size_t n)
{
    if (n >= 0x80)
        wr_u8(w, (uint8_t)(0x80 | (n & 0x7f)));
    wr_u8(w, (uint8_t)(n >= 0x80 ? n >> 7 : n));
}

static size_t take_length(struct rd *r)
{
    uint8_t low = rd_u8(r);
    if (!(low & 0x80))
        return low;
    uint8_t high = rd_u8(r);
    r->bad |= (high & 0x80) != 0;
    return (size_t)(low & 0x7f) | (size_t)high << 7;
}

void extra_put(struct wr *w, uint8_t code, struct str value)
{
    if (!value.n || value.n > EXTRA_VALUE_MAX || w->n + value.n + 3 > EXTRA_MAX)
        return;
    wr_u8(w, code);
    put_length(w, value.n);
    wr_put(w, value);
}

bool extra_next(struct str *rest, uint8_t *ret_code, struct str *ret_value)
{
    struct rd r = rd_of(*rest);
    uint8_t code = rd_u8(&r);
    struct str value = rd_take(&r, take_length(&r));
    if (r.bad) {
        *rest = str_of(rest->p, 0);
        return false;
    }
    *rest = str_of(r.p, r.n);
    *ret_code = code;
    *ret_value = value;
    return true;
}

struct str extra_get(struct str extra, uint8_t code)
{
    uint8_t found;
    struct str value;
    while (extra_next(&extra, &found, &value))
        if (found == code)
            return value;
    return str_of("", 0);
}

bool extra_merge(struct str had, struct str more, struct wr *w)
{
    uint8_t code;
    struct str value;
    bool news = false;
    wr_put(w, had);
    while (extra_next(&more, &code, &value)) {
        if (extra_get(had, code).n)
            continue;
        extra_put(w, code, value);
        news = true;
    }
    return news;
}
