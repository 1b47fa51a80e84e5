/* Certificates, DER and PEM. */
#include <assert.h>

#include "survey/wire/tls_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_init(1 << 20);
    struct evidence e;
    evidence_init(&e, &a);
    err_t r = tls_cert_facts(str_of(data, size), BY_PROBE, &e);
    assert(r == OK || r == E_MALFORMED || r == E_NOMEM);
    assert(r != E_MALFORMED || e.n == 0);
    r = tls_cert_facts_pem(str_of(data, size), BY_PROBE, &e);
    assert(r == OK || r == E_MALFORMED || r == E_NOMEM);
    arena_done(&a);
    return 0;
}
