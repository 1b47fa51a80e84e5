/* The top level of a data set (PS3.5 7.1 to 7.5), element by element, in whatever pieces it comes:
 * one header is kept, values are stepped over. What has an undefined length is gone through by
 * counting what opens and closes. */
#include "survey/wire/dicom_fields.h"

#include <stdlib.h>

#include "base/size.h"
#include "dicom/ts.h"
#include "dicom/vr.h"

enum { HEAD_SHORT = 8, HEAD_LONG = 12, DEPTH_MAX = 128 };
#define TAG_ITEM 0xFFFEE000u
#define TAG_ITEM_END 0xFFFEE00Du
#define TAG_SEQUENCE_END 0xFFFEE0DDu

static const struct {
    uint32_t tag;
    struct str name;
} fields[] = {
#define DICOM_FIELD(id, tag) {tag, STR_INIT(#id)},
#include "survey/wire/dicom_fields.def"
#undef DICOM_FIELD
};

struct dicom_fields {
    uint64_t counts[DICOM_FIELDS];
    enum dcm_encoding encoding;
    bool over; /* nothing more is wanted of this data set */
    uint8_t head[HEAD_LONG];
    size_t n_head;
    uint32_t left;        /* bytes of the value to be stepped over */
    uint32_t last_tag;    /* of the top level */
    unsigned depth;       /* of undefined lengths that are open */
    unsigned plain_depth; /* from here on implicit VR, whatever the data set has; 0: nowhere */
    size_t next;          /* the first field that can still come */
    bool wanted;          /* the value being stepped over is fields[next]'s, nothing in it so far */
    bool awaits_item;     /* fields[next] is an open sequence without an item so far */
};

struct str dicom_field_name(enum dicom_field_id id)
{
    return (unsigned)id < DICOM_FIELDS ? fields[id].name : STR("");
}

err_t dicom_fields_new(struct dicom_fields **ret)
{
    struct dicom_fields *f = calloc(1, sizeof *f);
    if (!f)
        return E_NOMEM;
    f->over = true;
    *ret = f;
    return OK;
}

void dicom_fields_free(struct dicom_fields *f)
{
    free(f);
}

const uint64_t *dicom_fields_counts(const struct dicom_fields *f)
{
    return f->counts;
}

void dicom_fields_begin(struct dicom_fields *f, struct str transfer_syntax)
{
    const struct dcm_ts *ts = dcm_ts_find(transfer_syntax);
    f->over = !ts || ts->deflated || ts->pixels == DCM_PIXELS_NONE;
    f->encoding = ts ? ts->encoding : DCM_EXPLICIT_LE;
    f->n_head = f->left = f->last_tag = f->depth = f->plain_depth = 0;
    f->next = 0;
    f->wanted = f->awaits_item = false;
}

