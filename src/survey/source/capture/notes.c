#include "survey/source/capture/notes.h"

#include <stdlib.h>

#include "base/size.h"

enum { TEXT_MAX = 512 };

/* ret_kind: how many of this kind there are, when it is not found. */
static struct noted *find(const struct notes *l, enum ev_kind kind, struct str text,
                          unsigned *ret_kind)
{
    unsigned n = 0;
    for (struct noted *f = l->first; f; f = f->next) {
        if (f->kind != kind)
            continue;
        if (f->n == text.n && memcmp(f->text, text.p, text.n) == 0)
            return f;
        n++;
    }
    *ret_kind = n;
    return NULL;
}

static err_t insert(struct notes *l, enum ev_kind kind, struct str text, uint64_t count)
{
    struct noted *f = malloc(sizeof *f + text.n);
    if (!f)
        return E_NOMEM;
    *f = (struct noted){l->first, count, (uint16_t)kind, (uint16_t)text.n};
    memcpy(f->text, text.p, text.n);
    l->first = f;
    l->n++;
    return OK;
}

err_t notes_add(struct notes *l, enum ev_kind kind, struct str text, uint64_t count, unsigned max,
                bool *ret_new)
{
    unsigned same = 0;
    text = str_slice(text, 0, TEXT_MAX);
    struct noted *f = find(l, kind, text, &same);
    *ret_new = false;
    if (f)
        f->count += count;
    if (f || l->n >= max || same >= FACTS_KIND_MAX || !text.n)
        return OK;
    *ret_new = true;
    return insert(l, kind, text, count);
}

err_t notes_set(struct notes *l, enum ev_kind kind, struct str text, bool *ret_new)
{
    unsigned same;
    text = str_slice(text, 0, TEXT_MAX);
    *ret_new = false;
    if (!text.n || find(l, kind, text, &same))
        return OK;
    for (struct noted **at = &l->first; *at;) {
        struct noted *f = *at;
        if (f->kind == kind) {
            *at = f->next;
            l->n--;
            free(f);
        } else {
            at = &f->next;
        }
    }
    *ret_new = true;
    return insert(l, kind, text, 0);
}

void notes_done(struct notes *l)
{
    while (l->first) {
        struct noted *f = l->first;
        l->first = f->next;
        free(f);
    }
    l->n = 0;
}
