/* Where a system stands, whose it is, how old it is. */
#include "base/size.h"
#include "survey/assess/eol.h"
#include "survey/assess/inside.h"

static struct finding about(const char *kind, enum verification level)
{
    return (struct finding){.kind = str_z(kind), .severity = SEV_OF_KIND, .level = level};
}

static bool any_said_by(const struct look *l, enum ev_by by)
{
    for (size_t i = 0; i < l->h->n; i++)
        if (said_by(l->h->endpoints[i].e, by))
            return true;
    return false;
}

/* A public number alone is no proof: it must have answered from outside, or us. */
static err_t public_address(const struct look *l)
{
    const struct endpoint *p;
    bool probed = false;
    l->s->is_public = ip_is_public(&l->h->ip);
    if (!l->s->is_public)
        return OK;
    for (size_t i = 0; (p = look_next(l, &i));) {
        if (said_by(p->e, BY_ENGINE) && (service_of(p->e).n || has(p->e, EV_port_open)))
            return look_tell(l, about("public_address", VER_protocol),
                             "port %u: a search engine reached it from the Internet",
                             "porta %u: un motore di ricerca l'ha raggiunta da Internet", p->port);
        probed = probed || (said_by(p->e, BY_PROBE) && service_of(p->e).n);
    }
    struct finding f = about("public_address", VER_protocol);
    f.severity = SEV_high;
    return probed ? look_tell(l, f, "it answered our probe at a public address",
                              "ha risposto alla nostra sonda su un indirizzo pubblico")
                  : OK;
}

static err_t unmanaged(const struct look *l)
{
    if (!l->o->site_list || any_said_by(l, BY_SITE))
        return OK;
    return look_tell(l, about("unmanaged", l->s->level),
                     "the site's own list has no line for this address",
                     "l'elenco della struttura non ha una riga per questo indirizzo");
}

static err_t never_probe(const struct look *l)
{
    struct str why = STR("");
    for (size_t i = 0; i < l->h->n && !why.n; i++)
        why = evidence_get(l->h->endpoints[i].e, EV_never_probe);
    return why.n ? look_tell(l, about("never_probe", VER_none), "the site's own list says so: %.*s",
                             "lo dice l'elenco della struttura: %.*s", STR_ARG(why))
                 : OK;
}

static err_t age_of(const struct look *l, const struct eol_row *r, struct str what)
{
    struct finding f = about("end_of_life", VER_product);
    if (!r)
        return OK;
    f.references = r->source;
    return look_tell(l, f, "%.*s: support ended on %.*s", "%.*s: il supporto è finito il %.*s",
                     STR_ARG(what), STR_ARG(r->since));
}

static err_t end_of_life(const struct look *l)
{
    const struct eol *e = advisories_eol(l->o->advisories);
    const struct answer *p = &l->s->product;
    struct str today = str_z(l->o->today);
    if (p->name.n && p->conf >= CONF_medium)
        TRY(age_of(l, eol_product(e, p->vendor, p->name, p->said ? STR("") : p->version, today),
                   p->name));
    for (size_t i = 0; i < l->h->n; i++) {
        struct str os = evidence_get(l->h->endpoints[i].e, EV_os);
        const struct eol_row *r = os.n ? eol_system(e, os, today) : NULL;
        if (r)
            return age_of(l, r, os);
    }
    return OK;
}

/* Called AE titles that products are shipped with: evidence in traffic and lists only, where the
 * acceptor took them as its own. */
static const struct str shipped_titles[] = {
    STR_INIT("ORTHANC"),          STR_INIT("DCM4CHEE"),        STR_INIT("CONQUESTSRV1"),
    STR_INIT("DICOOGLE-STORAGE"), STR_INIT("SYNAPSEDICOMSCP"),
};
/* Pages and certificates that an installation shows before anybody set it up. */
static const struct str shipped_pages[] = {
    STR_INIT("Apache Tomcat"),
    STR_INIT("IIS Windows"),
    STR_INIT("Welcome to nginx"),
    STR_INIT("Apache2 "),
    STR_INIT("Welcome to JBoss"),
    STR_INIT("WildFly"),
    STR_INIT("Microsoft Internet Information Services"),
};
static const struct str shipped_subjects[] = {
    STR_INIT("CN=mirth-connect"), STR_INIT("CN=localhost"), STR_INIT("CN=localhost.localdomain")};

static bool starts_with_any(struct str s, const struct str *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(s, t[i]))
            return true;
    return false;
}

static bool is_any(struct str s, const struct str *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(s, t[i]))
            return true;
    return false;
}

static bool has_subject(struct str subject)
{
    struct str part;
    while (subject.n && str_split(&subject, ',', &part))
        if (is_any(str_trim(part), shipped_subjects, COUNT(shipped_subjects)))
            return true;
    return false;
}

static err_t defaults_of(const struct look *l, const struct endpoint *p, bool *ret_found)
{
    const struct fact *f;
    struct finding found = about("default_configuration", VER_protocol);
    found.port = p->port;
    *ret_found = true;
    for (size_t i = 0; (f = evidence_next(p->e, EV_dicom_ae, &i));)
        if (f->by >= BY_SITE && is_any(f->value, shipped_titles, COUNT(shipped_titles)))
            return look_tell(l, found,
                             "port %u: it answers to %.*s, the AE title that the product "
                             "is shipped with",
                             "porta %u: risponde a %.*s, l'AE title con cui il prodotto è fornito",
                             p->port, STR_ARG(f->value));
    for (size_t i = 0; (f = evidence_next(p->e, EV_http_title, &i));)
        if (starts_with_any(f->value, shipped_pages, COUNT(shipped_pages)))
            return look_tell(
                l, found,
                "port %u: it shows the page of an installation that nobody "
                "set up (%.*s)",
                "porta %u: mostra la pagina di un'installazione che nessuno ha configurato (%.*s)",
                p->port, STR_ARG(f->value));
    if (has_subject(evidence_get(p->e, EV_tls_subject)))
        return look_tell(l, found, "port %u: its certificate is the one it was shipped with (%.*s)",
                         "porta %u: il suo certificato è quello con cui è stato fornito (%.*s)",
                         p->port, STR_ARG(evidence_get(p->e, EV_tls_subject)));
    *ret_found = false;
    return OK;
}

static err_t defaults(const struct look *l)
{
    const struct endpoint *p;
    bool found = false;
    for (size_t i = 0; !found && (p = look_next(l, &i));)
        TRY(defaults_of(l, p, &found));
    return OK;
}

static err_t not_seen(const struct look *l)
{
    if (!l->s->stale)
        return OK;
    return look_tell(l, about("not_seen_lately", l->s->level),
                     "this survey's last look did not find it again",
                     "l'ultima osservazione di questo censimento non l'ha ritrovato");
}

err_t look_at_place(const struct look *l)
{
    TRY(public_address(l));
    TRY(unmanaged(l));
    TRY(never_probe(l));
    TRY(end_of_life(l));
    TRY(defaults(l));
    return not_seen(l);
}
