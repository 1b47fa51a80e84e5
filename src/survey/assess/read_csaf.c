/* CSAF 2.0 (OASIS): products as a tree of branches (vendor, product, version), vulnerabilities that
 * name its leaves by id. Members come in any order, so a document is held until its end. A product
 * outside the tree (full_product_names) has no branches to say its maker and version: its CPE does,
 * or its name, the way makers write it: "Orthanc Orthanc <1.12.0", "PACS Server 6.3 and prior". */
#include <stdlib.h>

#include "base/size.h"
#include "survey/assess/advisory_add.h"
#include "survey/assess/names.h"

enum { NODES_MAX = 60000, VULNS_MAX = 2000, NAMINGS_MAX = 60000, LEVELS_MAX = 12 };

enum {
    F_TRACKING,
    F_TITLE,
    F_PUBLISHER,
    F_PUBLISHER_KIND,
    F_REFERENCE,
    F_RELATION,
    F_RELATION_ID,
    F_RELATION_TO,
    F_FLAT,
    F_FLAT_ID,
    F_FLAT_NAME,
    F_FLAT_CPE,
    F_VULN,
    F_CVE,
    F_VULN_TITLE,
    F_CWE,
    F_SCORE_V3,
    F_SCORE_V3_VERSION,
    F_SCORE_V2,
    F_AFFECTED,
    F_BRANCH, /* and above: F_BRANCH + 4 * level + what of it */
};
enum { B_SELF, B_CATEGORY, B_NAME, B_PRODUCT_ID };

/* A branch, or a product outside the tree (no parent). */
struct node {
    uint32_t parent; /* index + 1; 0: the root */
    struct str category, name, id;
    struct str alias_of; /* of a relationship: the id that it is about */
    bool flat;           /* outside the tree; category: its CPE */
};

/* A vulnerability names a product. */
struct naming {
    uint32_t vuln;
    struct str id;
};

struct vuln {
    struct str cve, title, cwe;
    int score;
    struct str version; /* of CVSS */
};

struct state {
    struct str tracking, title, reference, publisher;
    bool by_vendor; /* the publisher is the products' maker */
    struct advisory_list nodes, vulns, namings;
    uint32_t path[LEVELS_MAX]; /* node of each level that is open, index + 1 */
    struct node relation;
};

/* clang-format off */
#define LEVEL(n, path)                                                                             \
    {path, F_BRANCH + 4 * (n) + B_SELF, true},                                                     \
    {path ".category", F_BRANCH + 4 * (n) + B_CATEGORY, false},                                    \
    {path ".name", F_BRANCH + 4 * (n) + B_NAME, false},                                            \
    {path ".product.product_id", F_BRANCH + 4 * (n) + B_PRODUCT_ID, false}
/* clang-format on */
#define B1 "product_tree.branches.#"
#define DEEPER ".branches.#"
#define B2 B1 DEEPER
#define B3 B2 DEEPER
#define B4 B3 DEEPER
#define B5 B4 DEEPER
#define B6 B5 DEEPER
#define VULN "vulnerabilities.#"
static const struct json_field fields[] = {
    {"document.tracking.id", F_TRACKING, false},
    {"document.title", F_TITLE, false},
    {"document.publisher.name", F_PUBLISHER, false},
    {"document.publisher.category", F_PUBLISHER_KIND, false},
    {"document.references.#.url", F_REFERENCE, false},
    {"product_tree.relationships.#", F_RELATION, true},
    {"product_tree.relationships.#.full_product_name.product_id", F_RELATION_ID, false},
    {"product_tree.relationships.#.product_reference", F_RELATION_TO, false},
    {"product_tree.full_product_names.#", F_FLAT, true},
    {"product_tree.full_product_names.#.product_id", F_FLAT_ID, false},
    {"product_tree.full_product_names.#.name", F_FLAT_NAME, false},
    {"product_tree.full_product_names.#.product_identification_helper.cpe", F_FLAT_CPE, false},
    {VULN, F_VULN, true},
    {VULN ".cve", F_CVE, false},
    {VULN ".title", F_VULN_TITLE, false},
    {VULN ".cwe.id", F_CWE, false},
    {VULN ".scores.#.cvss_v3.baseScore", F_SCORE_V3, false},
    {VULN ".scores.#.cvss_v3.version", F_SCORE_V3_VERSION, false},
    {VULN ".scores.#.cvss_v2.baseScore", F_SCORE_V2, false},
    {VULN ".product_status.known_affected.#", F_AFFECTED, false},
    {VULN ".product_status.first_affected.#", F_AFFECTED, false},
    {VULN ".product_status.last_affected.#", F_AFFECTED, false},
    LEVEL(0, B1),
    LEVEL(1, B2),
    LEVEL(2, B3),
    LEVEL(3, B4),
    LEVEL(4, B5),
    LEVEL(5, B6),
};

