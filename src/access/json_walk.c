#include "access/json_walk.h"

#include "base/rd.h"
#include "base/wr.h"

struct level {
    size_t path; /* length of the path that leads to this container */
    bool array, begun;
};

struct walk {
    struct rd in;
    struct arena *arena;
    const struct json_visitor *v;
    char path[JSON_WALK_PATH];
    size_t path_n;
    struct level levels[JSON_WALK_DEPTH];
    unsigned depth;
};

static int peek(struct walk *w)
{
    while (w->in.n && (*w->in.p == ' ' || *w->in.p == '\t' || *w->in.p == '\n' || *w->in.p == '\r'))
        rd_skip(&w->in, 1);
    return w->in.n ? *w->in.p : -1;
}

static bool take(struct walk *w, char c)
{
    if (peek(w) != c)
        return false;
    rd_skip(&w->in, 1);
    return true;
}

static bool hex4(struct rd *r, uint32_t *ret)
{
    struct str s = rd_take(r, 4);
    uint32_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return s.n == 4;
}

static void put_utf8(struct wr *out, uint32_t c)
{
    if (c < 0x80) {
        wr_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        wr_u8(out, (uint8_t)(0xc0 | c >> 6));
        wr_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        wr_u8(out, (uint8_t)(0xe0 | c >> 12));
        wr_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        wr_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        wr_u8(out, (uint8_t)(0xf0 | c >> 18));
        wr_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        wr_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        wr_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

/* \uXXXX, in a pair where it is half of one (RFC 8259 section 7). */
static bool unicode_escape(struct rd *r, struct wr *out)
{
    uint32_t c, low;
    if (!hex4(r, &c) || (c >= 0xdc00 && c < 0xe000))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!str_eq(rd_take(r, 2), STR("\\u")) || !hex4(r, &low) || low < 0xdc00 || low >= 0xe000)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(out, c);
    return true;
}

static bool escape(struct rd *r, struct wr *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = (char)rd_u8(r);
    if (c == 'u')
        return unicode_escape(r, out);
    const char *at = c ? strchr(from, c) : NULL;
    if (!at)
        return false;
    wr_u8(out, (uint8_t)to[at - from]);
    return true;
}

/* After the opening quote. Decoded, a string is never longer than it stands in the text. */
static err_t string(struct walk *w, struct str *ret)
{
    const uint8_t *end = memchr(w->in.p, '"', w->in.n);
    while (end && end > w->in.p && end[-1] == '\\') {
        size_t slashes = 0;
        while (end - slashes > w->in.p && end[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            break;
        end = memchr(end + 1, '"', (size_t)(w->in.p + w->in.n - end - 1));
    }
    if (!end)
        return E_MALFORMED;
    size_t n = (size_t)(end - w->in.p);
    struct rd raw = rd_of(rd_take(&w->in, n));
    rd_skip(&w->in, 1);
    char *buf = arena_alloc(w->arena, n);
    if (!buf)
        return E_NOMEM;
    struct wr out = wr_fixed(buf, n);
    while (raw.n) {
        uint8_t c = rd_u8(&raw);
        if (c < ' ' || (c == '\\' && !escape(&raw, &out)))
            return E_MALFORMED;
        if (c != '\\')
            wr_u8(&out, c);
    }
    *ret = wr_str(&out);
    return out.bad || !str_is_utf8(*ret) ? E_MALFORMED : OK;
}

static bool is_bare(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
           c == 'E';
}

static bool is_digit(struct str s, size_t i)
{
    return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static bool digits(struct str s, size_t *i)
{
    if (!is_digit(s, *i))
        return false;
    while (is_digit(s, *i))
        ++*i;
    return true;
}

static bool number_is_valid(struct str s)
{
    size_t i = s.n && s.p[0] == '-';
    if (i < s.n && s.p[i] == '0')
        i++;
    else if (!digits(s, &i))
        return false;
    if (i < s.n && s.p[i] == '.') {
        i++;
        if (!digits(s, &i))
            return false;
    }
    if (i < s.n && (s.p[i] | 0x20) == 'e') {
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        if (!digits(s, &i))
            return false;
    }
    return i == s.n;
}

static err_t bare(struct walk *w)
{
    size_t n = 0;
    while (n < w->in.n && is_bare(w->in.p[n]))
        n++;
    struct str s = rd_take(&w->in, n);
    if (!str_eq(s, STR("true")) && !str_eq(s, STR("false")) && !str_eq(s, STR("null")) &&
        !number_is_valid(s))
        return E_MALFORMED;
    return w->v->scalar(w->v->ctx, str_of(w->path, w->path_n), s, false);
}

static err_t open_container(struct walk *w, bool array)
{
    if (w->depth == JSON_WALK_DEPTH)
        return E_MALFORMED;
    w->levels[w->depth++] = (struct level){.path = w->path_n, .array = array};
    return array ? OK : w->v->object(w->v->ctx, str_of(w->path, w->path_n));
}

static err_t value(struct walk *w)
{
    if (take(w, '{'))
        return open_container(w, false);
    if (take(w, '['))
        return open_container(w, true);
    if (!take(w, '"'))
        return bare(w);
    struct str s;
    TRY(string(w, &s));
    return w->v->scalar(w->v->ctx, str_of(w->path, w->path_n), s, true);
}

static err_t key(struct walk *w)
{
    struct str name;
    if (!take(w, '"'))
        return E_MALFORMED;
    TRY(string(w, &name));
    if (str_find(name, '/') < name.n)
        return E_MALFORMED;
    struct wr out = wr_fixed(w->path, sizeof w->path);
    wr_bytes(&out, w->path, w->path_n);
    if (w->path_n)
        wr_u8(&out, '/');
    wr_put(&out, name);
    w->path_n = out.n;
    return out.bad || !take(w, ':') ? E_MALFORMED : OK;
}

/* One member or element of the innermost container, or its end. */
static err_t step(struct walk *w)
{
    struct level *l = &w->levels[w->depth - 1];
    w->path_n = l->path;
    if (take(w, l->array ? ']' : '}')) {
        w->depth--;
        return OK;
    }
    if (l->begun && !take(w, ','))
        return E_MALFORMED;
    l->begun = true;
    if (!l->array)
        TRY(key(w));
    return value(w);
}

err_t json_walk(struct str text, struct arena *a, const struct json_visitor *v)
{
    struct walk w = {.in = rd_of(text), .arena = a, .v = v};
    TRY(value(&w));
    while (w.depth)
        TRY(step(&w));
    return peek(&w) == -1 ? OK : E_MALFORMED;
}
