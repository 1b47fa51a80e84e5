/* Any association request, with any grants, gets an answer that can be written and read again, and
 * that promises nothing beyond the grants. First byte: grants; then the payload of an
 * A-ASSOCIATE-RQ. */
#include <assert.h>

#include "serve/dimse/negotiate.h"
#include "serve/dimse/service.h"

static void check(const struct pdu_associate *rq, const struct pdu_associate *answer,
                  const struct negotiate_rules *rules)
{
    size_t accepted = 0;
    assert(answer->n_contexts == rq->n_contexts);
    for (size_t i = 0; i < answer->n_contexts; i++) {
        const struct pdu_context *c = &answer->contexts[i];
        assert(c->id == rq->contexts[i].id && c->n_transfers <= 1);
        accepted += c->result == PDU_ACCEPTED;
        assert(c->result != PDU_ACCEPTED || (rules->grants && c->n_transfers == 1));
    }
    assert(accepted <= rules->contexts);
    assert(answer->n_roles <= rq->n_roles && answer->n_extended <= rq->n_extended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct arena a = arena_init(1 << 20);
    struct pdu_associate rq, answer, again;
    struct diag d;
    struct negotiate_rules rules = {data[0], 131072, 64, 16};
    struct wr w = wr_heap(1 << 20);
    if (pdu_associate_parse(str_of(data + 1, size - 1), PDU_ASSOCIATE_RQ, &a, &rq, &d) == OK &&
        negotiate(&rq, &rules, &a, &answer) == OK) {
        check(&rq, &answer, &rules);
        pdu_associate_write(&answer, PDU_ASSOCIATE_AC, &w);
        if (!w.bad) {
            struct str body = str_of(w.p + PDU_HEADER, w.n - PDU_HEADER);
            err_t e = pdu_associate_parse(body, PDU_ASSOCIATE_AC, &a, &again, &d);
            assert(e == OK || e == E_NOMEM);
        }
    }
    wr_done(&w);
    arena_done(&a);
    return 0;
}
