/* CISA's catalogue of known exploited vulnerabilities: which CVEs; the rest is other sources'
 * matter. */
#include "base/size.h"
#include "survey/assess/advisory_add.h"

enum { F_CVE };

struct state {
    struct str cve;
};

static const struct json_field fields[] = {{"vulnerabilities.#.cveID", F_CVE, false}};

static err_t value(struct advisory_read *r, int id, struct str text)
{
    struct state *s = r->state;
    (void)id;
    return advisory_keep(r, text, &s->cve);
}

static err_t end(struct advisory_read *r)
{
    const struct state *s = r->state;
    return advisories_exploited(r->advisories, s->cve);
}

const struct advisory_format advisory_kev = {
    .name = "KEV",
    .marks = {{"\"catalogVersion\""}, {"\"cveID\""}},
    .record = "vulnerabilities.#",
    .state_size = sizeof(struct state),
    .fields = fields,
    .n_fields = COUNT(fields),
    .value = value,
    .end = end,
};
