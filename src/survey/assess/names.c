#include "survey/assess/names.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/size.h"
#include "survey/assess/products_text.h"

enum { FOLD_MAX = 160, NAMES_LIMIT = 1 << 20, ENTRIES_MAX = 2048, FAMILIES_MAX = 64 };

struct entry {
    uint64_t hash; /* of vendors: of the folded name; of products: of maker and folded name */
    uint64_t value;
    struct str text; /* vendors: the folded alias, to take it off a product's name */
    bool toolkit;
};

struct table {
    struct entry *at;
    size_t n;
};

struct family {
    uint64_t key;
    uint64_t members[NAMES_MEMBERS_MAX];
    size_t n;
};

struct names {
    struct arena arena;
    struct table vendors, products, alone; /* alone: by the product's name only */
    struct family families[FAMILIES_MAX];
    size_t n_families;
};

struct str names_fold(struct str s, char *buf, size_t cap)
{
    size_t n = 0;
    bool gap = false;
    for (size_t i = 0; i < s.n && n + 2 < cap; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool keep = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80;
        if (c >= 'A' && c <= 'Z') {
            c = (unsigned char)(c + 'a' - 'A');
            keep = true;
        }
        if (!keep) {
            gap = n > 0;
            continue;
        }
        if (gap)
            buf[n++] = ' ';
        gap = false;
        buf[n++] = (char)c;
    }
    return str_of(buf, n);
}

/* What a company's register adds to its name. */
static struct str without_form(struct str s)
{
    static const struct str forms[] = {
        STR_INIT(" inc"),    STR_INIT(" ltd"),         STR_INIT(" gmbh"),    STR_INIT(" ag"),
        STR_INIT(" corp"),   STR_INIT(" llc"),         STR_INIT(" plc"),     STR_INIT(" co"),
        STR_INIT(" bv"),     STR_INIT(" corporation"), STR_INIT(" company"), STR_INIT(" project"),
        STR_INIT(" limited")};
    for (size_t i = 0; i < COUNT(forms); i++)
        if (str_ends(s, forms[i]))
            return without_form(str_slice(s, 0, s.n - forms[i].n));
    return s;
}

static uint64_t mix(uint64_t maker, struct str folded)
{
    uint64_t h = str_hash(folded) ^ (maker * 0x9e3779b97f4a7c15u);
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    return (h ^ h >> 32) | 1;
}

