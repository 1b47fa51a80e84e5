#include "survey/assess/advisory.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/assess/advisories_text.h"
#include "survey/assess/advisory_add.h"
#include "survey/assess/eol.h"
#include "survey/assess/names.h"
#include "survey/assess/version.h"

enum { CHUNK = 4096, CHUNKS_MAX = ADVISORY_ROWS_MAX / CHUNK + 1, EXPLOITED_MAX = 20000 };

struct row {
    struct advisory a; /* first: a pointer to it is one to the row */
    uint64_t key;      /* names.h */
    uint64_t cve;      /* as a number; 0 when it is not a CVE */
};

/* Texts that stand in many rows, once: open addressing. */
struct interned {
    struct str *at;
    size_t n, cap;
};

struct advisories {
    struct names *names;
    struct eol *eol;
    struct arena text;
    struct interned interned;
    struct row *chunks[CHUNKS_MAX];
    size_t n;
    uint32_t *by_key, *by_cve; /* row numbers, in order; made by advisories_ready */
    size_t indexed;
    uint64_t *exploited;
    size_t n_exploited, cap_exploited;
};

static struct row *row_at(const struct advisories *a, size_t i)
{
    return &a->chunks[i / CHUNK][i % CHUNK];
}

/* "CVE-2026-10528" as a number that sorts as it should. */
static uint64_t cve_number(struct str s)
{
    uint64_t year, number;
    s = str_trim(s);
    if (s.n < 10 || !str_eq_nocase(str_slice(s, 0, 4), STR("CVE-")) || s.p[8] != '-' ||
        !str_to_u64(str_slice(s, 4, 4), 9999, &year) ||
        !str_to_u64(str_slice(s, 9, s.n), 999999999, &number))
        return 0;
    return year * 1000000000 + number;
}

static err_t intern_grow(struct interned *t)
{
    size_t cap = t->cap ? t->cap * 2 : 4096;
    struct str *at = calloc(cap, sizeof *at);
    if (!at)
        return E_NOMEM;
    for (size_t i = 0; i < t->cap; i++) {
        if (!t->at[i].p)
            continue;
        size_t h = str_hash(t->at[i]) & (cap - 1);
        while (at[h].p)
            h = (h + 1) & (cap - 1);
        at[h] = t->at[i];
    }
    free(t->at);
    t->at = at;
    t->cap = cap;
    return OK;
}

static err_t intern(struct advisories *a, struct str s, struct str *ret)
{
    struct interned *t = &a->interned;
    *ret = STR("");
    if (!s.n)
        return OK;
    if (t->n * 4 >= t->cap * 3)
        TRY(intern_grow(t));
    size_t h = str_hash(s) & (t->cap - 1);
    while (t->at[h].p && !str_eq(t->at[h], s))
        h = (h + 1) & (t->cap - 1);
    if (!t->at[h].p) {
        struct str copy = arena_copy(&a->text, s);
        if (!copy.p)
            return E_LIMIT;
        t->at[h] = copy;
        t->n++;
    }
    *ret = t->at[h];
    return OK;
}

