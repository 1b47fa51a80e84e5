#include "dicom/dataset.h"

#include <stdlib.h>

#include "base/rd.h"
#include "base/size.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/reader.h"
#include "dicom/tags.h"
#include "dicom/vr.h"
#include "dicom/writer.h"

enum { FIRST_CAP = 8 };

struct dcm_ds *dcm_ds_new(struct arena *a)
{
    struct dcm_ds *ds = ARENA_NEW(a, struct dcm_ds);
    if (ds)
        ds->arena = a;
    return ds;
}

/* ---- looking up ---- */

/* The place of a tag, or where it would go. */
static size_t place_of(const struct dcm_ds *ds, tag_t tag)
{
    size_t low = 0, high = ds->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ds->elems[mid].tag < tag)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct dcm_elem *find(const struct dcm_ds *ds, tag_t tag)
{
    size_t i = place_of(ds, tag);
    return i < ds->n && ds->elems[i].tag == tag ? &ds->elems[i] : NULL;
}

const struct dcm_elem *dcm_ds_get(const struct dcm_ds *ds, tag_t tag)
{
    return find(ds, tag);
}

struct str dcm_ds_str(const struct dcm_ds *ds, tag_t tag)
{
    const struct dcm_elem *e = find(ds, tag);
    return e ? str_unpad(e->value) : str_of("", 0);
}

/* The Specific Character Set in force: its own or the nearest around it (PS3.3 C.12.1.1.2). */
static struct charset charset_of(const struct dcm_ds *ds)
{
    for (; ds; ds = ds->parent)
        if (find(ds, TAG_SpecificCharacterSet))
            return charset_parse(dcm_ds_str(ds, TAG_SpecificCharacterSet));
    return charset_parse(str_of("", 0));
}

struct str dcm_ds_text(const struct dcm_ds *ds, tag_t tag, struct arena *a)
{
    const struct dcm_elem *e = find(ds, tag);
    if (!e)
        return str_of("", 0);
    struct charset cs = charset_of(ds);
    struct str text = charset_text(NULL, &cs, e->vr, str_unpad(e->value), a);
    return text.p ? str_unpad(text) : text;
}

const struct dcm_ds *dcm_ds_item(const struct dcm_ds *ds, tag_t tag, size_t i)
{
    const struct dcm_elem *e = find(ds, tag);
    return e && i < e->n_items ? e->items[i] : NULL;
}

static bool text_int(struct str value, size_t i, int64_t *ret)
{
    struct str rest = str_unpad(value), part = {0};
    for (size_t k = 0; k <= i; k++)
        if (!str_split(&rest, '\\', &part))
            return false;
    return str_to_i64(str_trim(part), ret);
}

static bool binary_int(vr_t vr, struct rd v, int64_t *ret)
{
    uint16_t group;
    uint64_t wide;
    switch (vr) {
    case VR('U', 'S'):
        *ret = rd_u16le(&v);
        return true;
    case VR('S', 'S'):
        *ret = (int16_t)rd_u16le(&v);
        return true;
    case VR('U', 'L'):
        *ret = rd_u32le(&v);
        return true;
    case VR('S', 'L'):
        *ret = (int32_t)rd_u32le(&v);
        return true;
    case VR('A', 'T'):
        group = rd_u16le(&v);
        *ret = TAG(group, rd_u16le(&v));
        return true;
    case VR('S', 'V'):
    case VR('U', 'V'):
        wide = rd_u64le(&v);
        *ret = (int64_t)wide;
        return vr == VR('S', 'V') || wide <= INT64_MAX;
    default:
        return false;
    }
}

