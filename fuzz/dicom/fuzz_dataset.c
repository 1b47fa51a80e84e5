/* A data set in memory: what was written parses to the same. The first byte chooses the encoding.
 */
#include "tokens.h"

#include "dicom/dataset.h"

static bool rewrite(struct arena *a, struct str in, enum dcm_encoding encoding, struct wr *out)
{
    struct dcm_limits limits = {8, 1000, 1000};
    struct dcm_ds *ds = NULL;
    struct diag d;
    int64_t v;
    if (dcm_ds_parse(a, in, encoding, &limits, false, &ds, &d) != OK)
        return false;
    for (size_t i = 0; i < ds->n; i++) {
        (void)dcm_ds_text(ds, ds->elems[i].tag, a);
        (void)dcm_ds_int(ds, ds->elems[i].tag, 1, &v);
    }
    dcm_ds_write(ds, DCM_EXPLICIT_LE, out);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct arena a = arena_init(1 << 20);
    struct wr once = wr_heap(1 << 20), twice = wr_heap(1 << 20);
    enum dcm_encoding encoding = data[0] % 3;
    if (rewrite(&a, str_of(data + 1, size - 1), encoding, &once)) {
        arena_reset(&a);
        CHECK(rewrite(&a, wr_str(&once), DCM_EXPLICIT_LE, &twice));
        CHECK(str_eq(wr_str(&once), wr_str(&twice)));
    }
    wr_done(&once);
    wr_done(&twice);
    arena_done(&a);
    return 0;
}
