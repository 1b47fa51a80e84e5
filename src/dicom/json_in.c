#include "dicom/json_in.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/size.h"
#include "dicom/dict.h"
#include "dicom/json_parse.h"
#include "dicom/tags.h"
#include "dicom/vr.h"

enum {
    LEVELS_MAX = 64,
    /* An attribute, its array of items and the item. */
    JSON_PER_LEVEL = 3,
};

/* A member of a data set's object. */
struct member {
    tag_t tag;
    json_t *value;
};

/* A data set being filled: which of its members is next, and for a sequence which item. */
struct place {
    struct dcm_ds *ds;
    struct member *members;
    size_t n, at, item;
};

struct in {
    struct arena *arena;
    const struct dcm_json_in_options *options;
    struct diag *diag;
    size_t elements;
    bool wide;               /* some text is not ASCII */
    struct dcm_ds **charset; /* data sets that have a Specific Character Set of their own */
    size_t n_charset, cap_charset;
    struct place place[LEVELS_MAX];
    unsigned depth;
};

/* Depth and number of values, before anything is built of them. */
static err_t check_text(struct str text, const struct dcm_json_in_options *o, struct diag *d)
{
    size_t depth = 0, values = 0, max = JSON_PER_LEVEL * ((size_t)o->limits.depth + 1) + 2;
    bool quoted = false;
    if (text.n > o->text_max)
        return diag_set(d, E_LIMIT, "the JSON text is longer than %zu bytes", o->text_max);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        depth += c == '{' || c == '[';
        depth -= depth && (c == '}' || c == ']');
        values += c == ',' || c == ':' || c == '[';
        if (depth > max)
            return diag_set(d, E_LIMIT, "the JSON text is nested deeper than %zu", max);
        if (values > o->values_max)
            return diag_set(d, E_LIMIT, "the JSON text has more than %zu values", o->values_max);
    }
    return OK;
}

static int by_tag(const void *a, const void *b)
{
    tag_t x = ((const struct member *)a)->tag, y = ((const struct member *)b)->tag;
    return (x > y) - (x < y);
}

static bool parse_tag(const char *name, tag_t *ret)
{
    struct str s = str_z(name);
    return s.n == 8 && dcm_tag_parse(s, ret);
}

/* The members in the order of their tags, so that the data set only ever grows at its end. */
static err_t collect_members(struct in *in, json_t *object, struct place *p)
{
    const char *name;
    json_t *value;
    p->members = ARENA_ARRAY(in->arena, json_object_size(object), struct member);
    if (!p->members)
        return E_NOMEM;
    json_object_foreach(object, name, value)
    {
        struct member *m = &p->members[p->n++];
        m->value = value;
        if (!parse_tag(name, &m->tag))
            return diag_set(in->diag, E_MALFORMED,
                            "a member of a data set is not named by eight hexadecimal digits");
    }
    in->elements += p->n;
    if (in->elements > in->options->limits.elements)
        return diag_set(in->diag, E_LIMIT, "more than %zu elements", in->options->limits.elements);
    if (p->n)
        qsort(p->members, p->n, sizeof *p->members, by_tag);
    for (size_t i = 1; i < p->n; i++)
        if (p->members[i].tag == p->members[i - 1].tag)
            return json_bad(in->diag, p->members[i].tag, "stands twice");
    return OK;
}

static err_t open_place(struct in *in, json_t *object, struct dcm_ds *ds)
{
    struct place *p = &in->place[in->depth];
    *p = (struct place){.ds = ds};
    if (!json_is_object(object))
        return diag_set(in->diag, E_MALFORMED, "a data set is not a JSON object");
    return collect_members(in, object, p);
}

static err_t vr_of(struct in *in, const struct member *m, vr_t *ret)
{
    json_t *vr = json_object_get(m->value, "vr");
    if (!json_is_object(m->value))
        return json_bad(in->diag, m->tag, "is not a JSON object");
    if (!vr)
        *ret = dcm_vr_resolve(dcm_dict_vr(m->tag), false);
    else if (json_is_string(vr) && json_string_length(vr) == 2)
        *ret = VR(json_string_value(vr)[0], json_string_value(vr)[1]);
    else
        *ret = VR_NONE;
    return dcm_vr_flags(*ret) & DCM_VR_KNOWN ? OK : json_bad(in->diag, m->tag, "has no known VR");
}

