#include "archive/record.h"

static err_t read_head(struct pack_reader *r, struct wr *buf, struct diag *d)
{
    uint64_t size = pack_reader_info(r)->head_size;
    size_t want = (size_t)(size < PACK_HEAD_MAX ? size : PACK_HEAD_MAX), got = 0, n = 1;
    uint8_t *at = wr_reserve(buf, want);
    err_t e = at ? OK : E_NOMEM;
    for (; e == OK && got < want && n; got += n)
        e = pack_read_at(r, got, at + got, want - got, &n);
    if (e == OK && got < want)
        e = E_DAMAGED;
    return e == OK ? OK : diag_set(d, e, "%s", diag_text(pack_reader_diag(r), e));
}

err_t record_head(struct packs *packs, struct pack_place at, struct wr *buf,
                  struct pack_info *ret_info, struct diag *d)
{
    struct pack_reader *r;
    wr_clear(buf);
    TRY(pack_read(packs, at, &r, d));
    err_t e = read_head(r, buf, d);
    if (e == OK && ret_info)
        *ret_info = *pack_reader_info(r);
    pack_reader_free(r);
    return e;
}

err_t record_dataset(struct str head, struct header *h, struct dcm_meta *ret_meta,
                     struct dcm_ds **ret, struct diag *d)
{
    struct str body;
    if (dcm_meta_read(head, true, ret_meta, d) != STEP_DONE)
        return E_MALFORMED;
    struct str bytes = str_slice(head, (size_t)ret_meta->data_at, head.n);
    err_t e = header_begin(h, dcm_ts_guess(ret_meta->transfer_syntax));
    if (e == OK)
        e = header_feed(h, bytes, &body);
    header_stop(h);
    if (e == OK)
        e = header_dataset(h, ret);
    return e == OK ? OK : diag_set(d, e, "%s", diag_text(&h->diag, e));
}

err_t record_entry(const struct pack_info *info, struct str head, struct header *h,
                   struct entry *ret, struct diag *d)
{
    struct dcm_meta meta;
    struct dcm_ds *ds;
    TRY(record_dataset(head, h, &meta, &ds, d));
    TRY(entry_of(ds, meta.transfer_syntax, NULL, &h->arena, ret));
    ret->info = *info;
    ret->size = info->size - meta.data_at;
    return OK;
}
