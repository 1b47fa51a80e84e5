#include "dicom/dump.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rd.h"
#include "base/size.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/tags.h"
#include "dicom/vr.h"
#include "dicom/writer.h"

enum {
    TEXT_MAX = 8 * DCM_DUMP_WHOLE
}; /* a byte of text becomes four at most, escaped twice that */

/* What is known at each depth of items. */
struct dump_level {
    struct charset cs;
    uint32_t items; /* of the sequence that is open here */
};

struct dcm_dump {
    struct wr *w;
    struct charset_conv *conv;
    struct wr text; /* decoded */
    struct dump_level levels[DCM_READER_DEPTH_MAX + 1];
    struct dcm_token of; /* the element whose value is gathered */
    uint64_t seen;       /* bytes of it that came */
    size_t n, cap;
    uint8_t value[];
};

struct dcm_dump *dcm_dump_new(struct wr *w, const struct dcm_dump_options *o)
{
    size_t cap = o->whole_values ? DCM_DUMP_WHOLE : DCM_DUMP_SHORT;
    struct dcm_dump *d = calloc(1, sizeof *d + cap);
    if (!d)
        return NULL;
    d->w = w;
    d->cap = cap;
    d->text = wr_heap(TEXT_MAX);
    d->conv = charset_conv_new();
    d->levels[0].cs = charset_parse(str_of("", 0));
    return d;
}

void dcm_dump_free(struct dcm_dump *d)
{
    if (!d)
        return;
    charset_conv_free(d->conv);
    wr_done(&d->text);
    free(d);
}

/* ---- values ---- */

static bool is_cut(const struct dcm_dump *d)
{
    return d->seen > d->n;
}

static struct str gathered(const struct dcm_dump *d)
{
    return str_of(d->value, d->n);
}

/* The end of a cut text may be half a character. */
static struct str without_half(struct str text)
{
    while (str_ends(text, STR("\xef\xbf\xbd")))
        text.n -= 3;
    return text;
}

static void put_text(struct dcm_dump *d)
{
    struct str bytes = is_cut(d) ? gathered(d) : str_unpad(gathered(d));
    wr_clear(&d->text);
    (void)charset_decode(d->conv, &d->levels[d->of.depth].cs, d->of.vr, bytes, &d->text);
    struct str text = is_cut(d) ? without_half(wr_str(&d->text)) : wr_str(&d->text);
    wr_u8(d->w, '[');
    wr_printable(d->w, text);
    wr_put(d->w, is_cut(d) ? STR("...]") : STR("]"));
    struct dcm_uid uid;
    if (d->of.vr == VR('U', 'I') && dcm_uid_find(bytes, &uid))
        wr_printf(d->w, " %.*s", STR_ARG(uid.name));
}

/* The shortest decimal that reads back the same. */
static void put_real(struct wr *w, double v, bool is_float)
{
    char buf[40];
    for (int digits = is_float ? 6 : 15; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, v);
        double back = strtod(buf, NULL);
        if (is_float ? (float)back == (float)v : back == v)
            break;
    }
    wr_put(w, str_z(buf));
}

static void put_number(struct wr *w, vr_t vr, struct rd *v)
{
    uint16_t group;
    uint32_t bits32;
    uint64_t bits64;
    float f;
    double x;
    switch (vr) {
    case VR('A', 'T'):
        group = rd_u16le(v);
        wr_printf(w, "(%04x,%04x)", group, rd_u16le(v));
        return;
    case VR('S', 'S'):
        wr_printf(w, "%d", (int16_t)rd_u16le(v));
        return;
    case VR('U', 'S'):
        wr_printf(w, "%u", rd_u16le(v));
        return;
    case VR('O', 'W'):
        wr_printf(w, "%04x", rd_u16le(v));
        return;
    case VR('S', 'L'):
        wr_printf(w, "%ld", (long)(int32_t)rd_u32le(v));
        return;
    case VR('U', 'L'):
        wr_printf(w, "%lu", (unsigned long)rd_u32le(v));
        return;
    case VR('O', 'L'):
        wr_printf(w, "%08lx", (unsigned long)rd_u32le(v));
        return;
    case VR('S', 'V'):
        wr_printf(w, "%lld", (long long)rd_u64le(v));
        return;
    case VR('U', 'V'):
        wr_printf(w, "%llu", (unsigned long long)rd_u64le(v));
        return;
    case VR('O', 'V'):
        wr_printf(w, "%016llx", (unsigned long long)rd_u64le(v));
        return;
    case VR('F', 'L'):
    case VR('O', 'F'):
        bits32 = rd_u32le(v);
        memcpy(&f, &bits32, sizeof f);
        put_real(w, f, true);
        return;
    case VR('F', 'D'):
    case VR('O', 'D'):
        bits64 = rd_u64le(v);
        memcpy(&x, &bits64, sizeof x);
        put_real(w, x, false);
        return;
    default:
        wr_printf(w, "%02x", rd_u8(v));
    }
}

/* Whole numbers only; a rest that is shorter than one shows as its bytes. */
static void put_numbers(struct dcm_dump *d)
{
    size_t size = size_max(dcm_vr_size(d->of.vr), 1);
    if (d->cap == DCM_DUMP_SHORT)
        d->n = size_min(d->n, DCM_DUMP_NUMBERS * size);
    if (d->of.big_endian)
        dcm_swap(d->value, d->n, dcm_vr_word(d->of.vr));
    struct rd rd = rd_of(gathered(d));
    for (bool first = true; rd.n; first = false) {
        if (!first)
            wr_u8(d->w, '\\');
        put_number(d->w, rd.n >= size ? d->of.vr : VR('O', 'B'), &rd);
    }
    if (is_cut(d))
        wr_put(d->w, STR("..."));
}

