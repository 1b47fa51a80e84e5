#include "archive/answer.h"

#include "archive/recode.h"
#include "base/size.h"

enum { TEXT_MAX = 1 << 16 };

struct making {
    struct row *row;
    struct arena *arena;
    struct dcm_ds *ds; /* in UTF-8 */
    struct str retrieve_ae;
    bool foreign; /* something in it is not ASCII */
};

static const struct str level_names[] = {[QUERY_PATIENT] = STR_INIT("PATIENT"),
                                         [QUERY_STUDY] = STR_INIT("STUDY"),
                                         [QUERY_SERIES] = STR_INIT("SERIES"),
                                         [QUERY_IMAGE] = STR_INIT("IMAGE")};

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] >= 0x80)
            return false;
    return true;
}

static err_t set(struct making *m, tag_t tag, vr_t vr, struct str text)
{
    if (charset_applies(vr) && !is_ascii(text))
        m->foreign = true;
    return dcm_ds_set(m->ds, tag, vr, text);
}

static bool note_foreign(void *ctx, const struct charset *from, vr_t vr, struct str value,
                         struct arena *arena, struct str *ret)
{
    struct making *m = ctx;
    bool said = recode_to_utf8(m->row->reader->conv, from, vr, value, arena, ret);
    m->foreign |= !is_ascii(*ret);
    return said;
}

/* Of an item what its key asked for; all of it when the key asked for nothing in particular. */
static bool is_wanted(const struct dcm_ds *wanted, tag_t tag)
{
    return !wanted || !wanted->n || dcm_ds_get(wanted, tag);
}

static err_t put_item(struct making *m, const struct dcm_ds *from, const struct dcm_ds *wanted,
                      const struct charset *cs, tag_t tag)
{
    struct dcm_ds *item, part = {.arena = m->arena, .parent = NULL};
    TRY(dcm_ds_add_item(m->ds, tag, &item));
    if (!(part.elems = ARENA_ARRAY(m->arena, from->n, struct dcm_elem)))
        return E_NOMEM;
    for (size_t i = 0; i < from->n; i++)
        if (is_wanted(wanted, from->elems[i].tag) || from->elems[i].tag == TAG_SpecificCharacterSet)
            part.elems[part.n++] = from->elems[i];
    part.cap = part.n;
    return recode(&part, cs, item, note_foreign, m);
}

static err_t put_items(struct making *m, const struct key_match *key, const struct dcm_elem *e,
                       const struct charset *cs)
{
    const struct dcm_ds *wanted = key->elem->n_items ? key->elem->items[0] : NULL;
    if (!e || !e->n_items)
        return dcm_ds_set(m->ds, key->tag, VR('S', 'Q'), STR(""));
    for (size_t i = 0; i < e->n_items; i++)
        TRY(put_item(m, e->items[i], wanted, cs, key->tag));
    return OK;
}

static err_t put_number(struct making *m, const struct key_match *key, struct str text)
{
    uint64_t v;
    if (!str_to_u64(text, UINT16_MAX, &v))
        return dcm_ds_set(m->ds, key->tag, key->vr, STR(""));
    return dcm_ds_set_u16(m->ds, key->tag, (uint16_t)v);
}

static err_t put_attr(struct making *m, const struct key_match *key)
{
    struct str text;
    if (key->vr == VR('S', 'Q')) {
        const struct dcm_elem *e;
        struct charset utf8 = charset_utf8();
        TRY(row_sequence(m->row, key->attr, m->arena, &e));
        return put_items(m, key, e, &utf8);
    }
    TRY(row_text(m->row, key->attr, &text));
    if (key->vr == VR('U', 'S'))
        return put_number(m, key, text);
    return set(m, key->tag, key->vr, str_slice(text, 0, TEXT_MAX));
}

/* Anything else of an instance, as it stands in the object; empty when it is not there. */
static err_t put_header(struct making *m, const struct key_match *key)
{
    const struct dcm_ds *ds;
    TRY(row_header(m->row, &ds));
    const struct dcm_elem *e = ds ? dcm_ds_get(ds, key->tag) : NULL;
    if (!e || e->truncated)
        return dcm_ds_set(m->ds, key->tag, key->elem->vr, STR(""));
    struct charset cs = charset_parse(dcm_ds_str(ds, TAG_SpecificCharacterSet));
    if (e->vr == VR('S', 'Q') || e->n_items)
        return put_items(m, key, e, &cs);
    if (!charset_applies(e->vr))
        return set(m, key->tag, e->vr, str_slice(e->value, 0, TEXT_MAX));
    struct str text = charset_text(m->row->reader->conv, &cs, e->vr, e->value, m->arena);
    return text.p || !e->value.n ? set(m, key->tag, e->vr, str_slice(text, 0, TEXT_MAX)) : E_NOMEM;
}

static err_t put_key(struct making *m, const struct key_match *key)
{
    switch (key->source) {
    case KEY_ATTR:
        return put_attr(m, key);
    case KEY_HEADER:
        return put_header(m, key);
    case KEY_AVAILABLE:
        return set(m, key->tag, VR('C', 'S'), STR("ONLINE"));
    case KEY_RETRIEVE:
    case KEY_UNSUPPORTED:
        return OK;
    }
    return E_INTERNAL;
}

static bool encode(void *ctx, const struct charset *from, vr_t vr, struct str value,
                   struct arena *arena, struct str *ret)
{
    const struct row_reader *reader = ctx;
    struct wr w = wr_heap(8 * (value.n + 1));
    (void)from;
    bool fits = charset_encode(reader->conv, &reader->keys->charset, vr, value, &w);
    *ret = fits ? arena_copy(arena, wr_str(&w)) : str_of("", 0);
    wr_done(&w);
    return fits;
}

/* In the requester's own character set when all of it can be said in it, else in UTF-8. */
static err_t in_charset(struct making *m, struct dcm_ds **ret)
{
    const struct keys_of *k = m->row->reader->keys;
    struct charset utf8 = charset_utf8();
    *ret = m->ds;
    if (!m->foreign)
        return OK;
    if (k->has_charset && !charset_is_utf8(&k->charset)) {
        struct dcm_ds *ds = dcm_ds_new(m->arena);
        if (!ds)
            return E_NOMEM;
        err_t e = recode(m->ds, &utf8, ds, encode, m->row->reader);
        if (e == OK) {
            char name[256];
            struct wr w = wr_fixed(name, sizeof name);
            charset_name(&k->charset, &w);
            *ret = ds;
            return dcm_ds_set(ds, TAG_SpecificCharacterSet, VR('C', 'S'), wr_str(&w));
        }
        if (e != E_UNSUPPORTED)
            return e;
    }
    return dcm_ds_set(m->ds, TAG_SpecificCharacterSet, VR('C', 'S'), STR("ISO_IR 192"));
}

err_t answer_of(struct row *r, struct str retrieve_ae, struct arena *a, struct dcm_ds **ret)
{
    const struct keys_of *k = r->reader->keys;
    struct making m = {.row = r, .arena = a, .retrieve_ae = retrieve_ae};
    if (!(m.ds = dcm_ds_new(a)))
        return E_NOMEM;
    for (size_t i = 0; i < k->n; i++)
        TRY(put_key(&m, &k->key[i]));
    TRY(set(&m, TAG_QueryRetrieveLevel, VR('C', 'S'), level_names[k->level]));
    if (retrieve_ae.n)
        TRY(set(&m, TAG_RetrieveAETitle, VR('A', 'E'), retrieve_ae));
    return in_charset(&m, ret);
}
