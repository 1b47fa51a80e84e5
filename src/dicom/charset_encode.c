/* From UTF-8 to a text value's bytes, with ISO 2022 code extensions where they are allowed. */
#include "base/size.h"
#include "dicom/charset_conv.h"
#include "dicom/fold.h"
#include "dicom/vr.h"

enum { CODE_MAX = 4 };

struct code {
    uint8_t p[CODE_MAX];
    uint8_t n; /* 0: the set lacks the character */
};

struct encoder {
    struct charset_conv *conv;
    const struct charset *cs;
    struct charset_state state; /* what a strict reader has at this place */
    vr_t vr;
    struct wr *out;
};

static struct code one(uint32_t byte)
{
    return (struct code){{(uint8_t)byte}, 1};
}

static struct code encode_iconv(struct charset_conv *conv, uint8_t set, uint32_t rune)
{
    struct code c = {.n = 0};
    char utf8[4];
    struct wr w = wr_fixed(utf8, sizeof utf8);
    fold_put_rune(&w, rune);
    iconv_t cd = charset_conv_to(conv, set);
    char *from = utf8, *to = (char *)c.p;
    size_t left = w.n, room = sizeof c.p;
    /* A count above 0 is characters that were changed for similar ones. */
    if (cd != CHARSET_NO_ICONV && iconv(cd, &from, &left, &to, &room) == 0 && left == 0)
        c.n = (uint8_t)(sizeof c.p - room);
    return c;
}

/* EUC bytes as the code in its own set: EUC-JP holds four sets, told apart by length and lead. */
static struct code of_euc(uint8_t set, struct code euc)
{
    bool third = set == SET_JISX0212;
    if (third && euc.n == 3 && euc.p[0] == 0x8f)
        return (struct code){{euc.p[1] & 0x7f, euc.p[2] & 0x7f}, 2};
    if (third || euc.n != 2 || euc.p[0] < 0xa1 || euc.p[1] < 0xa1)
        return (struct code){.n = 0};
    if (set == SET_JISX0208)
        return (struct code){{euc.p[0] & 0x7f, euc.p[1] & 0x7f}, 2};
    return euc;
}

static struct code encode_roman(uint32_t rune)
{
    if (rune == 0xa5)
        return one('\\');
    if (rune == 0x203e)
        return one('~');
    return rune < 0x80 && rune != '\\' && rune != '~' ? one(rune) : (struct code){.n = 0};
}

static struct code encode_rune(struct charset_conv *conv, uint8_t set, uint32_t rune)
{
    struct code none = {.n = 0}, c;
    switch (set) {
    case SET_NONE:
        return none;
    case SET_ASCII:
        return rune < 0x80 ? one(rune) : none;
    case SET_ROMAN:
        return encode_roman(rune);
    case SET_KATAKANA:
        return rune >= 0xff61 && rune <= 0xff9f ? one(rune - 0xff61 + 0xa1) : none;
    case SET_LATIN1:
        return rune >= 0x80 && rune <= 0xff ? one(rune) : none;
    case SET_GBK:
    case SET_GB18030:
        return rune < 0x80 ? one(rune) : encode_iconv(conv, set, rune);
    default:
        if (rune < 0x80)
            return none;
        c = encode_iconv(conv, set, rune);
        if (charset_sets[set].width == 2)
            return of_euc(set, c);
        return c.n == 1 && c.p[0] >= 0x80 ? c : none;
    }
}

static void designate(struct encoder *e, uint8_t set)
{
    wr_put(e->out, str_z(charset_sets[set].escape));
    *(charset_sets[set].side ? &e->state.g1 : &e->state.g0) = set;
}

/* Before a delimiter and at the end what value 1 gives must be active again (PS3.5 6.1.2.5.3). */
static void go_home(struct encoder *e)
{
    if (e->state.g0 != e->state.home0)
        designate(e, e->state.home0);
    if (e->state.g1 != e->state.home1 && e->state.home1 != SET_NONE)
        designate(e, e->state.home1);
    charset_reset(&e->state);
}

/* A yen sign, say, whose code a reader would take for the delimiter. */
static bool would_delimit(const struct encoder *e, uint32_t rune, struct code c)
{
    return c.n == 1 && rune >= 0x80 && charset_delimits(e->vr, c.p[0]);
}

static bool put_code(struct encoder *e, uint8_t set, uint32_t rune, bool switching)
{
    struct code c = encode_rune(e->conv, set, rune);
    if (c.n == 0 || would_delimit(e, rune, c))
        return false;
    if (switching)
        designate(e, set);
    wr_bytes(e->out, c.p, c.n);
    return true;
}

/* Whether escape sequences may be written at all. */
static bool can_switch(const struct charset *cs)
{
    return cs->n > 1 || charset_term(cs->terms[0])->extended;
}

static bool put_rune(struct encoder *e, uint32_t rune)
{
    if (put_code(e, e->state.g0, rune, false) || put_code(e, e->state.g1, rune, false))
        return true;
    for (uint8_t i = 0; can_switch(e->cs) && i < e->cs->n; i++) {
        const struct charset_term *t = charset_term(e->cs->terms[i]);
        if ((t->g0 != SET_NONE && put_code(e, t->g0, rune, true)) ||
            (t->g1 != SET_NONE && put_code(e, t->g1, rune, true)))
            return true;
    }
    /* Back from a two-byte set to letters, which every text may need. */
    return can_switch(e->cs) && put_code(e, e->state.home0, rune, true);
}

static bool encode_text(struct encoder *e, struct str text)
{
    uint32_t rune;
    while (fold_rune(&text, &rune)) {
        if (rune == 0x1b)
            return false;
        if (rune < 0x20 || (rune < 0x80 && charset_delimits(e->vr, (uint8_t)rune))) {
            go_home(e);
            wr_u8(e->out, (uint8_t)rune);
        } else if (!put_rune(e, rune)) {
            return false;
        }
    }
    go_home(e);
    return !e->out->bad;
}

/* An escape character of the text's own would be taken for a code extension: it fits nowhere. */
static bool is_plain_ascii(struct str s)
{
    uint8_t odd = 0;
    for (size_t i = 0; i < s.n; i++)
        odd |= (uint8_t)((uint8_t)s.p[i] >= 0x80) | (uint8_t)(s.p[i] == 0x1b);
    return !odd;
}

bool charset_encode(struct charset_conv *conv, const struct charset *cs, vr_t vr, struct str utf8,
                    struct wr *out)
{
    static const struct charset plain = {.n = 1};
    const struct charset *use = charset_applies(vr) ? cs : &plain;
    const struct charset_term *first = charset_term(use->terms[0]);
    struct encoder e = {.conv = conv, .cs = use, .vr = vr, .out = out};
    e.state = charset_state(use);
    e.state.g1 = e.state.home1 = first->g1;
    bool ascii = is_plain_ascii(utf8);
    if (!ascii && !str_is_utf8(utf8))
        return false;
    if (charset_is_utf8(use) || (ascii && e.state.g0 != SET_ROMAN)) {
        wr_put(out, utf8);
        return !out->bad;
    }
    struct charset_conv own = {0};
    if (!conv)
        e.conv = &own;
    size_t mark = out->n;
    bool fits = encode_text(&e, utf8);
    if (!fits)
        out->n = mark;
    charset_conv_close(&own);
    return fits;
}
