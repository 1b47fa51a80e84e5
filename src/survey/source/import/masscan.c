/* masscan -oJ: an array with a record a line, its commas not always where JSON wants them, and in
 * older versions a last line that is no JSON. A record is an address with ports: open ones, or
 * banners. */
#include "base/size.h"
#include "survey/source/import/record.h"
#include "survey/source/import/said.h"
#include "survey/wire/tls_text.h"

enum { IP, TIMESTAMP };
enum { PORT, PROTO, PORT_STATUS, SERVICE, BANNER };

static const char *const roots[] = {"", "#", NULL};
static const struct field host_fields[] = {
    {"ip", TAKE_ONE, IP},
    {"timestamp", TAKE_ONE, TIMESTAMP},
};

static const char *const port_roots[] = {"ports.#", NULL};
static const struct field port_fields[] = {
    {"port", TAKE_ONE, PORT},
    {"proto", TAKE_ONE, PROTO},
    {"status", TAKE_ONE, PORT_STATUS},
    {"service.name", TAKE_ONE, SERVICE},
    {"service.banner", TAKE_ONE, BANNER},
};

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *hit = c ? strchr(digits, c) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

static void write_bytes(struct str text, struct wr *w)
{
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < text.n; i++) {
        int v = base64_value(text.p[i]);
        if (v < 0)
            continue;
        bits = bits << 6 | (unsigned)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            wr_u8(w, (uint8_t)(bits >> have));
        }
    }
}

static err_t add_cert(struct evidence *e, struct str base64)
{
    size_t room = base64.n / 4 * 3 + 3;
    void *p = arena_alloc(e->arena, room);
    if (!p)
        return E_NOMEM;
    struct wr w = wr_fixed(p, room);
    write_bytes(base64, &w);
    TRY(evidence_add(e, BY_ENGINE, EV_transport, STR("tls")));
    err_t err = tls_cert_facts(wr_str(&w), BY_ENGINE, e);
    return err == E_MALFORMED ? OK : err;
}

/* "TLS/1.2 cipher:0xc02f, name.example" */
static err_t add_handshake(struct evidence *e, struct str banner)
{
    char buf[SAID_TLS], version[SAID_TLS] = "TLS";
    TRY(evidence_add(e, BY_ENGINE, EV_transport, STR("tls")));
    if (!str_starts(banner, STR("TLS/")) || banner.n < 7)
        return OK;
    memcpy(version + 3, banner.p + 4, 3);
    return evidence_keep(e, BY_ENGINE, EV_tls_version, said_tls(str_of(version, 6), buf));
}

static err_t add_title(struct evidence *e, struct str banner)
{
    return evidence_add(e, BY_ENGINE, EV_http_title, banner);
}

static err_t add_answer(struct evidence *e, struct str banner)
{
    return said_answer(e, &(struct said_banner){banner, STR(""), STR("/"), STR(""), false});
}

static const struct {
    struct str service;
    err_t (*add)(struct evidence *e, struct str banner);
} services[] = {
    {STR_INIT("title"), add_title}, {STR_INIT("http.server"), said_server},
    {STR_INIT("X509"), add_cert},   {STR_INIT("ssl"), add_handshake},
    {STR_INIT(""), add_answer}, /* every other */
};

static err_t on_port(struct importer_sink *s, const struct fields *host, const struct fields *f,
                     struct diag *d)
{
    uint16_t port;
    size_t i = 0;
    struct evidence *e = sink_evidence(s);
    if (!said_port(f->one[PORT], &port))
        return diag_set(d, E_MALFORMED, "no port");
    if ((f->one[PROTO].n && !str_eq(f->one[PROTO], STR("tcp"))) ||
        (f->one[PORT_STATUS].n && !str_eq(f->one[PORT_STATUS], STR("open"))))
        return OK;
    TRY(evidence_add(e, BY_ENGINE, EV_port_open, STR("yes")));
    TRY(said_date(e, EV_first_said, host->one[TIMESTAMP]));
    while (services[i].service.n && !str_eq(services[i].service, f->one[SERVICE]))
        i++;
    if (f->one[BANNER].n)
        TRY(services[i].add(e, f->one[BANNER]));
    return sink_endpoint(s, port, said_time(host->one[TIMESTAMP]));
}

static const struct record_format format = {
    .record = {roots, host_fields, COUNT(host_fields), record_is_host},
    .part = {port_roots, port_fields, COUNT(port_fields), on_port},
    .closing = "{finished:", /* masscan 1.0 */
};

static unsigned looks(struct str head)
{
    head = str_slice(head, 0, 4096);
    if (!said_contains(head, STR("\"ip\"")) || !said_contains(head, STR("\"ports\"")))
        return 0;
    return said_contains(head, STR("\"proto\"")) && said_contains(head, STR("\"timestamp\"")) ? 85
                                                                                              : 0;
}

static bool by_line(struct str head)
{
    (void)head;
    return true;
}

const struct importer importer_masscan = {
    .name = "masscan",
    .about = "masscan: the JSON of -oJ",
    .looks = looks,
    .by_line = by_line,
    .reader = &record_reader,
    .format = &format,
};
