#include "dicom/json_out.h"

#include "base/rd.h"
#include "base/size.h"
#include "dicom/json_value.h"
#include "dicom/tags.h"
#include "dicom/vr.h"
#include "dicom/writer.h"

enum mode {
    MODE_SKIP,    /* group lengths and the like: nothing is written */
    MODE_EMPTY,   /* only the VR */
    MODE_TEXT,    /* gathered, written at the end */
    MODE_NUMBERS, /* written as they come */
    MODE_BASE64,
    MODE_FRAGMENTS, /* base64 of an item stream */
};

static bool is_bulk_vr(vr_t vr)
{
    return vr == VR('U', 'N') || (vr >> 8 == 'O' && dcm_vr_flags(vr) & DCM_VR_KNOWN);
}

/* Group lengths (F.2.2), and what belongs to the message or the file rather than to the data set.
 */
static bool is_left_out(tag_t tag)
{
    return TAG_ELEMENT(tag) == 0 || TAG_GROUP(tag) == 0 || TAG_GROUP(tag) == 2;
}

static void put_key(struct dcm_json *j, const struct dcm_token *t)
{
    static const char hex[] = "0123456789ABCDEF";
    struct dcm_vr_name vr = dcm_vr_name(t->vr);
    char tag[8];
    for (unsigned i = 0; i < 8; i++)
        tag[i] = hex[t->tag >> (28 - 4 * i) & 15];
    json_key(&j->json, str_of(tag, 8));
    json_open_object(&j->json);
    json_member(&j->json, STR("vr"), str_z(vr.text));
}

/* A value given as a link. False when it is to be written here. */
static bool put_uri(struct dcm_json *j, const struct dcm_token *t)
{
    char path_buf[DCM_READER_DEPTH_MAX * 20 + 8], uri_buf[2048];
    struct wr path = wr_fixed(path_buf, sizeof path_buf), uri = wr_fixed(uri_buf, sizeof uri_buf);
    if (!j->options.bulk_uri)
        return false;
    for (unsigned i = 1; i <= j->depth; i++)
        wr_printf(&path, "%08X/%u/", (unsigned)j->levels[i].tag, (unsigned)j->levels[i].item);
    wr_printf(&path, "%08X", (unsigned)t->tag);
    if (!j->options.bulk_uri(j->options.ctx, wr_str(&path), t, &uri) || uri.bad)
        return false;
    json_member(&j->json, STR("BulkDataURI"), wr_str(&uri));
    return true;
}

static enum mode begin_value(struct dcm_json *j, const struct dcm_token *t)
{
    bool bulk = is_bulk_vr(t->vr);
    if (t->length == 0)
        return MODE_EMPTY;
    if ((t->length > j->options.text_max || (bulk && t->length > j->options.inline_max)) &&
        put_uri(j, t))
        return MODE_EMPTY;
    j->chunk_n = 0;
    if (bulk) {
        json_key(&j->json, STR("InlineBinary"));
        json_base64_begin(&j->json);
        return MODE_BASE64;
    }
    if (dcm_vr_size(t->vr)) {
        if (t->length < dcm_vr_size(t->vr))
            return MODE_EMPTY;
        json_key(&j->json, STR("Value"));
        json_open_array(&j->json);
        return MODE_NUMBERS;
    }
    return MODE_TEXT;
}

static void begin_element(struct dcm_json *j, const struct dcm_token *t)
{
    j->of = *t;
    if (t->vr == VR_NONE)
        j->of.vr = VR('U', 'N');
    j->mode = MODE_SKIP;
    if (is_left_out(t->tag))
        return;
    put_key(j, &j->of);
    j->mode = (uint8_t)begin_value(j, &j->of);
    wr_clear(&j->text);
}

static void flush_chunk(struct dcm_json *j)
{
    if (j->of.big_endian)
        dcm_swap(j->chunk, j->chunk_n, dcm_vr_word(j->of.vr));
    if (j->mode == MODE_NUMBERS)
        json_value_numbers(&j->json, j->of.vr, str_of(j->chunk, j->chunk_n));
    else
        wr_base64(j->json.w, str_of(j->chunk, j->chunk_n));
    j->chunk_n = 0;
}

static void put_binary(struct dcm_json *j, struct str piece)
{
    while (piece.n) {
        size_t n = size_min(sizeof j->chunk - j->chunk_n, piece.n);
        memcpy(j->chunk + j->chunk_n, piece.p, n);
        j->chunk_n += n;
        piece = str_slice(piece, n, piece.n);
        if (j->chunk_n == sizeof j->chunk)
            flush_chunk(j);
    }
}

static void put_text(struct dcm_json *j, struct str value)
{
    struct dcm_json_level *level = &j->levels[j->depth];
    if (j->of.tag == TAG_SpecificCharacterSet)
        level->cs = charset_parse(str_unpad(value));
    wr_clear(&j->utf8);
    (void)charset_decode(j->options.conv, &level->cs, j->of.vr, value, &j->utf8);
    if (j->utf8.bad)
        j->json.w->bad = true;
    else
        json_value_text(&j->json, j->of.vr, wr_str(&j->utf8));
}

