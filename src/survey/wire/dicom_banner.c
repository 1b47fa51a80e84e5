/* Raw bytes of a DICOM answer out of the text in which exports hold them. Whether an escaping was
 * the right one is told by its result alone: an upper layer's answer begins with a type, a zero and
 * a length that fits. */
#include "base/rd.h"
#include "base/size.h"
#include "dimse/pdu_item.h"
#include "survey/wire/dicom_answer.h"

enum { STARTS_MAX = 4, LABEL_MAX = 64, CODE_LOST = 0xFFFD, LOST = 0xFF };

/* Decodes at most `max` bytes. False: the text is not of this kind. */
typedef bool decode_fn(struct str text, size_t max, struct wr *w);

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to n digits of a base off the front of *s; -1 when there are fewer than `least`. */
static int take_digits(struct str *s, int base, size_t least, size_t most)
{
    int value = 0;
    size_t n = 0;
    for (; n < most && n < s->n; n++) {
        int d = hex_digit(s->p[n]);
        if (d < 0 || d >= base)
            break;
        value = value * base + d;
    }
    if (n < least)
        return -1;
    *s = str_slice(*s, n, s->n);
    return value;
}

/* A lost byte. When it stood in the maximum length (PS3.7 D.3.3.1), that item must not be read. */
static void put_lost(struct wr *w)
{
    wr_u8(w, LOST);
    for (size_t back = 5; back <= 8 && back <= w->n; back++) {
        uint8_t *p = w->p + w->n - back;
        if (p[0] == ITEM_MAX_LENGTH && p[1] == 0 && p[2] == 0 && p[3] == 4)
            p[0] = 0;
    }
}

/* One character of UTF-8 up to U+00FF as the byte it stands for. */
static bool put_character(struct str *s, struct wr *w)
{
    uint8_t c = (uint8_t)s->p[0];
    size_t n = c < 0x80 ? 1 : c == 0xC2 || c == 0xC3 ? 2 : 3;
    if (n > s->n)
        return false;
    uint8_t second = n > 1 ? (uint8_t)s->p[1] : 0x80;
    if (n == 1)
        wr_u8(w, c);
    else if (n == 2 && (second & 0xC0) == 0x80)
        wr_u8(w, (uint8_t)((c & 3) << 6 | (second & 0x3F)));
    else if (str_starts(*s, STR("\xEF\xBF\xBD")))
        put_lost(w);
    else
        return false;
    *s = str_slice(*s, n, s->n);
    return true;
}

static bool decode_raw(struct str text, size_t max, struct wr *w)
{
    wr_put(w, str_slice(text, 0, max));
    return true;
}

static bool decode_characters(struct str text, size_t max, struct wr *w)
{
    while (text.n && w->n < max)
        if (!put_character(&text, w))
            return false;
    return true;
}

static void put_code(struct wr *w, int code)
{
    if (code == CODE_LOST)
        put_lost(w);
    else
        wr_u8(w, (uint8_t)code);
}

/* \xNN, \x{NN}, \uNNNN after their letter. False: not one of them. */
static bool put_numbered(struct str *s, char letter, struct wr *w)
{
    bool braces = letter == 'x' && s->n && s->p[0] == '{';
    struct str rest = str_slice(*s, braces, s->n);
    int code =
        letter == 'x' ? take_digits(&rest, 16, braces ? 1 : 2, 2) : take_digits(&rest, 16, 4, 4);
    if (code < 0 || (code > 255 && code != CODE_LOST))
        return false;
    if (braces && (!rest.n || rest.p[0] != '}'))
        return false;
    *s = str_slice(rest, braces, rest.n);
    put_code(w, code);
    return true;
}

/* What stands after a backslash. */
static bool put_escape(struct str *s, bool octal, struct wr *w)
{
    static const char letters[] = "nrtabvfe\\'\"";
    static const char values[] = "\n\r\t\a\b\v\f\x1b\\'\"";
    struct str rest = str_slice(*s, 1, s->n);
    char c = s->p[0];
    const char *known = memchr(letters, c, sizeof letters - 1);
    if (known) {
        wr_u8(w, (uint8_t)values[known - letters]);
    } else if (c == 'x' || c == 'u') {
        if (!put_numbered(&rest, c, w))
            return false;
    } else if (c >= '0' && c <= '7') {
        struct str digits = *s;
        int code = octal ? take_digits(&digits, 8, 3, 3) : -1;
        if (code > 255 || (code < 0 && c != '0'))
            return false;
        rest = code < 0 ? rest : digits;
        wr_u8(w, (uint8_t)(code < 0 ? 0 : code));
    } else {
        return false;
    }
    *s = rest;
    return true;
}

static bool decode_backslashes(struct str text, size_t max, struct wr *w, bool octal)
{
    while (text.n && w->n < max) {
        struct str after = str_slice(text, 1, text.n);
        if (text.p[0] == '\\' && after.n && put_escape(&after, octal, w))
            text = after;
        else if (!put_character(&text, w))
            return false;
    }
    return true;
}

static bool decode_octal(struct str text, size_t max, struct wr *w)
{
    return decode_backslashes(text, max, w, true);
}