static struct node *node_at(const struct state *s, uint32_t number)
{
    return (struct node *)s->nodes.rows + number - 1;
}

static err_t add_node(struct advisory_read *r, struct state *s, const struct node *in)
{
    struct node *n = advisory_next(r, &s->nodes, NODES_MAX, sizeof *n);
    if (!n)
        return E_LIMIT;
    *n = *in;
    return OK;
}

static err_t open_branch(struct advisory_read *r, struct state *s, unsigned level)
{
    struct node n = {.parent = level ? s->path[level - 1] : 0};
    TRY(add_node(r, s, &n));
    s->path[level] = (uint32_t)s->nodes.n;
    return OK;
}

static err_t open_vuln(struct advisory_read *r, struct state *s)
{
    struct vuln *v = advisory_next(r, &s->vulns, VULNS_MAX, sizeof *v);
    if (!v)
        return E_LIMIT;
    v->score = -1;
    return OK;
}

static err_t open(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if (id >= F_BRANCH && (id - F_BRANCH) % 4 == B_SELF)
        return open_branch(r, s, (unsigned)(id - F_BRANCH) / 4);
    if (id == F_RELATION || id == F_FLAT)
        s->relation = (struct node){.flat = id == F_FLAT};
    return id == F_VULN ? open_vuln(r, s) : OK;
}

static err_t close(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if ((id == F_RELATION || id == F_FLAT) && s->relation.id.n)
        return add_node(r, s, &s->relation);
    return OK;
}

static err_t branch_value(struct advisory_read *r, struct state *s, int id, struct str text)
{
    struct node *n = node_at(s, s->path[(id - F_BRANCH) / 4]);
    struct str *to[] = {[B_CATEGORY] = &n->category, [B_NAME] = &n->name, [B_PRODUCT_ID] = &n->id};
    return advisory_keep(r, text, to[(id - F_BRANCH) % 4]);
}

static err_t add_naming(struct advisory_read *r, struct state *s, struct str text)
{
    struct naming *m = advisory_next(r, &s->namings, NAMINGS_MAX, sizeof *m);
    if (!m)
        return E_LIMIT;
    m->vuln = (uint32_t)s->vulns.n - 1;
    return advisory_keep(r, text, &m->id);
}

static err_t vuln_value(struct advisory_read *r, struct state *s, int id, struct str text)
{
    struct vuln *v = (struct vuln *)s->vulns.rows + s->vulns.n - 1;
    int score = advisory_cvss(text);
    switch (id) {
    case F_CVE:
        return advisory_keep(r, text, &v->cve);
    case F_VULN_TITLE:
        return advisory_keep(r, text, &v->title);
    case F_CWE:
        return advisory_keep(r, text, &v->cwe);
    case F_SCORE_V3:
        v->score = score > v->score ? score : v->score;
        return OK;
    case F_SCORE_V3_VERSION:
        return advisory_keep(r, text, &v->version);
    case F_SCORE_V2:
        v->score = v->score < 0 ? score : v->score;
        return v->version.n ? OK : advisory_keep(r, STR("2.0"), &v->version);
    default:
        return add_naming(r, s, text);
    }
}

