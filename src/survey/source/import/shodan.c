/* Shodan's banners: newline JSON of a download (.json.gz), an array of them, or what the API
 * answers
 * (`matches` of a search, `data` of a host). */
#include "base/size.h"
#include "survey/source/import/record.h"
#include "survey/source/import/said.h"
#include "survey/wire/tls_text.h"

enum one {
    IP_STR,
    IP,
    IPV6,
    PORT,
    TRANSPORT,
    DATA,
    TIMESTAMP,
    ORG,
    ISP,
    ASN,
    OS,
    PRODUCT,
    VERSION,
    CPE_ONE,
    MODULE,
    RAW,
    COUNTRY,
    CITY,
    TITLE,
    SERVER,
    STATUS,
    HTML,
    PAGE,
    FAVICON,
    ISSUED,
    EXPIRES,
    SHA256,
    KEY_TYPE,
    KEY_BITS,
    SIG_ALG,
    CIPHER_NAME,
    CIPHER_VERSION,
    ONES
};

enum list { HOSTNAME, TAG, CPE, CVE, NOT_CVE, TLS_OFFER, SUBJECT, ISSUER, CHAIN };

_Static_assert((int)ONES <= (int)FIELDS_ONE, "room for the fields");

static const char *const roots[] = {"", "#", "matches.#", "data.#", "#.data.#", NULL};

static const struct field fields[] = {
    {"ip_str", TAKE_ONE, IP_STR},
    {"ip", TAKE_ONE, IP},
    {"ipv6", TAKE_ONE, IPV6},
    {"port", TAKE_ONE, PORT},
    {"transport", TAKE_ONE, TRANSPORT},
    {"data", TAKE_ONE, DATA},
    {"timestamp", TAKE_ONE, TIMESTAMP},
    {"org", TAKE_ONE, ORG},
    {"isp", TAKE_ONE, ISP},
    {"asn", TAKE_ONE, ASN},
    {"os", TAKE_ONE, OS},
    {"product", TAKE_ONE, PRODUCT},
    {"version", TAKE_ONE, VERSION},
    {"cpe", TAKE_ONE, CPE_ONE},
    {"cpe.#", TAKE_LIST, CPE},
    {"cpe23.#", TAKE_LIST, CPE},
    {"_shodan.module", TAKE_ONE, MODULE},
    {"opts.raw", TAKE_ONE, RAW},
    {"opts.vulns.#", TAKE_LIST, NOT_CVE},
    {"location.country_code", TAKE_ONE, COUNTRY},
    {"location.city", TAKE_ONE, CITY},
    {"hostnames.#", TAKE_LIST, HOSTNAME},
    {"tags.#", TAKE_LIST, TAG},
    {"vulns", TAKE_NAMES, CVE},
    {"vulns.#", TAKE_LIST, CVE},
    {"http.title", TAKE_ONE, TITLE},
    {"title", TAKE_ONE, TITLE},
    {"http.server", TAKE_ONE, SERVER},
    {"http.status", TAKE_ONE, STATUS},
    {"http.html", TAKE_ONE, HTML},
    {"html", TAKE_ONE, HTML},
    {"http.location", TAKE_ONE, PAGE},
    {"http.favicon.hash", TAKE_ONE, FAVICON},
    {"ssl.cert.subject", TAKE_PAIRS, SUBJECT},
    {"ssl.cert.issuer", TAKE_PAIRS, ISSUER},
    {"ssl.cert.issued", TAKE_ONE, ISSUED},
    {"ssl.cert.expires", TAKE_ONE, EXPIRES},
    {"ssl.cert.fingerprint.sha256", TAKE_ONE, SHA256},
    {"ssl.cert.pubkey.type", TAKE_ONE, KEY_TYPE},
    {"ssl.cert.pubkey.bits", TAKE_ONE, KEY_BITS},
    {"ssl.cert.sig_alg", TAKE_ONE, SIG_ALG},
    {"ssl.cipher.name", TAKE_ONE, CIPHER_NAME},
    {"ssl.cipher.version", TAKE_ONE, CIPHER_VERSION},
    {"ssl.versions.#", TAKE_LIST, TLS_OFFER},
    {"ssl.chain.#", TAKE_LIST, CHAIN},
};

/* What is added as it stands. */
static const struct field_fact plain_host[] = {{ORG, EV_organisation},
                                               {CITY, EV_city},
                                               {OS, EV_os}},
                               plain_port[] = {{TITLE, EV_http_title},
                                               {STATUS, EV_http_status},
                                               {FAVICON, EV_favicon_mmh3},
                                               {SHA256, EV_tls_sha256},
                                               {SIG_ALG, EV_tls_signature},
                                               {CIPHER_NAME, EV_tls_cipher},
                                               {CPE_ONE, EV_said_cpe}},
                               host_rows[] = {{HOSTNAME, EV_hostname}};

