#include <stdlib.h>

#include "archive/archive_private.h"
#include "archive/fetch.h"
#include "base/size.h"
#include "dicom/part10.h"
#include "dicom/transcode.h"

enum {
    PIECE = 256 << 10,
    DEFLATED_PIECE = 4 << 10, /* what it may inflate to stays bounded */
    CONVERTED_MAX = 16 << 20,
};

struct object {
    struct pack_reader *reader;
    struct diag diag;
    uint64_t at, data_at; /* of the next read; of the data set */
    size_t first;         /* bytes of the data set that opening has read already */
    size_t first_at;
    size_t piece;
    uint8_t *buf;
    size_t cap;
    struct dcm_transcode *transcode; /* NULL: as stored */
    struct wr converted;
    bool ended;
};

/* The header part first, so that later reads begin at the borders of the chunks behind it. */
static err_t read_first(struct object *o, struct dcm_meta *ret_meta, struct diag *d)
{
    const struct pack_info *info = pack_reader_info(o->reader);
    uint64_t want = info->head_size <= o->cap && info->size > o->cap ? info->head_size : o->cap;
    size_t n = 1, got = 0;
    for (; got < want && n; got += n)
        TRY(pack_read_at(o->reader, got, o->buf + got, (size_t)want - got, &n));
    if (dcm_meta_read(str_of(o->buf, got), true, ret_meta, d) != STEP_DONE)
        return diag_set(d, E_DAMAGED, "a record does not begin as an object does");
    o->data_at = ret_meta->data_at;
    o->first_at = (size_t)ret_meta->data_at;
    o->first = got - o->first_at;
    o->at = got;
    return OK;
}

static err_t start_conversion(struct object *o, struct str from, struct str to,
                              const struct dcm_limits *limits, struct diag *d)
{
    const struct dcm_ts *source = dcm_ts_find(from), *target = dcm_ts_find(to);
    if (!to.n || str_eq(from, to))
        return OK;
    if (!source || !target || !dcm_ts_convertible(source, target))
        return diag_set(d, E_UNSUPPORTED, "%.*s cannot be converted to %.*s",
                        STR_ARG(dcm_uid_name(from)), STR_ARG(dcm_uid_name(to)));
    o->piece = source->deflated ? DEFLATED_PIECE : PIECE;
    o->converted = wr_heap(CONVERTED_MAX);
    return dcm_transcode_new(source, target, limits, &o->converted, &o->transcode);
}

static err_t open_all(struct object *o, struct archive *a, const struct fetch_item *item,
                      struct str transfer_syntax, struct diag *d)
{
    struct dcm_meta meta;
    TRY(pack_read(a->packs, item->place, &o->reader, d));
    o->cap = (size_t)(pack_reader_info(o->reader)->size < PIECE ? pack_reader_info(o->reader)->size
                                                                : PIECE);
    if (!(o->buf = malloc(o->cap ? o->cap : 1)))
        return E_NOMEM;
    err_t e = read_first(o, &meta, d);
    if (e != OK)
        return diag_set(d, e, "%s", diag_text(pack_reader_diag(o->reader), e));
    return start_conversion(o, meta.transfer_syntax, transfer_syntax, &a->o.limits, d);
}

err_t object_open(struct archive *a, const struct fetch_item *item, struct str transfer_syntax,
                  struct object **ret, struct diag *d)
{
    struct object *o = calloc(1, sizeof *o);
    if (!o)
        return E_NOMEM;
    o->piece = PIECE;
    err_t e = open_all(o, a, item, transfer_syntax, d);
    if (e != OK)
        object_free(o);
    else
        *ret = o;
    return e;
}

/* The next stored bytes. */
static err_t next_stored(struct object *o, struct str *ret, bool *ret_last)
{
    uint64_t size = pack_reader_info(o->reader)->size;
    if (o->first) {
        size_t n = size_min(o->first, o->piece);
        *ret = str_of(o->buf + o->first_at, n);
        o->first_at += n;
        o->first -= n;
    } else {
        size_t n = 1, got = 0, want = size_min(o->cap, o->piece);
        for (; got < want && n; got += n)
            TRY(pack_read_at(o->reader, o->at + got, o->buf + got, want - got, &n));
        o->at += got;
        *ret = str_of(o->buf, got);
        if (!got && o->at < size)
            return E_DAMAGED;
    }
    *ret_last = !o->first && o->at >= size;
    return OK;
}

static err_t next_converted(struct object *o, struct str *ret, bool *ret_last)
{
    struct str stored;
    bool last = false;
    wr_clear(&o->converted);
    while (!o->converted.n && !o->ended) {
        TRY(next_stored(o, &stored, &last));
        TRY(dcm_transcode_feed(o->transcode, stored));
        if (last)
            TRY(dcm_transcode_end(o->transcode));
        o->ended = last;
    }
    if (o->converted.bad)
        return E_LIMIT;
    *ret = wr_str(&o->converted);
    *ret_last = o->ended;
    return OK;
}

err_t object_next(struct object *o, struct str *ret_piece, bool *ret_last)
{
    return o->transcode ? next_converted(o, ret_piece, ret_last)
                        : next_stored(o, ret_piece, ret_last);
}

uint64_t object_size(const struct object *o)
{
    return pack_reader_info(o->reader)->size - o->data_at;
}

const struct pack_info *object_info(const struct object *o)
{
    return pack_reader_info(o->reader);
}

void object_free(struct object *o)
{
    if (!o)
        return;
    dcm_transcode_free(o->transcode);
    wr_done(&o->converted);
    pack_reader_free(o->reader);
    free(o->buf);
    free(o);
}
