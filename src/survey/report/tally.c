#include "survey/report/tally.h"

#include <stdlib.h>

#include "base/size.h"

enum { SLOTS = TALLY_MAX * 2 }; /* a power of two, never more than half full */

err_t tally_init(struct tally *t, struct arena *a)
{
    *t = (struct tally){.arena = a};
    t->rows = ARENA_ARRAY(a, TALLY_MAX, struct tally_row);
    t->slots = ARENA_ARRAY(a, SLOTS, uint32_t);
    t->others.cvss = -1;
    return t->rows && t->slots ? OK : E_NOMEM;
}

static struct tally_row *add(struct tally *t, struct str key, size_t slot)
{
    struct str copy = t->n < TALLY_MAX ? arena_copy(t->arena, key) : (struct str){NULL, 0};
    if (!copy.p) {
        t->full = true;
        return &t->others;
    }
    struct tally_row *row = &t->rows[t->n++];
    row->key = copy;
    row->cvss = -1;
    t->slots[slot] = (uint32_t)t->n;
    return row;
}

struct tally_row *tally_row(struct tally *t, struct str key)
{
    key = str_slice(key, 0, TALLY_KEY_MAX);
    size_t at = str_hash(key) & (SLOTS - 1);
    while (t->slots[at]) {
        struct tally_row *row = &t->rows[t->slots[at] - 1];
        if (str_eq(row->key, key))
            return row;
        at = (at + 1) & (SLOTS - 1);
    }
    return add(t, key, at);
}

static int compare(const void *a, const void *b, void *by)
{
    const struct tally_row *x = a, *y = b;
    enum counter c = *(const enum counter *)by;
    if (x->n[c] != y->n[c])
        return x->n[c] < y->n[c] ? 1 : -1;
    return str_cmp(x->key, y->key);
}

void tally_sort(struct tally *t, enum counter by)
{
    qsort_r(t->rows, t->n, sizeof *t->rows, compare, &by);
}

void tally_rest(const struct tally *t, size_t from, struct tally_row *ret)
{
    *ret = t->others;
    for (size_t i = from; i < t->n; i++)
        for (size_t c = 0; c < COUNTERS; c++)
            ret->n[c] += t->rows[i].n[c];
}
