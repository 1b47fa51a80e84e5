#include "survey/assess/inside.h"

#include "base/size.h"

void said_begin(struct said *s)
{
    for (size_t i = 0; i < LANGUAGES; i++)
        s->w[i] = wr_fixed(s->text[i], sizeof s->text[i]);
}

void say(struct said *s, const char *en, const char *it, ...)
{
    va_list ap;
    va_start(ap, it);
    wr_vprintf(&s->w[LANG_en], en, ap);
    va_end(ap);
    va_start(ap, it);
    wr_vprintf(&s->w[LANG_it], it, ap);
    va_end(ap);
}

err_t look_said(const struct look *l, struct finding f, const struct said *s)
{
    const struct finding_kind *k = finding_by_name(f.kind);
    if (!k)
        return E_INTERNAL;
    f.evidence = arena_copy(l->a, wr_str(&s->w[LANG_en]));
    f.evidence_it = arena_copy(l->a, wr_str(&s->w[LANG_it]));
    if (!f.evidence.p || !f.evidence_it.p)
        return E_NOMEM;
    if (f.severity == SEV_OF_KIND)
        f.severity = k->severity;
    if (!f.references.p)
        f.references = k->references;
    if (f.state == STATE_none)
        f.cvss = -1;
    struct str *const texts[] = {&f.cve, &f.advisory, &f.cvss_source, &f.component, &f.cves};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!texts[i]->p)
            *texts[i] = STR("");
    if (!f.port)
        f.port = l->s->port;
    f.system = l->s->id;
    return l->each(l->ctx, &f);
}

err_t look_tell(const struct look *l, struct finding f, const char *en, const char *it, ...)
{
    struct said s;
    va_list ap;
    said_begin(&s);
    va_start(ap, it);
    wr_vprintf(&s.w[LANG_en], en, ap);
    va_end(ap);
    va_start(ap, it);
    wr_vprintf(&s.w[LANG_it], it, ap);
    va_end(ap);
    return look_said(l, f, &s);
}

static bool has_port(struct str ports, uint16_t port)
{
    struct str part;
    uint64_t n;
    while (ports.n && str_split(&ports, ' ', &part))
        if (str_to_u64(str_slice(part, 0, str_find(part, '/')), UINT16_MAX, &n) && n == port)
            return true;
    return false;
}

const struct endpoint *look_next(const struct look *l, size_t *i)
{
    while (*i < l->h->n) {
        const struct endpoint *e = &l->h->endpoints[(*i)++];
        if (e->port && (e->port == l->s->port || has_port(l->s->ports, e->port)))
            return e;
    }
    return NULL;
}

bool has(const struct evidence *e, enum ev_kind kind)
{
    return e && evidence_get(e, kind).p;
}

bool has_any(const struct evidence *e, const enum ev_kind *kinds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (has(e, kinds[i]))
            return true;
    return false;
}

bool said_by(const struct evidence *e, enum ev_by by)
{
    for (size_t i = 0; e && i < e->n; i++)
        if (e->facts[i].by == by)
            return true;
    return false;
}

bool is_clear(const struct evidence *e)
{
    return evidence_is(e, EV_transport, STR("clear"));
}

static bool is_tls(const struct evidence *e)
{
    return evidence_is(e, EV_transport, STR("tls")) || has(e, EV_tls_version);
}

bool spoke_dicom(const struct evidence *e)
{
    static const enum ev_kind kinds[] = {EV_dicom_class_uid, EV_dicom_version_name,
                                         EV_dicom_context, EV_dicom_service, EV_dicom_command};
    struct str answer = evidence_get(e, EV_dicom_answer);
    return str_starts(answer, STR("accepted")) || str_starts(answer, STR("rejected")) ||
           str_starts(answer, STR("aborted")) || evidence_is(e, EV_protocol, STR("dicom")) ||
           has_any(e, kinds, COUNT(kinds));
}

/* A port that only took a connection has not spoken HL7. */
bool spoke_hl7(const struct evidence *e)
{
    static const enum ev_kind kinds[] = {EV_hl7_app, EV_hl7_ack, EV_hl7_message};
    return evidence_is(e, EV_hl7_mllp, STR("yes")) || evidence_is(e, EV_protocol, STR("hl7")) ||
           has_any(e, kinds, COUNT(kinds));
}

bool spoke_http(const struct evidence *e)
{
    static const enum ev_kind kinds[] = {EV_http_status, EV_http_title, EV_http_header,
                                         EV_http_json, EV_fhir_version};
    return evidence_is(e, EV_protocol, STR("http")) || has_any(e, kinds, COUNT(kinds));
}

struct str service_of(const struct evidence *e)
{
    bool tls = is_tls(e);
    if (spoke_dicom(e))
        return tls ? STR("dicom-tls") : STR("dicom");
    if (spoke_hl7(e) || has(e, EV_hl7_mllp))
        return tls ? STR("hl7-tls") : STR("hl7");
    if (has(e, EV_fhir_version))
        return STR("fhir");
    if (spoke_http(e))
        return tls ? STR("https") : STR("http");
    return STR("");
}

enum severity severity_of_cvss(int cvss)
{
    if (cvss < 0)
        return SEV_medium;
    return cvss >= 90 ? SEV_critical : cvss >= 70 ? SEV_high : cvss >= 40 ? SEV_medium : SEV_low;
}
