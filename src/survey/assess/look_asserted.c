/* What a search engine asserts: CVEs by name, and products with a version. Both are its word, not
 * ours, and are told apart from what was read. */
#include "base/size.h"
#include "survey/assess/names.h"
#include "survey/assess/pile.h"

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

/* "OpenEMR 6.0.0", told as a CPE would: the last word is a version when it begins as one. */
static bool of_product(struct str said, struct cpe *ret)
{
    size_t gap = last_gap(said);
    struct str last = str_slice(said, gap, said.n);
    if (!gap || !last.n)
        return false;
    bool v = last.n > 1 && (*last.p == 'v' || *last.p == 'V') && is_digit(last.p[1]);
    if (!v && !is_digit(*last.p))
        return false;
    *ret = (struct cpe){STR(""), str_trim(str_slice(said, 0, gap - 1)),
                        v ? str_slice(last, 1, last.n) : last};
    return ret->product.n > 0;
}

/* What was read of the system itself weighs more than what somebody else says of it. */
static bool was_read(const struct look *l, const struct cpe *p)
{
    const struct names *names = advisories_names(l->o->advisories);
    const struct answer *ours[] = {&l->s->product, &l->s->toolkit};
    uint64_t key = names_find(names, p->vendor, p->product).key;
    for (size_t i = 0; i < COUNT(ours); i++) {
        const struct answer *a = ours[i];
        if (a->name.n && a->conf >= CONF_medium && a->version.n && !a->said &&
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

static err_t by_name(struct asserting *w, const struct endpoint *e, struct cpe *p)
{
    uint64_t before = w->by_name;
    const struct names *names = advisories_names(w->l->o->advisories);
    if (!p->vendor.n && !names_find(names, STR(""), p->product).known)
        names_split(names, p->product, &p->vendor, &p->product);
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
    struct cpe p;
    const struct fact *f;
    for (size_t k = 0; (f = evidence_next(e->e, EV_said_product, &k));)
        if (f->by == BY_ENGINE && of_product(f->value, &p))
            TRY(by_name(w, e, &p));
    for (size_t k = 0; (f = evidence_next(e->e, EV_said_cpe, &k));)
        if (f->by == BY_ENGINE && names_cpe(f->value, &p) && p.version.n)
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