static void write_part(const struct fields *f, enum list which, struct str name, struct wr *w)
{
    enum { PART_MAX = 128 };
    for (size_t i = 0; i < f->n; i++) {
        if (f->list[i].id != which || !str_eq(f->list[i].name, name))
            continue;
        if (w->n)
            wr_u8(w, ',');
        wr_put(w, name);
        wr_u8(w, '=');
        wr_put(w, str_slice(f->list[i].value, 0, PART_MAX));
    }
}

static err_t add_dn(struct evidence *e, const struct fields *f, enum list which, enum ev_kind kind,
                    struct str *ret)
{
    static const struct str order[] = {STR_INIT("CN"), STR_INIT("OU"), STR_INIT("O"),
                                       STR_INIT("L"),  STR_INIT("ST"), STR_INIT("C")};
    size_t room = 2 * ev_cap(kind);
    char *text = arena_alloc(e->arena, room);
    if (!text)
        return E_NOMEM;
    struct wr w = wr_fixed(text, room);
    for (size_t o = 0; o < COUNT(order); o++)
        write_part(f, which, order[o], &w);
    *ret = wr_str(&w);
    return evidence_add(e, BY_ENGINE, kind, *ret);
}

static err_t add_cert(struct evidence *e, const struct fields *f)
{
    struct str subject, issuer;
    if (!f->one[EXPIRES].p)
        return OK;
    TRY(add_dn(e, f, SUBJECT, EV_tls_subject, &subject));
    TRY(add_dn(e, f, ISSUER, EV_tls_issuer, &issuer));
    if (subject.n && issuer.n)
        TRY(evidence_add(e, BY_ENGINE, EV_tls_self_signed,
                         str_eq(subject, issuer) ? STR("yes") : STR("no")));
    TRY(said_date(e, EV_tls_from, f->one[ISSUED]));
    TRY(said_date(e, EV_tls_until, f->one[EXPIRES]));
    if (!f->one[KEY_TYPE].n || !f->one[KEY_BITS].n)
        return OK;
    struct str type = f->one[KEY_TYPE];
    return evidence_addf(e, BY_ENGINE, EV_tls_key, "%.*s %.*s", (int)size_min(type.n, 12),
                         str_eq_nocase(type, STR("rsa")) ? "RSA" : type.p,
                         (int)size_min(f->one[KEY_BITS].n, 8), f->one[KEY_BITS].p);
}

/* "-TLSv1.3" was tried and is not taken. */
static err_t add_offer(struct evidence *e, struct str version)
{
    char buf[SAID_TLS];
    if (version.n == 0 || version.p[0] == '-')
        return OK;
    return evidence_keep(e, BY_ENGINE, EV_tls_offers, said_tls(version, buf));
}

static err_t add_row(struct evidence *e, const struct field_row *row)
{
    switch ((enum list)row->id) {
    case TLS_OFFER:
        return add_offer(e, row->value);
    case TAG:
        return evidence_add(e, BY_ENGINE, EV_said_tag, row->value);
    case CPE:
        return evidence_add(e, BY_ENGINE, EV_said_cpe, row->value);
    case CVE:
        return evidence_add(e, BY_ENGINE, EV_said_cve, row->name.n ? row->name : row->value);
    case NOT_CVE: /* "!CVE-...": looked for and not there */
        return row->value.n && row->value.p[0] != '!'
                   ? evidence_add(e, BY_ENGINE, EV_said_cve, row->value)
                   : OK;
    case HOSTNAME:
    case SUBJECT:
    case ISSUER:
    case CHAIN:
        break;
    }
    return OK;
}

static err_t add_tls(struct evidence *e, const struct fields *f)
{
    char buf[SAID_TLS];
    TRY(evidence_add(e, BY_ENGINE, EV_transport, STR("tls")));
    TRY(evidence_keep(e, BY_ENGINE, EV_tls_version, said_tls(f->one[CIPHER_VERSION], buf)));
    TRY(add_cert(e, f));
    for (size_t i = 0; i < f->n && !f->one[EXPIRES].p; i++)
        if (f->list[i].id == CHAIN)
            return tls_cert_facts_pem(f->list[i].value, BY_ENGINE, e);
    return OK;
}

static bool has_tls(const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].id == TLS_OFFER || f->list[i].id == CHAIN)
            return true;
    return f->one[EXPIRES].p || f->one[CIPHER_VERSION].p;
}

/* The search engine calls every port as FINDSCU and asks for ANY-SCP: names that nobody knows
 * (honeytrap issue 396). */