bool dcm_ds_int(const struct dcm_ds *ds, tag_t tag, size_t i, int64_t *ret)
{
    const struct dcm_elem *e = find(ds, tag);
    if (!e)
        return false;
    if (e->vr == VR('I', 'S'))
        return text_int(e->value, i, ret);
    size_t size = dcm_vr_size(e->vr), at;
    int64_t v;
    if (size == 0 || !size_mul(i, size, &at) || at >= e->value.n || e->value.n - at < size ||
        !binary_int(e->vr, rd_of(str_slice(e->value, at, size)), &v))
        return false;
    *ret = v;
    return true;
}

/* ---- changing ---- */

static bool grow(struct dcm_ds *ds)
{
    size_t cap;
    if (ds->n < ds->cap)
        return true;
    if (!size_mul(size_max(ds->cap, FIRST_CAP / 2), 2, &cap))
        return false;
    struct dcm_elem *elems = ARENA_ARRAY(ds->arena, cap, struct dcm_elem);
    if (!elems)
        return false;
    if (ds->n)
        memcpy(elems, ds->elems, ds->n * sizeof *elems);
    ds->elems = elems;
    ds->cap = cap;
    return true;
}

/* A cleared element for the tag: the one that is there, or a new one. */
static struct dcm_elem *put(struct dcm_ds *ds, tag_t tag, vr_t vr)
{
    size_t i = place_of(ds, tag);
    bool there = i < ds->n && ds->elems[i].tag == tag;
    if (!there) {
        if (!grow(ds))
            return NULL;
        memmove(ds->elems + i + 1, ds->elems + i, (ds->n - i) * sizeof *ds->elems);
        ds->n++;
    }
    ds->elems[i] = (struct dcm_elem){.tag = tag, .vr = vr};
    return &ds->elems[i];
}

err_t dcm_ds_set(struct dcm_ds *ds, tag_t tag, vr_t vr, struct str value)
{
    size_t n;
    if (!size_add(value.n, value.n & 1, &n))
        return E_LIMIT;
    char *copy = arena_alloc(ds->arena, n);
    struct dcm_elem *e = copy ? put(ds, tag, vr) : NULL;
    if (!e)
        return E_NOMEM;
    if (value.n)
        memcpy(copy, value.p, value.n);
    if (n > value.n)
        copy[value.n] = dcm_vr_flags(vr) & DCM_VR_SPACE ? ' ' : 0;
    e->value = str_of(copy, n);
    return OK;
}

err_t dcm_ds_set_u16(struct dcm_ds *ds, tag_t tag, uint16_t v)
{
    const uint8_t bytes[] = {(uint8_t)v, (uint8_t)(v >> 8)};
    return dcm_ds_set(ds, tag, VR('U', 'S'), str_of(bytes, sizeof bytes));
}

err_t dcm_ds_set_u32(struct dcm_ds *ds, tag_t tag, uint32_t v)
{
    const uint8_t bytes[] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    return dcm_ds_set(ds, tag, VR('U', 'L'), str_of(bytes, sizeof bytes));
}

/* The array of items has room for the next power of two. */
static struct dcm_ds *add_item(struct dcm_ds *ds, struct dcm_elem *e)
{
    bool full = (e->n_items & (e->n_items - 1)) == 0;
    struct dcm_ds *item = dcm_ds_new(ds->arena);
    if (!item)
        return NULL;
    if (full) {
        struct dcm_ds **items =
            ARENA_ARRAY(ds->arena, size_max(e->n_items, 1) * 2, struct dcm_ds *);
        if (!items)
            return NULL;
        if (e->n_items)
            memcpy(items, e->items, e->n_items * sizeof *items);
        e->items = items;
    }
    item->parent = ds;
    e->items[e->n_items++] = item;
    return item;
}

err_t dcm_ds_add_item(struct dcm_ds *ds, tag_t tag, struct dcm_ds **ret_item)
{
    struct dcm_elem *e = find(ds, tag);
    if (!e || e->vr != VR('S', 'Q'))
        e = put(ds, tag, VR('S', 'Q'));
    struct dcm_ds *item = e ? add_item(ds, e) : NULL;
    if (!item)
        return E_NOMEM;
    *ret_item = item;
    return OK;
}