static err_t value(struct advisory_read *r, int id, struct str text)
{
    struct state *s = r->state;
    struct str *to[] = {[F_TRACKING] = &s->tracking,
                        [F_TITLE] = &s->title,
                        [F_PUBLISHER] = &s->publisher,
                        [F_RELATION_ID] = &s->relation.id,
                        [F_RELATION_TO] = &s->relation.alias_of,
                        [F_FLAT_ID] = &s->relation.id,
                        [F_FLAT_NAME] = &s->relation.name,
                        [F_FLAT_CPE] = &s->relation.category};
    if (id >= F_BRANCH)
        return branch_value(r, s, id, text);
    if (id > F_VULN)
        return vuln_value(r, s, id, text);
    if (id == F_PUBLISHER_KIND)
        s->by_vendor = str_eq(text, STR("vendor"));
    if (id == F_REFERENCE)
        return s->reference.n || !str_starts(text, STR("https://"))
                   ? OK
                   : advisory_keep(r, text, &s->reference);
    return (size_t)id < COUNT(to) && to[id] ? advisory_keep(r, text, to[id]) : OK;
}

static int by_id(const void *a, const void *b)
{
    return str_cmp((*(const struct node *const *)a)->id, (*(const struct node *const *)b)->id);
}

/* Nodes that have a product id, in its order. */
struct ids {
    const struct node **at;
    size_t n;
};

static err_t index_ids(struct advisory_read *r, const struct state *s, struct ids *ret)
{
    ret->n = 0;
    ret->at = arena_array(&r->arena, s->nodes.n + 1, sizeof *ret->at);
    if (!ret->at)
        return E_LIMIT;
    for (uint32_t i = 1; i <= s->nodes.n; i++)
        if (node_at(s, i)->id.n)
            ret->at[ret->n++] = node_at(s, i);
    qsort(ret->at, ret->n, sizeof *ret->at, by_id);
    return OK;
}

static const struct node *find_id(const struct ids *ids, struct str id)
{
    struct node key = {.id = id};
    const struct node *k = &key;
    const struct node *const *n =
        ids->n ? bsearch(&k, ids->at, ids->n, sizeof *ids->at, by_id) : NULL;
    return n ? *n : NULL;
}

static struct str range_of(const struct node *n)
{
    return str_starts(n->category, STR("product_version")) ? n->name : STR("*");
}

/* A leaf as what it says: of the branches above it, the nearest of each category. */
static bool read_leaf(const struct state *s, const struct node *n, struct one_range *ret)
{
    ret->range = range_of(n);
    ret->product = ret->vendor = STR("");
    for (; n; n = n->parent ? node_at(s, n->parent) : NULL) {
        if (!ret->product.n &&
            (str_eq(n->category, STR("product_name")) || str_eq(n->category, STR("host_name"))))
            ret->product = n->name;
        if (!ret->vendor.n && str_eq(n->category, STR("vendor")))
            ret->vendor = n->name;
    }
    return ret->product.n > 0;
}

/* Where a product's name begins to speak of versions; its length when it does not. */
static size_t version_at(struct str name)
{
    static const struct str words[] = {STR_INIT("version"), STR_INIT("versions"), STR_INIT("all"),
                                       STR_INIT("prior"),   STR_INIT("before"),   STR_INIT("up")};
    for (size_t at = str_find(name, ' '); at < name.n;
         at += 1 + str_find(str_slice(name, at + 1, name.n), ' ')) {
        struct str word = str_slice(name, at + 1, name.n);
        word = str_slice(word, 0, str_find(word, ' '));
        char c = word.n ? *word.p : 0;
        char d = word.n > 1 ? word.p[1] : 0;
        if ((c >= '0' && c <= '9') || c == '<' || c == '>' || c == '=' ||
            ((c == 'v' || c == 'V') && d >= '0' && d <= '9'))
            return at;
        for (size_t i = 0; i < COUNT(words); i++)
            if (str_eq_nocase(word, words[i]))
                return at;
    }
    return name.n;
}

