/* zgrab2: a line of JSON a host, under `data` a member a module ("http", "tls", "banner", or what
 * the scan was called). */
#include "base/size.h"
#include "survey/source/import/record.h"
#include "survey/source/import/said.h"

enum { IP, PORT };

static const char *const roots[] = {"", "#", NULL};
static const struct field host_fields[] = {
    {"ip", TAKE_ONE, IP},
    {"port", TAKE_ONE, PORT},
};

enum {
    STATUS,
    PROTOCOL,
    MODULE_PORT,
    TIMESTAMP,
    URL_HOST,
    STATUS_LINE,
    BODY,
    BANNER,
    VERSION,
    CIPHER,
    SUBJECT,
    ISSUER,
    FROM,
    UNTIL,
    SHA256,
    SELF_SIGNED,
    SIG_ALG,
    ONES
};
enum { TLS_NAME, UNKNOWN_NAME, UNKNOWN_VALUE, HEADERS };

_Static_assert((int)ONES <= (int)FIELDS_ONE, "room for the fields");

/* Headers as zgrab2 writes them that tell something of the server, and how they are called. */
#define HEADER_ROWS(X)                                                                             \
    X(0, "server", "Server")                                                                       \
    X(1, "www_authenticate", "WWW-Authenticate")                                                   \
    X(2, "x_powered_by", "X-Powered-By")                                                           \
    X(3, "set_cookie", "Set-Cookie")                                                               \
    X(4, "location", "Location")                                                                   \
    X(5, "content_type", "Content-Type")

static const char *const header_names[] = {
#define NAME_ROW(number, path, name) [number] = name,
    HEADER_ROWS(NAME_ROW)};

static const char *const module_roots[] = {"data.*", NULL};

/* A handshake stands in the result, in its `tls`, or in the request of a page. */
#define LEAF(at) at "server_certificates.certificate.parsed."
#define HANDSHAKE_ROWS(at)                                                                         \
    {at "server_hello.version.name", TAKE_ONE, VERSION},                                           \
        {at "server_hello.supported_versions.selected_version.name", TAKE_ONE, VERSION},           \
        {at "server_hello.cipher_suite.name", TAKE_ONE, CIPHER},                                   \
        {LEAF(at) "subject_dn", TAKE_ONE, SUBJECT}, {LEAF(at) "issuer_dn", TAKE_ONE, ISSUER},      \
        {LEAF(at) "validity.start", TAKE_ONE, FROM}, {LEAF(at) "validity.end", TAKE_ONE, UNTIL},   \
        {LEAF(at) "fingerprint_sha256", TAKE_ONE, SHA256},                                         \
        {LEAF(at) "signature.self_signed", TAKE_ONE, SELF_SIGNED},                                 \
        {LEAF(at) "signature_algorithm.name", TAKE_ONE, SIG_ALG},                                  \
        {LEAF(at) "names.#", TAKE_LIST, TLS_NAME},                                                 \
        {LEAF(at) "extensions.subject_alt_name.dns_names.#", TAKE_LIST, TLS_NAME},

static const struct field module_fields[] = {
    {"status", TAKE_ONE, STATUS},
    {"protocol", TAKE_ONE, PROTOCOL},
    {"port", TAKE_ONE, MODULE_PORT},
    {"timestamp", TAKE_ONE, TIMESTAMP},
    {"result.response.request.url.host", TAKE_ONE, URL_HOST},
    {"result.response.status_line", TAKE_ONE, STATUS_LINE},
    {"result.response.body", TAKE_ONE, BODY},
    {"result.response.headers.unknown.#.key", TAKE_LIST, UNKNOWN_NAME},
    {"result.response.headers.unknown.#.value.#", TAKE_LIST, UNKNOWN_VALUE},
    {"result.banner", TAKE_ONE, BANNER},
#define FIELD_ROW(number, path, name)                                                              \
    {"result.response.headers." path ".#", TAKE_LIST, HEADERS + (number)},
    HEADER_ROWS(FIELD_ROW) HANDSHAKE_ROWS("result.handshake_log.")
        HANDSHAKE_ROWS("result.tls.handshake_log.")
            HANDSHAKE_ROWS("result.response.request.tls_log.handshake_log.")};

static const struct field_fact plain[] = {{CIPHER, EV_tls_cipher},
                                          {SUBJECT, EV_tls_subject},
                                          {ISSUER, EV_tls_issuer},
                                          {SHA256, EV_tls_sha256},
                                          {SIG_ALG, EV_tls_signature}},
                               plain_rows[] = {{TLS_NAME, EV_tls_name}};

/* The port is told by newer versions, else by the address of the page; else it is the module's
 * own. */