void dcm_ds_remove(struct dcm_ds *ds, tag_t tag)
{
    struct dcm_elem *e = find(ds, tag);
    if (!e)
        return;
    memmove(e, e + 1, (size_t)(ds->elems + ds->n - e - 1) * sizeof *e);
    ds->n--;
}

/* ---- reading ---- */

struct parse {
    const struct dcm_limits *limits;
    struct str in;
    bool borrow;
    struct dcm_ds *ds;                     /* the innermost open */
    size_t sequence[DCM_READER_DEPTH_MAX]; /* which element of each open data set holds its items */
    bool dropping;                         /* the value that comes is not kept */
    char *copy;                            /* where the value that comes is put; NULL: borrowed */
};

static struct dcm_elem *append(struct dcm_ds *ds, const struct dcm_token *k)
{
    if (!grow(ds))
        return NULL;
    struct dcm_elem *e = &ds->elems[ds->n];
    *e = (struct dcm_elem){.tag = k->tag, .vr = k->vr, .place = (uint32_t)ds->n};
    e->value = str_of("", 0);
    ds->n++;
    return e;
}

static bool is_pixels(tag_t tag)
{
    return tag == TAG_PixelData || tag == TAG_FloatPixelData || tag == TAG_DoubleFloatPixelData;
}

static err_t take_element(struct parse *p, const struct dcm_token *k)
{
    struct dcm_elem *e = append(p->ds, k);
    if (!e)
        return E_NOMEM;
    p->copy = NULL;
    p->dropping = e->truncated = k->length > p->limits->value || is_pixels(k->tag);
    if (p->dropping || k->length == 0 || (p->borrow && !k->big_endian))
        return OK;
    p->dropping = k->length > p->in.n; /* cut short: the reader will say so */
    if (p->dropping)
        return OK;
    p->copy = arena_alloc(p->ds->arena, k->length);
    return p->copy ? OK : E_NOMEM;
}

/* The input is one piece, and so is each value in it. */
static void take_value(struct parse *p, const struct dcm_token *k)
{
    struct dcm_elem *e = &p->ds->elems[p->ds->n - 1];
    if (p->dropping)
        return;
    e->value = k->value;
    if (!p->copy)
        return;
    memcpy(p->copy, k->value.p, k->value.n);
    e->value.p = p->copy;
    if (k->big_endian)
        dcm_swap((uint8_t *)p->copy, k->value.n, dcm_vr_word(k->vr));
}

static err_t take_sequence(struct parse *p, const struct dcm_token *k)
{
    struct dcm_elem *e = append(p->ds, k);
    if (!e)
        return E_NOMEM;
    e->truncated = k->fragment;
    p->sequence[k->depth] = p->ds->n - 1;
    return OK;
}

static err_t take_item(struct parse *p, const struct dcm_token *k)
{
    if (k->fragment)
        return OK;
    p->ds = add_item(p->ds, &p->ds->elems[p->sequence[k->depth]]);
    return p->ds ? OK : E_NOMEM;
}

