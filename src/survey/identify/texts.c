#include "survey/identify/texts.h"

#include <stdlib.h>

#include "base/size.h"

/* An entry of `next` is a state, with HIT set when a text ends there: the scan then needs one load
 * a byte. State 0 is the beginning. */
enum { HIT = 0x8000, STATES_MAX = 0x7fff };

struct texts {
    uint8_t class_of[256];
    size_t classes, states;
    uint16_t *next;   /* [state * classes + class] */
    uint16_t *suffix; /* the longest proper suffix of a state that is a state */
    uint16_t *told;   /* the nearest of a state and its suffixes at which a text ends, 0: none */
    uint16_t *first;  /* a text that ends exactly here, + 1 */
    uint16_t *same;   /* [text] another text with the same bytes, + 1 */
};

uint8_t texts_fold(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A' + 'a');
    return c == '_' || c == '-' ? ' ' : c;
}

/* Bytes that no text has share class 0. */
static size_t find_classes(struct texts *t, const struct str *all, const bool *wanted, size_t n)
{
    size_t bytes = 0;
    t->classes = 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; wanted[i] && k < all[i].n; k++) {
            uint8_t c = texts_fold((uint8_t)all[i].p[k]);
            bytes++;
            if (t->class_of[c] == 0 && t->classes < 256)
                t->class_of[c] = (uint8_t)t->classes++;
        }
    }
    for (unsigned c = 0; c < 256; c++)
        t->class_of[c] = t->class_of[texts_fold((uint8_t)c)];
    return bytes;
}

static void add_text(struct texts *t, struct str text, size_t index)
{
    size_t state = 0;
    for (size_t k = 0; k < text.n; k++) {
        uint16_t *to = &t->next[state * t->classes + t->class_of[(uint8_t)text.p[k]]];
        if (*to == 0)
            *to = (uint16_t)t->states++;
        state = *to;
    }
    t->same[index] = t->first[state];
    t->first[state] = (uint16_t)(index + 1);
}

/* Breadth first: a state's missing steps are those of its suffix, which is done already. queue: as
 * many places as there are states. */
static void close_states(struct texts *t, uint16_t *queue)
{
    size_t head = 0, tail = 1;
    queue[0] = 0;
    while (head < tail) {
        size_t s = queue[head++];
        t->told[s] = t->first[s] ? (uint16_t)s : t->told[t->suffix[s]];
        for (size_t c = 0; c < t->classes; c++) {
            uint16_t *to = &t->next[s * t->classes + c];
            uint16_t over = s ? t->next[t->suffix[s] * t->classes + c] : 0;
            if (*to == 0) {
                *to = over;
                continue;
            }
            t->suffix[*to] = over;
            queue[tail++] = *to;
        }
    }
}

static void mark_hits(struct texts *t)
{
    for (size_t i = 0; i < t->states * t->classes; i++)
        if (t->told[t->next[i]])
            t->next[i] |= HIT;
}

static err_t build(struct texts *t, const struct str *all, const bool *wanted, size_t n)
{
    size_t room = find_classes(t, all, wanted, n) + 1;
    if (room > STATES_MAX || n >= UINT16_MAX)
        return E_LIMIT;
    t->states = 1;
    t->next = calloc(room * t->classes, sizeof(*t->next));
    t->suffix = calloc(room, sizeof(*t->suffix));
    t->told = calloc(room, sizeof(*t->told));
    t->first = calloc(room, sizeof(*t->first));
    t->same = calloc(n + 1, sizeof(*t->same));
    uint16_t *queue = calloc(room, sizeof(*queue));
    bool whole = t->next && t->suffix && t->told && t->first && t->same && queue;
    for (size_t i = 0; whole && i < n; i++)
        if (wanted[i])
            add_text(t, all[i], i);
    if (whole) {
        close_states(t, queue);
        mark_hits(t);
    }
    free(queue);
    return whole ? OK : E_NOMEM;
}

err_t texts_new(const struct str *all, const bool *wanted, size_t n, struct texts **ret)
{
    struct texts *t = calloc(1, sizeof(*t));
    err_t e = t ? build(t, all, wanted, n) : E_NOMEM;
    if (e != OK) {
        texts_free(t);
        return e;
    }
    *ret = t;
    return OK;
}

void texts_free(struct texts *t)
{
    if (!t)
        return;
    free(t->next);
    free(t->suffix);
    free(t->told);
    free(t->first);
    free(t->same);
    free(t);
}

struct texts_scan texts_scan_of(const struct texts *t, struct str in)
{
    return (struct texts_scan){.t = t, .in = in};
}

/* Passes over bytes until a text ends. */
static bool run(struct texts_scan *s)
{
    const struct texts *t = s->t;
    const uint8_t *p = (const uint8_t *)s->in.p;
    size_t at = s->at, n = s->in.n, state = s->state, classes = t->classes;
    while (at < n) {
        uint16_t to = t->next[state * classes + t->class_of[p[at++]]];
        state = to & STATES_MAX;
        if (to & HIT)
            break;
    }
    s->at = at;
    s->state = (uint16_t)state;
    s->left = t->told[state];
    s->text = t->first[s->left];
    /* At the end of the bytes the state may be one at which nothing ends. */
    return s->left != 0;
}

bool texts_next(struct texts_scan *s, size_t *ret_text, size_t *ret_end)
{
    while (s->text == 0) {
        if (s->left) {
            s->left = s->t->told[s->t->suffix[s->left]];
            s->text = s->t->first[s->left];
        } else if (s->at >= s->in.n || !run(s)) {
            return false;
        }
    }
    *ret_text = s->text - 1u;
    *ret_end = s->at;
    s->text = s->t->same[*ret_text];
    return true;
}
