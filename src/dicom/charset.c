#include "dicom/charset.h"

#include "base/size.h"
#include "dicom/charset_table.h"
#include "dicom/vr.h"

#define ESC "\x1b"

const struct charset_set_row charset_sets[SET_COUNT] = {
    [SET_ASCII] = {NULL, ESC "(B", 0, 1},
    [SET_ROMAN] = {NULL, ESC "(J", 0, 1},
    [SET_KATAKANA] = {NULL, ESC ")I", 1, 1},
    [SET_LATIN1] = {NULL, ESC "-A", 1, 1},
    [SET_LATIN2] = {"ISO-8859-2", ESC "-B", 1, 1},
    [SET_LATIN3] = {"ISO-8859-3", ESC "-C", 1, 1},
    [SET_LATIN4] = {"ISO-8859-4", ESC "-D", 1, 1},
    [SET_CYRILLIC] = {"ISO-8859-5", ESC "-L", 1, 1},
    [SET_ARABIC] = {"ISO-8859-6", ESC "-G", 1, 1},
    [SET_GREEK] = {"ISO-8859-7", ESC "-F", 1, 1},
    [SET_HEBREW] = {"ISO-8859-8", ESC "-H", 1, 1},
    [SET_LATIN5] = {"ISO-8859-9", ESC "-M", 1, 1},
    [SET_LATIN9] = {"ISO-8859-15", ESC "-b", 1, 1},
    [SET_THAI] = {"TIS-620", ESC "-T", 1, 1},
    /* The two-byte sets of ISO 2022 are read as EUC, which is the same codes with the top bit set.
     */
    [SET_JISX0208] = {"EUC-JP", ESC "$B", 0, 2},
    [SET_JISX0212] = {"EUC-JP", ESC "$(D", 0, 2},
    [SET_KSX1001] = {"EUC-KR", ESC "$)C", 1, 2},
    [SET_GB2312] = {"GB2312", ESC "$)A", 1, 2},
    [SET_UTF8] = {NULL, NULL, 0, 0},
    [SET_GBK] = {"GBK", NULL, 0, 0},
    [SET_GB18030] = {"GB18030", NULL, 0, 0},
};

enum { TERM_DEFAULT, TERM_UTF8 };

static const struct charset_term terms[] = {
    [TERM_DEFAULT] = {STR_INIT(""), SET_ASCII, SET_NONE, false},
    [TERM_UTF8] = {STR_INIT("ISO_IR 192"), SET_UTF8, SET_UTF8, false},
    {STR_INIT("GB18030"), SET_GB18030, SET_GB18030, false},
    {STR_INIT("GBK"), SET_GBK, SET_GBK, false},
    {STR_INIT("ISO_IR 6"), SET_ASCII, SET_NONE, false},
    {STR_INIT("ISO_IR 100"), SET_ASCII, SET_LATIN1, false},
    {STR_INIT("ISO_IR 101"), SET_ASCII, SET_LATIN2, false},
    {STR_INIT("ISO_IR 109"), SET_ASCII, SET_LATIN3, false},
    {STR_INIT("ISO_IR 110"), SET_ASCII, SET_LATIN4, false},
    {STR_INIT("ISO_IR 144"), SET_ASCII, SET_CYRILLIC, false},
    {STR_INIT("ISO_IR 127"), SET_ASCII, SET_ARABIC, false},
    {STR_INIT("ISO_IR 126"), SET_ASCII, SET_GREEK, false},
    {STR_INIT("ISO_IR 138"), SET_ASCII, SET_HEBREW, false},
    {STR_INIT("ISO_IR 148"), SET_ASCII, SET_LATIN5, false},
    {STR_INIT("ISO_IR 203"), SET_ASCII, SET_LATIN9, false},
    {STR_INIT("ISO_IR 13"), SET_ROMAN, SET_KATAKANA, false},
    {STR_INIT("ISO_IR 166"), SET_ASCII, SET_THAI, false},
    {STR_INIT("ISO 2022 IR 6"), SET_ASCII, SET_NONE, true},
    {STR_INIT("ISO 2022 IR 100"), SET_ASCII, SET_LATIN1, true},
    {STR_INIT("ISO 2022 IR 101"), SET_ASCII, SET_LATIN2, true},
    {STR_INIT("ISO 2022 IR 109"), SET_ASCII, SET_LATIN3, true},
    {STR_INIT("ISO 2022 IR 110"), SET_ASCII, SET_LATIN4, true},
    {STR_INIT("ISO 2022 IR 144"), SET_ASCII, SET_CYRILLIC, true},
    {STR_INIT("ISO 2022 IR 127"), SET_ASCII, SET_ARABIC, true},
    {STR_INIT("ISO 2022 IR 126"), SET_ASCII, SET_GREEK, true},
    {STR_INIT("ISO 2022 IR 138"), SET_ASCII, SET_HEBREW, true},
    {STR_INIT("ISO 2022 IR 148"), SET_ASCII, SET_LATIN5, true},
    {STR_INIT("ISO 2022 IR 203"), SET_ASCII, SET_LATIN9, true},
    {STR_INIT("ISO 2022 IR 13"), SET_ROMAN, SET_KATAKANA, true},
    {STR_INIT("ISO 2022 IR 166"), SET_ASCII, SET_THAI, true},
    {STR_INIT("ISO 2022 IR 87"), SET_JISX0208, SET_NONE, true},
    {STR_INIT("ISO 2022 IR 159"), SET_JISX0212, SET_NONE, true},
    {STR_INIT("ISO 2022 IR 149"), SET_ASCII, SET_KSX1001, true},
    {STR_INIT("ISO 2022 IR 58"), SET_ASCII, SET_GB2312, true},
};

