/* Pages as exports hold them: head, an empty line, body. The first byte chooses the path. */
#include <assert.h>

#include "survey/wire/http_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str paths[] = {STR_INIT("/"),
                                       STR_INIT("/system"),
                                       STR_INIT("/fhir/metadata/?x=y"),
                                       STR_INIT("/api/server/version"),
                                       STR_INIT("/dcm4chee-arc/aets"),
                                       STR_INIT("")};
    if (size < 1)
        return 0;
    struct str text = str_of(data + 1, size - 1);
    const char *end = memmem(text.p, text.n, "\n\n", 2);
    size_t head = end ? (size_t)(end - text.p) : text.n;
    struct arena a = arena_init(4 << 20);
    struct evidence e;
    evidence_init(&e, &a);
    err_t r = http_facts_text(str_slice(text, 0, head), str_slice(text, head + 2, text.n),
                              paths[data[0] % 6], BY_ENGINE, &e);
    assert(r == OK || r == E_NOMEM);
    for (size_t i = 0; i < e.n; i++)
        for (size_t k = 0; !ev_is_raw(e.facts[i].kind) && k < e.facts[i].value.n; k++)
            assert((uint8_t)e.facts[i].value.p[k] >= ' ' && e.facts[i].value.p[k] != 0x7f);
    arena_done(&a);
    return 0;
}