static bool decode_nmap(struct str text, size_t max, struct wr *w)
{
    return decode_backslashes(text, max, w, false);
}

static bool decode_percent(struct str text, size_t max, struct wr *w)
{
    while (text.n && w->n < max) {
        struct str after = str_slice(text, 1, text.n);
        int code = text.p[0] == '%' ? take_digits(&after, 16, 2, 2) : -1;
        wr_u8(w, code < 0 ? (uint8_t)text.p[0] : (uint8_t)code);
        text = code < 0 ? str_slice(text, 1, text.n) : after;
    }
    return true;
}

static bool decode_hex(struct str text, size_t max, struct wr *w)
{
    static const char between[] = " \t\r\n:,-";
    while (text.n && w->n < max) {
        if (memchr(between, text.p[0], sizeof between - 1)) {
            text = str_slice(text, 1, text.n);
            continue;
        }
        if (str_starts(text, STR("0x")))
            text = str_slice(text, 2, text.n);
        int code = take_digits(&text, 16, 2, 2);
        if (code < 0)
            return false;
        wr_u8(w, (uint8_t)code);
    }
    return true;
}

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = memchr(digits, c == '-' ? '+' : c == '_' ? '/' : c, 64);
    return at ? (int)(at - digits) : -1;
}

static bool decode_base64(struct str text, size_t max, struct wr *w)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '=' && w->n < max; i++) {
        if (text.p[i] == '\n' || text.p[i] == '\r')
            continue;
        int v = base64_value(text.p[i]);
        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xFFFFFF;
        have += 6;
        if (have >= 8) {
            have -= 8;
            wr_u8(w, (uint8_t)(bits >> have));
        }
    }
    return true;
}

/* Code points before bytes: a text that is UTF-8 throughout was bytes by chance alone. */
static decode_fn *const decoders[] = {decode_characters, decode_raw,     decode_octal, decode_nmap,
                                      decode_hex,        decode_percent, decode_base64};

/* Whether a decoding of a few bytes begins with the type and zero of an answer: what makes it
 * cheap to look at texts that are none. */
static bool begins(decode_fn *decode, struct str text)
{
    uint8_t buf[8];
    struct wr w = wr_fixed(buf, sizeof buf);
    if (!decode(str_slice(text, 0, 32), 2, &w) || w.n < 2)
        return false;
    return (buf[0] == PDU_ASSOCIATE_AC || buf[0] == PDU_ASSOCIATE_RJ || buf[0] == PDU_ABORT) &&
           buf[1] == 0;
}

/* The answer's own length is what there is, or another PDU follows. */
static bool whole(struct str b)
{
    struct rd r = rd_of(b);
    rd_skip(&r, 2);
    rd_skip(&r, rd_u32be(&r));
    return !r.bad && (r.n == 0 || (r.p[0] >= PDU_ASSOCIATE_RQ && r.p[0] <= PDU_ABORT &&
                                   (r.n < 2 || r.p[1] == 0)));
}

/* The text without b'' or quotes around it. */
static struct str unquoted(struct str s)
{
    struct str t = str_starts(s, STR("b'")) || str_starts(s, STR("b\"")) ? str_slice(s, 1, s.n) : s;
    if (!t.n || (t.p[0] != '\'' && t.p[0] != '"'))
        return s;
    size_t end = t.n;
    while (end > 1 && t.p[end - 1] != t.p[0])
        end--;
    return str_slice(t, 1, end > 1 ? end - 2 : t.n);
}

/* Where the bytes may begin: at once, after a label's line, after an escaped line end, after the
 * blanks and quotes there. */
static size_t find_starts(struct str text, struct str ret[STARTS_MAX])
{
    size_t n = 0;
    ret[n++] = text;
    struct str rest = str_trim(text);
    if (str_starts(rest, STR("DICOM Server Response")))
        rest = str_slice(rest, sizeof "DICOM Server Response" - 1, rest.n);
    size_t line = str_find(str_slice(rest, 0, LABEL_MAX), '\n');
    if (line < LABEL_MAX && line < rest.n)
        ret[n++] = str_slice(rest, line + 1, rest.n);
    if (str_starts(rest, STR("\\n")))
        ret[n++] = str_slice(rest, 2, rest.n);
    ret[n++] = unquoted(str_trim(rest));
    return n;
}

/* One pass over all starts and escapings: whole answers only, or any that begins one. */
static bool find_decoding(const struct str *starts, size_t n, bool only_whole, struct wr *w)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < COUNT(decoders); k++) {
            wr_clear(w);
            if (begins(decoders[k], starts[i]) &&
                decoders[k](starts[i], size_min(DICOM_BANNER_MAX, w->max), w) && !w->bad &&
                dicom_answer_looks(wr_str(w)) && (!only_whole || whole(wr_str(w))))
                return true;
        }
    }
    wr_clear(w);
    return false;
}

bool dicom_banner_decode(struct str text, struct wr *w)
{
    struct str starts[STARTS_MAX];
    size_t n = find_starts(text, starts);
    return find_decoding(starts, n, true, w) || find_decoding(starts, n, false, w);
}
