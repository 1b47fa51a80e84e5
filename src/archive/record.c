#include "archive/record.h"

#include "base/size.h"
#include "dicom/part10.h"

err_t record_head(struct packs *packs, const struct pack_info *info, struct wr *buf, struct diag *d)
{
    struct pack_reader *r;
    size_t want = (size_t)(info->head_size < PACK_HEAD_MAX ? info->head_size : PACK_HEAD_MAX);
    wr_clear(buf);
    uint8_t *at = wr_reserve(buf, want);
    if (!at)
        return E_NOMEM;
    TRY(pack_read(packs, info->place, &r, d));
    size_t got = 0, n = 0;
    err_t e;
    while ((e = pack_read_at(r, got, at + got, want - got, &n)) == OK && n)
        got += n;
    if (e == OK && got < want)
        e = E_DAMAGED;
    if (e != OK)
        diag_set(d, e, "%s", diag_text(pack_reader_diag(r), e));
    pack_reader_free(r);
    return e;
}

err_t record_entry(const struct pack_info *info, struct str head, struct header *h,
                   struct entry *ret, struct diag *d)
{
    struct dcm_meta meta;
    struct dcm_ds *ds;
    struct str body;
    if (dcm_meta_read(head, true, &meta, d) != STEP_DONE)
        return E_MALFORMED;
    struct str bytes = str_slice(head, (size_t)meta.data_at, head.n);
    err_t e = header_begin(h, dcm_ts_guess(meta.transfer_syntax));
    if (e == OK)
        e = header_feed(h, bytes, &body);
    header_stop(h);
    if (e == OK)
        e = header_dataset(h, &ds);
    if (e == OK)
        e = entry_of(ds, meta.transfer_syntax, NULL, &h->arena, ret);
    if (e != OK)
        return diag_set(d, e, "%s", diag_text(&h->diag, e));
    ret->info = *info;
    ret->size = info->size - meta.data_at;
    return OK;
}