/* What is written instead, without punctuation, and the term that is meant. */
static const struct {
    struct str seen, meant;
} aliases[] = {
    {STR_INIT("UTF8"), STR_INIT("ISO_IR 192")},
    {STR_INIT("ISO2022IR192"), STR_INIT("ISO_IR 192")},
    {STR_INIT("ISO2022GBK"), STR_INIT("GBK")},
    {STR_INIT("ISO2022GB18030"), STR_INIT("GB18030")},
    {STR_INIT("ISO2022B18030"), STR_INIT("GB18030")},
    {STR_INIT("GB2312"), STR_INIT("GBK")},
    {STR_INIT("ISO202258"), STR_INIT("ISO 2022 IR 58")},
    {STR_INIT("ISOIR58"), STR_INIT("ISO 2022 IR 58")},
    {STR_INIT("ISOIR87"), STR_INIT("ISO 2022 IR 87")},
    {STR_INIT("ISOIR149"), STR_INIT("ISO 2022 IR 149")},
    {STR_INIT("ISOIR159"), STR_INIT("ISO 2022 IR 159")},
    {STR_INIT("ISO88591"), STR_INIT("ISO_IR 100")},
    {STR_INIT("LATIN1"), STR_INIT("ISO_IR 100")},
    {STR_INIT("ISO88592"), STR_INIT("ISO_IR 101")},
    {STR_INIT("ISO88593"), STR_INIT("ISO_IR 109")},
    {STR_INIT("ISO88594"), STR_INIT("ISO_IR 110")},
    {STR_INIT("ISO88595"), STR_INIT("ISO_IR 144")},
    {STR_INIT("ISO88596"), STR_INIT("ISO_IR 127")},
    {STR_INIT("ISO88597"), STR_INIT("ISO_IR 126")},
    {STR_INIT("ISO88598"), STR_INIT("ISO_IR 138")},
    {STR_INIT("ISO88599"), STR_INIT("ISO_IR 148")},
    {STR_INIT("ISO885915"), STR_INIT("ISO_IR 203")},
    {STR_INIT("ISOIR646"), STR_INIT("ISO_IR 6")},
    {STR_INIT("ASCII"), STR_INIT("ISO_IR 6")},
    {STR_INIT("USASCII"), STR_INIT("ISO_IR 6")},
};

struct str charset_defined(size_t i)
{
    size_t row = TERM_DEFAULT + 1 + i;
    return row < COUNT(terms) ? terms[row].name : (struct str){0};
}

const struct charset_term *charset_term(uint8_t row)
{
    return &terms[row];
}

/* Letters and digits only, in capitals; an odd spelling differs from the right one in the rest. */
static struct str squeeze(struct str s, char *buf, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        if ((c < '0' || c > '9') && (c < 'A' || c > 'Z'))
            continue;
        if (n == cap)
            return STR("?");
        buf[n++] = c;
    }
    return str_of(buf, n);
}

static bool find_term(struct str value, uint8_t *ret)
{
    char seen_buf[24], name_buf[24];
    struct str seen = squeeze(value, seen_buf, sizeof seen_buf);
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (str_eq(seen, aliases[i].seen))
            seen = squeeze(aliases[i].meant, seen_buf, sizeof seen_buf);
    for (uint8_t i = 0; i < COUNT(terms); i++) {
        if (!str_eq(seen, squeeze(terms[i].name, name_buf, sizeof name_buf)))
            continue;
        *ret = i;
        return true;
    }
    return false;
}

static bool stands_alone(uint8_t row)
{
    return charset_sets[terms[row].g0].width == 0;
}

static void add_term(struct charset *cs, struct str value)
{
    uint8_t row = TERM_DEFAULT;
    value = str_trim(str_unpad(value));
    bool found = find_term(value, &row);
    if (!found)
        cs->unknown = true;
    if (cs->n == 0) {
        cs->terms[cs->n++] = row;
    } else if (found && stands_alone(row)) {
        /* "\ISO_IR 192" can only mean that; "ISO_IR 100\ISO_IR 192" is against the standard. */
        if (cs->n == 1 && cs->terms[0] == TERM_DEFAULT)
            cs->terms[0] = row;
        else
            cs->unknown = true;
    } else if (found && row != TERM_DEFAULT && cs->n < CHARSET_TERMS_MAX) {
        cs->terms[cs->n++] = row;
    }
}

