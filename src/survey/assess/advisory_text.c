/* Small things that the readers of advisory formats share. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/wr.h"
#include "survey/assess/advisory_add.h"

bool advisory_says(struct str head, const char *name)
{
    return memmem(head.p ? head.p : "", head.n, name, strlen(name)) != NULL;
}

int advisory_cvss(struct str text)
{
    uint64_t whole, tenth = 0;
    text = str_trim(text);
    size_t dot = str_find(text, '.');
    if (!str_to_u64(str_slice(text, 0, dot), 10, &whole))
        return -1;
    if (dot < text.n && !str_to_u64(str_slice(text, dot + 1, 1), 9, &tenth))
        return -1;
    return whole == 10 ? 100 : (int)(whole * 10 + tenth);
}

err_t advisory_keep(struct advisory_read *r, struct str text, struct str *ret)
{
    char *copy = arena_alloc(&r->arena, text.n);
    if (!copy)
        return E_LIMIT;
    /* What a JSON text smuggles in as \u001b or \u0000 reaches no terminal and no database. */
    for (size_t i = 0; i < text.n; i++)
        copy[i] = (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? ' ' : text.p[i];
    *ret = str_of(copy, text.n);
    return OK;
}

void *advisory_next(struct advisory_read *r, struct advisory_list *l, size_t max, size_t size)
{
    if (l->n == max)
        return NULL;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        void *rows = arena_array(&r->arena, cap, size);
        if (!rows)
            return NULL;
        if (l->n)
            memcpy(rows, l->rows, l->n * size);
        l->rows = rows;
        l->cap = cap;
    }
    return (char *)l->rows + l->n++ * size;
}

void advisory_score(struct advisory_score *s, int kind, struct str text)
{
    int value = advisory_cvss(text);
    if (value >= 0 && (!s->kind || kind < s->kind))
        *s = (struct advisory_score){value, kind};
}

bool range_text_add(struct range_text *t, struct str range)
{
    size_t gap = t->n ? 3 : 0;
    range = str_trim(range);
    if (!range.n)
        range = STR("?");
    if (t->n + gap + range.n > sizeof t->text)
        return false;
    memcpy(t->text + t->n, " ; ", gap);
    memcpy(t->text + t->n + gap, range.p, range.n);
    t->n += gap + range.n;
    return true;
}

struct str range_of_bounds(const struct range_bounds *b, char *buf, size_t cap)
{
    struct wr w = wr_fixed(buf, cap);
    if (b->from.n && !str_eq(b->from, STR("0")))
        wr_printf(&w, ">=%.*s", STR_ARG(b->from));
    else if (b->after.n)
        wr_printf(&w, ">%.*s", STR_ARG(b->after));
    const char *bar = w.n ? "|" : "";
    if (b->before.n)
        wr_printf(&w, "%s<%.*s", bar, STR_ARG(b->before));
    else if (b->through.n)
        wr_printf(&w, "%s<=%.*s", bar, STR_ARG(b->through));
    if (w.bad)
        return STR("?");
    return w.n ? wr_str(&w) : STR("*");
}

static int by_product(const void *a, const void *b)
{
    const struct one_range *x = a, *y = b;
    int c = (x->vuln > y->vuln) - (x->vuln < y->vuln);
    c = c ? c : str_cmp(x->vendor, y->vendor);
    c = c ? c : str_cmp(x->product, y->product);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static bool same_product(const struct one_range *x, const struct one_range *y)
{
    return x->vuln == y->vuln && str_eq(x->vendor, y->vendor) && str_eq(x->product, y->product);
}

err_t advisory_join(struct advisory_read *r, struct one_range *rows, size_t n, one_range_call *each)
{
    struct range_text t = {.n = 0};
    if (n)
        qsort(rows, n, sizeof *rows, by_product);
    for (size_t i = 0; i < n; i++) {
        if (!range_text_add(&t, rows[i].range)) {
            TRY(each(r, &rows[i], str_of(t.text, t.n)));
            t.n = 0;
            (void)range_text_add(&t, rows[i].range);
        }
        if (i + 1 < n && same_product(&rows[i], &rows[i + 1]))
            continue;
        TRY(each(r, &rows[i], str_of(t.text, t.n)));
        t.n = 0;
    }
    return OK;
}

/* CVSS 3.1, 7.4: the weights of each metric's letters. */
struct weight {
    char metric[3], value;
    double plain, changed; /* changed: with scope changed */
};

static const struct weight weights[] = {
    {"AV", 'N', 0.85, 0.85}, {"AV", 'A', 0.62, 0.62}, {"AV", 'L', 0.55, 0.55},
    {"AV", 'P', 0.2, 0.2},   {"AC", 'L', 0.77, 0.77}, {"AC", 'H', 0.44, 0.44},
    {"PR", 'N', 0.85, 0.85}, {"PR", 'L', 0.62, 0.68}, {"PR", 'H', 0.27, 0.5},
    {"UI", 'N', 0.85, 0.85}, {"UI", 'R', 0.62, 0.62}, {"C", 'H', 0.56, 0.56},
    {"C", 'L', 0.22, 0.22},  {"C", 'N', 0, 0},        {"I", 'H', 0.56, 0.56},
    {"I", 'L', 0.22, 0.22},  {"I", 'N', 0, 0},        {"A", 'H', 0.56, 0.56},
    {"A", 'L', 0.22, 0.22},  {"A", 'N', 0, 0},
};

static char metric(struct str vector, const char *name)
{
    struct str part;
    while (vector.p && str_split(&vector, '/', &part)) {
        size_t colon = str_find(part, ':');
        if (colon + 2 == part.n && str_eq(str_slice(part, 0, colon), str_z(name)))
            return part.p[colon + 1];
    }
    return 0;
}

static bool weigh(struct str vector, const char *name, bool changed, double *ret)
{
    char value = metric(vector, name);
    for (size_t i = 0; i < COUNT(weights); i++) {
        if (strcmp(weights[i].metric, name) != 0 || weights[i].value != value)
            continue;
        *ret = changed ? weights[i].changed : weights[i].plain;
        return true;
    }
    return false;
}

/* CVSS 3.1, appendix A: rounded up without the errors of binary fractions; times 10. */
static int round_up(double score)
{
    long n = lround(score * 100000);
    return (int)(n % 10000 == 0 ? n / 10000 : n / 10000 + 1);
}

int advisory_cvss_vector(struct str vector)
{
    static const char *const names[] = {"AV", "AC", "PR", "UI", "C", "I", "A"};
    double w[COUNT(names)];
    if (!str_starts(vector, STR("CVSS:3.")))
        return -1;
    char scope = metric(vector, "S");
    if (scope != 'U' && scope != 'C')
        return -1;
    bool changed = scope == 'C';
    for (size_t i = 0; i < COUNT(names); i++)
        if (!weigh(vector, names[i], changed, &w[i]))
            return -1;
    double iss = 1 - (1 - w[4]) * (1 - w[5]) * (1 - w[6]);
    double impact = changed ? 7.52 * (iss - 0.029) - 3.25 * pow(iss - 0.02, 15) : 6.42 * iss;
    double exploitability = 8.22 * w[0] * w[1] * w[2] * w[3];
    if (impact <= 0)
        return 0;
    return round_up(fmin(changed ? 1.08 * (impact + exploitability) : impact + exploitability, 10));
}
