#include "survey/report/clean.h"

#include <stdio.h>

#include "base/size.h"

enum { MARKS_MAX = 4 }; /* more combining marks on one character are a smear, not a script */

struct range {
    uint32_t from, to;
};

/* Invisible, or turning what follows: Unicode's Bidi_Control, the zero-width and line-separating
 * characters, tags, variation selectors' supplement and non-characters that fonts draw as nothing.
 */
static const struct range hidden[] = {
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x115f, 0x1160},   {0x180e, 0x180e},    {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfdd0, 0xfdef},    {0xfeff, 0xfeff},
    {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

static const struct range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f},
};

static bool in_ranges(const struct range *r, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].from && c <= r[i].to)
            return true;
    return false;
}

/* Bytes of the well-formed character at the front; 0 when there is none. */
static size_t character(struct str s, uint32_t *ret)
{
    uint8_t c = (uint8_t)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (!n || n > s.n || !str_is_utf8(str_slice(s, 0, n)))
        return 0;
    static const uint8_t first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t v = c & first[n];
    for (size_t i = 1; i < n; i++)
        v = v << 6 | ((uint8_t)s.p[i] & 0x3f);
    *ret = v;
    return n;
}

struct clean clean_of(struct str s, size_t max_characters)
{
    return (struct clean){.rest = s, .left = max_characters};
}

static struct str instead(struct clean *c, const char *fmt, uint32_t v)
{
    int n = snprintf(c->buf, sizeof c->buf, fmt, (unsigned)v);
    return str_of(c->buf, n < 0 ? 0 : size_min((size_t)n, sizeof c->buf - 1));
}

bool clean_next(struct clean *c, struct str *ret)
{
    while (c->rest.n) {
        if (!c->left) {
            c->rest = STR("");
            *ret = STR("\xe2\x80\xa6");
            return true;
        }
        uint32_t v = 0;
        size_t n = character(c->rest, &v);
        struct str raw = str_slice(c->rest, 0, n ? n : 1);
        c->rest = str_slice(c->rest, raw.n, c->rest.n);
        bool mark = n && in_ranges(combining, COUNT(combining), v);
        c->marks = mark ? c->marks + 1 : 0;
        if (c->marks > MARKS_MAX)
            continue;
        c->left--;
        if (!n)
            *ret = STR("\xef\xbf\xbd");
        else if (v < 0x20 || (v >= 0x7f && v < 0xa0))
            *ret = instead(c, "\\x%02x", v);
        else if (in_ranges(hidden, COUNT(hidden), v))
            *ret = instead(c, "[U+%04X]", v);
        else
            *ret = raw;
        return true;
    }
    return false;
}

void clean_put(struct wr *w, struct str s, size_t max_characters)
{
    struct clean c = clean_of(s, max_characters);
    struct str piece;
    while (clean_next(&c, &piece))
        wr_put(w, piece);
}
