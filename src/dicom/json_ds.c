/* A data set in memory as DICOM JSON: it is walked without recursion and given to the writer as the
 * tokens that a reader would have given. */
#include "dicom/json_out.h"
#include "dicom/tags.h"

struct place {
    const struct dcm_ds *ds;
    size_t elem, item;
};

static err_t put_element(struct dcm_json *j, const struct dcm_elem *e)
{
    struct dcm_token t = {.kind = DCM_ELEMENT, .tag = e->tag, .vr = e->vr};
    if (e->truncated && e->vr != VR('S', 'Q'))
        return dcm_json_absent(j, &t);
    t.length = (uint32_t)e->value.n;
    TRY(dcm_json_token(j, &t));
    t.kind = DCM_VALUE;
    t.value = e->value;
    if (e->value.n)
        TRY(dcm_json_token(j, &t));
    t.kind = DCM_ELEMENT_END;
    return dcm_json_token(j, &t);
}

static err_t put_mark(struct dcm_json *j, enum dcm_token_kind kind, const struct dcm_elem *e)
{
    struct dcm_token t = {.kind = kind, .tag = e->tag, .vr = e->vr, .length = DCM_UNDEFINED};
    return dcm_json_token(j, &t);
}

/* Here, unlike in a stream, the character set is known before what stands in front of it. */
static void set_charset(struct dcm_json *j, const struct dcm_ds *ds)
{
    if (dcm_ds_get(ds, TAG_SpecificCharacterSet))
        j->levels[j->depth].cs = charset_parse(dcm_ds_str(ds, TAG_SpecificCharacterSet));
}

/* Goes into the next item of the sequence at hand, or past it. */
static err_t step_sequence(struct dcm_json *j, struct place *at, unsigned *depth)
{
    struct place *p = &at[*depth];
    const struct dcm_elem *e = &p->ds->elems[p->elem];
    if (p->item == 0)
        TRY(put_mark(j, DCM_SEQUENCE, e));
    if (p->item == e->n_items) {
        p->elem++;
        p->item = 0;
        return put_mark(j, DCM_SEQUENCE_END, e);
    }
    if (*depth == DCM_READER_DEPTH_MAX)
        return E_LIMIT;
    TRY(put_mark(j, DCM_ITEM, e));
    at[++*depth] = (struct place){.ds = e->items[p->item++]};
    set_charset(j, at[*depth].ds);
    return OK;
}

static err_t walk(struct dcm_json *j, const struct dcm_ds *ds)
{
    struct place at[DCM_READER_DEPTH_MAX + 1] = {{.ds = ds}};
    unsigned depth = 0;
    set_charset(j, ds);
    for (;;) {
        struct place *p = &at[depth];
        if (p->elem < p->ds->n) {
            const struct dcm_elem *e = &p->ds->elems[p->elem];
            if (e->vr == VR('S', 'Q')) {
                TRY(step_sequence(j, at, &depth));
            } else {
                p->elem++;
                TRY(put_element(j, e));
            }
        } else if (depth == 0) {
            return OK;
        } else {
            depth--;
            TRY(put_mark(j, DCM_ITEM_END, &at[depth].ds->elems[at[depth].elem]));
        }
    }
}

err_t dcm_json_ds(struct wr *out, const struct dcm_ds *ds, const struct dcm_json_options *options)
{
    struct dcm_json j;
    dcm_json_init(&j, out, options);
    err_t e = walk(&j, ds);
    if (e == OK)
        e = dcm_json_finish(&j);
    dcm_json_done(&j);
    return e;
}
