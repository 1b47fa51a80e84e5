#include "app/columns.h"

#include "base/size.h"

enum { COLUMNS_ARENA_MAX = 32 << 20, CELL_MAX = 1024 };

/* Columns that a character takes on a terminal: two for the wide ones of East Asia (a rough cut of
 * UAX 11), none for combining marks. */
static size_t char_width(uint32_t c)
{
    if (c >= 0x300 && c < 0x370)
        return 0;
    bool wide = (c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xa4d0) ||
                (c >= 0xac00 && c < 0xd7a4) || (c >= 0xf900 && c < 0xfb00) ||
                (c >= 0xfe30 && c < 0xfe70) || (c >= 0xff00 && c < 0xff61) || c >= 0x1f300;
    return wide ? 2 : 1;
}

static size_t text_width(struct str s)
{
    size_t width = 0;
    for (size_t i = 0; i < s.n;) {
        uint8_t lead = (uint8_t)s.p[i++];
        uint32_t c = lead < 0xc0   ? lead
                     : lead < 0xe0 ? lead & 0x1f
                     : lead < 0xf0 ? lead & 0xf
                                   : lead & 7;
        for (; i < s.n && ((uint8_t)s.p[i] & 0xc0) == 0x80; i++)
            c = c << 6 | ((uint8_t)s.p[i] & 0x3f);
        width += char_width(c);
    }
    return width;
}

static struct str safe_copy(struct arena *a, struct str s)
{
    char text[CELL_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    wr_printable(&w, str_slice(s, 0, CELL_MAX / 4 - 1));
    return arena_copy(a, wr_str(&w));
}

static err_t hold(struct columns *r, const struct str *cells)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        struct str *to = &r->cells[r->n * r->n_columns + i];
        *to = safe_copy(&r->arena, cells[i]);
        if (!to->p)
            return E_NOMEM;
        if (!r->open)
            r->widths[i] = size_max(r->widths[i], text_width(*to));
    }
    r->n++;
    return OK;
}

static void put_row(const struct columns *r, const struct str *cells, struct wr *out)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        size_t width = text_width(cells[i]);
        wr_put(out, cells[i]);
        if (i + 1 < r->n_columns)
            wr_fill(out, ' ', 2 + (width < r->widths[i] ? r->widths[i] - width : 0));
    }
    wr_u8(out, '\n');
}

static void put_held(struct columns *r, struct wr *out)
{
    for (size_t i = 0; i < r->n; i++)
        put_row(r, &r->cells[i * r->n_columns], out);
    r->n = 0;
    r->open = true;
}

err_t columns_begin(struct columns *r, const struct str *heads, size_t columns)
{
    *r = (struct columns){.arena = arena_init(COLUMNS_ARENA_MAX), .n_columns = columns};
    r->cells = ARENA_ARRAY(&r->arena, columns * (COLUMNS_HELD + 1), struct str);
    return r->cells ? hold(r, heads) : E_NOMEM;
}

err_t columns_add(struct columns *r, const struct str *cells, struct wr *out)
{
    struct arena one = arena_init(COLUMNS_ARENA_MAX);
    if (!r->open) {
        TRY(hold(r, cells));
        if (r->n > COLUMNS_HELD)
            put_held(r, out);
        return OK;
    }
    struct str safe[COLUMNS_MAX];
    bool ok = true;
    for (size_t i = 0; i < r->n_columns; i++) {
        safe[i] = safe_copy(&one, cells[i]);
        ok = ok && safe[i].p;
    }
    if (ok)
        put_row(r, safe, out);
    arena_done(&one);
    return ok ? OK : E_NOMEM;
}

void columns_end(struct columns *r, struct wr *out)
{
    put_held(r, out);
}

void columns_done(struct columns *r)
{
    if (r)
        arena_done(&r->arena);
}
