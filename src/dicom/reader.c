#include "dicom/reader.h"

#include "base/rd.h"
#include "base/size.h"
#include "dicom/dict.h"
#include "dicom/tags.h"
#include "dicom/vr.h"

enum level_kind { LEVEL_ELEMENTS, LEVEL_SEQUENCE, LEVEL_FRAGMENTS };
enum state { STATE_HEADER, STATE_VALUE, STATE_VALUE_END, STATE_ZEROS, STATE_DONE, STATE_FAILED };

/* What a header says, decoded. */
struct header {
    tag_t tag;
    vr_t vr;
    uint32_t length;
    uint8_t size;     /* 8 or 12 bytes */
    uint8_t encoding; /* of this element, which may differ from its level's */
    bool un;          /* UN as written */
};

/* Inside dcm_read: a header was passed over without an event. */
enum { STEP_AGAIN = STEP_FAIL + 1 };

static enum step fail(struct dcm_reader *r, err_t e, tag_t tag, const char *what)
{
    r->state = STATE_FAILED;
    r->error = diag_set(&r->diag, e, "element (%04x,%04x) at offset %llu: %s", TAG_GROUP(tag),
                        TAG_ELEMENT(tag), (unsigned long long)r->at, what);
    return STEP_FAIL;
}

static struct dcm_reader_level *top(struct dcm_reader *r)
{
    return &r->levels[r->level];
}

/* The next n bytes in one piece: where they are, or gathered in r->header. NULL: not there yet. */
static const uint8_t *peek(struct dcm_reader *r, struct str *in, size_t n)
{
    if (r->header_n == 0 && in->n >= n)
        return (const uint8_t *)in->p;
    if (r->header_n < n && in->n) {
        size_t part = size_min(n - r->header_n, in->n);
        memcpy(r->header + r->header_n, in->p, part);
        r->header_n = (uint8_t)(r->header_n + part);
        *in = str_of(in->p + part, in->n - part);
    }
    return r->header_n >= n ? r->header : NULL;
}

/* Passes over n bytes that peek showed last. */
static void consume(struct dcm_reader *r, struct str *in, size_t n)
{
    if (r->header_n)
        r->header_n = 0;
    else
        *in = str_of(in->p + n, in->n - n);
    r->at += n;
}

static struct dcm_token token_of(const struct dcm_reader *r, enum dcm_token_kind kind)
{
    const struct dcm_reader_level *l = &r->levels[r->level];
    return (struct dcm_token){
        .kind = kind,
        .tag = l->tag,
        .vr = l->vr,
        .length = l->length,
        .depth = r->level / 2,
        .fragment = l->kind == LEVEL_FRAGMENTS,
        .big_endian = l->encoding == DCM_EXPLICIT_BE,
        .at = r->at,
    };
}

/* ---- levels ---- */

static void open_level(struct dcm_reader *r, enum level_kind kind, tag_t tag, vr_t vr,
                       uint32_t length, uint8_t encoding)
{
    const struct dcm_reader_level *parent = top(r);
    struct dcm_reader_level l = {
        .end = length == DCM_UNDEFINED ? parent->end : r->at + length,
        .tag = tag,
        .length = length,
        .vr = vr,
        .kind = kind,
        .encoding = encoding,
        .delimited = length == DCM_UNDEFINED,
        .first = true,
        .pixel_signed = parent->pixel_signed,
    };
    r->levels[++r->level] = l;
}

/* Closes the innermost level, of which the delimiter, if any, was consumed. */
static enum step close_level(struct dcm_reader *r, struct dcm_token *ret)
{
    bool item = top(r)->kind == LEVEL_ELEMENTS;
    *ret = token_of(r, item ? DCM_ITEM_END : DCM_SEQUENCE_END);
    r->level--;
    ret->depth = r->level / 2;
    return STEP_EVENT;
}

static enum step close_undelimited(struct dcm_reader *r, struct dcm_token *ret)
{
    r->quirks |= DCM_QUIRK_MISSING_DELIMITER;
    return close_level(r, ret);
}

static enum step close_at_end(struct dcm_reader *r, struct dcm_token *ret)
{
    if (r->header_n) {
        r->header_n = 0;
        r->quirks |= DCM_QUIRK_TRUNCATED;
    }
    if (r->level == 0) {
        r->state = STATE_DONE;
        return STEP_DONE;
    }
    r->quirks |= top(r)->delimited ? DCM_QUIRK_MISSING_DELIMITER : DCM_QUIRK_TRUNCATED;
    return close_level(r, ret);
}

