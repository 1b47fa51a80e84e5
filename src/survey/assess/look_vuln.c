/* Known vulnerabilities of the product and of the toolkit it announces, and what a search engine
 * asserts. What is sure has a finding a CVE; what is not has one for all, so that it cannot bury
 * the rest. */
#include "base/size.h"
#include "survey/assess/pile.h"

struct sweep {
    const struct look *l;
    const struct answer *of;
    bool toolkit;
    struct pile unknown; /* CVEs that could be, of one product */
    struct told told;    /* CVEs that have a finding: a search engine's word adds nothing */
};

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

static void say_state(struct said *words, enum match_state state)
{
    if (state == STATE_confirmed)
        say(words, "the version read is affected", "la versione letta è colpita");
    else if (state == STATE_potential)
        say(words, "the toolkit's version is affected; the product may have mended it",
            "la versione del toolkit è colpita; il prodotto può averlo corretto");
    else if (state == STATE_all_versions)
        say(words, "every version is affected", "tutte le versioni sono colpite");
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
    if (w->told.n < TOLD_MAX)
        w->told.cve[w->told.n++] = a->cve;
    struct said words;
    struct str range = str_slice(a->range, 0, 200);
    said_begin(&words);
    say(&words, "%.*s %.*s: ", "%.*s %.*s: ", STR_ARG(w->of->name), STR_ARG(w->of->version));
    say_state(&words, h->state);
    say(&words, " (affected: %.*s", " (colpite: %.*s", STR_ARG(range));
    if (a->fixed.n)
        say(&words, "; fixed in %.*s", "; corretto in %.*s", STR_ARG(a->fixed));
    say(&words, ")", ")");
    return look_said(w->l, f, &words);
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

static err_t tell_unknown(const struct sweep *w, struct str version)
{
    struct said words;
    const struct finding f = {.kind = STR("possible_vulnerability"),
                              .severity = SEV_OF_KIND,
                              .level = VER_product,
                              .state = STATE_unknown,
                              .component = w->toolkit ? w->of->name : STR("")};
    if (!w->unknown.n)
        return OK;
    said_begin(&words);
    say(&words, "%.*s%s%.*s", "%.*s%s%.*s", STR_ARG(w->of->name), version.n ? " " : "",
        STR_ARG(version));
    say(&words,
        ": vulnerabilities that may be in it: ", ": vulnerabilità che potrebbero esserci: ");
    pile_say(&w->unknown, &words);
    return pile_tell(w->l, &w->unknown, f, &words);
}

/* A weakly named product has a version as weakly read, and one that was only said none. */
static err_t sweep(struct sweep *w, const struct answer *of, bool toolkit)
{
    struct str version = of->conf >= CONF_medium && !of->said ? of->version : STR("");
    w->of = of;
    w->toolkit = toolkit;
    pile_clear(&w->unknown);
    if (!of->name.n || of->conf < CONF_medium)
        return OK;
    TRY(advisories_match(w->l->o->advisories, of->vendor, of->name, version, toolkit, on_hit, w));
    return tell_unknown(w, version);
}

err_t look_at_advisories(const struct look *l)
{
    struct sweep *w = ARENA_NEW(l->a, struct sweep);
    if (!w)
        return E_NOMEM;
    w->l = l;
    TRY(sweep(w, &l->s->product, false));
    TRY(sweep(w, &l->s->toolkit, true));
    return look_at_asserted(l, &w->told);
}
