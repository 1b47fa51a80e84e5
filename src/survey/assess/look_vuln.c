/* Known vulnerabilities of the product and of the toolkit it announces, and what a search engine
 * asserts. What is sure has a finding a CVE; what is not has one for all, so that it cannot bury
 * the rest. */
#include "base/size.h"
#include "survey/assess/inside.h"

enum { NAMED_MAX = 12, TOLD_MAX = 512 };

/* CVEs that could be, of one product: one finding. */
struct pile {
    uint64_t n, exploited;
    int worst;
    struct str worst_source;
    char text[NAMED_MAX * 26];
    size_t len;
};

struct sweep {
    const struct look *l;
    const struct answer *of;
    bool toolkit;
    struct pile unknown;
    struct str told[TOLD_MAX]; /* CVEs that have a finding: a search engine's word adds nothing */
    size_t n_told;
};

static void pile_add(struct pile *p, struct str cve, int cvss, struct str source, bool exploited)
{
    if (p->n < NAMED_MAX) {
        struct wr w = wr_fixed(p->text + p->len, sizeof p->text - p->len);
        wr_printf(&w, "%s%.*s", p->n ? ", " : "", (int)size_min(cve.n, 22), cve.p ? cve.p : "");
        p->len += w.n;
    }
    p->n++;
    p->exploited += exploited;
    if (cvss > p->worst) {
        p->worst = cvss;
        p->worst_source = source;
    }
}

static enum severity severity_of(const struct advisory *a, bool toolkit)
{
    int s = (int)severity_of_cvss(a->cvss) + (a->exploited ? 1 : 0) - (toolkit ? 1 : 0);
    return s > SEV_critical ? SEV_critical : s < SEV_low ? SEV_low : (enum severity)s;
}

static struct str name_of(const struct advisory *a)
{
    return a->cve.n ? a->cve : a->id;
}

/* Where to read about it: the CVE, CISA's page of the advisory, what the source gave. */
static err_t references(const struct look *l, const struct advisory *a, struct str *ret)
{
    char text[400], low[40];
    struct wr w = wr_fixed(text, sizeof text), page = wr_fixed(low, sizeof low);
    if (a->cve.n)
        wr_printf(&w, "https://nvd.nist.gov/vuln/detail/%.*s ", STR_ARG(a->cve));
    bool cisa = str_starts(a->id, STR("ICSA-")) || str_starts(a->id, STR("ICSMA-"));
    struct str id = a->id;
    while (id.n && *(id.p + id.n - 1) >= 'A' && *(id.p + id.n - 1) <= 'Z')
        id.n--; /* the letter of a revision */
    for (size_t i = 0; cisa && i < id.n; i++)
        wr_u8(&page, (uint8_t)(id.p[i] >= 'A' && id.p[i] <= 'Z' ? id.p[i] + 32 : id.p[i]));
    if (cisa && !page.bad)
        wr_printf(&w, "https://www.cisa.gov/news-events/ics-medical-advisories/%.*s ",
                  STR_ARG(wr_str(&page)));
    if (a->references.n)
        wr_put(&w, a->references);
    *ret = arena_copy(l->a, str_trim(wr_str(&w)));
    return ret->p ? OK : E_NOMEM;
}

static const char *words_of(enum match_state s)
{
    static const char *const words[STATE_COUNT] = {
        [STATE_confirmed] = "the version read is affected",
        [STATE_potential] = "the toolkit's version is affected; the product may have mended it",
        [STATE_all_versions] = "every version is affected"};
    return words[s] ? words[s] : "";
}

static err_t tell_cve(struct sweep *w, const struct advisory_hit *h)
{
    const struct advisory *a = h->advisory;
    bool toolkit = h->state == STATE_potential;
    struct finding f = {.kind = toolkit ? STR("vulnerable_toolkit") : STR("vulnerability"),
                        .severity = severity_of(a, toolkit),
                        .level = h->state == STATE_all_versions ? VER_product : VER_version,
                        .state = h->state,
                        .cve = a->cve,
                        .advisory = a->id,
                        .cvss = a->cvss,
                        .cvss_source = a->cvss_source,
                        .component = w->toolkit ? w->of->name : STR(""),
                        .exploited = a->exploited};
    TRY(references(w->l, a, &f.references));
    if (w->n_told < TOLD_MAX)
        w->told[w->n_told++] = a->cve;
    return look_tell(w->l, f, "%.*s %.*s: %s (affected: %.*s%s%.*s)", STR_ARG(w->of->name),
                     STR_ARG(w->of->version), words_of(h->state), (int)size_min(a->range.n, 200),
                     a->range.p ? a->range.p : "", a->fixed.n ? "; fixed in " : "",
                     STR_ARG(a->fixed));
}

