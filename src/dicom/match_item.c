/* Matching of whole items (PS3.4 C.2.2.2.6). Neither compiling nor testing recurses: items that are
 * still to be looked at stand in an array of limited size. */
#include "dicom/match.h"

#include "base/rd.h"
#include "base/size.h"
#include "dicom/tags.h"
#include "dicom/vr.h"

struct match_key {
    tag_t tag;
    vr_t vr;
    const struct match *match;
    struct match_item *item; /* of a sequence key; match is NULL then */
};

struct match_item {
    struct match_key *keys;
    size_t n;
    size_t said; /* keys that are not universal */
};

/* The value as UTF-8, by the Specific Character Set in force for it (PS3.3 C.12.1.1.2). */
static struct str text_of(struct charset_conv *conv, const struct dcm_ds *ds,
                          const struct dcm_elem *e, struct arena *a)
{
    const struct dcm_elem *cs = NULL;
    for (const struct dcm_ds *up = ds; up && !cs; up = up->parent)
        cs = dcm_ds_get(up, TAG_SpecificCharacterSet);
    struct charset set = charset_parse(cs ? cs->value : STR(""));
    return charset_text(conv, &set, e->vr, e->value, a);
}

/* Binary numbers as text with separators, which match_test reads. */
static struct str numbers_of(const struct dcm_elem *e, size_t size, struct arena *a)
{
    enum { WIDTH = 26 };
    size_t n = e->value.n / size, room;
    char *text = size_mul(n, WIDTH, &room) ? arena_alloc(a, room) : NULL;
    if (!text)
        return str_of(NULL, 0);
    struct wr w = wr_fixed(text, room);
    bool is_signed = e->vr == VR('S', 'S') || e->vr == VR('S', 'L') || e->vr == VR('S', 'V');
    for (size_t i = 0; i < n; i++) {
        struct rd r = rd_of(str_slice(e->value, i * size, size));
        uint64_t v = size == 2 ? rd_u16le(&r) : size == 4 ? rd_u32le(&r) : rd_u64le(&r);
        unsigned unused = 64 - 8 * (unsigned)size;
        if (i)
            wr_u8(&w, '\\');
        if (e->vr == VR('F', 'L')) {
            float f;
            uint32_t bits = (uint32_t)v;
            memcpy(&f, &bits, sizeof f);
            wr_printf(&w, "%.9g", (double)f);
        } else if (e->vr == VR('F', 'D')) {
            double f;
            memcpy(&f, &v, sizeof f);
            wr_printf(&w, "%.17g", f);
        } else if (is_signed) {
            wr_printf(&w, "%lld", (long long)((int64_t)(v << unused) >> unused));
        } else {
            wr_printf(&w, "%llu", (unsigned long long)v);
        }
    }
    return wr_str(&w);
}

static struct str tags_of(const struct dcm_elem *e, struct arena *a)
{
    size_t n = e->value.n / 4;
    char *text = arena_array(a, n, 9);
    if (!text)
        return str_of(NULL, 0);
    struct wr w = wr_fixed(text, n * 9);
    for (size_t i = 0; i < n; i++) {
        struct rd r = rd_of(str_slice(e->value, 4 * i, 4));
        unsigned group = rd_u16le(&r), element = rd_u16le(&r);
        wr_printf(&w, "%s%04X%04X", i ? "\\" : "", group, element);
    }
    return wr_str(&w);
}

/* What match_compile and match_test take. */
static struct str value_of(struct charset_conv *conv, const struct dcm_ds *ds,
                           const struct dcm_elem *e, struct arena *a)
{
    size_t size = dcm_vr_size(e->vr);
    if (e->vr == VR('A', 'T'))
        return tags_of(e, a);
    if (size >= 2 && dcm_vr_flags(e->vr) & DCM_VR_KNOWN)
        return numbers_of(e, size, a);
    return text_of(conv, ds, e, a);
}

static bool is_key(const struct dcm_elem *e)
{
    static const tag_t none[] = {TAG_SpecificCharacterSet, TAG_QueryRetrieveLevel,
                                 TAG_QueryRetrieveView, TAG_TimezoneOffsetFromUTC};
    for (size_t i = 0; i < COUNT(none); i++)
        if (e->tag == none[i])
            return false;
    return TAG_ELEMENT(e->tag) != 0;
}

/* Items being compiled, in the order in which they were met: parents first. */
struct work {
    struct arena *arena;
    struct charset_conv *conv;
    struct match_options options;
    struct diag *diag;
    const struct dcm_ds *ds[MATCH_ITEMS_MAX];
    struct match_item *item[MATCH_ITEMS_MAX];
    unsigned depth[MATCH_ITEMS_MAX];
    size_t n;
};

