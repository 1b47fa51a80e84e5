#include "archive/recode.h"

#include "dicom/tags.h"

struct place {
    const struct dcm_ds *from;
    struct dcm_ds *to;
    size_t elem, item;
    struct charset cs;
};

struct walk {
    struct place at[RECODE_DEPTH];
    size_t n;
    recode_fn *text;
    void *ctx;
};

static void enter(struct walk *w, const struct dcm_ds *from, struct dcm_ds *to,
                  const struct charset *cs)
{
    const struct dcm_elem *own = dcm_ds_get(from, TAG_SpecificCharacterSet);
    struct charset in_force = own ? charset_parse(dcm_ds_str(from, own->tag)) : *cs;
    w->at[w->n++] = (struct place){.from = from, .to = to, .cs = in_force};
}

static err_t copy_value(struct walk *w, struct place *p, const struct dcm_elem *e)
{
    struct str value = e->value;
    if (e->tag == TAG_SpecificCharacterSet || e->truncated)
        return OK;
    if (charset_applies(e->vr) && !w->text(w->ctx, &p->cs, e->vr, value, p->to->arena, &value))
        return E_UNSUPPORTED;
    return value.p || !value.n ? dcm_ds_set(p->to, e->tag, e->vr, value) : E_NOMEM;
}

/* A sequence without items says something too: as a key, that all of it is wanted. */
static err_t copy_empty(struct place *p, const struct dcm_elem *e)
{
    return e->n_items ? OK : dcm_ds_set(p->to, e->tag, VR('S', 'Q'), STR(""));
}

/* The next element or item of the innermost open place. */
static err_t step(struct walk *w)
{
    struct place *p = &w->at[w->n - 1];
    if (p->elem == p->from->n) {
        w->n--;
        return OK;
    }
    const struct dcm_elem *e = &p->from->elems[p->elem];
    bool sequence = e->vr == VR('S', 'Q') || e->n_items;
    if (!sequence || p->item == e->n_items || w->n == RECODE_DEPTH) {
        p->elem++;
        p->item = 0;
        return sequence ? copy_empty(p, e) : copy_value(w, p, e);
    }
    struct dcm_ds *item;
    TRY(dcm_ds_add_item(p->to, e->tag, &item));
    enter(w, e->items[p->item++], item, &p->cs);
    return OK;
}

err_t recode(const struct dcm_ds *from, const struct charset *cs, struct dcm_ds *to,
             recode_fn *text, void *ctx)
{
    struct walk w = {.text = text, .ctx = ctx};
    enter(&w, from, to, cs);
    while (w.n)
        TRY(step(&w));
    return OK;
}

bool recode_to_utf8(void *ctx, const struct charset *from, vr_t vr, struct str value,
                    struct arena *arena, struct str *ret)
{
    *ret = charset_text(ctx, from, vr, value, arena);
    return true;
}