static bool port_of(const struct fields *host, const struct fields *f, bool tls, uint16_t *ret)
{
    static const struct {
        struct str protocol;
        uint16_t port;
    } own[] = {{STR_INIT("http"), 80}, {STR_INIT("tls"), 443},   {STR_INIT("ftp"), 21},
               {STR_INIT("ssh"), 22},  {STR_INIT("telnet"), 23}, {STR_INIT("smb"), 445}};
    struct str url = f->one[URL_HOST];
    size_t colon = url.n;
    if (said_port(f->one[MODULE_PORT], ret) || said_port(host->one[PORT], ret))
        return true;
    while (colon > 0 && url.p[colon - 1] != ':' && url.p[colon - 1] != ']')
        colon--;
    if (colon > 0 && url.p[colon - 1] == ':' && said_port(str_slice(url, colon, url.n), ret))
        return true;
    for (size_t i = 0; i < COUNT(own); i++)
        if (str_eq(own[i].protocol, f->one[PROTOCOL])) {
            *ret = tls && i == 0 ? 443 : own[i].port;
            return true;
        }
    return false;
}

/* The head of a page as it was sent, as far as it tells something. */
static void write_head(const struct fields *f, struct wr *w)
{
    wr_printf(w, "HTTP/1.1 %.*s\r\n", (int)size_min(f->one[STATUS_LINE].n, 100),
              f->one[STATUS_LINE].p);
    for (size_t i = 0; i < f->n; i++) {
        const struct field_row *row = &f->list[i];
        if (row->id == UNKNOWN_NAME)
            wr_printf(w, "%.*s: ", (int)size_min(row->value.n, 64), row->value.p);
        else if (row->id == UNKNOWN_VALUE)
            wr_printf(w, "%.*s\r\n", (int)size_min(row->value.n, 512), row->value.p);
        else if (row->id >= HEADERS)
            wr_printf(w, "%s: %.*s\r\n", header_names[row->id - HEADERS],
                      (int)size_min(row->value.n, 512), row->value.p);
    }
    wr_put(w, STR("\r\n"));
}

static err_t add_page(struct evidence *e, const struct fields *f)
{
    enum { HEAD_MAX = 8192 };
    char *head = arena_alloc(e->arena, HEAD_MAX);
    if (!head)
        return E_NOMEM;
    struct wr w = wr_fixed(head, HEAD_MAX);
    write_head(f, &w);
    struct said_banner b = {wr_str(&w), f->one[BODY], STR("/"), STR(""), false};
    return said_answer(e, &b);
}

static err_t add_tls(struct evidence *e, const struct fields *f, bool tls)
{
    TRY(evidence_add(e, BY_ENGINE, EV_transport, tls ? STR("tls") : STR("clear")));
    TRY(said_handshake(e, &(struct said_handshake){f->one[VERSION], f->one[FROM], f->one[UNTIL],
                                                   f->one[SELF_SIGNED]}));
    TRY(fields_add(e, f, plain, COUNT(plain)));
    return fields_add_rows(e, f, plain_rows, COUNT(plain_rows));
}

/* "success", or an error of the module behind an open port: what was read counts, a failure alone
 * tells nothing. */
static err_t on_module(struct importer_sink *s, const struct fields *host, const struct fields *f,
                       struct diag *d)
{
    uint16_t port;
    struct evidence *e = sink_evidence(s);
    bool tls = f->one[VERSION].n || f->one[SHA256].n;
    bool page = f->one[STATUS_LINE].n > 0;
    if (!str_eq(f->one[STATUS], STR("success")) && !page && !tls && !f->one[BANNER].n)
        return OK;
    if (!port_of(host, f, tls, &port))
        return diag_set(d, E_MALFORMED, "a result without a port");
    TRY(evidence_add(e, BY_ENGINE, EV_port_open, STR("yes")));
    TRY(said_date(e, EV_first_said, f->one[TIMESTAMP]));
    TRY(add_tls(e, f, tls));
    if (page)
        TRY(add_page(e, f));
    struct said_banner b = {f->one[BANNER], STR(""), STR(""), STR(""),
                            said_contains(f->name, STR("dicom"))};
    TRY(said_answer(e, &b));
    return sink_endpoint(s, port, said_time(f->one[TIMESTAMP]));
}

static const struct record_format format = {
    .record = {roots, host_fields, COUNT(host_fields), record_is_host},
    .part = {module_roots, module_fields, COUNT(module_fields), on_module},
};

static unsigned looks(struct str head)
{
    head = str_slice(head, 0, 64 << 10);
    if (!said_contains(head, STR("\"data\"")) || said_contains(head, STR("\"ip_str\"")))
        return 0;
    return said_contains(head, STR("\"protocol\"")) && said_contains(head, STR("\"status\"")) &&
                   said_contains(head, STR("\"ip\""))
               ? 80
               : 0;
}

const struct importer importer_zgrab2 = {
    .name = "zgrab2",
    .about = "zgrab2: newline JSON",
    .looks = looks,
    .by_line = record_by_line,
    .reader = &record_reader,
    .format = &format,
};
