/* MLLP: the same messages and counts in any pieces. Input: a byte of piece size, the stream. */
#include <assert.h>

#include "hl7/mllp.h"

enum { LIMIT = 200 };

static void run(struct str in, size_t size, struct mllp *m, struct wr *w)
{
    while (in.n) {
        struct str piece = str_slice(in, 0, size ? size : in.n), message;
        enum step s;
        in = str_slice(in, piece.n, in.n);
        while ((s = mllp_feed(m, &piece, &message)) == STEP_EVENT) {
            assert(message.n <= LIMIT);
            wr_u32le(w, (uint32_t)message.n);
            wr_put(w, message);
        }
        assert(s == STEP_MORE && piece.n == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mllp a, b;
    struct wr whole = wr_heap(1 << 22), pieces = wr_heap(1 << 22);
    if (size < 1)
        return 0;
    mllp_init(&a, LIMIT);
    mllp_init(&b, LIMIT);
    run(str_of(data + 1, size - 1), 0, &a, &whole);
    run(str_of(data + 1, size - 1), data[0] % 64, &b, &pieces);
    assert(str_eq(wr_str(&whole), wr_str(&pieces)));
    assert(a.stray == b.stray && a.too_long == b.too_long && a.inside == b.inside);
    mllp_done(&a);
    mllp_done(&b);
    wr_done(&whole);
    wr_done(&pieces);
    return 0;
}
