/* TLS records: the same end and facts in any pieces. Input: a byte of piece size, the records. */
#include "pieces.h"

#include <assert.h>

#include "survey/wire/tls_text.h"

static enum step run(struct str in, size_t size, struct wr *w)
{
    struct arena a = arena_init(1 << 20);
    struct evidence e;
    struct tls_reader *r;
    enum step s = STEP_MORE;
    evidence_init(&e, &a);
    if (tls_reader_new(true, &r) != OK)
        return STEP_FAIL;
    while (in.n && s == STEP_MORE)
        s = tls_reader_feed(r, next_piece(&in, size));
    err_t failed = tls_reader_facts(r, BY_TRAFFIC, &e);
    assert(failed == OK || failed == E_NOMEM);
    evidence_write(&e, w);
    tls_reader_free(r);
    arena_done(&a);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct str in = str_of(data + 1, size - 1);
    struct wr whole = wr_heap(1 << 16), pieces = wr_heap(1 << 16);
    enum step a = run(in, 0, &whole), b = run(in, data[0], &pieces);
    assert(a == b);
    assert(str_eq(wr_str(&whole), wr_str(&pieces)));
    wr_done(&whole);
    wr_done(&pieces);
    return 0;
}