/* Whether all versions are meant where a flat name gives none is not known: so it is unknown. */
static bool read_flat(const struct advisory_read *r, const struct node *n, struct one_range *ret)
{
    const struct state *s = r->state;
    struct cpe cpe;
    size_t at = version_at(n->name);
    struct str name = str_trim(str_slice(n->name, 0, at));
    struct str range = str_trim(str_slice(n->name, at, n->name.n));
    if (name.n && name.p[name.n - 1] == ':')
        name.n--;
    names_split(advisories_names(r->advisories), name, &ret->vendor, &ret->product);
    if (names_cpe(n->category, &cpe)) {
        ret->vendor = cpe.vendor;
        ret->product = cpe.product;
        range = range.n ? range : cpe.version;
    } else if (!ret->vendor.n && s->by_vendor)
        ret->vendor = s->publisher;
    ret->range = range.n ? range : STR("?");
    return ret->product.n > 0;
}

static err_t hand_over(struct advisory_read *r, const struct one_range *of, struct str ranges)
{
    const struct state *s = r->state;
    const struct vuln *v = (const struct vuln *)s->vulns.rows + of->vuln;
    char source[120], note[600];
    struct wr from = wr_fixed(source, sizeof source), w = wr_fixed(note, sizeof note);
    bool cisa = advisory_says(s->publisher, "CISA");
    wr_printf(&from, "%.*s CSAF (CVSS:%.*s)", (int)(cisa ? 4 : size_min(s->publisher.n, 60)),
              cisa             ? "CISA"
              : s->publisher.n ? s->publisher.p
                               : "",
              (int)size_min(v->version.n, 8), v->version.p ? v->version.p : "");
    wr_printf(&w, "%.*s %.*s", STR_ARG(v->cwe), STR_ARG(v->title.n ? v->title : s->title));
    struct advisory in = {.cve = v->cve,
                          .id = s->tracking,
                          .vendor = of->vendor,
                          .product = of->product,
                          .range = ranges,
                          .cvss = v->score,
                          .cvss_source = v->score >= 0 ? wr_str(&from) : STR(""),
                          .references = s->reference,
                          .note = str_trim(wr_str(&w))};
    return advisories_add(r->advisories, &in, false, r->sum);
}

static err_t collect(struct advisory_read *r, const struct state *s, struct one_range **ret,
                     size_t *ret_n)
{
    struct ids ids;
    size_t n = 0;
    const struct naming *m = s->namings.rows;
    TRY(index_ids(r, s, &ids));
    struct one_range *leaves = ARENA_ARRAY(&r->arena, s->namings.n + 1, struct one_range);
    if (!leaves)
        return E_LIMIT;
    for (size_t i = 0; i < s->namings.n; i++, m++) {
        const struct node *node = find_id(&ids, m->id);
        if (node && node->alias_of.n)
            node = find_id(&ids, node->alias_of); /* once: a component inside a product */
        leaves[n].vuln = m->vuln;
        leaves[n].order = i;
        if (node && (node->flat ? read_flat(r, node, &leaves[n]) : read_leaf(s, node, &leaves[n])))
            n++;
    }
    *ret = leaves;
    *ret_n = n;
    return OK;
}

static err_t end(struct advisory_read *r)
{
    const struct state *s = r->state;
    struct one_range *leaves;
    size_t n;
    if (!s->tracking.n)
        return E_MALFORMED;
    TRY(collect(r, s, &leaves, &n));
    return advisory_join(r, leaves, n, hand_over);
}

const struct advisory_format advisory_csaf = {
    .name = "CSAF",
    .marks = {{"\"csaf_version\""}, {"\"document\"", "\"csaf_"}},
    .record = "",
    .state_size = sizeof(struct state),
    .fields = fields,
    .n_fields = COUNT(fields),
    .value = value,
    .open = open,
    .close = close,
    .end = end,
};
