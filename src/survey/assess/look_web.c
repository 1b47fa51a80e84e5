/* Web pages, FHIR and HL7 ports. */
#include "base/size.h"
#include "survey/assess/inside.h"

static struct finding about(const char *kind, const struct endpoint *p)
{
    return (struct finding){
        .kind = str_z(kind), .severity = SEV_OF_KIND, .level = VER_protocol, .port = p->port};
}

static bool leads_to_https(const struct evidence *e)
{
    struct str status = evidence_get(e, EV_http_status);
    return status.n == 3 && *status.p == '3' &&
           str_starts(evidence_get(e, EV_http_location), STR("https://"));
}

/* A page of one's own version that was read without asking who reads: /system Version=1.12.6. */
static bool told_its_version(const struct evidence *e)
{
    const struct fact *f;
    for (size_t i = 0; (f = evidence_next(e, EV_http_json, &i));)
        if (str_starts(f->value, STR("/system ")))
            return true;
    return false;
}

static bool is_ok_status(const struct evidence *e)
{
    struct str s = evidence_get(e, EV_http_status);
    return s.n == 3 && *s.p == '2';
}

/* The capability statement is public by design, and a port that has nothing else is no page. */
static bool is_fhir_only(const struct evidence *e)
{
    return has(e, EV_fhir_version) && !has(e, EV_http_title);
}

static err_t sign_in(const struct look *l, const struct endpoint *p)
{
    struct str how = evidence_get(p->e, EV_http_signin);
    bool open = told_its_version(p->e) ||
                (str_eq(how, STR("none")) && is_ok_status(p->e) && !is_fhir_only(p->e));
    if (!open) {
        if (how.n && !str_eq(how, STR("none")) && l->s->web_open < 0)
            l->s->web_open = 0;
        return OK;
    }
    l->s->web_open = 1;
    if (told_its_version(p->e))
        return look_tell(l, about("web_without_signin", p),
                         "port %u: the product's own interface answered without sign-in",
                         "porta %u: l'interfaccia del prodotto ha risposto senza autenticazione",
                         p->port);
    return look_tell(
        l, about("web_without_signin", p),
        "port %u: GET / gave status %.*s and a page that asks for no sign-in",
        "porta %u: GET / ha dato lo stato %.*s e una pagina che non chiede autenticazione", p->port,
        STR_ARG(evidence_get(p->e, EV_http_status)));
}

static err_t clear_web(const struct look *l, const struct endpoint *p)
{
    if (!is_clear(p->e) || leads_to_https(p->e))
        return OK;
    l->s->cleartext = 1;
    return look_tell(l, about("cleartext_http", p), "port %u: HTTP was spoken without TLS",
                     "porta %u: HTTP parlato senza TLS", p->port);
}

static err_t fhir(const struct look *l, const struct endpoint *p)
{
    const struct fact *f;
    struct str version = evidence_get(p->e, EV_fhir_version);
    if (!version.p)
        return OK;
    for (size_t i = 0; (f = evidence_next(p->e, EV_fhir_security, &i));)
        if (!str_eq_nocase(f->value, STR("none")))
            return OK;
    return look_tell(
        l, about("fhir_without_security", p),
        "port %u: the CapabilityStatement of FHIR %.*s names no security service",
        "porta %u: il CapabilityStatement di FHIR %.*s non nomina alcun servizio di sicurezza",
        p->port, STR_ARG(version));
}

/* Seen in traffic without TLS, or answered so. */
static err_t hl7(const struct look *l, const struct endpoint *p)
{
    if (!spoke_hl7(p->e) || !is_clear(p->e))
        return OK;
    l->s->cleartext = 1;
    return look_tell(l, about("cleartext_hl7", p), "port %u: HL7 was spoken without TLS",
                     "porta %u: HL7 parlato senza TLS", p->port);
}

/* Names and numbers of fields that passed in clear; "PatientName 12". */
static err_t clear_fields(const struct look *l, const struct endpoint *p, struct wr *all)
{
    const struct fact *f;
    uint64_t values = 0, n;
    char text[600];
    struct wr w = wr_fixed(text, sizeof text - 32);
    for (size_t i = 0; (f = evidence_next(p->e, EV_clear_field, &i));) {
        size_t gap = str_find(f->value, ' ');
        if (!str_to_u64(str_slice(f->value, gap + 1, f->value.n), UINT32_MAX, &n) || !n)
            continue;
        values += n;
        if (!w.bad)
            wr_printf(&w, "%s%.*s", w.n ? ", " : "", STR_ARG(f->value));
        wr_printf(all, "%s%.*s", all->n ? ", " : "", STR_ARG(f->value));
    }
    if (!values)
        return OK;
    l->s->clear_values += values;
    l->s->cleartext = 1;
    struct said words;
    said_begin(&words);
    say(&words, "port %u: %.*s", "porta %u: %.*s", p->port, STR_ARG(wr_str(&w)));
    if (w.bad)
        say(&words, " and others", " e altri");
    say(&words, " in clear", " in chiaro");
    return look_said(l, about("patient_data_in_clear", p), &words);
}

static err_t clear_data(const struct look *l)
{
    const struct endpoint *p;
    char text[2048];
    struct wr all = wr_fixed(text, sizeof text);
    uint64_t objects;
    for (size_t i = 0; (p = look_next(l, &i));) {
        TRY(clear_fields(l, p, &all));
        if (str_to_u64(evidence_get(p->e, EV_clear_objects), UINT64_MAX / 2, &objects))
            l->s->clear_objects += objects;
    }
    l->s->clear_fields = arena_copy(l->a, wr_str(&all));
    return l->s->clear_fields.p ? OK : E_NOMEM;
}

err_t look_at_web(const struct look *l)
{
    const struct endpoint *p;
    for (size_t i = 0; (p = look_next(l, &i));) {
        if (spoke_http(p->e)) {
            TRY(sign_in(l, p));
            TRY(clear_web(l, p));
            TRY(fhir(l, p));
        }
        TRY(hl7(l, p));
    }
    return clear_data(l);
}