static err_t take_value(struct dcm_json *j, const struct dcm_token *t)
{
    if (j->mode == MODE_NUMBERS || j->mode == MODE_BASE64 || j->mode == MODE_FRAGMENTS) {
        put_binary(j, t->value);
    } else if (j->mode == MODE_TEXT) {
        if (j->text.n == 0 && t->value.n == j->of.length) {
            put_text(j, t->value);
            j->mode = MODE_EMPTY;
        } else {
            wr_put(&j->text, t->value);
        }
    }
    return j->text.bad ? E_LIMIT : OK;
}

static void end_element(struct dcm_json *j)
{
    if (j->mode == MODE_SKIP)
        return;
    if (j->mode == MODE_TEXT)
        put_text(j, wr_str(&j->text));
    if (j->mode == MODE_NUMBERS || j->mode == MODE_BASE64 || j->mode == MODE_FRAGMENTS)
        flush_chunk(j);
    if (j->mode == MODE_BASE64 || j->mode == MODE_FRAGMENTS)
        json_base64_end(&j->json);
    if (j->mode == MODE_NUMBERS)
        json_end(&j->json);
    json_end(&j->json);
    j->mode = MODE_SKIP;
}

static bool is_fragments(const struct dcm_token *t)
{
    return t->vr != VR('S', 'Q');
}

static void begin_sequence(struct dcm_json *j, const struct dcm_token *t)
{
    if (!is_fragments(t)) {
        put_key(j, t);
        if (j->depth + 1 < COUNT(j->levels))
            j->levels[j->depth + 1] = (struct dcm_json_level){.tag = t->tag};
        return;
    }
    j->of = *t;
    j->of.vr = VR('O', 'B'); /* whatever an implicit encoding made of it (PS3.5 A.4) */
    j->chunk_n = 0;
    put_key(j, &j->of);
    j->skipping = put_uri(j, &j->of);
    j->mode = j->skipping ? MODE_EMPTY : MODE_FRAGMENTS;
    if (!j->skipping) {
        json_key(&j->json, STR("InlineBinary"));
        json_base64_begin(&j->json);
    }
}

static void end_sequence(struct dcm_json *j, const struct dcm_token *t)
{
    if (is_fragments(t)) {
        end_element(j);
        j->skipping = false;
        return;
    }
    if (j->depth + 1 < COUNT(j->levels) && j->levels[j->depth + 1].item)
        json_end(&j->json);
    json_end(&j->json);
}

/* A fragment's header, as it stands in the item stream (PS3.5 A.4). */
static void put_fragment(struct dcm_json *j, const struct dcm_token *t)
{
    uint8_t header[8];
    struct wr w = wr_fixed(header, sizeof header);
    wr_u16le(&w, 0xfffe);
    wr_u16le(&w, 0xe000);
    wr_u32le(&w, t->length);
    if (!j->skipping)
        put_binary(j, wr_str(&w));
}

static err_t begin_item(struct dcm_json *j, const struct dcm_token *t)
{
    if (t->fragment) {
        put_fragment(j, t);
        return OK;
    }
    if (j->depth + 1 == COUNT(j->levels))
        return E_LIMIT;
    struct dcm_json_level *level = &j->levels[j->depth + 1];
    if (level->item++ == 0) {
        json_key(&j->json, STR("Value"));
        json_open_array(&j->json);
    }
    level->cs = j->levels[j->depth].cs;
    j->depth++;
    json_open_object(&j->json);
    return OK;
}

static void end_item(struct dcm_json *j, const struct dcm_token *t)
{
    if (t->fragment || j->depth == 0)
        return;
    j->depth--;
    json_end(&j->json);
}

void dcm_json_init(struct dcm_json *j, struct wr *out, const struct dcm_json_options *options)
{
    memset(j, 0, sizeof *j);
    j->json = json_of(out);
    j->options = *options;
    j->text = wr_heap(options->text_max);
    /* A byte of text becomes at most three of UTF-8. */
    j->utf8 = wr_heap(options->text_max < SIZE_MAX / 4 ? 4 * options->text_max : SIZE_MAX);
    j->levels[0].cs = charset_parse(STR(""));
    json_open_object(&j->json);
}

err_t dcm_json_token(struct dcm_json *j, const struct dcm_token *token)
{
    err_t e = OK;
    switch (token->kind) {
    case DCM_ELEMENT:
        begin_element(j, token);
        break;
    case DCM_VALUE:
        e = take_value(j, token);
        break;
    case DCM_ELEMENT_END:
        end_element(j);
        break;
    case DCM_SEQUENCE:
        begin_sequence(j, token);
        break;
    case DCM_ITEM:
        e = begin_item(j, token);
        break;
    case DCM_ITEM_END:
        end_item(j, token);
        break;
    case DCM_SEQUENCE_END:
        end_sequence(j, token);
        break;
    }
    return e == OK && j->json.w->bad ? E_LIMIT : e;
}

err_t dcm_json_absent(struct dcm_json *j, const struct dcm_token *element)
{
    if (!is_left_out(element->tag)) {
        put_key(j, element);
        (void)put_uri(j, element);
        json_end(&j->json);
    }
    return j->json.w->bad ? E_LIMIT : OK;
}

err_t dcm_json_finish(struct dcm_json *j)
{
    if (j->mode != MODE_SKIP)
        end_element(j);
    while (j->json.depth)
        json_end(&j->json);
    return wr_flush(j->json.w);
}

void dcm_json_done(struct dcm_json *j)
{
    if (!j)
        return;
    wr_done(&j->text);
    wr_done(&j->utf8);
}
