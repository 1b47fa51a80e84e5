/* CVE records, JSON 5.x (cvelistV5): a record a file, or many in an array; what the numbering
 * authority (cna) and others (adp, CISA's Vulnrichment) say of products, scores and exploitation.
 */
#include "base/size.h"
#include "survey/assess/advisory_add.h"

enum { PRODUCTS_MAX = 2000 };

enum {
    F_ID,
    F_STATE,
    F_TITLE,
    F_SCORE_V31,
    F_SCORE_V4,
    F_SCORE_V30,
    F_OTHER,
    F_AFFECTED,
    F_VENDOR,
    F_PRODUCT,
    F_DEFAULT,
    F_ENTRY,
    F_VERSION,
    F_STATUS,
    F_BEFORE,
    F_THROUGH,
    F_TYPE,
};

/* One element of `versions`. */
struct entry {
    struct str version, before, through;
    bool unaffected, git;
};

struct product {
    struct str vendor, name, range;
};

struct state {
    struct str cve, title;
    bool rejected, exploited;
    struct advisory_score score;
    struct advisory_list products;
    /* Of the product being read. */
    struct product now;
    bool default_affected, some_unaffected, some_git;
    struct range_text ranges;
    struct entry entry;
};

#define CNA "containers.cna."
#define ADP "containers.adp.#."
/* clang-format off */
#define AFFECTED(of)                                                                               \
    {of "affected.#", F_AFFECTED, true},                                                           \
    {of "affected.#.vendor", F_VENDOR, false},                                                     \
    {of "affected.#.product", F_PRODUCT, false},                                                   \
    {of "affected.#.packageName", F_PRODUCT, false},                                               \
    {of "affected.#.defaultStatus", F_DEFAULT, false},                                             \
    {of "affected.#.versions.#", F_ENTRY, true},                                                   \
    {of "affected.#.versions.#.version", F_VERSION, false},                                        \
    {of "affected.#.versions.#.status", F_STATUS, false},                                          \
    {of "affected.#.versions.#.lessThan", F_BEFORE, false},                                        \
    {of "affected.#.versions.#.lessThanOrEqual", F_THROUGH, false},                                \
    {of "affected.#.versions.#.versionType", F_TYPE, false},                                       \
    {of "metrics.#.cvssV3_1.baseScore", F_SCORE_V31, false},                                       \
    {of "metrics.#.cvssV4_0.baseScore", F_SCORE_V4, false},                                        \
    {of "metrics.#.cvssV3_0.baseScore", F_SCORE_V30, false},                                       \
    {of "metrics.#.other.type", F_OTHER, false}
/* clang-format on */
static const struct json_field fields[] = {
    {"cveMetadata.cveId", F_ID, false},
    {"cveMetadata.state", F_STATE, false},
    {CNA "title", F_TITLE, false},
    AFFECTED(CNA),
    AFFECTED(ADP),
};

static err_t text_value(struct advisory_read *r, struct state *s, int id, struct str text)
{
    struct str *to[] = {[F_ID] = &s->cve,
                        [F_TITLE] = &s->title,
                        [F_VENDOR] = &s->now.vendor,
                        [F_PRODUCT] = &s->now.name,
                        [F_VERSION] = &s->entry.version,
                        [F_BEFORE] = &s->entry.before,
                        [F_THROUGH] = &s->entry.through,
                        [F_TYPE] = NULL};
    return (size_t)id < COUNT(to) && to[id] ? advisory_keep(r, text, to[id]) : OK;
}

static err_t value(struct advisory_read *r, int id, struct str text)
{
    struct state *s = r->state;
    switch (id) {
    case F_STATE:
        s->rejected = str_eq(text, STR("REJECTED"));
        return OK;
    case F_OTHER:
        s->exploited = s->exploited || str_eq_nocase(text, STR("kev"));
        return OK;
    case F_DEFAULT:
        s->default_affected = str_eq(text, STR("affected"));
        return OK;
    case F_STATUS:
        s->entry.unaffected = !str_eq(text, STR("affected"));
        return OK;
    case F_TYPE:
        s->entry.git = str_eq(text, STR("git"));
        return OK;
    case F_SCORE_V31:
    case F_SCORE_V4:
    case F_SCORE_V30:
        advisory_score(&s->score, id, text);
        return OK;
    case F_PRODUCT:
        return s->now.name.n ? OK : advisory_keep(r, text, &s->now.name);
    default:
        return text_value(r, s, id, text);
    }
}

static err_t open(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if (id == F_ENTRY)
        s->entry = (struct entry){0};
    if (id == F_AFFECTED) {
        s->now = (struct product){0};
        s->default_affected = s->some_unaffected = s->some_git = false;
        s->ranges.n = 0;
    }
    return OK;
}