static uint32_t u16_at(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t u32_at(const uint8_t *p, bool big)
{
    return big ? u16_at(p, true) << 16 | u16_at(p + 2, true)
               : u16_at(p + 2, false) << 16 | u16_at(p, false);
}

struct element {
    uint32_t tag, length;
    bool unknown; /* VR UN: with an undefined length its inside is implicit VR (PS3.5 6.2.2) */
};

static bool is_implicit(const struct dicom_fields *f)
{
    return f->encoding == DCM_IMPLICIT_LE || f->plain_depth;
}

static bool is_big(const struct dicom_fields *f)
{
    return f->encoding == DCM_EXPLICIT_BE && !f->plain_depth;
}

/* How many bytes the header has that begins with these 8; 0: this is no header. */
static size_t head_size(const struct dicom_fields *f, const uint8_t *p)
{
    if (is_implicit(f) || u16_at(p, is_big(f)) == 0xFFFE)
        return HEAD_SHORT;
    unsigned flags = dcm_vr_flags(VR(p[4], p[5]));
    return !flags ? 0 : flags & DCM_VR_LONG ? HEAD_LONG : HEAD_SHORT;
}

static struct element element_of(const struct dicom_fields *f, const uint8_t *p, size_t size)
{
    bool big = is_big(f);
    struct element e = {.tag = u16_at(p, big) << 16 | u16_at(p + 2, big)};
    bool has_vr = !is_implicit(f) && e.tag >> 16 != 0xFFFE;
    e.unknown = has_vr && p[4] == 'U' && p[5] == 'N';
    e.length = size == HEAD_LONG ? u32_at(p + 8, big)
               : has_vr          ? u16_at(p + 6, big)
                                 : u32_at(p + 4, big);
    return e;
}

static void count(struct dicom_fields *f)
{
    f->counts[f->next]++;
    f->wanted = f->awaits_item = false;
}

/* Something of undefined length opens. */
static void open_level(struct dicom_fields *f, const struct element *e)
{
    f->depth++;
    f->over = f->depth > DEPTH_MAX;
    if (e->unknown && !f->plain_depth)
        f->plain_depth = f->depth;
}

static void close_level(struct dicom_fields *f)
{
    if (f->depth == f->plain_depth)
        f->plain_depth = 0;
    f->depth--;
    f->awaits_item &= f->depth > 0;
}

/* An element inside a sequence of undefined length: only where it ends matters. */
static void on_nested(struct dicom_fields *f, const struct element *e)
{
    if (e->tag == TAG_ITEM_END || e->tag == TAG_SEQUENCE_END) {
        close_level(f);
        return;
    }
    if (e->tag == TAG_ITEM && f->awaits_item && e->length > 0)
        count(f);
    if (e->length == DCM_UNDEFINED)
        open_level(f, e);
    else
        f->left = e->length;
}

/* Values are held against the table in the order of tags; one that does not go on means that these
 * are not the bytes of a data set, or no longer. */
static void on_top(struct dicom_fields *f, const struct element *e)
{
    if (e->tag <= f->last_tag || e->tag >> 16 == 0xFFFE) {
        f->over = true;
        return;
    }
    f->last_tag = e->tag;
    f->wanted = false;
    while (f->next < DICOM_FIELDS && fields[f->next].tag < e->tag)
        f->next++;
    if (f->next == DICOM_FIELDS) {
        f->over = true;
        return;
    }
    bool field = fields[f->next].tag == e->tag;
    if (e->length == DCM_UNDEFINED) {
        f->awaits_item = field;
        open_level(f, e);
        return;
    }
    f->left = e->length;
    f->wanted = field && e->length > 0;
}

/* The first `need` bytes of a header, gathered in our own copy when they come in pieces; NULL when
 * they are not all there yet. */
static const uint8_t *gather(struct dicom_fields *f, struct str *in, size_t need)
{
    if (f->n_head == 0 && in->n >= need)
        return (const uint8_t *)in->p;
    if (f->n_head < need) {
        size_t take = size_min(in->n, need - f->n_head);
        memcpy(f->head + f->n_head, in->p, take);
        f->n_head += take;
        *in = str_slice(*in, take, in->n);
    }
    return f->n_head >= need ? f->head : NULL;
}

/* The next element's header off the front of *in; false when it is not whole yet, or is none. */
static bool take_head(struct dicom_fields *f, struct str *in)
{
    const uint8_t *p = gather(f, in, HEAD_SHORT);
    size_t size = p ? head_size(f, p) : 0;
    f->over = p && !size;
    if (size > HEAD_SHORT)
        p = gather(f, in, size);
    if (!p || f->over)
        return false;
    struct element e = element_of(f, p, size);
    *in = f->n_head ? *in : str_slice(*in, size, in->n);
    f->n_head = 0;
    if (f->depth)
        on_nested(f, &e);
    else
        on_top(f, &e);
    return true;
}

/* Whether there is more than padding and the marks between empty values and name parts. */
static bool is_filled(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c != ' ' && c != 0 && c != '^' && c != '=' && c != '\\')
            return true;
    }
    return false;
}

bool dicom_fields_feed(struct dicom_fields *f, struct str in)
{
    while (!f->over) {
        if (f->left) {
            size_t n = size_min(f->left, in.n);
            if (f->wanted && is_filled(str_slice(in, 0, n)))
                count(f);
            f->left -= (uint32_t)n;
            in = str_slice(in, n, in.n);
        }
        if (!in.n)
            break;
        if (!take_head(f, &in))
            break;
    }
    return !f->over;
}
