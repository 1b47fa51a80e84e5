/* An acceptor's bytes: whatever they are, an answer or none, and never an AE title. */
#include <assert.h>

#include "survey/wire/dicom_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_init(1 << 20);
    struct evidence e;
    evidence_init(&e, &a);
    err_t r = dicom_answer_bytes(str_of(data, size), BY_PROBE, &e);
    assert(r == OK || r == E_MALFORMED || r == E_NOMEM);
    assert((r == E_MALFORMED) == !dicom_answer_looks(str_of(data, size)));
    assert(r != E_MALFORMED || e.n == 0);
    assert(r != OK || evidence_get(&e, EV_dicom_answer).n > 0);
    assert(!evidence_get(&e, EV_dicom_ae).p && !evidence_get(&e, EV_dicom_client_ae).p);
    arena_done(&a);
    return 0;
}
