/* Inside the charset modules: the coded character sets that terms of Specific Character Set bring
 * along, and the state of an ISO 2022 decoder (PS3.3 tables C.12-2 to C.12-5). */
#ifndef LASTRA_DICOM_CHARSET_TABLE_H
#define LASTRA_DICOM_CHARSET_TABLE_H

#include "dicom/charset.h"

enum charset_set {
    SET_NONE,
    SET_ASCII,    /* ISO-IR 6 */
    SET_ROMAN,    /* ISO-IR 14, JIS X 0201: yen and overline where ASCII has \ and ~ */
    SET_KATAKANA, /* ISO-IR 13, JIS X 0201 */
    SET_LATIN1,
    SET_LATIN2,
    SET_LATIN3,
    SET_LATIN4,
    SET_CYRILLIC,
    SET_ARABIC,
    SET_GREEK,
    SET_HEBREW,
    SET_LATIN5,
    SET_LATIN9,
    SET_THAI,
    SET_JISX0208, /* ISO-IR 87, two bytes */
    SET_JISX0212, /* ISO-IR 159, two bytes */
    SET_KSX1001,  /* ISO-IR 149, two bytes */
    SET_GB2312,   /* ISO-IR 58, two bytes */
    SET_UTF8,     /* these three are whole encodings without code extension */
    SET_GBK,
    SET_GB18030,
    SET_COUNT,
};

struct charset_set_row {
    const char *iconv;  /* NULL: known without */
    const char *escape; /* that designates it */
    uint8_t side;       /* 0 or 1: to G0 or G1 */
    uint8_t width;      /* bytes of a character; 0: a whole encoding */
};
extern const struct charset_set_row charset_sets[SET_COUNT];

struct charset_term {
    struct str name;
    uint8_t g0, g1;
    bool extended; /* allows escape sequences */
};

/* The term in row i of the table. */
const struct charset_term *charset_term(uint8_t row);

/* What is designated where; `home` is what value 1 of the attribute gives. */
struct charset_state {
    uint8_t g0, g1;
    uint8_t home0, home1;
};

/* The state at a value's beginning, to read by: where value 1 leaves G1 open, it holds what the
 * sender most probably meant. */
struct charset_state charset_state(const struct charset *cs);

static inline void charset_reset(struct charset_state *s)
{
    s->g0 = s->home0;
    s->g1 = s->home1;
}

/* Takes a known escape sequence off the front of *in and acts on it. */
bool charset_escape(struct charset_state *s, struct str *in);

/* Bytes that belong together at the front of text in GBK or GB18030, which is not empty. */
size_t charset_gb_unit(struct str s);

/* Whether this byte, in a one-byte set, is a delimiter of the VR that brings the home state back
 * (PS3.5 6.1.2.5.3). */
bool charset_delimits(vr_t vr, uint8_t c);

#endif
