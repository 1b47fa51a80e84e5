/* OSV (Open Source Vulnerabilities, schema 1.x): packages of ecosystems, ranges as events
 * (introduced, fixed, last_affected), lists of versions. */
#include "base/size.h"
#include "survey/assess/advisory_add.h"

enum { PACKAGES_MAX = 1000 };

enum {
    F_ID,
    F_ALIAS,
    F_SUMMARY,
    F_WITHDRAWN,
    F_SEVERITY,
    F_AFFECTED,
    F_ECOSYSTEM,
    F_NAME,
    F_RANGE,
    F_TYPE,
    F_INTRODUCED,
    F_FIXED,
    F_LAST,
    F_VERSION,
};

struct package {
    struct str ecosystem, name, range, fixed;
};

struct state {
    struct str id, cve, summary;
    bool withdrawn, only_v4; /* a CVSS 4 vector was seen: its score takes tables we do not have */
    int score;
    struct advisory_list packages;
    struct package now;
    struct range_text ranges; /* of the package */
    struct range_text events; /* of the range: dropped when it turns out to be of commits */
    struct str from;
    bool git, some_git, has_from;
    struct range_text versions;
};

static const struct json_field fields[] = {
    {"id", F_ID, false},
    {"aliases.#", F_ALIAS, false},
    {"upstream.#", F_ALIAS, false},
    {"summary", F_SUMMARY, false},
    {"withdrawn", F_WITHDRAWN, false},
    {"severity.#.score", F_SEVERITY, false},
    {"affected.#", F_AFFECTED, true},
    {"affected.#.package.ecosystem", F_ECOSYSTEM, false},
    {"affected.#.package.name", F_NAME, false},
    {"affected.#.severity.#.score", F_SEVERITY, false},
    {"affected.#.ranges.#", F_RANGE, true},
    {"affected.#.ranges.#.type", F_TYPE, false},
    {"affected.#.ranges.#.events.#.introduced", F_INTRODUCED, false},
    {"affected.#.ranges.#.events.#.fixed", F_FIXED, false},
    {"affected.#.ranges.#.events.#.last_affected", F_LAST, false},
    {"affected.#.versions.#", F_VERSION, false},
};

/* An interval that ends: from what was introduced before. */
static err_t end_interval(struct state *s, struct range_bounds b)
{
    char buf[400];
    b.from = s->from;
    s->has_from = false;
    return range_text_add(&s->events, range_of_bounds(&b, buf, sizeof buf)) ? OK : E_LIMIT;
}

static err_t identifier(struct advisory_read *r, struct state *s, int id, struct str text)
{
    if (id == F_ID)
        TRY(advisory_keep(r, text, &s->id));
    return str_starts(text, STR("CVE-")) && !s->cve.n ? advisory_keep(r, text, &s->cve) : OK;
}

static err_t value(struct advisory_read *r, int id, struct str text)
{
    struct state *s = r->state;
    int score;
    switch (id) {
    case F_ID:
    case F_ALIAS:
        return identifier(r, s, id, text);
    case F_SUMMARY:
        return advisory_keep(r, text, &s->summary);
    case F_WITHDRAWN:
        s->withdrawn = true;
        return OK;
    case F_SEVERITY:
        score = advisory_cvss_vector(text);
        s->only_v4 |= str_starts(text, STR("CVSS:4."));
        s->score = score > s->score ? score : s->score;
        return OK;
    case F_ECOSYSTEM:
        return advisory_keep(r, text, &s->now.ecosystem);
    case F_NAME:
        return advisory_keep(r, text, &s->now.name);
    case F_TYPE:
        s->git = str_eq(text, STR("GIT"));
        return OK;
    case F_INTRODUCED:
        s->has_from = true;
        return advisory_keep(r, text, &s->from);
    case F_FIXED:
        TRY(advisory_keep(r, text, &s->now.fixed));
        return end_interval(s, (struct range_bounds){.before = s->now.fixed});
    case F_LAST:
        return end_interval(s, (struct range_bounds){.through = text});
    default:
        /* Versions one by one are wanted only where no range is; a list too long is cut. */
        (void)range_text_add(&s->versions, text);
        return OK;
    }
}

static err_t open(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if (id == F_AFFECTED) {
        s->now = (struct package){0};
        s->ranges.n = s->versions.n = 0;
        s->some_git = false;
    }
    if (id == F_RANGE) {
        s->events.n = 0;
        s->from = STR("");
        s->git = s->has_from = false;
    }
    return OK;
}

static err_t end_of_range(struct state *s)
{
    if (s->git) {
        s->some_git = true;
        return OK;
    }
    if (s->has_from)
        TRY(end_interval(s, (struct range_bounds){.before = STR("")}));
    return !s->events.n || range_text_add(&s->ranges, str_of(s->events.text, s->events.n))
               ? OK
               : E_LIMIT;
}

static err_t end_of_package(struct advisory_read *r, struct state *s)
{
    const struct range_text *t = s->ranges.n ? &s->ranges : &s->versions;
    if (!s->now.name.n)
        return OK;
    struct package *p = advisory_next(r, &s->packages, PACKAGES_MAX, sizeof *p);
    if (!p)
        return E_LIMIT;
    *p = s->now;
    return advisory_keep(r, t->n ? str_of(t->text, t->n) : STR("?"), &p->range);
}

static err_t close(struct advisory_read *r, int id)
{
    struct state *s = r->state;
    if (id == F_RANGE)
        return end_of_range(s);
    return id == F_AFFECTED ? end_of_package(r, s) : OK;
}

/* "org.dcm4che:dcm4che-core", "@ohif/viewer": the package without who publishes it. */
static struct str short_name(struct str name)
{
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == ':' || name.p[i - 1] == '/')
            return str_slice(name, i, name.n);
    return name;
}

static struct str score_source(const struct state *s)
{
    if (s->score > 0)
        return STR("OSV (CVSS:3 vector)");
    return s->only_v4 ? STR("OSV (a CVSS:4 vector, no score)") : STR("");
}

static err_t end(struct advisory_read *r)
{
    const struct state *s = r->state;
    if (!s->id.n)
        return E_MALFORMED;
    const struct package *p = s->packages.rows;
    for (size_t i = 0; i < s->packages.n && !s->withdrawn; i++, p++) {
        struct advisory in = {.cve = s->cve,
                              .id = s->id,
                              .product = short_name(p->name),
                              .range = p->range,
                              .fixed = p->fixed,
                              .cvss = s->score > 0 ? s->score : -1,
                              .cvss_source = score_source(s),
                              .note = s->summary};
        TRY(advisories_add(r->advisories, &in, true, r->sum));
    }
    return OK;
}

const struct advisory_format advisory_osv = {
    .name = "OSV",
    .marks = {{"\"affected\"", "\"schema_version\""}, {"\"affected\"", "\"ecosystem\""}},
    .record = "",
    .state_size = sizeof(struct state),
    .fields = fields,
    .n_fields = COUNT(fields),
    .value = value,
    .open = open,
    .close = close,
    .end = end,
};