static err_t on_hit(void *ctx, const struct advisory_hit *h)
{
    struct sweep *w = ctx;
    const struct advisory *a = h->advisory;
    if (h->state != STATE_unknown)
        return tell_cve(w, h);
    pile_add(&w->unknown, name_of(a), a->cvss, a->cvss_source, a->exploited);
    return OK;
}

static err_t tell_pile(const struct look *l, const struct pile *p, struct finding f,
                       const char *lead, struct str what, struct str version)
{
    if (!p->n)
        return OK;
    f.cvss = p->worst;
    f.cvss_source = p->worst_source;
    f.exploited = p->exploited > 0;
    if (f.exploited)
        f.severity = SEV_medium;
    char score[24] = "";
    struct wr w = wr_fixed(score, sizeof score - 1);
    if (p->worst >= 0)
        wr_printf(&w, ", worst CVSS %d.%d", p->worst / 10, p->worst % 10);
    score[w.n] = '\0';
    return look_tell(l, f, "%.*s%s%.*s%s%llu%s, %llu known to be exploited: %.*s%s", STR_ARG(what),
                     version.n ? " " : "", STR_ARG(version), lead, (unsigned long long)p->n, score,
                     (unsigned long long)p->exploited, (int)p->len, p->text,
                     p->n > NAMED_MAX ? " and others" : "");
}

/* A weakly named product has a version as weakly read. */
static err_t sweep(struct sweep *w, const struct answer *of, bool toolkit)
{
    struct str version = of->conf >= CONF_medium ? of->version : STR("");
    w->of = of;
    w->toolkit = toolkit;
    w->unknown = (struct pile){.worst = -1};
    if (!of->name.n || of->conf < CONF_medium)
        return OK;
    TRY(advisories_match(w->l->o->advisories, of->vendor, of->name, version, toolkit, on_hit, w));
    return tell_pile(w->l, &w->unknown,
                     (struct finding){.kind = STR("possible_vulnerability"),
                                      .severity = SEV_OF_KIND,
                                      .level = VER_product,
                                      .state = STATE_unknown,
                                      .component = toolkit ? of->name : STR("")},
                     ": vulnerabilities that may be in it: ", of->name, version);
}

static bool is_told(const struct sweep *w, struct str cve)
{
    for (size_t i = 0; i < w->n_told; i++)
        if (str_eq_nocase(w->told[i], cve))
            return true;
    return false;
}

static err_t asserted(struct sweep *w)
{
    const struct endpoint *p;
    const struct fact *f;
    struct pile pile = {.worst = -1};
    uint16_t port = 0;
    for (size_t i = 0; (p = look_next(w->l, &i));)
        for (size_t k = 0; (f = evidence_next(p->e, EV_said_cve, &k));) {
            const struct advisory *a = advisories_by_cve(w->l->o->advisories, f->value);
            if (is_told(w, f->value))
                continue;
            port = port ? port : p->port;
            pile_add(&pile, f->value, a ? a->cvss : -1, a ? a->cvss_source : STR(""),
                     advisories_is_exploited(w->l->o->advisories, f->value));
        }
    return tell_pile(w->l, &pile,
                     (struct finding){.kind = STR("asserted_vulnerability"),
                                      .severity = SEV_OF_KIND,
                                      .level = VER_none,
                                      .port = port,
                                      .state = STATE_asserted},
                     "vulnerabilities that a search engine asserts: ", STR(""), STR(""));
}

err_t look_at_advisories(const struct look *l)
{
    struct sweep *w = ARENA_NEW(l->a, struct sweep);
    if (!w)
        return E_NOMEM;
    w->l = l;
    TRY(sweep(w, &l->s->product, false));
    TRY(sweep(w, &l->s->toolkit, true));
    return asserted(w);
}
