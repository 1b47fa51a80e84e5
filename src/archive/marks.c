#include "archive/marks.h"

#include <stdlib.h>

void marks_done(struct marks *m)
{
    free(m->at);
    *m = (struct marks){0};
}

struct mark *marks_find(struct marks *m, uint32_t pack)
{
    for (size_t i = m->n; i-- > 0;)
        if (m->at[i].pack == pack)
            return &m->at[i];
    return NULL;
}

struct mark *marks_add(struct marks *m, uint32_t pack, uint64_t done)
{
    enum { KEPT = 128 };
    if (m->n == KEPT) {
        /* The oldest pack is long full; should it come again it is read from the table again. */
        memmove(m->at, m->at + 1, --m->n * sizeof *m->at);
    } else if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 8;
        struct mark *at = realloc(m->at, cap * sizeof *at);
        if (!at)
            return NULL;
        m->at = at;
        m->cap = cap;
    }
    m->at[m->n] = (struct mark){.pack = pack, .done = done};
    return &m->at[m->n++];
}

void marks_clear(struct marks *m)
{
    m->n = 0;
}

static bool take_ahead(struct mark *m, uint64_t from)
{
    for (size_t i = 0; i < m->n_ahead; i++) {
        if (m->ahead[i].from != from)
            continue;
        m->done = m->ahead[i].to;
        m->ahead[i] = m->ahead[--m->n_ahead];
        return true;
    }
    return false;
}

/* Grows the span that ends where this one begins: behind one gap there is one span, however many
 * records come before the gap closes. */
static void add_ahead(struct mark *m, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < m->n_ahead; i++) {
        if (m->ahead[i].to == from) {
            m->ahead[i].to = to;
            return;
        }
    }
    if (m->n_ahead < MARKS_AHEAD)
        m->ahead[m->n_ahead++] = (struct mark_span){from, to};
}

/* Stops, by an error of its own, at the first live record that is not in the index. */
static err_t pass(void *ctx, const struct pack_record *r)
{
    struct mark *m = ctx;
    if (r->info.end <= m->done)
        return OK;
    if (r->error == OK && r->live && !r->tombstone)
        return take_ahead(m, r->info.place.offset) ? OK : E_STOPPED;
    m->done = r->info.end;
    return OK;
}

void mark_record(struct mark *m, struct packs *packs, uint64_t from, uint64_t to)
{
    if (from < m->done)
        return;
    if (from == m->done)
        m->done = to;
    else
        add_ahead(m, from, to);
    while (take_ahead(m, m->done))
        ;
    if (!m->n_ahead || (m->looked && m->looked_at == m->done))
        return;
    uint64_t end;
    err_t stopped = pack_scan(packs, m->pack, m->done, pass, m, &end, NULL);
    (void)stopped;           /* what cannot be read now is replayed at the next start */
    m->looked = m->done > 0; /* the first record does not begin at 0 */
    m->looked_at = m->done;
}
