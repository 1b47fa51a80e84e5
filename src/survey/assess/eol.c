#include "survey/assess/eol.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/assess/eol_text.h"
#include "survey/assess/version.h"

enum { ROWS_MAX = 512, FOLD_MAX = 96 };

struct eol {
    const struct names *names;
    struct eol_row rows[ROWS_MAX];
    uint64_t keys[ROWS_MAX]; /* names.h; 0 for an operating system */
    size_t n;
};

static bool is_system(const struct eol_row *r)
{
    return str_eq(r->vendor, STR("Microsoft"));
}

static err_t add(struct eol *e, struct str line, struct diag *d)
{
    struct eol_row *r = &e->rows[e->n];
    struct str *cells[] = {&r->vendor, &r->product, &r->range, &r->since, &r->source};
    if (e->n == ROWS_MAX)
        return E_LIMIT;
    for (size_t i = 0; i < COUNT(cells); i++)
        if (!str_split(&line, '\t', cells[i]))
            return diag_set(d, E_MALFORMED, "end-of-life table: five columns are wanted");
    e->keys[e->n] = is_system(r) ? 0 : names_find(e->names, r->vendor, r->product).key;
    e->n++;
    return OK;
}

err_t eol_new(const struct names *n, struct eol **ret, struct diag *d)
{
    struct str text = str_of(eol_text, sizeof eol_text), line;
    struct eol *e = calloc(1, sizeof *e);
    if (!e)
        return E_NOMEM;
    e->names = n;
    err_t err = OK;
    (void)str_split(&text, '\n', &line); /* the head */
    while (err == OK && text.n && str_split(&text, '\n', &line))
        err = line.n ? add(e, line, d) : OK;
    if (err != OK) {
        eol_free(e);
        return err;
    }
    *ret = e;
    return OK;
}

void eol_free(struct eol *e)
{
    free(e);
}

static bool has_ended(const struct eol_row *r, struct str today)
{
    return !r->since.n || str_cmp(r->since, today) <= 0;
}

const struct eol_row *eol_product(const struct eol *e, struct str vendor, struct str product,
                                  struct str version, struct str today)
{
    struct named named = names_find(e->names, vendor, product);
    for (size_t i = 0; i < e->n && named.key; i++) {
        if (e->keys[i] != named.key || !has_ended(&e->rows[i], today))
            continue;
        enum range_answer a = range_has(e->rows[i].range, version);
        if (a == RANGE_INSIDE || a == RANGE_ALL)
            return &e->rows[i];
    }
    return NULL;
}

static bool is_guess(struct str folded)
{
    static const char *const words[] = {" or ", " ltsc", " ltsb", " iot", " embedded", " esu"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (folded.n && memmem(folded.p, folded.n, words[i], strlen(words[i])))
            return true;
    return false;
}

/* The row with the longest name that the text begins with, at a word's end: 8.1 before 8. */
const struct eol_row *eol_system(const struct eol *e, struct str os, struct str today)
{
    char buf[FOLD_MAX], name[FOLD_MAX];
    const struct eol_row *best = NULL;
    struct str s = names_fold(os, buf, sizeof buf);
    if (str_starts(s, STR("microsoft ")))
        s = str_slice(s, 10, s.n);
    if (is_guess(s) || str_find(os, '|') < os.n || str_find(os, '/') < os.n)
        return NULL;
    for (size_t i = 0; i < e->n; i++) {
        const struct eol_row *r = &e->rows[i];
        struct str p = names_fold(r->product, name, sizeof name);
        if (!is_system(r) || !str_starts(s, p) || (s.n > p.n && s.p[p.n] != ' '))
            continue;
        if (!best || r->product.n > best->product.n)
            best = r;
    }
    return best && has_ended(best, today) ? best : NULL;
}
