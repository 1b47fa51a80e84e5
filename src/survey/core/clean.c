#include "survey/core/clean.h"

#include "base/size.h"
#include "base/wr.h"

/* Printable ASCII goes by without another look: nearly every value is nothing else. */
static size_t plain(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f)
        i++;
    return i;
}

enum verdict { STAYS, SPACE, BAD };

static const struct range {
    uint32_t first, last;
    enum verdict verdict;
} ranges[] = {
    {0x00, 0x1f, SPACE},     {0x7f, 0x9f, SPACE},   {0x200e, 0x200f, BAD},
    {0x2028, 0x2029, SPACE}, {0x202a, 0x202e, BAD}, {0x2066, 0x2069, BAD},
    {0xfeff, 0xfeff, BAD},   {0xfff9, 0xfffb, BAD}, {0xe0000, 0xe007f, BAD},
};

static enum verdict verdict_of(uint32_t c)
{
    for (size_t i = 0; i < COUNT(ranges); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].verdict;
    return STAYS;
}

static uint32_t code_point(struct str c)
{
    static const uint8_t first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t v = (uint8_t)c.p[0] & first_mask[c.n];
    for (size_t i = 1; i < c.n; i++)
        v = v << 6 | ((uint8_t)c.p[i] & 0x3f);
    return v;
}

/* The character at the front and what becomes of it. A byte that begins none is BAD on its own. */
static struct str character(struct str s, enum verdict *ret)
{
    uint8_t lead = (uint8_t)s.p[0];
    size_t n = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    struct str c = str_slice(s, 0, n);
    if (c.n < n || !str_is_utf8(c)) {
        *ret = BAD;
        return str_slice(s, 0, 1);
    }
    *ret = verdict_of(code_point(c));
    return c;
}

/* How much of the front stays as it is, within the cap and ending at a character. */
static size_t stays(struct str s, size_t cap)
{
    size_t at = plain(str_slice(s, 0, cap));
    while (at < s.n) {
        enum verdict v;
        struct str c = character(str_slice(s, at, s.n), &v);
        if (v != STAYS || at + c.n > cap)
            return at;
        at += c.n;
        at += plain(str_slice(str_slice(s, 0, cap), at, s.n));
    }
    return at;
}

static bool fits(struct wr *w, size_t n)
{
    return w->cap - w->n >= n;
}

static void rewrite(struct str s, struct wr *w)
{
    static const struct str replacement = STR_INIT("\xef\xbf\xbd");
    while (s.n) {
        enum verdict v;
        struct str c = character(s, &v);
        struct str out = v == STAYS ? c : v == SPACE ? STR(" ") : replacement;
        if (!fits(w, out.n))
            return;
        if (v != SPACE || (w->n > 0 && w->p[w->n - 1] != ' '))
            wr_put(w, out);
        s = str_slice(s, c.n, s.n);
    }
}

err_t clean_text(struct str text, size_t cap, struct arena *a, struct str *ret, bool *ret_copied)
{
    text = str_trim(text);
    size_t n = stays(text, cap);
    *ret_copied = false;
    enum verdict v = STAYS;
    if (n < text.n)
        (void)character(str_slice(text, n, text.n), &v);
    if (v == STAYS) {
        *ret = str_trim(str_slice(text, 0, n));
        return OK;
    }
    void *room = arena_alloc(a, cap);
    if (!room)
        return E_NOMEM;
    struct wr w = wr_fixed(room, cap);
    rewrite(text, &w);
    *ret = str_trim(wr_str(&w));
    *ret_copied = true;
    return OK;
}

bool clean_is(struct str text)
{
    return stays(text, text.n) == text.n && str_trim(text).n == text.n && text.n > 0;
}