/* Remembers data sets whose text will turn out to be UTF-8 after all. */
static err_t note_charset(struct in *in, struct dcm_ds *ds)
{
    if (in->n_charset == in->cap_charset) {
        size_t cap = size_max(8, 2 * in->cap_charset);
        struct dcm_ds **more = ARENA_ARRAY(in->arena, cap, struct dcm_ds *);
        if (!more)
            return E_NOMEM;
        if (in->n_charset)
            memcpy(more, in->charset, in->n_charset * sizeof *more);
        in->charset = more;
        in->cap_charset = cap;
    }
    in->charset[in->n_charset++] = ds;
    return OK;
}

static err_t bulk_value(struct in *in, const struct member *m, vr_t vr, json_t *uri, struct wr *w,
                        bool *ret_absent)
{
    struct str value;
    if (json_array_size(uri) == 1)
        uri = json_array_get(uri, 0);
    if (!json_is_string(uri))
        return json_bad(in->diag, m->tag, "has a BulkDataURI that is not a string");
    *ret_absent = !in->options->bulk;
    if (*ret_absent)
        return OK;
    struct str text = str_of(json_string_value(uri), json_string_length(uri));
    TRY(in->options->bulk(in->options->ctx, m->tag, vr, text, &value));
    wr_put(w, value);
    return OK;
}

static err_t read_value(struct in *in, const struct member *m, vr_t vr, struct wr *w,
                        bool *ret_absent)
{
    json_t *value = json_object_get(m->value, "Value");
    json_t *binary = json_object_get(m->value, "InlineBinary");
    json_t *uri = json_object_get(m->value, "BulkDataURI");
    if (!!value + !!binary + !!uri > 1)
        return json_bad(in->diag, m->tag, "has more than one of Value, InlineBinary, BulkDataURI");
    if (uri)
        return bulk_value(in, m, vr, uri, w, ret_absent);
    if (binary)
        return json_parse_base64(m->tag, binary, w, in->diag);
    return value ? json_parse_values(m->tag, vr, value, w, in->diag) : OK;
}

static bool is_ascii(struct str s)
{
    uint8_t high = 0;
    for (size_t i = 0; i < s.n; i++)
        high |= (uint8_t)s.p[i];
    return high < 0x80;
}

static err_t set_element(struct in *in, struct place *p, const struct member *m, vr_t vr)
{
    struct wr w = wr_heap(in->options->limits.value);
    bool absent = false;
    err_t e = read_value(in, m, vr, &w, &absent);
    if (e == OK && w.bad)
        e = diag_set(in->diag, E_LIMIT, "(%04X,%04X) is longer than %zu bytes", TAG_GROUP(m->tag),
                     TAG_ELEMENT(m->tag), in->options->limits.value);
    if (e == OK)
        e = dcm_ds_set(p->ds, m->tag, vr, wr_str(&w));
    if (e == OK && m->tag == TAG_SpecificCharacterSet)
        e = note_charset(in, p->ds);
    if (e == OK && absent)
        p->ds->elems[p->ds->n - 1].truncated = true;
    in->wide = in->wide || (dcm_vr_flags(vr) & DCM_VR_CHARSET && !is_ascii(wr_str(&w)));
    wr_done(&w);
    return e;
}

/* Goes into the sequence's next item, or past the sequence. */
static err_t step_sequence(struct in *in, struct place *p, const struct member *m)
{
    json_t *items = json_object_get(m->value, "Value");
    struct dcm_ds *item;
    if (items && !json_is_array(items))
        return json_bad(in->diag, m->tag, "has a Value that is not an array");
    if (p->item == 0)
        TRY(dcm_ds_set(p->ds, m->tag, VR('S', 'Q'), STR("")));
    if (p->item == json_array_size(items)) {
        p->at++;
        p->item = 0;
        return OK;
    }
    TRY(dcm_ds_add_item(p->ds, m->tag, &item));
    json_t *object = json_array_get(items, p->item++);
    if (json_is_null(object))
        return OK; /* an empty item, as some write it */
    if (in->depth + 1 == LEVELS_MAX || in->depth + 1 > in->options->limits.depth)
        return diag_set(in->diag, E_LIMIT, "sequences are nested too deeply");
    in->depth++;
    return open_place(in, object, item);
}

