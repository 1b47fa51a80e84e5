/* nmap -oX, as a stream: a host element after the other, in bounded memory. A document type may be
 * named but declares nothing: entities are refused before any of them could swell. */
#include <expat.h>
#include <stdlib.h>

#include "base/size.h"
#include "survey/source/import/importer.h"
#include "survey/source/import/said.h"
#include "survey/wire/tls_text.h"

enum { DEPTH_MAX = 32, TEXT_CAP = 64 << 10, QUIET_MAX = 4 << 20, NAMES_MAX = 8 };

struct reader {
    struct importer_sink *sink;
    XML_Parser xml;
    unsigned depth;
    size_t quiet; /* bytes since something was heard */
    bool told;
    err_t failed;
    const char *why;
    /* Of the host. */
    bool in_host, bad, has_ip, up;
    struct ip ip;
    int64_t when;
    struct str mac, os, names[NAMES_MAX];
    size_t n_names;
    /* Of the port. */
    bool in_port, open;
    uint16_t port;
    struct evidence *e;
    struct str script, key;
    struct wr text; /* of the element that is open, where it is wanted */
    bool wants_text;
};

static void fail(struct reader *r, err_t e, const char *why)
{
    if (r->failed != OK)
        return;
    r->failed = e;
    r->why = why;
    XML_StopParser(r->xml, XML_FALSE);
}

static struct str attribute(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return str_z(attributes[1]);
    return STR("");
}

/* What does not fit is the record's fault, what else fails ends the reading. */
static void check(struct reader *r, err_t e)
{
    if (e == E_NOMEM || e == E_LIMIT)
        r->bad = true;
    else if (e != OK && e != E_MALFORMED)
        fail(r, e, err_text(e));
}

static void keep(struct reader *r, enum ev_kind kind, struct str value)
{
    check(r, evidence_keep(r->e, BY_ENGINE, kind, value));
}

static struct str stable(struct reader *r, struct str s)
{
    struct str copy = sink_stable(r->sink, s);
    if (copy.p)
        return copy;
    r->bad = true;
    return STR("");
}

static void start_host(struct reader *r, const char **a)
{
    struct str when = attribute(a, "endtime");
    r->in_host = true;
    r->bad = r->has_ip = r->up = r->in_port = false;
    r->when = said_time(when.n ? when : attribute(a, "starttime"));
    r->mac = r->os = STR("");
    r->n_names = 0;
}

static void start_status(struct reader *r, const char **a)
{
    r->up = str_eq(attribute(a, "state"), STR("up"));
}

static void start_address(struct reader *r, const char **a)
{
    struct str addr = attribute(a, "addr");
    if (str_eq(attribute(a, "addrtype"), STR("mac")))
        r->mac = stable(r, addr);
    else if (ip_parse(addr, &r->ip) == OK)
        r->has_ip = true;
}

static void start_hostname(struct reader *r, const char **a)
{
    if (r->n_names < NAMES_MAX)
        r->names[r->n_names++] = stable(r, attribute(a, "name"));
}

static void start_osmatch(struct reader *r, const char **a)
{
    if (!r->os.n)
        r->os = stable(r, attribute(a, "name"));
}

static void start_port(struct reader *r, const char **a)
{
    r->in_port =
        said_port(attribute(a, "portid"), &r->port) && str_eq(attribute(a, "protocol"), STR("tcp"));
    r->open = false;
    r->e = sink_evidence(r->sink);
}

static void start_state(struct reader *r, const char **a)
{
    if (!r->in_port)
        return;
    r->open = str_eq(attribute(a, "state"), STR("open"));
    keep(r, EV_port_open, STR("yes"));
}

static void start_service(struct reader *r, const char **a)
{
    if (!r->in_port)
        return;
    check(r, said_product(r->e, stable(r, attribute(a, "product")), attribute(a, "version")));
    /* A name that stands in nmap's table of port numbers is none that was seen. */
    if (!str_eq(attribute(a, "method"), STR("table"))) {
        bool tls = str_eq(attribute(a, "tunnel"), STR("ssl"));
        keep(r, EV_transport, tls ? STR("tls") : STR("clear"));
    }
    if (!r->os.n)
        r->os = stable(r, attribute(a, "ostype"));
}

/* The 32 hexadecimal digits in "Unknown favicon MD5: ..." */
static void add_favicon(struct reader *r, struct str text)
{
    enum { DIGITS = 32 };
    size_t run = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool hex = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
        run = hex ? run + 1 : 0;
        if (run == DIGITS) {
            char lower[DIGITS];
            for (size_t k = 0; k < DIGITS; k++)
                lower[k] = text.p[i + 1 - DIGITS + k] | 0x20;
            keep(r, EV_favicon_md5, str_of(lower, DIGITS));
            return;
        }
    }
}