static int by_hash(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static const struct entry *find(const struct table *t, uint64_t hash)
{
    struct entry key = {.hash = hash};
    return t->n ? bsearch(&key, t->at, t->n, sizeof key, by_hash) : NULL;
}

/* A maker's number; ret_known false: it is only itself. */
static uint64_t maker_of(const struct names *n, struct str vendor, bool *ret_known)
{
    char buf[FOLD_MAX];
    struct str folded = without_form(names_fold(vendor, buf, sizeof buf));
    uint64_t hash = str_hash(folded);
    const struct entry *e = find(&n->vendors, hash);
    *ret_known = e != NULL;
    return e ? e->value : hash;
}

/* "philips vue pacs" of Philips: "vue pacs". */
static struct str without_maker(const struct names *n, uint64_t maker, struct str folded)
{
    struct str best = folded;
    for (size_t i = 0; i < n->vendors.n; i++) {
        const struct entry *e = &n->vendors.at[i];
        if (e->value != maker || folded.n <= e->text.n + 1 || !str_starts(folded, e->text) ||
            folded.p[e->text.n] != ' ')
            continue;
        struct str rest = str_slice(folded, e->text.n + 1, folded.n);
        if (rest.n < best.n)
            best = rest;
    }
    return best;
}

static struct named of_entry(const struct entry *e, bool vendor_known)
{
    return (struct named){e->value, true, e->toolkit, vendor_known};
}

struct named names_find(const struct names *n, struct str vendor, struct str product)
{
    char buf[FOLD_MAX];
    struct str folded = names_fold(product, buf, sizeof buf);
    if (!folded.n)
        return (struct named){0};
    if (str_ends(folded, STR(" firmware"))) /* as CPEs of devices have it */
        folded = str_slice(folded, 0, folded.n - 9);
    if (!str_trim(vendor).n) {
        const struct entry *e = find(&n->alone, str_hash(folded));
        return e && e->value ? of_entry(e, false) : (struct named){.key = mix(0, folded)};
    }
    bool known;
    uint64_t maker = maker_of(n, vendor, &known);
    const struct entry *e = find(&n->products, mix(maker, folded));
    if (e)
        return of_entry(e, known);
    struct str rest = known ? without_maker(n, maker, folded) : folded;
    e = find(&n->products, mix(maker, rest));
    return e ? of_entry(e, known) : (struct named){.key = mix(maker, rest), .vendor_known = known};
}

size_t names_members(const struct names *n, uint64_t key, uint64_t ret[NAMES_MEMBERS_MAX])
{
    for (size_t i = 0; i < n->n_families; i++) {
        if (n->families[i].key != key)
            continue;
        memcpy(ret, n->families[i].members, sizeof n->families[i].members);
        return n->families[i].n;
    }
    return 0;
}

void names_split(const struct names *n, struct str text, struct str *ret_vendor,
                 struct str *ret_product)
{
    enum { WORDS = 3 }; /* of the longest maker's name that is tried */
    *ret_vendor = STR("");
    *ret_product = text;
    size_t gap = 0;
    for (size_t i = 0; i < WORDS && gap < text.n; i++) {
        gap += str_find(str_slice(text, gap, text.n), ' ');
        if (gap >= text.n)
            return;
        struct str maker = str_slice(text, 0, gap++);
        bool known;
        (void)maker_of(n, maker, &known);
        if (!known)
            continue;
        *ret_vendor = maker;
        *ret_product = str_slice(text, gap, text.n);
    }
}

bool names_cpe(struct str text, struct cpe *ret)
{
    struct str rest, part, at[4] = {{NULL, 0}};
    if (str_starts(text, STR("cpe:2.3:")))
        rest = str_slice(text, 8, text.n);
    else if (str_starts(text, STR("cpe:/")))
        rest = str_slice(text, 5, text.n);
    else
        return false;
    for (size_t i = 0; i < COUNT(at) && rest.p && str_split(&rest, ':', &part); i++)
        at[i] = str_eq(part, STR("*")) || str_eq(part, STR("-")) ? STR("") : part;
    *ret = (struct cpe){at[1], at[2], at[3]};
    return ret->product.n > 0;
}

static err_t add(struct table *t, uint64_t hash, uint64_t value, struct str text, bool toolkit)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].hash == hash) {
            if (t->at[i].value != value)
                t->at[i].value = 0; /* two products of that name */
            return OK;
        }
    if (t->n == ENTRIES_MAX)
        return E_LIMIT;
    t->at[t->n++] = (struct entry){hash, value, text, toolkit};
    return OK;
}

static err_t add_vendor_name(struct names *n, uint64_t maker, struct str name)
{
    char buf[FOLD_MAX];
    struct str folded = without_form(names_fold(name, buf, sizeof buf));
    struct str copy = arena_copy(&n->arena, folded);
    if (!copy.p)
        return E_NOMEM;
    return folded.n ? add(&n->vendors, str_hash(folded), maker, copy, false) : OK;
}

struct line {
    struct str kind, name, of, aliases;
};

static bool split_line(struct str s, struct line *ret)
{
    struct str *cells[] = {&ret->kind, &ret->name, &ret->of, &ret->aliases};
    for (size_t i = 0; i < COUNT(cells); i++)
        if (!str_split(&s, '\t', cells[i]))
            return false;
    return !s.p;
}

static uint64_t key_of(const struct names *n, struct str maker, struct str name)
{
    char buf[FOLD_MAX];
    bool known;
    struct str folded = names_fold(name, buf, sizeof buf);
    return mix(maker.n ? maker_of(n, maker, &known) : 0, folded);
}

static err_t add_vendor(struct names *n, const struct line *l)
{
    char buf[FOLD_MAX];
    struct str rest = l->aliases, alias;
    uint64_t maker = str_hash(without_form(names_fold(l->name, buf, sizeof buf)));
    TRY(add_vendor_name(n, maker, l->name));
    while (rest.n && str_split(&rest, '|', &alias))
        TRY(add_vendor_name(n, maker, alias));
    return OK;
}

/* Names that are a product only together with their maker. */
static bool says_nothing(struct str folded)
{
    static const struct str words[] = {STR_INIT("pacs"), STR_INIT("dicom viewer"), STR_INIT("exa"),
                                       STR_INIT("dcf"), STR_INIT("fhir server")};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq(folded, words[i]))
            return true;
    return folded.n < 3;
}