static err_t step(struct in *in)
{
    struct place *p = &in->place[in->depth];
    const struct member *m = &p->members[p->at];
    vr_t vr = VR_NONE;
    if (TAG_ELEMENT(m->tag) == 0) {
        p->at++; /* a group length (F.2.2) */
        return OK;
    }
    TRY(vr_of(in, m, &vr));
    if (vr == VR('S', 'Q'))
        return step_sequence(in, p, m);
    p->at++;
    return set_element(in, p, m, vr);
}

/* Text is UTF-8 now, whatever the source's was. */
static err_t declare_utf8(struct in *in, struct dcm_ds *top)
{
    static const struct str utf8 = STR_INIT("ISO_IR 192");
    if (!in->wide)
        return OK;
    for (size_t i = 0; i < in->n_charset; i++)
        TRY(dcm_ds_set(in->charset[i], TAG_SpecificCharacterSet, VR('C', 'S'), utf8));
    return dcm_ds_set(top, TAG_SpecificCharacterSet, VR('C', 'S'), utf8);
}

static err_t read_one(struct arena *a, json_t *object, const struct dcm_json_in_options *options,
                      struct dcm_ds **ret, struct diag *d)
{
    struct in in = {.arena = a, .options = options, .diag = d};
    struct dcm_ds *ds = dcm_ds_new(a);
    if (!ds)
        return E_NOMEM;
    TRY(open_place(&in, object, ds));
    while (in.depth || in.place[0].at < in.place[0].n) {
        if (in.place[in.depth].at < in.place[in.depth].n)
            TRY(step(&in));
        else
            in.depth--;
    }
    TRY(declare_utf8(&in, ds));
    *ret = ds;
    return OK;
}

static err_t parse(struct str text, const struct dcm_json_in_options *options, json_t **ret,
                   struct diag *d)
{
    json_error_t at;
    TRY(check_text(text, options, d));
    *ret = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &at);
    if (!*ret)
        return diag_set(d, json_error_code(&at) == json_error_out_of_memory ? E_NOMEM : E_MALFORMED,
                        "not JSON at line %d, column %d", at.line, at.column);
    return OK;
}

err_t dcm_json_read(struct arena *a, struct str text, const struct dcm_json_in_options *options,
                    struct dcm_ds **ret, struct diag *d)
{
    json_t *root;
    TRY(parse(text, options, &root, d));
    bool one = json_is_array(root) && json_array_size(root) == 1;
    err_t e = read_one(a, one ? json_array_get(root, 0) : root, options, ret, d);
    json_decref(root);
    return e;
}

static err_t read_all(struct arena *a, json_t *root, const struct dcm_json_in_options *options,
                      struct dcm_ds **all, struct diag *d)
{
    for (size_t i = 0; i < json_array_size(root); i++)
        TRY(read_one(a, json_array_get(root, i), options, &all[i], d));
    return OK;
}

err_t dcm_json_read_array(struct arena *a, struct str text,
                          const struct dcm_json_in_options *options, size_t max,
                          struct dcm_ds ***ret, size_t *ret_n, struct diag *d)
{
    json_t *root;
    TRY(parse(text, options, &root, d));
    size_t n = json_array_size(root);
    struct dcm_ds **all = n <= max ? ARENA_ARRAY(a, n, struct dcm_ds *) : NULL;
    err_t e = !json_is_array(root) ? diag_set(d, E_MALFORMED, "not a JSON array")
              : n > max            ? diag_set(d, E_LIMIT, "more than %zu data sets", max)
              : !all               ? E_NOMEM
                                   : read_all(a, root, options, all, d);
    json_decref(root);
    if (e != OK)
        return e;
    *ret = all;
    *ret_n = n;
    return OK;
}