static bool is_start(struct str v)
{
    static const struct str words[] = {
        STR_INIT("0"),   STR_INIT("*"),           STR_INIT(""),
        STR_INIT("n/a"), STR_INIT("unspecified"), STR_INIT("unknown"),
        STR_INIT("-"),   STR_INIT("0.0"),         STR_INIT("0.0.0")};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq_nocase(str_trim(v), words[i]))
            return true;
    return false;
}

/* A version that is affected: by itself, or from it on up to lessThan or lessThanOrEqual. Some
 * write a whole range into `version` ("< 7.0.4"), which the range reader knows. */
static struct str range_of(const struct entry *e, char *buf, size_t cap)
{
    struct range_bounds b = {.before = e->before, .through = e->through};
    if (!e->before.n && !e->through.n) {
        if (str_eq(e->version, STR("*")) || str_eq(e->version, STR("0")))
            return STR("*");
        return is_start(e->version) ? STR("?") : e->version;
    }
    if (!is_start(e->version))
        b.from = e->version;
    if (str_eq(b.before, STR("*")) || str_eq(b.through, STR("*")))
        b.before = b.through = STR("");
    return range_of_bounds(&b, buf, cap);
}

static err_t add_product(struct advisory_read *r, struct state *s)
{
    struct product *p = advisory_next(r, &s->products, PRODUCTS_MAX, sizeof *p);
    if (!p)
        return E_LIMIT;
    *p = s->now;
    TRY(advisory_keep(r, str_of(s->ranges.text, s->ranges.n), &p->range));
    s->ranges.n = 0;
    return OK;
}

static err_t end_of_entry(struct advisory_read *r, struct state *s)
{
    char buf[400];
    if (s->entry.unaffected || s->entry.git) {
        s->some_unaffected = s->some_unaffected || s->entry.unaffected;
        s->some_git = s->some_git || s->entry.git;
        return OK;
    }
    struct str range = range_of(&s->entry, buf, sizeof buf);
    if (range_text_add(&s->ranges, range))
        return OK;
    TRY(add_product(r, s));
    return range_text_add(&s->ranges, range) ? OK : E_LIMIT;
}

/* Versions that are affected by default are known only as "not these": without certainty. */
static err_t end_of_product(struct advisory_read *r, struct state *s)
{
    if (s->default_affected)
        (void)range_text_add(
            &s->ranges, s->some_unaffected || s->some_git || s->ranges.n ? STR("?") : STR("*"));
    else if (!s->ranges.n && s->some_git)
        (void)range_text_add(&s->ranges, STR("?"));
    return s->ranges.n && s->now.name.n ? add_product(r, s) : OK;
}

static err_t close(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if (id == F_ENTRY)
        return end_of_entry(r, s);
    return id == F_AFFECTED ? end_of_product(r, s) : OK;
}

static bool is_nobody(struct str s)
{
    return !s.n || str_eq_nocase(s, STR("n/a")) || str_eq_nocase(s, STR("unknown"));
}

static err_t end(struct advisory_read *r)
{
    static const char *const sources[] = {[F_SCORE_V31] = "CVE record (CVSS:3.1)",
                                          [F_SCORE_V4] = "CVE record (CVSS:4.0)",
                                          [F_SCORE_V30] = "CVE record (CVSS:3.0)"};
    const struct state *s = r->state;
    if (!s->cve.n)
        return E_MALFORMED;
    const struct product *p = s->products.rows;
    for (size_t i = 0; i < s->products.n && !s->rejected; i++, p++) {
        struct advisory in = {.cve = s->cve,
                              .vendor = is_nobody(p->vendor) ? STR("") : p->vendor,
                              .product = p->name,
                              .range = p->range,
                              .cvss = s->score.kind ? s->score.value : -1,
                              .cvss_source =
                                  s->score.kind ? str_z(sources[s->score.kind]) : STR(""),
                              .exploited = s->exploited,
                              .note = s->title};
        if (!is_nobody(p->name))
            TRY(advisories_add(r->advisories, &in, true, r->sum));
    }
    return s->exploited ? advisories_exploited(r->advisories, s->cve) : OK;
}

const struct advisory_format advisory_cve5 = {
    .name = "CVE",
    .marks = {{"\"CVE_RECORD\""}, {"\"cveMetadata\""}},
    .record = "",
    .state_size = sizeof(struct state),
    .fields = fields,
    .n_fields = COUNT(fields),
    .value = value,
    .open = open,
    .close = close,
    .end = end,
};
