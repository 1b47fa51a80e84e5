#include "survey/inventory/diff.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/inventory/diff_system.h"
#include "survey/inventory/systems.h"

/* A host has a few systems; of a decoy with hundreds the first are compared and all are counted. */
enum { HOST_SYSTEMS_MAX = 128, HOST_ARENA = 24 << 20, WORDS_SIZE = 1024 };

struct side {
    struct systems *systems;
    struct arena arena;
    struct ip ip; /* of the host at hand, or of the next */
    bool more;
    size_t n;
    struct found found[HOST_SYSTEMS_MAX];
    uint64_t *count, *types, *dicom; /* in the sum */
};

struct diff {
    struct side before, after;
    struct teller teller;
};

static bool serves_dicom(const struct system *s)
{
    struct str rest = s->ports, word;
    if (s->type == TYPE_honeypot)
        return false;
    while (rest.p && str_split(&rest, ' ', &word))
        if (str_starts(str_slice(word, str_find(word, '/'), word.n), STR("/dicom")))
            return true;
    return false;
}

static void count(struct side *s, const struct system *sys)
{
    (*s->count)++;
    s->types[sys->type]++;
    *s->dicom += serves_dicom(sys);
}

static err_t peek(struct side *s)
{
    return systems_peek(s->systems, &s->ip, &s->more);
}

/* All systems of the host at which the side stands; the side then stands at the next. */
static err_t load_host(struct side *s)
{
    const struct ip host = s->ip;
    while (s->more && ip_cmp(&s->ip, &host) == 0) {
        struct found f = {0};
        bool row;
        TRY(systems_next(s->systems, &s->arena, &f.system, &f.findings, &f.n, &row));
        count(s, &f.system);
        if (s->n < HOST_SYSTEMS_MAX)
            s->found[s->n++] = f;
        TRY(peek(s));
    }
    return OK;
}

static bool same_port(const struct system *a, const struct system *b)
{
    return a->port == b->port;
}
static bool same_type(const struct system *a, const struct system *b)
{
    return a->type == b->type;
}
static bool same_product(const struct system *a, const struct system *b)
{
    return a->product.name.n && str_eq(a->product.name, b->product.name);
}

/* The likeliest pairs first, so that two of one type on a host are not taken for each other. */
static const struct {
    bool (*same[3])(const struct system *a, const struct system *b);
} likeness[] = {
    {{same_type, same_product, same_port}},
    {{same_type, same_product}},
    {{same_type, same_port}},
    {{same_product, same_port}},
    {{same_type}},
    {{same_product}},
};

static bool is_like(size_t how, const struct system *a, const struct system *b)
{
    for (size_t i = 0; i < COUNT(likeness[how].same) && likeness[how].same[i]; i++)
        if (!likeness[how].same[i](a, b))
            return false;
    return true;
}

static struct found *match(struct side *in, const struct found *f, size_t how)
{
    for (size_t i = 0; i < in->n; i++)
        if (!in->found[i].matched && is_like(how, &in->found[i].system, &f->system))
            return &in->found[i];
    return NULL;
}

static err_t pair_all(struct diff *d, size_t how)
{
    for (size_t i = 0; i < d->after.n; i++) {
        struct found *now = &d->after.found[i];
        struct found *then = now->matched ? NULL : match(&d->before, now, how);
        if (!then)
            continue;
        now->matched = then->matched = true;
        TRY(diff_pair(&d->teller, then, now));
    }
    return OK;
}

/* Those that are on one side only. */
static err_t tell_single(struct diff *d, const struct side *s, enum diff_what what)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct system *sys = &s->found[i].system;
        char words[WORDS_SIZE];
        struct wr w = wr_fixed(words, sizeof words);
        if (s->found[i].matched)
            continue;
        system_words(sys, &w);
        const struct diff_row row = {.what = what,
                                     .before = what == DIFF_gone ? sys : NULL,
                                     .after = what == DIFF_new ? sys : NULL,
                                     .finding = STR(""),
                                     .text = wr_str(&w)};
        TRY(teller_row(&d->teller, &row));
    }
    return OK;
}

static err_t compare_host(struct diff *d)
{
    for (size_t how = 0; how < COUNT(likeness); how++)
        TRY(pair_all(d, how));
    TRY(tell_single(d, &d->after, DIFF_new));
    return tell_single(d, &d->before, DIFF_gone);
}

static void clear(struct side *s)
{
    arena_reset(&s->arena);
    s->n = 0;
}

static err_t next_host(struct diff *d)
{
    struct side *b = &d->before, *a = &d->after;
    int order = !b->more ? 1 : !a->more ? -1 : ip_cmp(&b->ip, &a->ip);
    clear(b);
    clear(a);
    if (order <= 0)
        TRY(load_host(b));
    if (order >= 0)
        TRY(load_host(a));
    return compare_host(d);
}

static err_t walk(struct diff *d)
{
    TRY(peek(&d->before));
    TRY(peek(&d->after));
    while (d->before.more || d->after.more)
        TRY(next_host(d));
    return OK;
}

static err_t side_open(struct side *s, struct inventory *v, int64_t survey, struct diag *d)
{
    v->diag.text[0] = 0;
    s->arena = arena_init(HOST_ARENA);
    return inside_tell(v, systems_open(v, survey, &s->systems), d);
}

static void side_done(struct side *s)
{
    systems_close(s->systems);
    arena_done(&s->arena);
}

err_t diff_surveys(struct inventory *before, int64_t survey_before, struct inventory *after,
                   int64_t survey_after, err_t (*each)(void *ctx, const struct diff_row *r),
                   void *ctx, struct diff_sum *ret, struct diag *d)
{
    struct diff_sum sum = {0};
    struct diff *x = calloc(1, sizeof *x);
    if (!x)
        return E_NOMEM;
    x->teller = (struct teller){each, ctx, &sum};
    x->before.count = &sum.systems_before;
    x->before.types = sum.types_before;
    x->before.dicom = &sum.dicom_before;
    x->after.count = &sum.systems_after;
    x->after.types = sum.types_after;
    x->after.dicom = &sum.dicom_after;
    err_t e = side_open(&x->before, before, survey_before, d);
    if (e == OK)
        e = side_open(&x->after, after, survey_after, d);
    if (e == OK) {
        e = walk(x);
        if (e != OK && d && !d->text[0])
            e = inside_tell(after, e, d);
    }
    side_done(&x->before);
    side_done(&x->after);
    free(x);
    if (e == OK)
        *ret = sum;
    return e;
}