static bool count(struct dcm_reader *r)
{
    return ++r->elements <= r->limits.elements;
}

/* ---- element headers ---- */

static bool is_letter(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static vr_t dict_vr(struct dcm_reader *r, tag_t tag)
{
    return dcm_vr_resolve(dcm_dict_vr(tag), top(r)->pixel_signed);
}

/* In implicit VR no length of a first element looks like the VR that the dictionary gives its tag:
 * it would be odd, or longer than that VR may be. */
static bool looks_explicit(tag_t tag, const uint8_t *p)
{
    vr_t vr = VR(p[4], p[5]), dict = dcm_dict_vr(tag);
    if (!dcm_vr_flags(vr) || dict == VR_NONE)
        return false;
    return vr == dcm_vr_resolve(dict, false) || vr == dcm_vr_resolve(dict, true) ||
           (vr == VR('O', 'B') && dcm_vr_resolve(dict, false) == VR('O', 'W'));
}

static void decode_implicit(struct dcm_reader *r, const uint8_t *p, struct header *h)
{
    struct rd rd = {p + 4, 4, false};
    h->length = rd_u32le(&rd);
    h->size = 8;
    h->encoding = DCM_IMPLICIT_LE;
    h->vr = dict_vr(r, h->tag);
}

/* No VR in explicit VR: implicit VR on the sly, or a placeholder such as "??", two spaces or two
 * NULs, which writers put where they knew none. */
static bool is_placeholder(const uint8_t *p)
{
    bool zeros = p[4] == 0 && p[5] == 0 && (p[6] || p[7]);
    bool printable = p[4] >= 0x20 && p[4] < 0x7f && p[5] >= 0x20 && p[5] < 0x7f;
    return zeros || printable;
}

/* A VR that the standard does not have: 32-bit lengths are the rule for new ones (PS3.5 7.1.2), and
 * leave their reserved bytes zero. */
static void decode_unknown(struct dcm_reader *r, struct header *h, uint16_t short_length)
{
    r->quirks |= DCM_QUIRK_BAD_VR;
    h->vr = dict_vr(r, h->tag);
    h->size = short_length ? 8 : 12;
    h->length = short_length;
}

/* False: four more bytes are needed. */
static bool decode_explicit(struct dcm_reader *r, struct str *in, const uint8_t *p,
                            struct header *h)
{
    bool big = h->encoding == DCM_EXPLICIT_BE;
    struct rd rd = {p + 6, 2, false};
    uint16_t short_length = big ? rd_u16be(&rd) : rd_u16le(&rd);
    unsigned flags = dcm_vr_flags(VR(p[4], p[5]));
    h->vr = VR(p[4], p[5]);
    h->length = short_length;
    h->size = flags & DCM_VR_LONG ? 12 : 8;
    if (!flags)
        decode_unknown(r, h, short_length);
    if (h->size == 8)
        return true;
    p = peek(r, in, 12);
    if (!p)
        return false;
    rd = (struct rd){p + 8, 4, false};
    h->length = big ? rd_u32be(&rd) : rd_u32le(&rd);
    return true;
}

/* The first element of the data set or of an item shows when the other mode was announced. */
static uint8_t encoding_of(struct dcm_reader *r, tag_t tag, const uint8_t *p)
{
    struct dcm_reader_level *l = top(r);
    uint8_t encoding = l->encoding;
    bool other = false;
    if (encoding == DCM_IMPLICIT_LE) {
        other = l->first && looks_explicit(tag, p);
        encoding = other ? DCM_EXPLICIT_LE : encoding;
    } else if (encoding == DCM_EXPLICIT_LE && !(is_letter(p[4]) && is_letter(p[5]))) {
        other = !is_placeholder(p);
        encoding = other ? DCM_IMPLICIT_LE : encoding;
    }
    if (other)
        r->quirks |= DCM_QUIRK_OTHER_VR_MODE;
    if (other && l->first)
        l->encoding = encoding;
    return encoding;
}

/* UN becomes what the dictionary knows; its bytes are little endian whatever is around them. */
static void read_un(struct dcm_reader *r, struct header *h)
{
    h->un = h->vr == VR('U', 'N') && h->encoding != DCM_IMPLICIT_LE;
    if (!h->un)
        return;
    h->encoding = h->length == DCM_UNDEFINED ? DCM_IMPLICIT_LE : DCM_EXPLICIT_LE;
    if (r->raw_un)
        return;
    h->vr = dict_vr(r, h->tag);
    if (h->vr == VR('S', 'Q'))
        h->encoding = DCM_IMPLICIT_LE;
}

static bool opens_fragments(const struct header *h)
{
    return h->length == DCM_UNDEFINED &&
           (h->tag == TAG_PixelData || h->vr == VR('O', 'B') || h->vr == VR('O', 'W'));
}

static enum step open_sequence(struct dcm_reader *r, struct header *h, struct dcm_token *ret)
{
    bool fragments = opens_fragments(h);
    uint64_t at = r->at - h->size;
    if (r->level / 2 + 1 > r->limits.depth)
        return fail(r, E_LIMIT, h->tag, "sequences are nested too deeply");
    if (!fragments && h->vr != VR('S', 'Q')) {
        if (h->vr != VR('U', 'N'))
            r->quirks |= DCM_QUIRK_BAD_VR;
        if (!r->raw_un || !h->un)
            h->vr = VR('S', 'Q');
    }
    open_level(r, fragments ? LEVEL_FRAGMENTS : LEVEL_SEQUENCE, h->tag, h->vr, h->length,
               h->encoding);
    *ret = token_of(r, DCM_SEQUENCE);
    ret->at = at;
    return STEP_EVENT;
}

static enum step open_element(struct dcm_reader *r, const struct header *h, struct dcm_token *ret)
{
    r->open = (struct dcm_token){
        .kind = DCM_ELEMENT,
        .tag = h->tag,
        .vr = h->vr,
        .length = h->length,
        .depth = r->level / 2,
        .big_endian = h->encoding == DCM_EXPLICIT_BE,
        .at = r->at - h->size,
    };
    r->left = h->length;
    r->state = h->length ? STATE_VALUE : STATE_VALUE_END;
    if (h->length & 1)
        r->quirks |= DCM_QUIRK_ODD_LENGTH;
    *ret = r->open;
    return STEP_EVENT;
}

static void note_order(struct dcm_reader *r, tag_t tag)
{
    struct dcm_reader_level *l = top(r);
    if (!l->first && tag <= l->last)
        r->quirks |= DCM_QUIRK_ORDER;
    l->last = tag;
    l->first = false;
}

static enum step element_header(struct dcm_reader *r, struct str *in, const uint8_t *p, tag_t tag,
                                struct dcm_token *ret)
{
    struct dcm_reader_level *l = top(r);
    struct header h = {.tag = tag, .encoding = encoding_of(r, tag, p)};
    if (h.encoding == DCM_IMPLICIT_LE)
        decode_implicit(r, p, &h);
    else if (!decode_explicit(r, in, p, &h))
        return r->ended ? close_at_end(r, ret) : STEP_MORE;
    if (!count(r))
        return fail(r, E_LIMIT, tag, "too many elements");
    uint64_t total = h.size + (h.length == DCM_UNDEFINED ? 0 : (uint64_t)h.length);
    if (total > l->end - r->at)
        return fail(r, E_MALFORMED, tag, "longer than the item or sequence around it");
    note_order(r, tag);
    consume(r, in, h.size);
    read_un(r, &h);
    if (h.vr == VR('S', 'Q') || h.length == DCM_UNDEFINED)
        return open_sequence(r, &h, ret);
    return open_element(r, &h, ret);
}

/* ---- items and delimiters (PS3.5 7.5) ---- */

static enum step stray(struct dcm_reader *r, struct str *in)
{
    consume(r, in, 8);
    r->quirks |= DCM_QUIRK_STRAY_DELIMITER;
    return (enum step)STEP_AGAIN;
}

static enum step close_by_delimiter(struct dcm_reader *r, struct str *in, struct dcm_token *ret)
{
    uint64_t at = r->at;
    consume(r, in, 8);
    (void)close_level(r, ret);
    ret->at = at;
    return STEP_EVENT;
}

/* A tag of group FFFE among elements. */
static enum step delimiter_among_elements(struct dcm_reader *r, struct str *in, tag_t tag,
                                          struct dcm_token *ret)
{
    const struct dcm_reader_level *l = top(r);
    if (tag == TAG_ItemDelimitationItem && l->delimited)
        return close_by_delimiter(r, in, ret);
    if ((tag == TAG_SequenceDelimitationItem || tag == TAG_Item) && l->delimited)
        return close_undelimited(r, ret);
    if (tag == TAG_ItemDelimitationItem || tag == TAG_SequenceDelimitationItem)
        return stray(r, in);
    return fail(r, E_MALFORMED, tag, "an item outside a sequence");
}

/* Whether an item of this length has room. One that is longer than its sequence says is believed
 * rather than the sequence, as other readers do, when what is around the sequence has the room. */
static bool item_fits(struct dcm_reader *r, uint32_t length)
{
    struct dcm_reader_level *l = top(r);
    uint64_t need = 8 + (length == DCM_UNDEFINED ? 0 : (uint64_t)length);
    if (need <= l->end - r->at)
        return true;
    if (need > r->levels[r->level - 1].end - r->at)
        return false;
    r->quirks |= DCM_QUIRK_SHORT_SEQUENCE;
    l->end = r->at + need;
    return true;
}

static enum step open_item(struct dcm_reader *r, struct str *in, uint32_t length,
                           struct dcm_token *ret)
{
    struct dcm_reader_level *l = top(r);
    bool fragment = l->kind == LEVEL_FRAGMENTS;
    uint64_t at = r->at;
    if (!count(r))
        return fail(r, E_LIMIT, l->tag, "too many items");
    if (fragment && length == DCM_UNDEFINED)
        return fail(r, E_MALFORMED, l->tag, "a fragment of undefined length");
    if (!item_fits(r, length))
        return fail(r, E_MALFORMED, l->tag, "an item longer than the sequence around it");
    consume(r, in, 8);
    l->first = false;
    if (!fragment)
        open_level(r, LEVEL_ELEMENTS, l->tag, l->vr, length, l->encoding);
    *ret = token_of(r, DCM_ITEM);
    ret->depth = (r->level - 1) / 2;
    ret->length = length;
    ret->at = at;
    if (fragment) {
        r->open = *ret;
        r->left = length;
        r->state = length ? STATE_VALUE : STATE_VALUE_END;
    }
    return STEP_EVENT;
}

/* What stands in a sequence or in encapsulated pixel data. */
static enum step sequence_header(struct dcm_reader *r, struct str *in, const uint8_t *p, tag_t tag,
                                 struct dcm_token *ret)
{
    const struct dcm_reader_level *l = top(r);
    struct rd rd = {p + 4, 4, false};
    if (tag == TAG_Item)
        return open_item(r, in, l->encoding == DCM_EXPLICIT_BE ? rd_u32be(&rd) : rd_u32le(&rd),
                         ret);
    if (tag == TAG_SequenceDelimitationItem && l->delimited)
        return close_by_delimiter(r, in, ret);
    if (tag == TAG_SequenceDelimitationItem || tag == TAG_ItemDelimitationItem)
        return stray(r, in);
    if (l->delimited && tag > l->tag) /* the next element: the delimiter was left out */
        return close_undelimited(r, ret);
    return fail(r, E_MALFORMED, tag, "not an item, in a sequence");
}

/* ---- the machine ---- */

static tag_t tag_at(const uint8_t *p, bool big)
{
    struct rd rd = {p, 4, false};
    uint16_t group = big ? rd_u16be(&rd) : rd_u16le(&rd);
    return TAG(group, big ? rd_u16be(&rd) : rd_u16le(&rd));
}

/* Eight zero bytes where an element should be, at the top: padding to the end. */
static bool is_padding(const struct dcm_reader *r, const uint8_t *p)
{
    static const uint8_t zeros[8];
    return r->level == 0 && r->at > 0 && memcmp(p, zeros, sizeof zeros) == 0;
}

static enum step read_header(struct dcm_reader *r, struct str *in, struct dcm_token *ret)
{
    struct dcm_reader_level *l = top(r);
    if (r->at >= l->end)
        return l->delimited ? close_undelimited(r, ret) : close_level(r, ret);
    const uint8_t *p = peek(r, in, 8);
    if (!p)
        return r->ended ? close_at_end(r, ret) : STEP_MORE;
    tag_t tag = tag_at(p, l->encoding == DCM_EXPLICIT_BE);
    if (l->end - r->at < 8)
        return fail(r, E_MALFORMED, tag, "the item or sequence ends within its header");
    if (l->kind != LEVEL_ELEMENTS)
        return sequence_header(r, in, p, tag, ret);
    if (TAG_GROUP(tag) == 0xfffe)
        return delimiter_among_elements(r, in, tag, ret);
    if (is_padding(r, p)) {
        r->quirks |= DCM_QUIRK_TRAILING_ZEROS;
        r->state = STATE_ZEROS;
        consume(r, in, 8);
        return (enum step)STEP_AGAIN;
    }
    return element_header(r, in, p, tag, ret);
}

/* Pixel Representation decides what US or SS means further on. */
static void note_pixel_representation(struct dcm_reader *r, struct str piece)
{
    uint32_t at = r->open.length - r->left, low = r->open.big_endian ? 1 : 0;
    if (r->open.length == 2 && low >= at && low < at + piece.n)
        top(r)->pixel_signed = piece.p[low - at] & 1;
}

static enum step read_value(struct dcm_reader *r, struct str *in, struct dcm_token *ret)
{
    struct str piece = str_of(in->p, size_min(in->n, r->left));
    if (piece.n == 0) {
        if (!r->ended)
            return STEP_MORE;
        r->quirks |= DCM_QUIRK_TRUNCATED;
        r->state = STATE_VALUE_END;
        return (enum step)STEP_AGAIN;
    }
    if (r->open.tag == TAG_PixelRepresentation)
        note_pixel_representation(r, piece);
    *ret = r->open;
    ret->kind = DCM_VALUE;
    ret->value = piece;
    ret->at = r->at;
    *in = str_of(in->p + piece.n, in->n - piece.n);
    r->at += piece.n;
    r->left -= (uint32_t)piece.n;
    if (r->left == 0)
        r->state = STATE_VALUE_END;
    return STEP_EVENT;
}

static enum step end_value(struct dcm_reader *r, struct dcm_token *ret)
{
    *ret = r->open;
    ret->kind = r->open.fragment ? DCM_ITEM_END : DCM_ELEMENT_END;
    ret->at = r->at;
    r->state = STATE_HEADER;
    return STEP_EVENT;
}

static enum step read_zeros(struct dcm_reader *r, struct str *in)
{
    for (; in->n && *in->p == 0; r->at++)
        *in = str_of(in->p + 1, in->n - 1);
    if (in->n)
        return fail(r, E_MALFORMED, 0, "something stands behind the padding");
    if (!r->ended)
        return STEP_MORE;
    r->state = STATE_DONE;
    return STEP_DONE;
}

static enum step advance(struct dcm_reader *r, struct str *in, struct dcm_token *ret)
{
    switch ((enum state)r->state) {
    case STATE_HEADER:
        return read_header(r, in, ret);
    case STATE_VALUE:
        return read_value(r, in, ret);
    case STATE_VALUE_END:
        return end_value(r, ret);
    case STATE_ZEROS:
        return read_zeros(r, in);
    case STATE_DONE:
        return STEP_DONE;
    case STATE_FAILED:
        break;
    }
    return STEP_FAIL;
}

void dcm_reader_init(struct dcm_reader *r, enum dcm_encoding encoding,
                     const struct dcm_limits *limits)
{
    r->limits = *limits;
    if (r->limits.depth > DCM_READER_DEPTH_MAX)
        r->limits.depth = DCM_READER_DEPTH_MAX;
    r->raw_un = r->ended = false;
    r->at = r->elements = r->quirks = r->level = r->left = r->header_n = 0;
    r->error = OK;
    r->diag.text[0] = 0;
    r->state = STATE_HEADER;
    r->open = (struct dcm_token){0};
    r->levels[0] = (struct dcm_reader_level){
        .end = UINT64_MAX,
        .kind = LEVEL_ELEMENTS,
        .encoding = (uint8_t)encoding,
        .length = DCM_UNDEFINED,
        .first = true,
    };
}

enum step dcm_read(struct dcm_reader *r, struct str *in, struct dcm_token *ret)
{
    enum step s;
    do
        s = advance(r, in, ret);
    while (s == (enum step)STEP_AGAIN);
    return s;
}

void dcm_reader_end(struct dcm_reader *r)
{
    r->ended = true;
}

const char *dcm_quirk_text(unsigned quirks)
{
    static const struct {
        enum dcm_quirk quirk;
        const char *text;
    } texts[] = {
        {DCM_QUIRK_TRUNCATED, "the data set is cut short"},
        {DCM_QUIRK_OTHER_VR_MODE, "explicit and implicit VR are mixed"},
        {DCM_QUIRK_BAD_VR, "an unknown value representation"},
        {DCM_QUIRK_MISSING_DELIMITER, "a delimiter is missing"},
        {DCM_QUIRK_SHORT_SEQUENCE, "a sequence is longer than its length says"},
        {DCM_QUIRK_STRAY_DELIMITER, "a delimiter has nothing to end"},
        {DCM_QUIRK_ORDER, "elements are not in the order of their tags"},
        {DCM_QUIRK_ODD_LENGTH, "a value of odd length"},
        {DCM_QUIRK_TRAILING_ZEROS, "zeros after the end"},
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (quirks & texts[i].quirk)
            return texts[i].text;
    return NULL;
}
