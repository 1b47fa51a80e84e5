/* Inflating anything: it ends, within its limits, the same for pieces of any size; and what was
 * deflated inflates to itself. */
#include "tokens.h"

#include "dicom/deflate.h"

static err_t inflate_all(struct str in, size_t piece, struct wr *out)
{
    struct dcm_inflate_limits limits = {1 << 20, 1 << 16, 100};
    struct dcm_inflate *z = dcm_inflate_new(&limits);
    err_t e = OK;
    for (size_t at = 0; e == OK && at < in.n; at += piece) {
        struct str part = str_slice(in, at, piece), got;
        do {
            e = dcm_inflate(z, &part, &got);
            if (e == OK)
                wr_put(out, got);
        } while (e == OK && got.n);
        CHECK(e != OK || part.n == 0);
    }
    dcm_inflate_free(z);
    CHECK(!out->bad);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct wr whole = wr_heap(2 << 20), pieces = wr_heap(2 << 20), back = wr_heap(2 << 20);
    err_t a = inflate_all(in, size + 1, &whole);
    err_t b = inflate_all(in, 7, &pieces);
    if (a == OK && b == OK)
        CHECK(str_eq(wr_str(&whole), wr_str(&pieces)));
    wr_clear(&pieces);
    struct dcm_deflate *z = dcm_deflate_new(&pieces);
    dcm_deflate(z, in);
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    if (size <= 1 << 16) {
        CHECK(inflate_all(wr_str(&pieces), 100, &back) == OK);
        CHECK(str_eq(wr_str(&back), in));
    }
    wr_done(&whole);
    wr_done(&pieces);
    wr_done(&back);
    return 0;
}