struct charset charset_parse(struct str value)
{
    struct charset cs = {0};
    struct str rest = value.p ? value : STR(""), part;
    while (str_split(&rest, '\\', &part))
        if (cs.n == 0 || !stands_alone(cs.terms[0]))
            add_term(&cs, part);
    return cs;
}

struct charset charset_utf8(void)
{
    return (struct charset){.terms = {TERM_UTF8}, .n = 1};
}

bool charset_is_utf8(const struct charset *cs)
{
    return cs->terms[0] == TERM_UTF8;
}

void charset_name(const struct charset *cs, struct wr *out)
{
    for (uint8_t i = 0; i < cs->n; i++) {
        if (i)
            wr_u8(out, '\\');
        wr_put(out, terms[cs->terms[i]].name);
    }
}

bool charset_applies(vr_t vr)
{
    return dcm_vr_flags(vr) & DCM_VR_CHARSET;
}

bool charset_delimits(vr_t vr, uint8_t c)
{
    if (c == '^' || c == '=')
        return vr == VR('P', 'N');
    return c == '\\' && dcm_vr_flags(vr) & DCM_VR_MULTI;
}

struct charset_state charset_state(const struct charset *cs)
{
    const struct charset_term *first = &terms[cs->terms[0]];
    /* A set of two bytes in G0 is never there from the start: ASCII letters could not be written.
     */
    uint8_t g0 = charset_sets[first->g0].width == 2 ? SET_ASCII : first->g0;
    uint8_t g1 = first->g1;
    for (uint8_t i = 1; g1 == SET_NONE && i < cs->n; i++)
        g1 = terms[cs->terms[i]].g1;
    if (g1 == SET_NONE)
        g1 = SET_LATIN1;
    return (struct charset_state){g0, g1, g0, g1};
}

bool charset_escape(struct charset_state *s, struct str *in)
{
    /* JIS C 6226-1978, which the 1983 edition in the table replaced; and JIS X 0208 spelled in
     * full.
     */
    static const struct {
        struct str escape;
        uint8_t set;
    } old[] = {{STR_INIT(ESC "$@"), SET_JISX0208}, {STR_INIT(ESC "$(B"), SET_JISX0208}};
    for (size_t i = 0; i < COUNT(old); i++) {
        if (!str_starts(*in, old[i].escape))
            continue;
        s->g0 = old[i].set;
        *in = str_slice(*in, old[i].escape.n, in->n);
        return true;
    }
    for (uint8_t i = 0; i < SET_COUNT; i++) {
        struct str escape = str_z(charset_sets[i].escape);
        if (escape.n == 0 || !str_starts(*in, escape))
            continue;
        *(charset_sets[i].side ? &s->g1 : &s->g0) = i;
        *in = str_slice(*in, escape.n, in->n);
        return true;
    }
    return false;
}

static bool is_gb_lead(char c)
{
    return (uint8_t)c >= 0x81 && (uint8_t)c != 0xff;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t charset_gb_unit(struct str s)
{
    if (s.n < 2 || !is_gb_lead(s.p[0]))
        return 1;
    uint8_t second = (uint8_t)s.p[1];
    if (second >= 0x40 && second != 0x7f && second != 0xff)
        return 2;
    return s.n >= 4 && is_digit(s.p[1]) && is_gb_lead(s.p[2]) && is_digit(s.p[3]) ? 4 : 1;
}

/* Bytes that belong together at the front of a value with code extensions. */
static size_t extended_unit(struct charset_state *s, struct str in)
{
    struct str after = in;
    uint8_t c = (uint8_t)in.p[0];
    if (c == 0x1b && charset_escape(s, &after))
        return in.n - after.n;
    if (c < 0x20) {
        charset_reset(s);
        return 1;
    }
    return charset_sets[s->g0].width == 2 && c > 0x20 && c < 0x7f ? size_min(2, in.n) : 1;
}

/* Where the first value ends. */
static size_t value_end(const struct charset *cs, struct str in)
{
    struct charset_state state = charset_state(cs);
    bool gb = state.g0 == SET_GBK || state.g0 == SET_GB18030;
    size_t plain = str_find(in, '\\');
    if (!gb && (state.g0 == SET_UTF8 || str_find(str_slice(in, 0, plain), '\x1b') == plain))
        return plain;
    size_t at = 0;
    while (at < in.n) {
        struct str left = str_slice(in, at, in.n);
        size_t unit = gb ? charset_gb_unit(left) : extended_unit(&state, left);
        if (unit == 1 && left.p[0] == '\\')
            break;
        at += unit;
    }
    return at;
}

bool charset_split(const struct charset *cs, vr_t vr, struct str *rest, struct str *ret_value)
{
    if (!rest->p)
        return false;
    size_t end = rest->n;
    if (dcm_vr_flags(vr) & DCM_VR_MULTI)
        end = charset_applies(vr) ? value_end(cs, *rest) : str_find(*rest, '\\');
    *ret_value = str_slice(*rest, 0, end);
    *rest = end < rest->n ? str_slice(*rest, end + 1, rest->n) : str_of(NULL, 0);
    return true;
}
