/* A-ASSOCIATE-RQ and -AC: whatever is read can be written and reads the same again. */
#include <assert.h>

#include "dimse/pdu.h"

static void run(struct str payload, enum pdu_type type)
{
    struct arena a = arena_init(1 << 20);
    struct pdu_associate p, again;
    struct pdu_refusal refusal;
    struct diag d;
    struct wr w = wr_heap(1 << 20);
    if (pdu_associate_parse(payload, type, &a, &p, &d) == OK) {
        (void)!pdu_associate_check(&p, &refusal, &d);
        pdu_associate_write(&p, type, &w);
        if (!w.bad) {
            struct str body = str_of(w.p + PDU_HEADER, w.n - PDU_HEADER);
            err_t e = pdu_associate_parse(body, type, &a, &again, &d);
            assert(e == OK || e == E_NOMEM);
            assert(e != OK || again.n_contexts == p.n_contexts);
            assert(e != OK || str_eq(again.called, p.called));
        }
    }
    wr_done(&w);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(str_of(data, size), PDU_ASSOCIATE_RQ);
    run(str_of(data, size), PDU_ASSOCIATE_AC);
    return 0;
}