static void add_banner(struct reader *r, struct str text)
{
    struct said_banner b = {stable(r, text), STR(""), STR("/"), STR(""), false};
    check(r, said_answer(r->e, &b));
}

static void add_title(struct reader *r, struct str text)
{
    if (!str_starts(text, STR("Site doesn't have a title")))
        keep(r, EV_http_title, str_slice(text, 0, str_find(text, '\n')));
}

static void add_server(struct reader *r, struct str text)
{
    text = str_trim(text);
    check(r, evidence_addf(r->e, BY_ENGINE, EV_http_header, "Server: %.*s",
                           (int)size_min(str_find(text, '\n'), 240), text.p));
}

static void add_cert(struct reader *r, struct str text)
{
    check(r, tls_cert_facts_pem(stable(r, text), BY_ENGINE, r->e));
}

static void add_called(struct reader *r, struct str text)
{
    keep(r, EV_protocol, STR("dicom"));
    if (said_contains(text, STR("Any AET is accepted")))
        keep(r, EV_dicom_any_called, STR("yes"));
    else if (said_contains(text, STR("AET check enabled")))
        keep(r, EV_dicom_any_called, STR("no"));
}

static void add_class_uid(struct reader *r, struct str text)
{
    keep(r, EV_dicom_class_uid, text);
}

static void add_version_name(struct reader *r, struct str text)
{
    keep(r, EV_dicom_version_name, text);
}

static void add_cve(struct reader *r, struct str text)
{
    if (str_starts(text, STR("CVE-")))
        keep(r, EV_said_cve, text);
}

/* What scripts found: in the text of an element with this key (empty: the script's whole output).
 */
static const struct finding_row {
    const char *script, *key; /* script "*": any */
    void (*add)(struct reader *r, struct str text);
} findings[] = {
    {"http-title", "", add_title},
    {"http-server-header", "", add_server},
    {"http-favicon", "", add_favicon},
    {"banner", "", add_banner},
    {"ssl-cert", "pem", add_cert},
    {"dicom-ping", "", add_called},
    {"dicom-info", "implementation_class_uid", add_class_uid},
    {"dicom-info", "implementation_version_name", add_version_name},
    {"dicom-ping", "implementation_class_uid", add_class_uid},
    {"dicom-ping", "implementation_version_name", add_version_name},
    {"*", "id", add_cve},
};

static void look_up(struct reader *r, struct str key, struct str text)
{
    if (!r->in_port)
        return;
    for (size_t i = 0; i < COUNT(findings); i++)
        if (str_eq(key, str_z(findings[i].key)) &&
            (findings[i].script[0] == '*' || str_eq(r->script, str_z(findings[i].script))))
            findings[i].add(r, text);
}

static void start_script(struct reader *r, const char **a)
{
    r->script = stable(r, attribute(a, "id"));
    look_up(r, STR(""), attribute(a, "output"));
}

static void start_text(struct reader *r, const char **a)
{
    r->key = stable(r, attribute(a, "key"));
    r->wants_text = r->in_port;
    wr_clear(&r->text);
}

static void end_elem(struct reader *r)
{
    if (r->wants_text && r->key.n)
        look_up(r, r->key, wr_str(&r->text));
    r->wants_text = false;
}

static void end_cpe(struct reader *r)
{
    if (r->wants_text)
        keep(r, EV_said_cpe, wr_str(&r->text));
    r->wants_text = false;
}

static void end_port(struct reader *r)
{
    if (r->in_port && r->open && (!r->has_ip || sink_wants(r->sink, &r->ip)))
        check(r, sink_endpoint(r->sink, r->port, r->when));
    r->in_port = false;
}

static void put_host(struct reader *r)
{
    char mac[SAID_MAC];
    r->e = sink_evidence(r->sink);
    keep(r, EV_mac, said_mac(r->mac, mac));
    keep(r, EV_os, r->os);
    for (size_t i = 0; i < r->n_names; i++)
        keep(r, EV_hostname, r->names[i]);
    check(r, sink_endpoint(r->sink, 0, r->when));
}

