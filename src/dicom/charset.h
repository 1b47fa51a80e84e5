/* Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1.2): from the bytes of a text value to UTF-8
 * and back, with ISO 2022 code extensions.
 *
 *     struct charset cs = charset_parse(dcm_ds_str(ds, TAG_SpecificCharacterSet));
 *     struct str text = charset_text(conv, &cs, VR('P','N'), bytes, arena);
 *
 * Decode a whole value first and split it at '\\' afterwards: no multi-byte character ever decodes
 * to a delimiter, whereas its bytes may look like one (0x5c in GBK, GB18030 and JIS X 0208).
 * charset_split does it on bytes for those who need the parts as they stand.
 */
#ifndef LASTRA_DICOM_CHARSET_H
#define LASTRA_DICOM_CHARSET_H

#include "base/arena.h"
#include "base/wr.h"
#include "dicom/types.h"

enum { CHARSET_TERMS_MAX = 10 };

/* A parsed Specific Character Set: a small value without pointers, copied freely. */
struct charset {
    uint8_t terms[CHARSET_TERMS_MAX]; /* rows of the table in charset.c; the first is value 1 */
    uint8_t n;                        /* at least 1 */
    bool unknown;                     /* a term was not understood and is left out */
};

/* Parses the attribute's value ("" is the default repertoire). Misspellings seen in practice
 * ("ISO-IR 100", "iso_ir_192", "UTF8", "ISO 2022 58") are read as what they mean; what means
 * nothing sets `unknown` and counts as the default repertoire. Never fails. */
struct charset charset_parse(struct str value);

/* ISO_IR 192. */
struct charset charset_utf8(void);

/* Whether text in it is UTF-8, so that nothing need be converted. */
bool charset_is_utf8(const struct charset *cs);

/* The attribute's value in the standard's own spelling ("ISO 2022 IR 6\\ISO 2022 IR 87"), unpadded.
 */
void charset_name(const struct charset *cs, struct wr *out);

/* The standard's defined terms, one by one; p is NULL past the end. */
struct str charset_defined(size_t i);

/* Whether the attribute governs values of this VR: SH, LO, ST, PN, LT, UC and UT (PS3.5 6.1.2.2).
 * The others are the default repertoire whatever it says. */
bool charset_applies(vr_t vr);

/* Conversion descriptors, opened when first used: one per thread or association. Every function
 * here also takes NULL and then opens what it needs for the one call, which costs microseconds;
 * text in ASCII, Latin-1 or UTF-8 needs none either way. */
struct charset_conv;
struct charset_conv *charset_conv_new(void);
void charset_conv_free(struct charset_conv *conv);

/* Opens every descriptor now. iconv loads the code of a set when it is first used, which a confined
 * process may not do any more: as long as this one stays open, all others find it loaded. False
 * when the system has no code for one of the sets. */
bool charset_conv_load(struct charset_conv *conv) MUST_CHECK;

/* Writes `value` (any number of values) as UTF-8. What does not decode becomes U+FFFD; the answer
 * is whether nothing did. Bytes above 0x7f where no character set was declared are read as Latin-1,
 * as most peers do. Escape sequences are consumed. Control characters and padding pass. */
bool charset_decode(struct charset_conv *conv, const struct charset *cs, vr_t vr, struct str value,
                    struct wr *out);

/* The same as a view: `value` itself where it is UTF-8 as it stands (no copy), else in arena a.
 * p is NULL only when the arena is full. */
struct str charset_text(struct charset_conv *conv, const struct charset *cs, vr_t vr,
                        struct str value, struct arena *a);

/* Writes UTF-8 in the character set, with code extensions where it has several terms. False, and
 * nothing written, when a character does not fit (or `out` is full, which latches it). Of the
 * encodings that are possible it takes the first term that has the character. `out` must not be
 * a sink. A character whose single byte would be the delimiter 0x5c (the yen sign of ISO_IR 13)
 * does not fit in VRs that can have several values. */
bool charset_encode(struct charset_conv *conv, const struct charset *cs, vr_t vr, struct str utf8,
                    struct wr *out);

/* Takes the bytes of one value off the front of *rest, as str_split does with '\\', but knows the
 * multi-byte characters and that ST, LT, UT and UR have one value only. */
bool charset_split(const struct charset *cs, vr_t vr, struct str *rest, struct str *ret_value);

#endif