static int by_tag_and_place(const void *a, const void *b)
{
    const struct dcm_elem *x = a, *y = b;
    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* Puts the elements in order; of equal ones the first stays. */
static void settle(struct dcm_ds *ds)
{
    bool ordered = true;
    for (size_t i = 1; ordered && i < ds->n; i++)
        ordered = ds->elems[i - 1].tag < ds->elems[i].tag;
    if (ordered)
        return;
    qsort(ds->elems, ds->n, sizeof *ds->elems, by_tag_and_place);
    size_t n = 1;
    for (size_t i = 1; i < ds->n; i++)
        if (ds->elems[i].tag != ds->elems[n - 1].tag)
            ds->elems[n++] = ds->elems[i];
    ds->n = n;
}

static void end_item(struct parse *p, const struct dcm_token *k)
{
    if (k->fragment)
        return;
    settle(p->ds);
    p->ds = p->ds->parent;
}

static err_t take(struct parse *p, const struct dcm_token *k)
{
    switch (k->kind) {
    case DCM_ELEMENT:
        return take_element(p, k);
    case DCM_VALUE:
        if (!k->fragment)
            take_value(p, k);
        return OK;
    case DCM_SEQUENCE:
        return take_sequence(p, k);
    case DCM_ITEM:
        return take_item(p, k);
    case DCM_ITEM_END:
        end_item(p, k);
        return OK;
    case DCM_ELEMENT_END:
    case DCM_SEQUENCE_END:
        return OK;
    }
    return E_INTERNAL;
}

static err_t parse(struct parse *p, struct dcm_reader *r, struct diag *d)
{
    struct dcm_token token;
    enum step step;
    dcm_reader_end(r);
    while ((step = dcm_read(r, &p->in, &token)) == STEP_EVENT)
        TRY(take(p, &token));
    if (step == STEP_FAIL)
        return diag_set(d, r->error, "%s", r->diag.text);
    if (r->quirks & DCM_QUIRK_TRUNCATED)
        return diag_set(d, E_MALFORMED, "the data set is cut short");
    settle(p->ds);
    return OK;
}

err_t dcm_ds_parse(struct arena *a, struct str bytes, enum dcm_encoding encoding,
                   const struct dcm_limits *limits, bool borrow, struct dcm_ds **ret,
                   struct diag *d)
{
    struct dcm_reader r;
    struct dcm_ds *ds = dcm_ds_new(a);
    struct parse p = {.limits = limits, .in = bytes, .borrow = borrow, .ds = ds};
    if (!ds)
        return E_NOMEM;
    dcm_reader_init(&r, encoding, limits);
    TRY(parse(&p, &r, d));
    *ret = ds;
    return OK;
}

/* ---- writing ---- */

/* An open data set of the walk: the next element and, while in a sequence, the next item. */
struct walk {
    const struct dcm_ds *ds;
    size_t i, item;
};

static bool is_written(const struct dcm_elem *e)
{
    return !e->truncated && TAG_ELEMENT(e->tag) != 0;
}

/* The element at w->i, or the next item of it; true when an item was opened. */
static bool write_one(struct dcm_writer *d, struct walk *w)
{
    const struct dcm_elem *e = &w->ds->elems[w->i];
    if (!is_written(e) || e->vr != VR('S', 'Q')) {
        if (is_written(e))
            dcm_write(d, e->tag, e->vr, e->value);
        w->i++;
        return false;
    }
    uint32_t length = e->n_items ? DCM_UNDEFINED : 0;
    if (w->item == 0)
        dcm_write_sequence(d, e->tag, e->vr, length);
    if (w->item < e->n_items) {
        dcm_write_item(d, DCM_UNDEFINED);
        w->item++;
        return true;
    }
    dcm_write_sequence_end(d, length);
    w->item = 0;
    w->i++;
    return false;
}

void dcm_ds_write(const struct dcm_ds *ds, enum dcm_encoding encoding, struct wr *w)
{
    struct dcm_writer d;
    struct walk walks[DCM_READER_DEPTH_MAX + 1] = {{.ds = ds}};
    size_t depth = 0;
    dcm_writer_init(&d, w, encoding);
    for (;;) {
        struct walk *at = &walks[depth];
        if (at->i < at->ds->n) {
            if (!write_one(&d, at))
                continue;
            if (depth == DCM_READER_DEPTH_MAX) {
                w->bad = true;
                return;
            }
            const struct dcm_elem *e = &at->ds->elems[at->i];
            walks[++depth] = (struct walk){.ds = e->items[at->item - 1]};
        } else if (depth) {
            dcm_write_item_end(&d, DCM_UNDEFINED);
            depth--;
        } else {
            return;
        }
    }
}