static err_t add_product_name(struct names *n, const struct line *l, struct str name, uint64_t key,
                              bool toolkit)
{
    char buf[FOLD_MAX];
    TRY(add(&n->products, key_of(n, l->of, name), key, STR(""), toolkit));
    struct str folded = names_fold(name, buf, sizeof buf);
    return says_nothing(folded) ? OK : add(&n->alone, str_hash(folded), key, STR(""), toolkit);
}

static err_t add_product(struct names *n, const struct line *l)
{
    bool toolkit = str_eq(l->kind, STR("toolkit"));
    uint64_t key = key_of(n, l->of, l->name);
    struct str rest = l->aliases, alias;
    TRY(add_product_name(n, l, l->name, key, toolkit));
    while (rest.n && str_split(&rest, '|', &alias))
        TRY(add_product_name(n, l, alias, key, toolkit));
    return OK;
}

/* What was Carestream's and is Philips's now. */
static err_t add_moved(struct names *n, const struct line *l)
{
    struct str rest = l->aliases, maker, product;
    if (!str_split(&rest, '|', &maker) || !str_split(&rest, '|', &product))
        return E_MALFORMED;
    return add(&n->products, key_of(n, l->of, l->name), key_of(n, maker, product), STR(""), false);
}

static err_t add_family(struct names *n, const struct line *l)
{
    struct str rest = l->aliases, member;
    if (n->n_families == FAMILIES_MAX)
        return E_LIMIT;
    struct family *f = &n->families[n->n_families++];
    *f = (struct family){.key = key_of(n, l->of, l->name)};
    TRY(add_product_name(n, l, l->name, f->key, false));
    while (rest.n && f->n < NAMES_MEMBERS_MAX && str_split(&rest, '|', &member))
        f->members[f->n++] = key_of(n, l->of, member);
    return OK;
}

static const struct {
    struct str kind;
    err_t (*add)(struct names *n, const struct line *l);
} kinds[] = {
    {STR_INIT("vendor"), add_vendor},   {STR_INIT("product"), add_product},
    {STR_INIT("toolkit"), add_product}, {STR_INIT("moved"), add_moved},
    {STR_INIT("family"), add_family},
};

static void order(struct table *t)
{
    qsort(t->at, t->n, sizeof *t->at, by_hash);
}

/* Vendors first, then what needs them sorted. */
static err_t parse_pass(struct names *n, struct str text, bool vendors, struct diag *d)
{
    struct str row;
    struct line l;
    for (unsigned number = 1; text.n && str_split(&text, '\n', &row); number++) {
        if (!row.n || number == 1)
            continue;
        size_t k = 0;
        if (!split_line(row, &l))
            return diag_set(d, E_MALFORMED, "products, line %u: four columns are wanted", number);
        while (k < COUNT(kinds) && !str_eq(l.kind, kinds[k].kind))
            k++;
        if (k == COUNT(kinds))
            return diag_set(d, E_MALFORMED, "products, line %u: unknown kind", number);
        if ((k == 0) == vendors)
            TRY(kinds[k].add(n, &l));
    }
    return OK;
}

static err_t fill(struct names *n, struct str text, struct diag *d)
{
    struct table *tables[] = {&n->vendors, &n->products, &n->alone};
    for (size_t i = 0; i < COUNT(tables); i++) {
        tables[i]->at = ARENA_ARRAY(&n->arena, ENTRIES_MAX, struct entry);
        if (!tables[i]->at)
            return E_NOMEM;
    }
    TRY(parse_pass(n, text, true, d));
    order(&n->vendors);
    TRY(parse_pass(n, text, false, d));
    order(&n->products);
    order(&n->alone);
    return OK;
}

err_t names_parse(struct str text, struct names **ret, struct diag *d)
{
    struct names *n = calloc(1, sizeof *n);
    if (!n)
        return E_NOMEM;
    n->arena = arena_init(NAMES_LIMIT);
    err_t e = fill(n, text, d);
    if (e != OK) {
        names_free(n);
        return e;
    }
    *ret = n;
    return OK;
}

err_t names_new(struct names **ret, struct diag *d)
{
    return names_parse(str_of(products_text, sizeof products_text), ret, d);
}

void names_free(struct names *n)
{
    if (!n)
        return;
    arena_done(&n->arena);
    free(n);
}
