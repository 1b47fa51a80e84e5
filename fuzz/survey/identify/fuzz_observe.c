/* A fact of any kind with any bytes against the fingerprints. Byte 0: the kind. */
#include <stdlib.h>

#include "survey/identify/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fp_matcher *matcher(void)
{
    static struct fp_matcher *m;
    if (!m && fp_matcher_new(&m, NULL) != OK)
        abort();
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena a = arena_init(4 << 20);
    struct evidence *e = ARENA_NEW(&a, struct evidence);
    struct fp_match found[8];
    if (!e)
        abort();
    struct fact f = {(enum ev_kind)data[0], BY_TRAFFIC, {(const char *)data + 1, size - 1}};
    size_t n = fp_match_fact(matcher(), &f, &a, found, 8);
    for (size_t i = 0; i < n; i++)
        if (n > 8 || !found[i].fp || (found[i].version.n && !found[i].version.p))
            abort();
    evidence_init(e, &a);
    if (ev_name(f.kind).n && evidence_add(e, f.by, f.kind, f.value) == OK) {
        if (observe(matcher(), e) != OK)
            abort();
        for (size_t i = 0; i < e->n; i++)
            if (ev_is_raw(e->facts[i].kind))
                abort();
    }
    arena_done(&a);
    return 0;
}
