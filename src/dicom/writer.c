#include "dicom/writer.h"

#include "base/size.h"
#include "dicom/dict.h"
#include "dicom/tags.h"
#include "dicom/vr.h"

enum { SWAP_BUFFER = 4096 };

void dcm_swap(uint8_t *p, size_t n, size_t word)
{
    for (size_t i = 0; word == 2 && i + 2 <= n; i += 2) {
        uint16_t v;
        memcpy(&v, p + i, sizeof v);
        v = __builtin_bswap16(v);
        memcpy(p + i, &v, sizeof v);
    }
    for (size_t i = 0; word == 4 && i + 4 <= n; i += 4) {
        uint32_t v;
        memcpy(&v, p + i, sizeof v);
        v = __builtin_bswap32(v);
        memcpy(p + i, &v, sizeof v);
    }
    for (size_t i = 0; word == 8 && i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, p + i, sizeof v);
        v = __builtin_bswap64(v);
        memcpy(p + i, &v, sizeof v);
    }
}

void dcm_writer_init(struct dcm_writer *d, struct wr *w, enum dcm_encoding encoding)
{
    *d = (struct dcm_writer){.w = w, .encoding = encoding, .from = DCM_EXPLICIT_LE, .word = 1};
}

static void set_u16(const struct dcm_writer *d, uint8_t *p, uint16_t v)
{
    bool big = d->encoding == DCM_EXPLICIT_BE;
    p[big] = (uint8_t)v;
    p[!big] = (uint8_t)(v >> 8);
}

static void set_u32(const struct dcm_writer *d, uint8_t *p, uint32_t v)
{
    bool big = d->encoding == DCM_EXPLICIT_BE;
    set_u16(d, p + (big ? 2 : 0), (uint16_t)v);
    set_u16(d, p + (big ? 0 : 2), (uint16_t)(v >> 16));
}

/* What stands before a value in implicit VR, and the whole of an item or delimiter. */
static void put_structure(struct dcm_writer *d, tag_t tag, uint32_t length)
{
    uint8_t *p = wr_reserve(d->w, 8);
    if (!p)
        return;
    set_u16(d, p, TAG_GROUP(tag));
    set_u16(d, p + 2, TAG_ELEMENT(tag));
    set_u32(d, p + 4, length);
}

static void put_header(struct dcm_writer *d, tag_t tag, vr_t vr, uint32_t length)
{
    if (d->encoding == DCM_IMPLICIT_LE) {
        put_structure(d, tag, length);
        return;
    }
    bool wide = dcm_vr_flags(vr) & DCM_VR_LONG;
    uint8_t *p = wr_reserve(d->w, wide ? 12 : 8);
    if (!p)
        return;
    set_u16(d, p, TAG_GROUP(tag));
    set_u16(d, p + 2, TAG_ELEMENT(tag));
    p[4] = (uint8_t)(vr >> 8);
    p[5] = (uint8_t)vr;
    set_u16(d, p + 6, wide ? 0 : (uint16_t)length);
    if (wide)
        set_u32(d, p + 8, length);
}

static void begin_value(struct dcm_writer *d, vr_t vr, uint32_t length)
{
    bool swap = (d->from == DCM_EXPLICIT_BE) != (d->encoding == DCM_EXPLICIT_BE);
    d->vr = vr;
    d->left = length;
    d->odd = length & 1;
    d->word = swap ? (uint8_t)dcm_vr_word(vr) : 1;
    d->carry_n = 0;
}

void dcm_write_element(struct dcm_writer *d, tag_t tag, vr_t vr, uint32_t length)
{
    uint32_t even = length + (length & 1);
    vr = dcm_vr_resolve(vr, false);
    unsigned flags = dcm_vr_flags(vr);
    if (length == DCM_UNDEFINED) {
        d->w->bad = true;
        return;
    }
    if (!flags || (d->encoding != DCM_IMPLICIT_LE && !(flags & DCM_VR_LONG) && even > 0xffff))
        vr = VR('U', 'N');
    put_header(d, tag, vr, even);
    begin_value(d, vr, length);
}