static void put_value(struct dcm_dump *d)
{
    if (dcm_vr_flags(d->of.vr) & DCM_VR_TEXT)
        put_text(d);
    else
        put_numbers(d);
}

/* ---- lines ---- */

static void indent(struct dcm_dump *d, unsigned depth, unsigned more)
{
    wr_fill(d->w, ' ', 4 * (size_t)depth + more);
}

static void put_comment(struct dcm_dump *d, const struct dcm_token *t)
{
    struct dcm_dict e;
    if (t->length == DCM_UNDEFINED)
        wr_put(d->w, STR("   # undefined"));
    else
        wr_printf(d->w, "   # %lu", (unsigned long)t->length);
    if (dcm_dict_find(t->tag, &e))
        wr_printf(d->w, ", %.*s", STR_ARG(e.keyword));
    else
        wr_put(d->w, TAG_IS_PRIVATE(t->tag) ? STR(", private") : STR(", unknown"));
    wr_u8(d->w, '\n');
}

static void put_tag(struct dcm_dump *d, const struct dcm_token *t)
{
    indent(d, t->depth, 0);
    wr_printf(d->w, "(%04x,%04x) %s ", TAG_GROUP(t->tag), TAG_ELEMENT(t->tag),
              dcm_vr_name(t->vr).text);
}

static void put_element(struct dcm_dump *d)
{
    put_tag(d, &d->of);
    if (d->seen)
        put_value(d);
    put_comment(d, &d->of);
}

static void put_sequence(struct dcm_dump *d, const struct dcm_token *t)
{
    d->levels[t->depth].items = 0;
    put_tag(d, t);
    if (t->fragment)
        wr_put(d->w, STR("fragments"));
    put_comment(d, t);
}

/* "item 1"; of encapsulated pixel data the first is the offset table (PS3.5 A.4). */
static void put_item(struct dcm_dump *d, const struct dcm_token *t)
{
    uint32_t number = ++d->levels[t->depth].items;
    indent(d, t->depth, 2);
    if (!t->fragment)
        wr_printf(d->w, "item %lu\n", (unsigned long)number);
    else if (number == 1)
        wr_put(d->w, STR("offset table "));
    else
        wr_printf(d->w, "fragment %lu ", (unsigned long)number - 1);
}

static void put_fragment(struct dcm_dump *d)
{
    d->of.vr = d->levels[d->of.depth].items == 1 ? VR('U', 'L') : VR('O', 'B');
    put_numbers(d);
    wr_printf(d->w, "   # %lu\n", (unsigned long)d->of.length);
}

/* ---- tokens ---- */

static void begin_value(struct dcm_dump *d, const struct dcm_token *t)
{
    d->of = *t;
    d->seen = d->n = 0;
}

static void gather(struct dcm_dump *d, struct str piece)
{
    size_t part = size_min(piece.n, d->cap - d->n);
    memcpy(d->value + d->n, piece.p, part);
    d->n += part;
    d->seen += piece.n;
}

static void end_element(struct dcm_dump *d)
{
    if (d->of.tag == TAG_SpecificCharacterSet)
        d->levels[d->of.depth].cs = charset_parse(gathered(d));
    put_element(d);
}

static void begin_item(struct dcm_dump *d, const struct dcm_token *t)
{
    put_item(d, t);
    begin_value(d, t);
    if (!t->fragment && t->depth < DCM_READER_DEPTH_MAX)
        d->levels[t->depth + 1].cs = d->levels[t->depth].cs;
}

void dcm_dump_token(struct dcm_dump *d, const struct dcm_token *t)
{
    switch (t->kind) {
    case DCM_ELEMENT:
        begin_value(d, t);
        return;
    case DCM_VALUE:
        gather(d, t->value);
        return;
    case DCM_ELEMENT_END:
        end_element(d);
        return;
    case DCM_SEQUENCE:
        put_sequence(d, t);
        return;
    case DCM_ITEM:
        begin_item(d, t);
        return;
    case DCM_ITEM_END:
        if (t->fragment)
            put_fragment(d);
        return;
    case DCM_SEQUENCE_END:
        return;
    }
}

void dcm_dump_meta(struct dcm_dump *d, const struct dcm_meta *m)
{
    const struct {
        tag_t tag;
        vr_t vr;
        struct str value;
    } lines[] = {
        {TAG_MediaStorageSOPClassUID, VR('U', 'I'), m->sop_class},
        {TAG_MediaStorageSOPInstanceUID, VR('U', 'I'), m->sop_instance},
        {TAG_TransferSyntaxUID, VR('U', 'I'), m->transfer_syntax},
        {TAG_ImplementationClassUID, VR('U', 'I'), m->implementation_uid},
        {TAG_ImplementationVersionName, VR('S', 'H'), m->implementation_version},
        {TAG_SourceApplicationEntityTitle, VR('A', 'E'), m->source_ae},
        {TAG_SendingApplicationEntityTitle, VR('A', 'E'), m->sending_ae},
        {TAG_ReceivingApplicationEntityTitle, VR('A', 'E'), m->receiving_ae},
    };
    if (m->guessed)
        wr_put(d->w, STR("# no transfer syntax is given; it looks like the one shown\n"));
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct dcm_token t = {
            .tag = lines[i].tag, .vr = lines[i].vr, .length = (uint32_t)lines[i].value.n};
        if (t.length == 0)
            continue;
        begin_value(d, &t);
        gather(d, lines[i].value);
        put_element(d);
    }
}

void dcm_dump_quirks(struct dcm_dump *d, unsigned quirks)
{
    while (quirks) {
        unsigned one = quirks & -quirks;
        const char *text = dcm_quirk_text(one);
        if (text)
            wr_printf(d->w, "# read over: %s\n", text);
        quirks &= ~one;
    }
}
