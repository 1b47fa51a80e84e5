/* Evidence as an inventory that somebody changed would give it: what parses is written the same,
 * and what comes of adding it fact by fact parses too. */
#include <stdlib.h>

#include "survey/core/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct evidence *e, struct str expected)
{
    struct wr w = wr_heap(1 << 20);
    evidence_write(e, &w);
    if (w.bad || (expected.p && !str_eq(wr_str(&w), expected)))
        abort();
    wr_done(&w);
}

/* The input as values of every kind in turn, cut at line ends. */
static void add_all(struct str text, struct evidence *e)
{
    struct str line;
    unsigned kind = 1;
    while (str_split(&text, '\n', &line)) {
        while (!ev_name((enum ev_kind)kind).n)
            kind = kind % (EV_KINDS - 1) + 1;
        if (evidence_add(e, BY_ENGINE, (enum ev_kind)kind, line) == E_INTERNAL)
            abort();
        kind = kind % (EV_KINDS - 1) + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct evidence e, again;
    struct arena a = arena_init(8 << 20);
    struct wr w = wr_heap(1 << 20);
    evidence_init(&e, &a);
    evidence_init(&again, &a);
    if (evidence_parse(str_of(data, size), &e) == OK)
        check(&e, str_of(data, size));
    evidence_init(&e, &a);
    add_all(str_of(data, size), &e);
    evidence_write(&e, &w);
    if (w.bad || evidence_parse(wr_str(&w), &again) != OK)
        abort();
    check(&again, wr_str(&w));
    wr_done(&w);
    arena_done(&a);
    return 0;
}