static err_t add_openness(struct evidence *e)
{
    struct str answer = evidence_get(e, EV_dicom_answer);
    bool any = str_eq(answer, STR("accepted"));
    if (any || str_eq(answer, STR("rejected 1/1/3")))
        TRY(evidence_add(e, BY_ENGINE, EV_dicom_any_calling, any ? STR("yes") : STR("no")));
    if (any || str_eq(answer, STR("rejected 1/1/7")))
        TRY(evidence_add(e, BY_ENGINE, EV_dicom_any_called, any ? STR("yes") : STR("no")));
    return OK;
}

static err_t add_answer(struct evidence *e, const struct fields *f)
{
    struct said_banner b = {.text = f->one[DATA],
                            .body = f->one[HTML],
                            .path = f->one[PAGE],
                            .raw = f->one[RAW],
                            .dicom = said_contains(f->one[MODULE], STR("dicom"))};
    TRY(said_answer(e, &b));
    TRY(add_openness(e));
    TRY(said_server(e, f->one[SERVER]));
    return fields_add(e, f, plain_port, COUNT(plain_port));
}

static err_t put_port(struct importer_sink *s, const struct fields *f, uint16_t port, int64_t when)
{
    struct evidence *e = sink_evidence(s);
    TRY(evidence_add(e, BY_ENGINE, EV_port_open, STR("yes")));
    TRY(said_date(e, EV_first_said, f->one[TIMESTAMP]));
    TRY(said_product(e, f->one[PRODUCT], f->one[VERSION]));
    if (has_tls(f))
        TRY(add_tls(e, f));
    else if (f->one[DATA].n)
        TRY(evidence_add(e, BY_ENGINE, EV_transport, STR("clear")));
    TRY(add_answer(e, f));
    for (size_t i = 0; i < f->n; i++)
        TRY(add_row(e, &f->list[i]));
    return sink_endpoint(s, port, when);
}

static err_t put_host(struct importer_sink *s, const struct fields *f, int64_t when)
{
    struct evidence *e = sink_evidence(s);
    TRY(said_country(e, BY_ENGINE, f->one[COUNTRY]));
    TRY(said_asn(e, f->one[ASN]));
    TRY(fields_add(e, f, plain_host, COUNT(plain_host)));
    if (!f->one[ORG].n)
        TRY(evidence_add(e, BY_ENGINE, EV_organisation, f->one[ISP]));
    TRY(fields_add_rows(e, f, host_rows, COUNT(host_rows)));
    return sink_endpoint(s, 0, when);
}

static bool ip_of_record(const struct fields *f, struct ip *ret)
{
    uint64_t number;
    if (ip_parse(f->one[IP_STR], ret) == OK || ip_parse(f->one[IPV6], ret) == OK ||
        ip_parse(f->one[IP], ret) == OK)
        return true;
    if (!str_to_u64(f->one[IP], UINT32_MAX, &number))
        return false;
    *ret = (struct ip){{[10] = 0xff,
                        [11] = 0xff,
                        [12] = (uint8_t)(number >> 24),
                        [13] = (uint8_t)(number >> 16),
                        [14] = (uint8_t)(number >> 8),
                        [15] = (uint8_t)number}};
    return true;
}

static err_t on_record(struct importer_sink *s, const struct fields *f, const struct fields *part,
                       struct diag *d)
{
    struct ip ip;
    uint16_t port;
    (void)part;
    if (!ip_of_record(f, &ip))
        return diag_set(d, E_MALFORMED, "no address");
    if (!said_port(f->one[PORT], &port))
        return diag_set(d, E_MALFORMED, "no port");
    int64_t when = said_time(f->one[TIMESTAMP]);
    if (sink_wants(s, &ip)) {
        TRY(put_host(s, f, when));
        /* What answers over UDP says nothing of the TCP port of that number. */
        if (!str_eq(f->one[TRANSPORT], STR("udp")))
            TRY(put_port(s, f, port, when));
    }
    return sink_host(s, &ip);
}

static const struct record_format format = {
    .record = {.roots = roots, .fields = fields, .n = COUNT(fields), .done = on_record}};

static unsigned looks(struct str head)
{
    head = str_slice(head, 0, 64 << 10);
    if (!said_contains(head, STR("\"ip_str\"")))
        return 0;
    return said_contains(head, STR("\"_shodan\"")) ? 95 : 60;
}

const struct importer importer_shodan = {
    .name = "shodan",
    .about = "Shodan: a download (.json.gz), an array, or what its API answers",
    .looks = looks,
    .by_line = record_by_line,
    .reader = &record_reader,
    .format = &format,
};