/* At most n bytes, cut before a character and not inside it. */
static struct str cut(struct str s, size_t n)
{
    if (s.n <= n)
        return s;
    while (n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return str_slice(s, 0, n);
}

static err_t copy_row(struct advisories *a, const struct advisory *in, struct advisory *ret)
{
    /* A list of versions cut short would say something else. */
    struct str range = in->range.n <= ADVISORY_RANGE_MAX ? in->range : STR("?");
    const struct str from[] = {in->cve,   in->id,          in->vendor,     in->product, range,
                               in->fixed, in->cvss_source, in->references, in->note};
    struct str *to[] = {&ret->cve,         &ret->id,         &ret->vendor,
                        &ret->product,     &ret->range,      &ret->fixed,
                        &ret->cvss_source, &ret->references, &ret->note};
    *ret = *in;
    for (size_t i = 0; i < COUNT(from); i++)
        TRY(intern(a, to[i] == &ret->range ? from[i] : cut(from[i], ADVISORY_NOTE_MAX), to[i]));
    return OK;
}

err_t advisories_add(struct advisories *a, const struct advisory *in, bool general,
                     struct advisory_sum *sum)
{
    struct named named = names_find(a->names, in->vendor, in->product);
    if (!named.key || (!in->cve.n && !in->id.n))
        return E_MALFORMED;
    if (general && a->n >= ADVISORY_STRANGERS_MAX && !named.known && !named.vendor_known) {
        sum->passed++;
        return OK;
    }
    if (a->n == ADVISORY_ROWS_MAX) {
        sum->passed++;
        return OK;
    }
    struct row **chunk = &a->chunks[a->n / CHUNK];
    if (!*chunk && !(*chunk = calloc(CHUNK, sizeof **chunk)))
        return E_NOMEM;
    struct row *row = row_at(a, a->n);
    err_t e = copy_row(a, in, &row->a);
    if (e == E_LIMIT) {
        sum->passed++;
        return OK;
    }
    TRY(e);
    row->a.is_toolkit = in->is_toolkit || named.toolkit;
    row->key = named.key;
    row->cve = cve_number(in->cve);
    a->n++;
    sum->added++;
    return OK;
}

err_t advisories_exploited(struct advisories *a, struct str cve)
{
    uint64_t number = cve_number(cve);
    if (!number)
        return E_MALFORMED;
    if (a->n_exploited == EXPLOITED_MAX)
        return E_LIMIT;
    if (a->n_exploited == a->cap_exploited) {
        size_t cap = a->cap_exploited ? a->cap_exploited * 2 : 2048;
        uint64_t *grown = realloc(a->exploited, cap * sizeof *grown);
        if (!grown)
            return E_NOMEM;
        a->exploited = grown;
        a->cap_exploited = cap;
    }
    a->exploited[a->n_exploited++] = number;
    return OK;
}

static int cmp_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_number(const void *a, const void *b)
{
    return cmp_u64(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* Equal rows keep the order they came in: our own table's first. */
static int by_cve(const void *x, const void *y, void *ctx)
{
    const struct advisories *a = ctx;
    uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
    const struct row *p = row_at(a, i), *q = row_at(a, j);
    int c = cmp_u64(p->cve, q->cve);
    c = c || p->cve ? c : str_cmp(p->a.id, q->a.id);
    return c ? c : cmp_u64(i, j);
}

static int by_key(const void *x, const void *y, void *ctx)
{
    const struct advisories *a = ctx;
    int c = cmp_u64(row_at(a, *(const uint32_t *)x)->key, row_at(a, *(const uint32_t *)y)->key);
    return c ? c : by_cve(x, y, ctx);
}

static bool same_cve(const struct row *p, const struct row *q)
{
    return p->cve ? p->cve == q->cve : !q->cve && str_eq(p->a.id, q->a.id);
}

/* What one source knows of a CVE holds for the rows of the others. */
static void join_by_cve(struct advisories *a)
{
    for (size_t i = 0, end; i < a->n; i = end) {
        struct row *first = row_at(a, a->by_cve[i]);
        bool exploited =
            first->cve && a->n_exploited &&
            bsearch(&first->cve, a->exploited, a->n_exploited, sizeof *a->exploited, by_number);
        const struct row *scored = NULL;
        for (end = i; end < a->n && same_cve(first, row_at(a, a->by_cve[end])); end++) {
            const struct row *r = row_at(a, a->by_cve[end]);
            exploited = exploited || r->a.exploited;
            scored = scored || r->a.cvss < 0 ? scored : r;
        }
        for (size_t k = i; k < end; k++) {
            struct advisory *r = &row_at(a, a->by_cve[k])->a;
            r->exploited = exploited;
            if (r->cvss < 0 && scored) {
                r->cvss = scored->a.cvss;
                r->cvss_source = scored->a.cvss_source;
            }
        }
    }
}

err_t advisories_ready(struct advisories *a)
{
    uint32_t *keys = calloc(a->n + 1, sizeof *keys), *cves = calloc(a->n + 1, sizeof *cves);
    if (!keys || !cves) {
        free(keys);
        free(cves);
        return E_NOMEM;
    }
    for (size_t i = 0; i < a->n; i++)
        keys[i] = cves[i] = (uint32_t)i;
    qsort_r(keys, a->n, sizeof *keys, by_key, a);
    qsort_r(cves, a->n, sizeof *cves, by_cve, a);
    if (a->n_exploited)
        qsort(a->exploited, a->n_exploited, sizeof *a->exploited, by_number);
    free(a->by_key);
    free(a->by_cve);
    a->by_key = keys;
    a->by_cve = cves;
    a->indexed = a->n;
    join_by_cve(a);
    return OK;
}

/* Our own table: the columns that meson.build keeps of data/advisories.tsv. */
static err_t add_line(struct advisories *a, struct str line, struct advisory_sum *sum)
{
    struct str kev, category, cvss;
    struct advisory in = {.cvss = -1};
    struct str *cells[] = {&in.cve,         &in.vendor, &in.product, &in.range, &in.fixed, &cvss,
                           &in.cvss_source, &in.id,     &kev,        &category, &in.note};
    for (size_t i = 0; i < COUNT(cells); i++)
        if (!str_split(&line, '\t', cells[i]))
            return E_MALFORMED;
    in.cvss = advisory_cvss(cvss);
    in.exploited = str_eq(kev, STR("Y"));
    in.is_toolkit = str_eq(category, STR("dicom_toolkit"));
    return advisories_add(a, &in, false, sum);
}

static err_t add_table(struct advisories *a, struct str text)
{
    struct advisory_sum sum = {0};
    struct str line;
    (void)str_split(&text, '\n', &line); /* the head */
    while (text.n && str_split(&text, '\n', &line))
        if (line.n)
            TRY(add_line(a, line, &sum));
    return advisories_ready(a);
}

err_t advisories_parse(struct str table, struct advisories **ret, struct diag *d)
{
    struct advisories *a = calloc(1, sizeof *a);
    if (!a)
        return E_NOMEM;
    a->text = arena_init(ADVISORY_TEXT_MAX);
    err_t e = names_new(&a->names, d);
    if (e == OK)
        e = eol_new(a->names, &a->eol, d);
    if (e == OK)
        e = add_table(a, table);
    if (e != OK) {
        advisories_free(a);
        return e;
    }
    *ret = a;
    return OK;
}

err_t advisories_new(struct advisories **ret, struct diag *d)
{
    return advisories_parse(str_of(advisories_text, sizeof advisories_text), ret, d);
}

void advisories_free(struct advisories *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < CHUNKS_MAX; i++)
        free(a->chunks[i]);
    free(a->interned.at);
    free(a->by_key);
    free(a->by_cve);
    free(a->exploited);
    arena_done(&a->text);
    eol_free(a->eol);
    names_free(a->names);
    free(a);
}

size_t advisories_count(const struct advisories *a)
{
    return a->n;
}

const struct names *advisories_names(const struct advisories *a)
{
    return a->names;
}

const struct eol *advisories_eol(const struct advisories *a)
{
    return a->eol;
}

const struct advisory *advisories_by_cve(const struct advisories *a, struct str cve)
{
    uint64_t number = cve_number(cve);
    size_t low = 0, high = a->indexed;
    while (number && low < high) {
        size_t mid = low + (high - low) / 2;
        if (row_at(a, a->by_cve[mid])->cve < number)
            low = mid + 1;
        else
            high = mid;
    }
    const struct row *r = low < a->indexed ? row_at(a, a->by_cve[low]) : NULL;
    return number && r && r->cve == number ? &r->a : NULL;
}

bool advisories_is_exploited(const struct advisories *a, struct str cve)
{
    const struct advisory *row = advisories_by_cve(a, cve);
    uint64_t number = cve_number(cve);
    return (row && row->exploited) ||
           (number && a->n_exploited &&
            bsearch(&number, a->exploited, a->n_exploited, sizeof number, by_number));
}

/* The surer of two answers about one CVE, from two rows: yes, then all, then perhaps, then no. */
static enum range_answer surer(enum range_answer a, enum range_answer b)
{
    static const int rank[] = {
        [RANGE_OUTSIDE] = 0, [RANGE_UNKNOWN] = 1, [RANGE_ALL] = 2, [RANGE_INSIDE] = 3};
    return rank[a] >= rank[b] ? a : b;
}

static enum match_state state_of(enum range_answer r, bool toolkit, bool family)
{
    if (r == RANGE_OUTSIDE)
        return STATE_none;
    if (r == RANGE_UNKNOWN || family)
        return STATE_unknown;
    if (toolkit)
        return STATE_potential;
    return r == RANGE_ALL ? STATE_all_versions : STATE_confirmed;
}

struct lookup {
    struct str version;
    bool toolkit, family;
    err_t (*each)(void *ctx, const struct advisory_hit *h);
    void *ctx;
};

static err_t match_key(const struct advisories *a, uint64_t key, const struct lookup *l)
{
    size_t low = 0, high = a->indexed;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (row_at(a, a->by_key[mid])->key < key)
            low = mid + 1;
        else
            high = mid;
    }
    for (size_t i = low, end; i < a->indexed && row_at(a, a->by_key[i])->key == key; i = end) {
        const struct row *first = row_at(a, a->by_key[i]), *best = first;
        enum range_answer answer = RANGE_OUTSIDE;
        for (end = i; end < a->indexed && answer != RANGE_INSIDE; end++) {
            const struct row *r = row_at(a, a->by_key[end]);
            if (r->key != key || !same_cve(first, r))
                break;
            enum range_answer one = range_has(r->a.range, l->version);
            best = one != answer && surer(one, answer) == one ? r : best;
            answer = surer(answer, one);
        }
        while (end < a->indexed && row_at(a, a->by_key[end])->key == key &&
               same_cve(first, row_at(a, a->by_key[end])))
            end++;
        struct advisory_hit hit = {&best->a,
                                   state_of(answer, l->toolkit || best->a.is_toolkit, l->family)};
        if (hit.state != STATE_none)
            TRY(l->each(l->ctx, &hit));
    }
    return OK;
}

err_t advisories_match(const struct advisories *a, struct str vendor, struct str product,
                       struct str version, bool toolkit,
                       err_t (*each)(void *ctx, const struct advisory_hit *h), void *ctx)
{
    struct named named = names_find(a->names, vendor, product);
    uint64_t members[NAMES_MEMBERS_MAX];
    struct lookup l = {version, toolkit || named.toolkit, false, each, ctx};
    if (!named.key)
        return OK;
    TRY(match_key(a, named.key, &l));
    size_t n = names_members(a->names, named.key, members);
    l.family = true;
    l.version = STR("");
    for (size_t i = 0; i < n; i++)
        TRY(match_key(a, members[i], &l));
    return OK;
}