static void put_swapped(struct dcm_writer *d, struct str words)
{
    uint8_t buf[SWAP_BUFFER];
    while (words.n) {
        size_t part = size_min(words.n, sizeof buf);
        memcpy(buf, words.p, part);
        dcm_swap(buf, part, d->word);
        wr_bytes(d->w, buf, part);
        words = str_of(words.p + part, words.n - part);
    }
}

/* Completes a word that began in the piece before; gives what of this piece is left. */
static struct str put_carry(struct dcm_writer *d, struct str piece)
{
    size_t part = d->carry_n ? size_min((size_t)d->word - d->carry_n, piece.n) : 0;
    if (part == 0)
        return piece;
    memcpy(d->carry + d->carry_n, piece.p, part);
    d->carry_n = (uint8_t)(d->carry_n + part);
    if (d->carry_n == d->word) {
        dcm_swap(d->carry, d->word, d->word);
        wr_bytes(d->w, d->carry, d->word);
        d->carry_n = 0;
    }
    return str_of(piece.p + part, piece.n - part);
}

void dcm_write_value(struct dcm_writer *d, struct str piece)
{
    if (piece.n > d->left) {
        d->w->bad = true;
        return;
    }
    d->left -= (uint32_t)piece.n;
    if (d->word == 1) {
        wr_put(d->w, piece);
        return;
    }
    piece = put_carry(d, piece);
    size_t rest = piece.n % d->word;
    put_swapped(d, str_of(piece.p, piece.n - rest));
    if (rest) {
        memcpy(d->carry, piece.p + piece.n - rest, rest);
        d->carry_n = (uint8_t)rest;
    }
}

void dcm_write_element_end(struct dcm_writer *d)
{
    if (d->left)
        d->w->bad = true;
    wr_bytes(d->w, d->carry, d->carry_n);
    d->carry_n = 0;
    if (d->odd)
        wr_u8(d->w, dcm_vr_flags(d->vr) & DCM_VR_SPACE ? ' ' : 0);
    d->odd = false;
}

void dcm_write(struct dcm_writer *d, tag_t tag, vr_t vr, struct str value)
{
    if (value.n >= DCM_UNDEFINED) {
        d->w->bad = true;
        return;
    }
    dcm_write_element(d, tag, vr, (uint32_t)value.n);
    dcm_write_value(d, value);
    dcm_write_element_end(d);
}

void dcm_write_u16(struct dcm_writer *d, tag_t tag, uint16_t v)
{
    uint8_t bytes[2];
    set_u16(d, bytes, v);
    put_header(d, tag, VR('U', 'S'), sizeof bytes);
    wr_bytes(d->w, bytes, sizeof bytes);
}

void dcm_write_u32(struct dcm_writer *d, tag_t tag, uint32_t v)
{
    uint8_t bytes[4];
    set_u32(d, bytes, v);
    put_header(d, tag, VR('U', 'L'), sizeof bytes);
    wr_bytes(d->w, bytes, sizeof bytes);
}

void dcm_write_sequence(struct dcm_writer *d, tag_t tag, vr_t vr, uint32_t length)
{
    put_header(d, tag, dcm_vr_flags(vr) & DCM_VR_LONG ? vr : VR('S', 'Q'), length);
}

void dcm_write_sequence_end(struct dcm_writer *d, uint32_t length)
{
    if (length == DCM_UNDEFINED)
        put_structure(d, TAG_SequenceDelimitationItem, 0);
}

void dcm_write_item(struct dcm_writer *d, uint32_t length)
{
    put_structure(d, TAG_Item, length);
}

void dcm_write_item_end(struct dcm_writer *d, uint32_t length)
{
    if (length == DCM_UNDEFINED)
        put_structure(d, TAG_ItemDelimitationItem, 0);
}

void dcm_write_fragment(struct dcm_writer *d, uint32_t length)
{
    if (length == DCM_UNDEFINED) {
        d->w->bad = true;
        return;
    }
    put_structure(d, TAG_Item, length + (length & 1));
    begin_value(d, VR('O', 'B'), length);
}
