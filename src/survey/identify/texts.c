#include "survey/identify/texts.h"

#include <stdlib.h>

#include "base/size.h"

enum { HASH_BITS = 15, WORD_BITS = 64 };
#define HASH_FACTOR 2654435761u

struct texts {
    uint8_t fold[256];
    const struct str *all;
    /* Hashes of three bytes with which a text begins: a bit each, small enough to stay near; and
     * the first text of each + 1, with the next behind it. */
    uint64_t begins[(1 << HASH_BITS) / WORD_BITS];
    uint16_t first[1 << HASH_BITS];
    uint16_t *next;
};

static uint8_t fold(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A' + 'a');
    return c == '_' || c == '-' ? ' ' : c;
}

bool texts_same(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold((uint8_t)a.p[i]) != fold((uint8_t)b.p[i]))
            return false;
    return true;
}

static uint32_t roll(const struct texts *t, uint32_t key, char c)
{
    return (key << 8 | t->fold[(uint8_t)c]) & 0xffffff;
}

static uint32_t hash(uint32_t key)
{
    return key * HASH_FACTOR >> (32 - HASH_BITS);
}

static err_t add_text(struct texts *t, size_t i)
{
    uint32_t key = 0;
    if (t->all[i].n < TEXT_MIN || i >= UINT16_MAX)
        return E_LIMIT;
    for (size_t k = 0; k < TEXT_MIN; k++)
        key = roll(t, key, t->all[i].p[k]);
    uint32_t h = hash(key);
    t->begins[h / WORD_BITS] |= 1ull << (h % WORD_BITS);
    t->next[i] = t->first[h];
    t->first[h] = (uint16_t)(i + 1);
    return OK;
}

static err_t build(struct texts *t, const struct str *all, const bool *wanted, size_t n)
{
    t->all = all;
    t->next = calloc(n + 1, sizeof(*t->next));
    if (!t->next)
        return E_NOMEM;
    for (unsigned c = 0; c < 256; c++)
        t->fold[c] = fold((uint8_t)c);
    for (size_t i = 0; i < n; i++)
        if (wanted[i])
            TRY(add_text(t, i));
    return OK;
}

err_t texts_new(const struct str *all, const bool *wanted, size_t n, struct texts **ret)
{
    struct texts *t = calloc(1, sizeof(*t));
    err_t e = t ? build(t, all, wanted, n) : E_NOMEM;
    if (e != OK) {
        texts_free(t);
        return e;
    }
    *ret = t;
    return OK;
}

void texts_free(struct texts *t)
{
    if (t)
        free(t->next);
    free(t);
}

struct texts_scan texts_scan_of(const struct texts *t, struct str in)
{
    struct texts_scan s = {.t = t, .in = in};
    for (; s.at < TEXT_MIN - 1 && s.at < in.n; s.at++)
        s.key = roll(t, s.key, in.p[s.at]);
    return s;
}

/* Passes over bytes until three of them begin a text, perhaps. */
static bool run(struct texts_scan *s)
{
    const struct texts *t = s->t;
    const char *p = s->in.p;
    size_t at = s->at, n = s->in.n;
    uint32_t key = s->key, h;
    while (at < n) {
        key = roll(t, key, p[at++]);
        h = hash(key);
        if (!(t->begins[h / WORD_BITS] >> (h % WORD_BITS) & 1))
            continue;
        s->at = at;
        s->key = key;
        s->text = t->first[h];
        return true;
    }
    s->at = at;
    return false;
}

bool texts_next(struct texts_scan *s, size_t *ret_text, size_t *ret_end)
{
    while (s->text || run(s)) {
        size_t which = s->text - 1u, start = s->at - TEXT_MIN;
        struct str text = s->t->all[which];
        s->text = s->t->next[which];
        if (!texts_same(str_slice(s->in, start, text.n), text))
            continue;
        *ret_text = which;
        *ret_end = start + text.n;
        return true;
    }
    return false;
}