static void end_host(struct reader *r)
{
    r->in_host = false;
    /* A hardware address answered, and may be one that is never probed. */
    if ((r->up || r->mac.n) && r->has_ip && !r->bad)
        put_host(r);
    if (r->bad)
        sink_bad(r->sink, "too large");
    else if (!r->has_ip)
        sink_bad(r->sink, "no address");
    else
        check(r, sink_host(r->sink, &r->ip));
}

static const struct element {
    const char *name;
    void (*start)(struct reader *r, const char **attributes);
    void (*end)(struct reader *r);
} elements[] = {
    {"host", start_host, end_host},   {"status", start_status, NULL},
    {"address", start_address, NULL}, {"hostname", start_hostname, NULL},
    {"osmatch", start_osmatch, NULL}, {"port", start_port, end_port},
    {"state", start_state, NULL},     {"service", start_service, NULL},
    {"script", start_script, NULL},   {"elem", start_text, end_elem},
    {"cpe", start_text, end_cpe},
};

static const struct element *find(const char *name)
{
    for (size_t i = 0; i < COUNT(elements); i++)
        if (strcmp(elements[i].name, name) == 0)
            return &elements[i];
    return NULL;
}

static void on_start(void *ctx, const char *name, const char **attributes)
{
    struct reader *r = ctx;
    const struct element *el = find(name);
    r->told = true;
    if (++r->depth > DEPTH_MAX)
        fail(r, E_LIMIT, "nested past what is read of XML");
    else if (el && (r->in_host || el->start == start_host))
        el->start(r, attributes);
}

static void on_end(void *ctx, const char *name)
{
    struct reader *r = ctx;
    const struct element *el = find(name);
    r->told = true;
    r->depth--;
    if (el && el->end && r->in_host)
        el->end(r);
}

static void on_text(void *ctx, const char *p, int n)
{
    struct reader *r = ctx;
    r->told = true;
    if (r->wants_text)
        wr_put(&r->text, str_of(p, (size_t)n));
}

static void on_entity(void *ctx, const char *name, int is_parameter, const char *value,
                      int value_length, const char *base, const char *system_id,
                      const char *public_id, const char *notation)
{
    (void)name, (void)is_parameter, (void)value, (void)value_length, (void)base, (void)system_id,
        (void)public_id, (void)notation;
    fail(ctx, E_LIMIT, "entities are not read");
}

static void close_reader(void *reader)
{
    struct reader *r = reader;
    if (!r)
        return;
    if (r->xml)
        XML_ParserFree(r->xml);
    wr_done(&r->text);
    free(r);
}

static err_t open_reader(const void *format, struct importer_sink *s, void **ret)
{
    (void)format;
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->sink = s;
    r->text = wr_heap(TEXT_CAP);
    r->e = sink_evidence(s);
    r->xml = XML_ParserCreate(NULL);
    if (!r->xml) {
        close_reader(r);
        return E_NOMEM;
    }
    XML_SetUserData(r->xml, r);
    XML_SetElementHandler(r->xml, on_start, on_end);
    XML_SetCharacterDataHandler(r->xml, on_text);
    XML_SetEntityDeclHandler(r->xml, on_entity);
    *ret = r;
    return OK;
}

static err_t feed(struct reader *r, struct str bytes, bool last, struct diag *d)
{
    r->told = false;
    enum XML_Status s = XML_Parse(r->xml, bytes.p, (int)bytes.n, last);
    r->quiet = r->told ? 0 : r->quiet + bytes.n;
    if (r->failed == OK && r->quiet > QUIET_MAX)
        return diag_set(d, E_LIMIT, "a text past what is read of XML");
    if (r->failed != OK)
        return diag_set(d, r->failed, "line %lu: %s", XML_GetCurrentLineNumber(r->xml), r->why);
    if (s != XML_STATUS_OK)
        return diag_set(d, E_MALFORMED, "line %lu: not XML: %s", XML_GetCurrentLineNumber(r->xml),
                        XML_ErrorString(XML_GetErrorCode(r->xml)));
    return OK;
}

static err_t block(void *reader, struct str bytes, struct diag *d)
{
    return feed(reader, bytes, false, d);
}

static err_t end(void *reader, struct diag *d)
{
    return feed(reader, STR(""), true, d);
}

static unsigned looks(struct str head)
{
    return said_contains(str_slice(head, 0, 4096), STR("<nmaprun")) ? 95 : 0;
}

static const struct import_reader xml_reader = {
    .open = open_reader,
    .close = close_reader,
    .block = block,
    .end = end,
};

const struct importer importer_nmap = {
    .name = "nmap",
    .about = "nmap: the XML of -oX",
    .looks = looks,
    .reader = &xml_reader,
};