static err_t add_item(struct work *w, const struct dcm_ds *ds, unsigned depth,
                      struct match_item **ret)
{
    if (w->n == MATCH_ITEMS_MAX || depth > MATCH_DEPTH_MAX)
        return diag_set(w->diag, E_LIMIT, "an identifier has too many sequence keys");
    struct match_item *item = ARENA_NEW(w->arena, struct match_item);
    if (!item)
        return E_NOMEM;
    item->keys = ARENA_ARRAY(w->arena, ds->n, struct match_key);
    if (!item->keys)
        return E_NOMEM;
    w->ds[w->n] = ds;
    w->depth[w->n] = depth;
    w->item[w->n++] = *ret = item;
    return OK;
}

static err_t compile_key(struct work *w, size_t i, const struct dcm_elem *e)
{
    struct match_item *item = w->item[i];
    struct match_key *key = &item->keys[item->n];
    *key = (struct match_key){.tag = e->tag, .vr = e->vr};
    if (e->vr == VR('S', 'Q')) {
        if (e->n_items == 0)
            return OK;
        TRY(add_item(w, e->items[0], w->depth[i] + 1, &key->item));
    } else {
        struct match *m;
        struct str value = value_of(w->conv, w->ds[i], e, w->arena);
        if (!value.p)
            return E_NOMEM;
        if (str_unpad(value).n == 0)
            return OK;
        err_t err = match_compile(w->arena, e->vr, value, w->options, &m, w->diag);
        if (err == E_UNSUPPORTED)
            return OK; /* an optional key that we do not support is universal (C.2.2.1.3) */
        TRY(err);
        key->match = m;
    }
    item->n++;
    return OK;
}

static void count_said(struct match_item *item)
{
    for (size_t i = 0; i < item->n; i++) {
        const struct match_key *k = &item->keys[i];
        item->said += k->item ? k->item->said > 0 : k->match->kind != MATCH_UNIVERSAL;
    }
}

err_t match_item_compile(struct arena *a, struct charset_conv *conv, const struct dcm_ds *keys,
                         struct match_options options, struct match_item **ret, struct diag *d)
{
    struct work w = {.arena = a, .conv = conv, .options = options, .diag = d};
    struct match_item *top;
    TRY(add_item(&w, keys, 0, &top));
    for (size_t i = 0; i < w.n; i++)
        for (size_t k = 0; k < w.ds[i]->n; k++)
            if (is_key(&w.ds[i]->elems[k]))
                TRY(compile_key(&w, i, &w.ds[i]->elems[k]));
    /* Children stand behind their parents, so their counts are known first from the end. */
    for (size_t i = w.n; i-- > 0;)
        count_said(w.item[i]);
    *ret = top;
    return OK;
}

size_t match_item_keys(const struct match_item *m)
{
    return m->said;
}

/* A data set being tested: which key of its item is next, and for a sequence key which item. */
struct level {
    const struct match_item *item;
    const struct dcm_ds *ds;
    size_t key, candidate;
};

static bool test_value(const struct match_key *k, struct charset_conv *conv,
                       const struct dcm_ds *ds, struct arena *scratch)
{
    const struct dcm_elem *e = dcm_ds_get(ds, k->tag);
    struct str value = e ? value_of(conv, ds, e, scratch) : STR("");
    return value.p && match_test(k->match, value);
}

/* Goes into the sequence's next item. False when there is none. */
static bool descend(struct level *level, unsigned *depth)
{
    struct level *l = &level[*depth];
    const struct match_key *k = &l->item->keys[l->key];
    const struct dcm_elem *e = dcm_ds_get(l->ds, k->tag);
    if (!e || l->candidate >= e->n_items)
        return false;
    level[++*depth] = (struct level){k->item, e->items[l->candidate++], 0, 0};
    return true;
}

/* Every item of a candidate is looked at once for each key that leads to it. */
bool match_item_test(const struct match_item *m, struct charset_conv *conv, const struct dcm_ds *ds,
                     struct arena *scratch)
{
    struct level level[MATCH_DEPTH_MAX + 2] = {{m, ds, 0, 0}};
    unsigned depth = 0;
    for (;;) {
        struct level *l = &level[depth];
        if (l->key == l->item->n) {
            if (depth == 0)
                return true;
            level[--depth].key++;
            level[depth].candidate = 0;
            continue;
        }
        const struct match_key *k = &l->item->keys[l->key];
        bool sequence = k->item && k->item->said;
        if (sequence && descend(level, &depth))
            continue;
        if (!sequence && (k->item || test_value(k, conv, l->ds, scratch))) {
            l->key++;
            continue;
        }
        if (depth == 0)
            return false;
        depth--; /* this item does not match; perhaps the next one does */
    }
}
