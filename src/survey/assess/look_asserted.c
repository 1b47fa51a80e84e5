/* What a search engine asserts: CVEs by name, and products with a version. Both are its word, not
 * ours, and are told apart from what was read. */
#include "base/size.h"
#include "survey/assess/names.h"
#include "survey/assess/pile.h"

/* A product as somebody else names it. */
struct named_product {
    struct str vendor, product, version;
};

struct asserting {
    const struct look *l;
    const struct told *told;
    struct pile pile;
    uint16_t port;         /* the first that anything was said of */
    struct str first_name; /* of the products whose CVEs are in the pile */
    uint64_t by_name;      /* how many of the pile are there by a product's name */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t last_gap(struct str s)
{
    size_t i = s.n;
    while (i > 0 && s.p[i - 1] != ' ')
        i--;
    return i;
}

/* "OpenEMR 6.0.0": the last word is a version when it begins as one. */
static bool of_product(struct str said, struct named_product *ret)
{
    size_t gap = last_gap(said);
    struct str last = str_slice(said, gap, said.n);
    if (!gap || !last.n)
        return false;
    bool v = last.n > 1 && (*last.p == 'v' || *last.p == 'V') && is_digit(last.p[1]);
    if (!v && !is_digit(*last.p))
        return false;
    *ret = (struct named_product){STR(""), str_trim(str_slice(said, 0, gap - 1)),
                                  v ? str_slice(last, 1, last.n) : last};
    return ret->product.n > 0;
}

static bool is_given(struct str part)
{
    return part.n && !str_eq(part, STR("*")) && !str_eq(part, STR("-"));
}

/* "cpe:/a:vendor:product:version" or "cpe:2.3:a:vendor:product:version:..."; the application's, the
 * device's or the system's alike. */
static bool of_cpe(struct str cpe, struct named_product *ret)
{
    struct str rest, part, at[4] = {{NULL, 0}};
    if (str_starts(cpe, STR("cpe:2.3:")))
        rest = str_slice(cpe, 8, cpe.n);
    else if (str_starts(cpe, STR("cpe:/")))
        rest = str_slice(cpe, 5, cpe.n);
    else
        return false;
    for (size_t i = 0; i < COUNT(at) && rest.p && str_split(&rest, ':', &part); i++)
        at[i] = part;
    *ret = (struct named_product){at[1], at[2], at[3]};
    return is_given(at[1]) && is_given(at[2]) && is_given(at[3]);
}

/* What was read of the system itself weighs more than what somebody else says of it. */
static bool was_read(const struct look *l, const struct named_product *p)
{
    const struct names *names = advisories_names(l->o->advisories);
    const struct answer *ours[] = {&l->s->product, &l->s->toolkit};
    uint64_t key = names_find(names, p->vendor, p->product).key;
    for (size_t i = 0; i < COUNT(ours); i++) {
        const struct answer *a = ours[i];
        if (a->name.n && a->conf >= CONF_medium && a->version.n &&
            names_find(names, a->vendor, a->name).key == key)
            return true;
    }
    return false;
}

/* Where the version is not in the affected range, or cannot be held against it, nothing is
 * asserted. */
static err_t on_hit(void *ctx, const struct advisory_hit *h)
{
    struct asserting *w = ctx;
    const struct advisory *a = h->advisory;
    struct str cve = a->cve.n ? a->cve : a->id;
    if (h->state == STATE_unknown || told_has(w->told, cve) || pile_has(&w->pile, cve))
        return OK;
    pile_add(&w->pile, cve, a->cvss, a->cvss_source, a->exploited);
    w->by_name++;
    return OK;
}

/* "Philips Vue PACS 12.1": the maker may stand before the product. */
static void split_maker(const struct look *l, struct named_product *p)
{
    const struct names *names = advisories_names(l->o->advisories);
    size_t gap = str_find(p->product, ' ');
    if (gap == p->product.n || names_find(names, STR(""), p->product).known)
        return;
    struct str maker = str_slice(p->product, 0, gap);
    struct str rest = str_slice(p->product, gap + 1, p->product.n);
    if (names_find(names, maker, rest).vendor_known)
        *p = (struct named_product){maker, rest, p->version};
}

static err_t by_name(struct asserting *w, const struct endpoint *e, struct named_product *p)
{
    uint64_t before = w->by_name;
    if (!p->vendor.n)
        split_maker(w->l, p);
    if (was_read(w->l, p))
        return OK;
    TRY(advisories_match(w->l->o->advisories, p->vendor, p->product, p->version, false, on_hit, w));
    if (w->by_name > before) {
        w->port = w->port ? w->port : e->port;
        w->first_name = w->first_name.n ? w->first_name : p->product;
    }
    return OK;
}

static void by_cve(struct asserting *w, const struct endpoint *e)
{
    const struct advisories *known = w->l->o->advisories;
    const struct fact *f;
    for (size_t k = 0; (f = evidence_next(e->e, EV_said_cve, &k));) {
        const struct advisory *a = advisories_by_cve(known, f->value);
        if (told_has(w->told, f->value) || pile_has(&w->pile, f->value))
            continue;
        w->port = w->port ? w->port : e->port;
        pile_add(&w->pile, f->value, a ? a->cvss : -1, a ? a->cvss_source : STR(""),
                 advisories_is_exploited(known, f->value));
    }
}

static err_t by_names(struct asserting *w, const struct endpoint *e)
{
    struct named_product p;
    const struct fact *f;
    for (size_t k = 0; (f = evidence_next(e->e, EV_said_product, &k));)
        if (f->by == BY_ENGINE && of_product(f->value, &p))
            TRY(by_name(w, e, &p));
    for (size_t k = 0; (f = evidence_next(e->e, EV_said_cpe, &k));)
        if (f->by == BY_ENGINE && of_cpe(f->value, &p))
            TRY(by_name(w, e, &p));
    return OK;
}

static err_t tell(const struct asserting *w)
{
    struct said words;
    const struct finding f = {.kind = STR("asserted_vulnerability"),
                              .severity = SEV_OF_KIND,
                              .level = VER_none,
                              .port = w->port,
                              .state = STATE_asserted};
    if (!w->pile.n)
        return OK;
    said_begin(&words);
    say(&words, "vulnerabilities that a search engine asserts: ",
        "vulnerabilità affermate da un motore di ricerca: ");
    pile_say(&w->pile, &words);
    if (w->by_name)
        say(&words, "; %llu of them by the product and version that it names (%.*s)",
            "; %llu di esse per il prodotto e la versione che nomina (%.*s)",
            (unsigned long long)w->by_name, STR_ARG(w->first_name));
    return pile_tell(w->l, &w->pile, f, &words);
}

err_t look_at_asserted(const struct look *l, const struct told *told)
{
    const struct endpoint *p;
    struct asserting *w = ARENA_NEW(l->a, struct asserting);
    if (!w)
        return E_NOMEM;
    w->l = l;
    w->told = told;
    w->first_name = STR("");
    pile_clear(&w->pile);
    for (size_t i = 0; (p = look_next(l, &i));)
        by_cve(w, p);
    for (size_t i = 0; (p = look_next(l, &i));)
        TRY(by_names(w, p));
    return tell(w);
}
