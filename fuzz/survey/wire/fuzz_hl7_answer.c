/* What an HL7 port sent: facts without control characters, counts of at most one a message. */
#include <assert.h>

#include "survey/wire/hl7_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_init(1 << 20);
    struct evidence e;
    struct hl7_message m;
    evidence_init(&e, &a);
    err_t r = hl7_answer_bytes(str_of(data, size), BY_ENGINE, &e);
    assert(r == OK || r == E_MALFORMED || r == E_NOMEM);
    assert(r != E_MALFORMED || e.n == 0);
    if (hl7_parse(str_of(data, size), &m) == OK) {
        uint64_t counts[HL7_FIELDS] = {0};
        hl7_count_fields(&m, counts);
        for (size_t i = 0; i < HL7_FIELDS; i++)
            assert(counts[i] <= 1);
    }
    arena_done(&a);
    return 0;
}
