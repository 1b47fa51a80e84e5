/* A table of pages and what is read from each, so that another product is another row. */
#include "survey/wire/http_known.h"

#include "base/size.h"
#include "survey/core/jsonin.h"

enum { KEYS_MAX = 10, VALUES_MAX = 12, TEXT_VERSION_MAX = 32, PATH_MAX = 96, FHIR_TEXT_MAX = 160 };

/* A page and what is read from it. A path that begins with '*' is the end of one. Keys are paths of
 * json_at_is; a page without keys is a version as plain text. */
struct known {
    struct str path;
    bool guarded; /* behind the sign-in, where there is one */
    bool fhir;
    const char *keys[KEYS_MAX];
};

static const struct known pages[] = {
    /* Orthanc: REST API, "system". */
    {STR_INIT("*/system"),
     true,
     false,
     {"Version", "ApiVersion", "DicomAet", "DicomPort", "DatabaseVersion", "Name",
      "ThirdPartyVersions.dcmtk", "ThirdPartyVersions.openssl"}},
    /* FHIR (R4 3.1.0.5, and DSTU2's Conformance): every server. */
    {STR_INIT("*/metadata"), false, true, {"resourceType", "publisher"}},
    /* Mirth Connect and Open Integration Engine. */
    {STR_INIT("/api/server/version"), false, false, {NULL}},
    /* dcm4chee-arc-light. */
    {STR_INIT("/dcm4chee-arc/devicename"), false, false, {"dicomDeviceName"}},
    {STR_INIT("/dcm4chee-arc/ctrl/status"), false, false, {"status"}},
    {STR_INIT("/dcm4chee-arc/aets"), true, false, {"#.dicomAETitle", "#.dicomDescription"}},
};

static bool path_fits(const struct known *k, struct str path)
{
    if (k->path.p[0] == '*')
        return str_ends(path, str_slice(k->path, 1, k->path.n));
    return str_eq(path, k->path);
}

/* Without what stands behind '?', and without a slash at the end. */
static struct str bare(struct str path)
{
    path = str_slice(path, 0, str_find(path, '?'));
    return path.n > 1 && path.p[path.n - 1] == '/' ? str_slice(path, 0, path.n - 1) : path;
}

static const struct known *find_page(struct str path)
{
    for (size_t i = 0; i < COUNT(pages); i++)
        if (path_fits(&pages[i], path))
            return &pages[i];
    return NULL;
}

struct reading {
    const struct known *page;
    struct str path;
    struct evidence *e;
    enum ev_by by;
    unsigned values;
    bool is_fhir; /* resourceType said so */
    char software[FHIR_TEXT_MAX], version[FHIR_TEXT_MAX], fhir_version[32];
    bool security;
};

static err_t add_value(const struct reading *r, struct str key, struct str value)
{
    return evidence_addf(r->e, r->by, EV_http_json, "%.*s %.*s=%.*s",
                         STR_ARG(str_slice(r->path, 0, PATH_MAX)), STR_ARG(key),
                         STR_ARG(str_slice(value, 0, 200)));
}

/* "Version", "ThirdPartyVersions.dcmtk": the names of a place, indexes left out. */
static struct str place_name(const struct json_at *at, char *buf, size_t cap)
{
    struct wr w = wr_fixed(buf, cap);
    for (unsigned i = 0; i < at->depth; i++)
        if (at->keys[i].p)
            wr_printf(&w, "%s%.*s", w.n ? "." : "", STR_ARG(str_slice(at->keys[i], 0, 48)));
    return wr_str(&w);
}

static void keep_text(char *to, size_t cap, struct str text)
{
    text = str_slice(text, 0, cap - 1);
    memcpy(to, text.p, text.n);
    to[text.n] = 0;
}

static err_t on_fhir(struct reading *r, const struct json_at *at, struct str text)
{
    if (json_at_is(at, "resourceType"))
        r->is_fhir = str_eq(text, STR("CapabilityStatement")) || str_eq(text, STR("Conformance"));
    else if (json_at_is(at, "software.name"))
        keep_text(r->software, sizeof r->software, text);
    else if (json_at_is(at, "software.version"))
        keep_text(r->version, sizeof r->version, text);
    else if (json_at_is(at, "fhirVersion"))
        keep_text(r->fhir_version, sizeof r->fhir_version, text);
    else if (json_at_is(at, "rest.#.security.service.#.coding.#.code")) {
        r->security = true;
        return evidence_keep(r->e, r->by, EV_fhir_security, text);
    }
    return OK;
}

static err_t on_value(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    struct reading *r = ctx;
    if (type == JSON_NULL || r->values == VALUES_MAX)
        return OK;
    if (r->page->fhir)
        TRY(on_fhir(r, at, text));
    for (size_t i = 0; i < KEYS_MAX && r->page->keys[i]; i++) {
        char buf[160];
        if (!json_at_is(at, r->page->keys[i]))
            continue;
        r->values++;
        return add_value(r, place_name(at, buf, sizeof buf), text);
    }
    return OK;
}

static err_t add_fhir(const struct reading *r, bool whole)
{
    if (!r->is_fhir)
        return OK;
    TRY(evidence_add(r->e, r->by, EV_protocol, STR("fhir")));
    if (r->fhir_version[0])
        TRY(evidence_keep(r->e, r->by, EV_fhir_version, str_z(r->fhir_version)));
    if (r->software[0])
        TRY(evidence_addf(r->e, r->by, EV_fhir_software, "%s%s%s", r->software,
                          r->version[0] ? " " : "", r->version));
    /* What was cut off may have said more. */
    return r->security || !whole ? OK : evidence_add(r->e, r->by, EV_fhir_security, STR("none"));
}

/* Digits and dots first, one short line: what a version is, and no page of a catch-all. */
static bool is_version(struct str s)
{
    if (!s.n || s.n > TEXT_VERSION_MAX || s.p[0] < '0' || s.p[0] > '9')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '<')
            return false;
    return str_find(s, '.') < s.n;
}

static err_t read_json(struct reading *r, struct str body)
{
    struct diag d;
    const struct jsonin_calls calls = {.value = on_value, .ctx = r};
    /* A body that breaks off, or never was JSON, is no failure of the survey. */
    err_t e = jsonin_text(body, &calls, &d);
    if (e == E_NOMEM)
        return e;
    return add_fhir(r, e == OK);
}

err_t http_known_facts(struct str body, struct str path, enum ev_by by, struct evidence *e)
{
    struct reading r = {.path = bare(path), .e = e, .by = by};
    struct str text = str_trim(body);
    r.page = find_page(r.path);
    if (!r.page || !text.n)
        return OK;
    if (r.page->keys[0])
        return text.p[0] == '{' || text.p[0] == '[' ? read_json(&r, text) : OK;
    return is_version(text) ? add_value(&r, STR("version"), text) : OK;
}

bool http_known_guarded(struct str path, struct str body)
{
    const struct known *k = find_page(bare(path));
    struct str text = str_trim(body);
    return k && k->guarded && text.n && (text.p[0] == '{' || text.p[0] == '[');
}
