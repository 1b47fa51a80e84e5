/* From a text value's bytes to UTF-8: an ISO 2022 decoder that hands runs of one set to iconv. */
#include <iconv.h>

#include "base/size.h"
#include "dicom/charset_conv.h"
#include "dicom/charset_table.h"
#include "dicom/fold.h"
#include "dicom/vr.h"

enum { REPLACEMENT = 0xfffd, CHUNK = 64 };

struct decoder {
    struct charset_conv *conv;
    struct charset_state state;
    struct wr *out;
    bool clean;
};

static void replace(struct decoder *d)
{
    fold_put_rune(d->out, REPLACEMENT);
    d->clean = false;
}

/* How much of input that iconv refuses is passed over as one character. */
static size_t bad_unit(uint8_t set, struct str in)
{
    switch (set) {
    case SET_JISX0208:
    case SET_KSX1001:
    case SET_GB2312:
        return size_min(2, in.n);
    case SET_JISX0212:
        return size_min(3, in.n);
    case SET_GBK:
    case SET_GB18030:
        return charset_gb_unit(in);
    default:
        return 1;
    }
}

static void decode_iconv(struct decoder *d, uint8_t set, struct str in)
{
    iconv_t cd = charset_conv_from(d->conv, set);
    while (in.n && !d->out->bad) {
        char buf[256], *to = buf, *from = (char *)(uintptr_t)in.p;
        size_t room = sizeof buf, left = in.n;
        bool stuck = cd == CHARSET_NO_ICONV || iconv(cd, &from, &left, &to, &room) == (size_t)-1;
        wr_bytes(d->out, buf, sizeof buf - room);
        bool progress = left < in.n;
        in = str_slice(in, in.n - left, in.n);
        if (!stuck || (progress && room < 8))
            continue; /* done, or the buffer was full */
        if (in.n) {
            replace(d);
            in = str_slice(in, bad_unit(set, in), in.n);
        }
    }
}

/* A two-byte set's codes as EUC, some characters at a time. */
static void decode_wide(struct decoder *d, uint8_t set, struct str in)
{
    char euc[3 * CHUNK];
    while (in.n >= 2) {
        size_t n = 0;
        for (size_t i = 0; i < CHUNK && in.n >= 2; i++, in = str_slice(in, 2, in.n)) {
            if (set == SET_JISX0212)
                euc[n++] = (char)0x8f;
            euc[n++] = (char)(in.p[0] | 0x80);
            euc[n++] = (char)(in.p[1] | 0x80);
        }
        decode_iconv(d, set, str_of(euc, n));
    }
    if (in.n)
        replace(d);
}

static uint32_t katakana(uint8_t c)
{
    return c >= 0xa1 && c <= 0xdf ? 0xff61u + c - 0xa1 : REPLACEMENT;
}

static uint32_t roman(uint8_t c)
{
    return c == '\\' ? 0xa5 : c == '~' ? 0x203e : c;
}

/* A run of bytes that all belong to one set. */
static void decode_run(struct decoder *d, uint8_t set, struct str in)
{
    if (set == SET_ASCII) {
        wr_put(d->out, in);
    } else if (charset_sets[set].width == 2) {
        decode_wide(d, set, in);
    } else if (charset_sets[set].iconv) {
        decode_iconv(d, set, in);
    } else {
        for (size_t i = 0; i < in.n; i++) {
            uint8_t c = (uint8_t)in.p[i];
            uint32_t rune = set == SET_ROMAN ? roman(c) : set == SET_KATAKANA ? katakana(c) : c;
            d->clean = d->clean && rune != REPLACEMENT;
            fold_put_rune(d->out, rune);
        }
    }
}

/* Whether c ends a run that began in the given half of the code table. */
static bool ends_run(const struct decoder *d, vr_t vr, bool high, uint8_t c)
{
    bool wide = !high && charset_sets[d->state.g0].width == 2;
    if (c >= 0x80)
        return !high;
    return high || c < 0x20 || (wide ? c == 0x20 || c == 0x7f : charset_delimits(vr, c));
}

/* Takes a control character, a delimiter or a run off the front. */
static struct str decode_extended(struct decoder *d, vr_t vr, struct str in)
{
    uint8_t c = (uint8_t)in.p[0];
    bool high = c >= 0x80, wide = charset_sets[d->state.g0].width == 2;
    if (c == 0x1b) {
        if (charset_escape(&d->state, &in))
            return in;
        replace(d);
        return str_slice(in, 1, in.n);
    }
    if (!high && ends_run(d, vr, high, c)) {
        if (!wide || c < 0x20)
            charset_reset(&d->state);
        wr_u8(d->out, c);
        return str_slice(in, 1, in.n);
    }
    size_t n = 1;
    while (n < in.n && !ends_run(d, vr, high, (uint8_t)in.p[n]))
        n++;
    decode_run(d, high ? d->state.g1 : d->state.g0, str_slice(in, 0, n));
    return str_slice(in, n, in.n);
}

static void decode_utf8(struct decoder *d, struct str in)
{
    uint32_t rune;
    if (str_is_utf8(in)) {
        wr_put(d->out, in);
        return;
    }
    d->clean = false;
    while (fold_rune(&in, &rune))
        fold_put_rune(d->out, rune);
}

/* Whether the bytes are ASCII that means itself. */
static bool is_plain(uint8_t g0, struct str in)
{
    uint8_t high = 0, odd = 0;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = (uint8_t)in.p[i];
        high |= c;
        odd |= (uint8_t)(c == 0x1b) | (uint8_t)(g0 == SET_ROMAN && (c == '\\' || c == '~'));
    }
    return high < 0x80 && !odd;
}

static struct charset charset_for(const struct charset *cs, vr_t vr)
{
    return charset_applies(vr) ? *cs : charset_parse(STR(""));
}

bool charset_decode(struct charset_conv *conv, const struct charset *cs, vr_t vr, struct str value,
                    struct wr *out)
{
    struct charset use = charset_for(cs, vr);
    struct decoder d = {conv, charset_state(&use), out, true};
    struct charset_conv own = {0};
    if (is_plain(d.state.g0, value)) {
        wr_put(out, value);
        return true;
    }
    if (!conv)
        d.conv = &own;
    if (!charset_applies(vr))
        decode_run(&d, SET_LATIN1, value);
    else if (d.state.g0 == SET_UTF8)
        decode_utf8(&d, value);
    else if (charset_sets[d.state.g0].width == 0)
        decode_iconv(&d, d.state.g0, value);
    else
        while (value.n && !out->bad)
            value = decode_extended(&d, vr, value);
    charset_conv_close(&own);
    return d.clean;
}

struct str charset_text(struct charset_conv *conv, const struct charset *cs, vr_t vr,
                        struct str value, struct arena *a)
{
    struct charset use = charset_for(cs, vr);
    if (is_plain(charset_state(&use).g0, value) || (charset_is_utf8(&use) && str_is_utf8(value)))
        return value.p ? value : STR("");
    struct wr w = wr_heap(SIZE_MAX / 4);
    (void)charset_decode(conv, cs, vr, value, &w);
    struct str text = w.bad ? str_of(NULL, 0) : arena_copy(a, wr_str(&w));
    wr_done(&w);
    return text;
}
