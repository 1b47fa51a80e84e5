#include "dicom/fold.h"

#include "base/size.h"
#include "dicom/fold_table.h"

enum {
    REPLACEMENT = 0xfffd,
    /* Hangul by rule (Unicode 3.12): leading, vowel and trailing jamo make a syllable. */
    HANGUL_S = 0xac00,
    HANGUL_L = 0x1100,
    HANGUL_V = 0x1161,
    HANGUL_T = 0x11a7,
    HANGUL_LS = 19,
    HANGUL_VS = 21,
    HANGUL_TS = 28,
};

/* How long the sequence is that begins with this byte, what of the byte counts, and the range of
 * the second byte (Unicode table 3-7). */
struct lead {
    uint8_t n, bits, lo, hi;
};

static struct lead lead_of(uint8_t c)
{
    if (c >= 0xc2 && c <= 0xdf)
        return (struct lead){2, c & 0x1f, 0x80, 0xbf};
    if (c >= 0xe0 && c <= 0xef)
        return (struct lead){3, c & 0x0f, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf};
    if (c >= 0xf0 && c <= 0xf4)
        return (struct lead){4, c & 0x07, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){.n = 0};
}

/* What is not well formed is passed over up to where it goes wrong. */
bool fold_rune(struct str *rest, uint32_t *ret_rune)
{
    if (rest->n == 0)
        return false;
    uint8_t c = (uint8_t)rest->p[0];
    if (c < 0x80) {
        *ret_rune = c;
        *rest = str_of(rest->p + 1, rest->n - 1);
        return true;
    }
    struct lead lead = lead_of(c);
    uint32_t rune = lead.bits;
    size_t i = 1;
    for (; i < lead.n && i < rest->n; i++) {
        uint8_t next = (uint8_t)rest->p[i];
        if (next < (i == 1 ? lead.lo : 0x80) || next > (i == 1 ? lead.hi : 0xbf))
            break;
        rune = rune << 6 | (next & 0x3f);
    }
    *ret_rune = i == lead.n ? rune : REPLACEMENT;
    *rest = str_slice(*rest, i, rest->n);
    return true;
}

void fold_put_rune(struct wr *out, uint32_t rune)
{
    if (rune < 0x80) {
        wr_u8(out, (uint8_t)rune);
        return;
    }
    uint8_t buf[4];
    unsigned n = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    static const uint8_t mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (unsigned i = n; i-- > 1; rune >>= 6)
        buf[i] = (uint8_t)(0x80 | (rune & 0x3f));
    buf[0] = (uint8_t)(mark[n] | rune);
    wr_bytes(out, buf, n);
}

/* The character's folding from the table: the count, then the characters; NULL: unchanged. */
static const uint32_t *folding(uint32_t rune)
{
    uint32_t page = rune / 128;
    if (page >= FOLD_PAGES)
        return NULL;
    uint16_t at = fold_pages[fold_index[page] * 128u + rune % 128];
    return at ? &fold_runes[at] : NULL;
}

/* The two as one character; 0 when they are none. */
static uint32_t compose(uint32_t base, uint32_t mark)
{
    if (base - HANGUL_L < HANGUL_LS && mark - HANGUL_V < HANGUL_VS)
        return HANGUL_S + ((base - HANGUL_L) * HANGUL_VS + mark - HANGUL_V) * HANGUL_TS;
    bool open =
        base - HANGUL_S < HANGUL_LS * HANGUL_VS * HANGUL_TS && (base - HANGUL_S) % HANGUL_TS == 0;
    if (open && mark - HANGUL_T - 1 < HANGUL_TS - 1)
        return base + mark - HANGUL_T;
    for (size_t i = 0; i < COUNT(fold_pairs); i++)
        if (fold_pairs[i].base == base && fold_pairs[i].mark == mark)
            return fold_pairs[i].both;
    return 0;
}

struct fold_iter fold_iter(struct str utf8)
{
    return (struct fold_iter){.rest = utf8};
}

/* Sees to it that a folded character stands ahead. */
static bool fill(struct fold_iter *it)
{
    uint32_t rune;
    while (it->at == it->n) {
        if (!fold_rune(&it->rest, &rune))
            return false;
        const uint32_t *to = folding(rune);
        it->at = 0;
        it->n = to ? (uint8_t)to[0] : 1;
        for (uint8_t i = 0; i < it->n; i++)
            it->ahead[i] = to ? to[1 + i] : rune;
    }
    return true;
}

bool fold_next(struct fold_iter *it, uint32_t *ret_rune)
{
    if (!fill(it))
        return false;
    uint32_t rune = it->ahead[it->at++];
    /* Nothing below the first jamo takes a mark that is left after folding. */
    while (rune >= HANGUL_L && fill(it)) {
        uint32_t both = compose(rune, it->ahead[it->at]);
        if (!both)
            break;
        rune = both;
        it->at++;
    }
    *ret_rune = rune;
    return true;
}

static char fold_ascii(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '`' ? '\'' : c;
}

/* Takes ASCII off the front, which most text is. */
static void fold_ascii_run(struct str *rest, struct wr *out)
{
    char buf[64];
    size_t n = 0;
    for (; n < sizeof buf && n < rest->n && (uint8_t)rest->p[n] < 0x80; n++)
        buf[n] = fold_ascii(rest->p[n]);
    wr_bytes(out, buf, n);
    *rest = str_slice(*rest, n, rest->n);
}

void fold(struct str utf8, struct wr *out)
{
    struct fold_iter it = fold_iter(utf8);
    uint32_t rune;
    while (!out->bad && (it.rest.n || it.at < it.n)) {
        if (it.at == it.n && (uint8_t)it.rest.p[0] < 0x80)
            fold_ascii_run(&it.rest, out);
        else if (fold_next(&it, &rune))
            fold_put_rune(out, rune);
    }
}

static bool is_folded_ascii(struct str s)
{
    uint8_t odd = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        odd |= (uint8_t)(c >= 0x80) | (uint8_t)(c >= 'A' && c <= 'Z') | (uint8_t)(c == '`');
    }
    return !odd;
}

struct str fold_text(struct str utf8, struct arena *a)
{
    uint8_t small[512];
    if (is_folded_ascii(utf8))
        return utf8.p ? utf8 : STR("");
    bool fits = utf8.n <= sizeof small / FOLD_GROWTH_MAX;
    struct wr w = fits ? wr_fixed(small, sizeof small) : wr_heap(SIZE_MAX / 2);
    fold(utf8, &w);
    struct str text = w.bad ? str_of(NULL, 0) : arena_copy(a, wr_str(&w));
    wr_done(&w);
    return text;
}
