/* NVD's JSON 2.0 (its API and its feeds): a record a CVE, its products as CPE 2.3 names with the
 * bounds of their versions. */
#include "base/size.h"
#include "survey/assess/advisory_add.h"

enum { MATCHES_MAX = 32768 };

enum {
    F_ID,
    F_STATUS,
    F_KEV,
    F_SCORE_V4,
    F_SCORE_V31,
    F_SCORE_V30,
    F_SCORE_V2,
    F_NOTE,
    F_MATCH,
    F_VULNERABLE,
    F_CRITERIA,
    F_FROM,
    F_AFTER,
    F_BEFORE,
    F_THROUGH,
};

struct match {
    struct str vendor, product, version, update;
    struct range_bounds bounds;
    bool not_vulnerable;
};

struct state {
    struct str cve, note;
    bool rejected, exploited;
    struct advisory_score score; /* its kind is the field that it came from: the newest CVSS wins */
    struct advisory_list affected;
    struct match now;
};

#define CVE "vulnerabilities.#.cve."
#define CPE CVE "configurations.#.nodes.#.cpeMatch.#"
static const struct json_field fields[] = {
    {CVE "id", F_ID, false},
    {CVE "vulnStatus", F_STATUS, false},
    {CVE "cisaExploitAdd", F_KEV, false},
    {CVE "metrics.cvssMetricV40.#.cvssData.baseScore", F_SCORE_V4, false},
    {CVE "metrics.cvssMetricV31.#.cvssData.baseScore", F_SCORE_V31, false},
    {CVE "metrics.cvssMetricV30.#.cvssData.baseScore", F_SCORE_V30, false},
    {CVE "metrics.cvssMetricV2.#.cvssData.baseScore", F_SCORE_V2, false},
    {CVE "weaknesses.#.description.#.value", F_NOTE, false},
    {CPE, F_MATCH, true},
    {CPE ".vulnerable", F_VULNERABLE, false},
    {CPE ".criteria", F_CRITERIA, false},
    {CPE ".versionStartIncluding", F_FROM, false},
    {CPE ".versionStartExcluding", F_AFTER, false},
    {CPE ".versionEndExcluding", F_BEFORE, false},
    {CPE ".versionEndIncluding", F_THROUGH, false},
};

/* The next part of a CPE 2.3 name, its backslashes taken off. */
static err_t cpe_part(struct advisory_read *r, struct str *rest, struct str *ret)
{
    size_t n = 0, i = 0;
    char *out = arena_alloc(&r->arena, rest->n + 1);
    if (!out)
        return E_LIMIT;
    for (; i < rest->n && rest->p[i] != ':'; i++) {
        if (rest->p[i] == '\\' && i + 1 < rest->n)
            i++;
        out[n++] = rest->p[i];
    }
    *rest = str_slice(*rest, i + 1, rest->n);
    *ret = str_of(out, n);
    return OK;
}

/* cpe:2.3:a:offis:dcmtk:3.6.7:*:... */
static err_t parse_cpe(struct advisory_read *r, struct str text, struct match *m)
{
    struct str part;
    if (!str_starts(text, STR("cpe:2.3:")) || text.n > 1000)
        return E_MALFORMED;
    text = str_slice(text, 8, text.n);
    TRY(cpe_part(r, &text, &part));
    TRY(cpe_part(r, &text, &m->vendor));
    TRY(cpe_part(r, &text, &m->product));
    TRY(cpe_part(r, &text, &m->version));
    return cpe_part(r, &text, &m->update);
}

static err_t value(struct advisory_read *r, int id, struct str text)
{
    struct state *s = r->state;
    struct range_bounds *b = &s->now.bounds;
    switch (id) {
    case F_ID:
        return advisory_keep(r, text, &s->cve);
    case F_STATUS:
        s->rejected = str_eq(text, STR("Rejected"));
        return OK;
    case F_KEV:
        s->exploited = true;
        return OK;
    case F_NOTE:
        return s->note.n ? OK : advisory_keep(r, text, &s->note);
    case F_VULNERABLE:
        s->now.not_vulnerable = str_eq(text, STR("false"));
        return OK;
    case F_CRITERIA:
        return parse_cpe(r, text, &s->now);
    case F_FROM:
        return advisory_keep(r, text, &b->from);
    case F_AFTER:
        return advisory_keep(r, text, &b->after);
    case F_BEFORE:
        return advisory_keep(r, text, &b->before);
    case F_THROUGH:
        return advisory_keep(r, text, &b->through);
    default:
        advisory_score(&s->score, id, text);
        return OK;
    }
}

static err_t open(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if (id == F_MATCH)
        s->now = (struct match){0};
    return OK;
}

static bool is_any(struct str s)
{
    return !s.n || str_eq(s, STR("*")) || str_eq(s, STR("-"));
}

static struct str range_of(const struct match *m, char *buf, size_t cap)
{
    const struct range_bounds *b = &m->bounds;
    if (b->from.n || b->after.n || b->before.n || b->through.n)
        return range_of_bounds(b, buf, cap);
    if (str_eq(m->version, STR("-")))
        return STR("?");
    if (is_any(m->version))
        return STR("*");
    struct wr w = wr_fixed(buf, cap);
    wr_put(&w, m->version);
    if (!is_any(m->update))
        wr_printf(&w, " %.*s", STR_ARG(m->update));
    return w.bad ? STR("?") : wr_str(&w);
}

static err_t close(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    const struct match *m = &s->now;
    char buf[400];
    if (id != F_MATCH || m->not_vulnerable || !m->product.n)
        return OK;
    struct one_range *a = advisory_next(r, &s->affected, MATCHES_MAX, sizeof *a);
    if (!a)
        return E_LIMIT;
    *a = (struct one_range){.order = s->affected.n, .vendor = m->vendor, .product = m->product};
    return advisory_keep(r, range_of(m, buf, sizeof buf), &a->range);
}

static err_t hand_over(struct advisory_read *r, const struct one_range *of, struct str ranges)
{
    static const char *const sources[] = {[F_SCORE_V4] = "NVD (CVSS:4.0)",
                                          [F_SCORE_V31] = "NVD (CVSS:3.1)",
                                          [F_SCORE_V30] = "NVD (CVSS:3.0)",
                                          [F_SCORE_V2] = "NVD (CVSS:2.0)"};
    const struct state *s = r->state;
    struct advisory in = {.cve = s->cve,
                          .vendor = of->vendor,
                          .product = of->product,
                          .range = ranges,
                          .cvss = s->score.kind ? s->score.value : -1,
                          .cvss_source = s->score.kind ? str_z(sources[s->score.kind]) : STR(""),
                          .exploited = s->exploited,
                          .note = s->note};
    return advisories_add(r->advisories, &in, true, r->sum);
}

static err_t end(struct advisory_read *r)
{
    const struct state *s = r->state;
    if (!s->cve.n)
        return E_MALFORMED;
    return s->rejected ? OK : advisory_join(r, s->affected.rows, s->affected.n, hand_over);
}

const struct advisory_format advisory_nvd = {
    .name = "NVD",
    .marks = {{"\"NVD_CVE\""}, {"\"cpeMatch\""}, {"\"sourceIdentifier\"", "\"vulnStatus\""}},
    .record = "vulnerabilities.#",
    .state_size = sizeof(struct state),
    .fields = fields,
    .n_fields = COUNT(fields),
    .value = value,
    .open = open,
    .close = close,
    .end = end,
};
