/* First line: VR in two letters and a key; then a value. Compiling ends in a key or an error;
 * testing ends, agrees with itself on folded text, and what the index is told holds. */
#include <stdlib.h>

#include "base/wr.h"
#include "dicom/fold.h"
#include "dicom/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static bool holds(struct str text, struct str part)
{
    return part.n == 0 || memmem(text.p, text.n, part.p, part.n);
}

/* A value that matches begins with the prefix and holds the runs. */
static void check_literals(const struct match_value *v, struct str value)
{
    struct wr w = wr_heap(1 << 22);
    bool prefix = false;
    pn_fold(value, &w);
    for (unsigned g = 0; g < PN_GROUPS; g++)
        prefix = prefix || str_starts(pn_group_of(wr_str(&w), (enum pn_group)g), v->prefix);
    require(prefix || v->n_groups > 1);
    for (size_t i = 0; i < v->n_runs; i++)
        require(holds(wr_str(&w), v->runs[i]));
    wr_done(&w);
}

static void check(const struct match *m, struct str value)
{
    struct wr folded = wr_heap(1 << 22);
    bool hit = match_test(m, value);
    if (m->kind == MATCH_UNIVERSAL)
        require(hit);
    if (m->folded) {
        fold(value, &folded);
        require(match_test(m, wr_str(&folded)) == hit);
    }
    bool one = m->vr == VR('P', 'N') && str_find(value, '\\') == value.n;
    if (hit && one && m->n == 1 && m->kind == MATCH_WILDCARD)
        check_literals(m->values, value);
    wr_done(&folded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size), key;
    struct arena a = arena_init(16 << 20);
    struct match *m;
    struct diag d = {0};
    if (size > 65536 || !str_split(&in, '\n', &key) || key.n < 3 || !in.p)
        return 0;
    struct match_options options = {.fold = key.p[2] & 1, .empty = key.p[2] & 2};
    if (match_compile(&a, VR(key.p[0], key.p[1]), str_slice(key, 3, key.n), options, &m, &d) == OK)
        check(m, in);
    arena_done(&a);
    return 0;
}
