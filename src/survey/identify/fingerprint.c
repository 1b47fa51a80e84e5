#include "survey/identify/fingerprint.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/size.h"
#include "survey/identify/fp_table.h"
#include "survey/identify/fp_version.h"
#include "survey/identify/texts.h"

/* A page of 64 KiB is matched by every expression of ours in far fewer steps; what needs more is an
 * attack on the expression and does not match. */
enum { MATCH_LIMIT = 200000, DEPTH_LIMIT = 200, ROWS_MAX = 1024, WORD_BITS = 64 };

struct fp_matcher {
    struct texts *values, *pages; /* the sought texts: of short values, of long ones */
    pcre2_code **codes;           /* [row], NULL where there is no expression */
    pcre2_match_data *data;
    pcre2_match_context *limits;
    uint16_t *always; /* rows with an expression that no text goes before */
    size_t n_always;
    uint16_t *row_of_text;
    uint64_t
        tried[ROWS_MAX / WORD_BITS]; /* rows whose expression this fact has been held against */
};

/* What a fact is held against: its matches so far. */
struct attempt {
    struct fp_matcher *m;
    struct str value;
    uint32_t layers;
    struct arena *arena;
    struct fp_match *ret;
    size_t cap, n;
};

static bool is_word_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (uint8_t)c >= 0x80;
}

static bool is_word(struct str value, size_t start, size_t end)
{
    return (start == 0 || !is_word_char(value.p[start - 1])) &&
           (end == value.n || !is_word_char(value.p[end]));
}

static bool holds(struct str value, struct str text)
{
    for (size_t i = 0; i + text.n <= value.n; i++)
        if (str_eq_nocase(str_slice(value, i, text.n), text))
            return true;
    return false;
}

static bool holds_all(struct str value, const struct fp_plan *p)
{
    size_t n;
    const struct str *texts = fp_table_texts(&n);
    for (size_t i = 0; i < p->n; i++)
        if (!holds(value, texts[p->first + i]))
            return false;
    return true;
}

/* Whether a row that wants `text` is content with it standing at [start, end) of the value. */
static bool fits_text(const struct fp_plan *p, struct str value, struct str text, size_t start,
                      size_t end)
{
    struct str there = str_slice(value, start, end - start);
    switch (p->how) {
    case FP_exact:
        return str_eq(value, text);
    case FP_exact_ci:
        return str_eq_nocase(value, text);
    case FP_prefix:
        return start == 0 && str_eq(there, text);
    case FP_substring:
        return str_eq(there, text);
    case FP_substring_ci:
    case FP_any:
        return str_eq_nocase(there, text);
    case FP_word:
        return texts_same(there, text) && is_word(value, start, end);
    case FP_all:
        return holds_all(value, p);
    case FP_regex:
    case FP_regex_ci:
    case FP_hexregex:
    case FP_rule:
        break;
    }
    return false;
}

static bool fits_regex(struct attempt *a, size_t row, struct fp_caught *ret)
{
    struct fp_matcher *m = a->m;
    struct str v = a->value;
    int groups =
        pcre2_match(m->codes[row], (PCRE2_SPTR)(v.p ? v.p : ""), v.n, 0, 0, m->data, m->limits);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
    for (int i = 0; i < groups && i < FP_GROUPS; i++)
        if (at[2 * i] != PCRE2_UNSET && at[2 * i + 1] >= at[2 * i])
            ret->groups[i] = str_slice(v, at[2 * i], at[2 * i + 1] - at[2 * i]);
    if (groups > 0)
        ret->after = str_slice(v, at[1], v.n);
    return groups > 0;
}

/* A row fits: written down once, with the version that its rule finds. A later place of the same
 * row may still bring the version that the first did not. */
static void found(struct attempt *a, size_t row, const struct fp_caught *caught)
{
    const struct fingerprint *fp = fingerprint_at(row);
    struct fp_match *to = NULL;
    char buf[FP_VERSION_MAX];
    struct wr w = wr_fixed(buf, sizeof(buf));
    for (size_t i = 0; i < a->n; i++)
        if (a->ret[i].fp == fp)
            to = &a->ret[i];
    if ((to && to->version.n) || (!to && a->n == a->cap))
        return;
    if (!to) {
        to = &a->ret[a->n++];
        *to = (struct fp_match){.fp = fp};
    }
    if (fp_version(fp->version_rule, caught, &w))
        to->version = arena_copy(a->arena, wr_str(&w));
    if (!to->version.p)
        to->version.n = 0;
}

static void try_regex(struct attempt *a, size_t row)
{
    struct fp_caught caught = {0};
    uint64_t bit = 1ull << (row % WORD_BITS), *tried = &a->m->tried[row / WORD_BITS];
    if (*tried & bit)
        return;
    *tried |= bit;
    if (fits_regex(a, row, &caught))
        found(a, row, &caught);
}

static void try_text(struct attempt *a, size_t text, size_t end)
{
    size_t n, row = a->m->row_of_text[text];
    const struct fp_plan *p = fp_table_plan(row);
    struct str t = fp_table_texts(&n)[text];
    if (!(p->layer & a->layers))
        return;
    if (a->m->codes[row])
        try_regex(a, row);
    else if (fits_text(p, a->value, t, end - t.n, end))
        found(a, row, &(struct fp_caught){.after = str_slice(a->value, end, a->value.n)});
}

/* A fact of kind `match` holds the id of a row and its version. */
static void take_match(struct attempt *a)
{
    size_t space = str_find(a->value, ' ');
    const struct fingerprint *fp = fingerprint_by_id(str_slice(a->value, 0, space));
    if (fp && a->cap > 0)
        a->ret[a->n++] = (struct fp_match){fp, str_slice(a->value, space + 1, a->value.n)};
}

static void take_mac(struct attempt *a)
{
    const struct fingerprint *fp = fp_by_mac(a->value);
    if (fp && a->cap > 0)
        a->ret[a->n++] = (struct fp_match){.fp = fp};
}

static void search(struct attempt *a, const struct texts *texts)
{
    struct texts_scan s = texts_scan_of(texts, a->value);
    size_t text, end;
    while (texts_next(&s, &text, &end))
        try_text(a, text, end);
}

size_t fp_match_fact(struct fp_matcher *m, const struct fact *f, struct arena *arena,
                     struct fp_match *ret, size_t cap)
{
    struct attempt a = {m, f->value, fp_table_layers(f->kind), arena, ret, cap, 0};
    if (f->kind == EV_match) {
        take_match(&a);
        return a.n;
    }
    if (f->kind == EV_mac) {
        take_mac(&a);
        return a.n;
    }
    if (!a.layers)
        return 0;
    memset(m->tried, 0, sizeof(m->tried));
    bool page = ev_is_raw(f->kind) || f->kind == EV_banner || f->kind == EV_http_header;
    search(&a, page ? m->pages : m->values);
    for (size_t i = 0; i < m->n_always; i++)
        if (fp_table_plan(m->always[i])->layer & a.layers)
            try_regex(&a, m->always[i]);
    return a.n;
}

static err_t compile(struct fp_matcher *m, size_t row, struct diag *d)
{
    const struct fp_plan *p = fp_table_plan(row);
    uint32_t options = p->how == FP_regex_ci ? PCRE2_CASELESS : 0;
    int error;
    PCRE2_SIZE at;
    if (p->regex.n == 0)
        return OK;
    m->codes[row] = pcre2_compile((PCRE2_SPTR)p->regex.p, p->regex.n, options, &error, &at, NULL);
    if (!m->codes[row])
        return diag_set(d, E_INTERNAL, "fingerprint %.*s: its expression fails at %zu",
                        STR_ARG(fingerprint_at(row)->id), (size_t)at);
    /* Where there is no JIT compiler, the interpreter does the same. */
    (void)pcre2_jit_compile(m->codes[row], PCRE2_JIT_COMPLETE);
    return OK;
}

/* Which rows are looked for in which way. */
static err_t plan(struct fp_matcher *m, bool *in_values, bool *in_pages, struct diag *d)
{
    for (size_t row = 0; row < fingerprint_count(); row++) {
        const struct fp_plan *p = fp_table_plan(row);
        TRY(compile(m, row, d));
        if (p->layer & fp_table_layers(EV_mac))
            continue;
        if (m->codes[row] && p->sought == 0)
            m->always[m->n_always++] = (uint16_t)row;
        for (size_t i = 0; i < p->sought; i++) {
            m->row_of_text[p->first + i] = (uint16_t)row;
            *(p->is_text ? &in_pages[p->first + i] : &in_values[p->first + i]) = true;
        }
    }
    return OK;
}

static err_t build(struct fp_matcher *m, bool *wanted, struct diag *d)
{
    size_t n;
    const struct str *texts = fp_table_texts(&n);
    TRY(plan(m, wanted, wanted + n, d));
    TRY(texts_new(texts, wanted, n, &m->values));
    TRY(texts_new(texts, wanted + n, n, &m->pages));
    pcre2_set_match_limit(m->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(m->limits, DEPTH_LIMIT);
    return OK;
}

err_t fp_matcher_new(struct fp_matcher **ret, struct diag *d)
{
    size_t n, rows = fingerprint_count();
    (void)fp_table_texts(&n);
    struct fp_matcher *m = calloc(1, sizeof(*m));
    bool *wanted = calloc(2 * n, sizeof(*wanted));
    if (m) {
        m->codes = (pcre2_code **)calloc(rows, sizeof(*m->codes));
        m->always = calloc(rows, sizeof(*m->always));
        m->row_of_text = calloc(n, sizeof(*m->row_of_text));
        m->data = pcre2_match_data_create(FP_GROUPS, NULL);
        m->limits = pcre2_match_context_create(NULL);
    }
    bool whole = m && wanted && m->codes && m->always && m->row_of_text && m->data && m->limits;
    err_t e = whole ? (rows <= ROWS_MAX ? build(m, wanted, d) : E_LIMIT) : E_NOMEM;
    free(wanted);
    if (e != OK) {
        fp_matcher_free(m);
        return e;
    }
    *ret = m;
    return OK;
}

void fp_matcher_free(struct fp_matcher *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->codes && i < fingerprint_count(); i++)
        pcre2_code_free(m->codes[i]);
    free(m->codes);
    free(m->always);
    free(m->row_of_text);
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->limits);
    texts_free(m->values);
    texts_free(m->pages);
    free(m);
}
