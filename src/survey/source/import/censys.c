/* Censys: hosts of its search (v2) and of its platform, each with its services, as newline JSON, an
 * array, or what the API answers. */
#include "base/size.h"
#include "survey/source/import/record.h"
#include "survey/source/import/said.h"

enum { IP, COUNTRY, CITY, ASN, AS_NAME, AS_DESCRIPTION, OS, OS_VERSION, OBSERVED_HOST };
enum { HOSTNAME, LABEL };

static const char *const host_roots[] = {"",
                                         "#",
                                         "result",
                                         "result.resource",
                                         "result.hits.#",
                                         "hits.#",
                                         "host",
                                         "#.host",
                                         "resource",
                                         "result.hits.#.host_v1.resource",
                                         "host_v1.resource",
                                         NULL};

static const struct field host_fields[] = {
    {"ip", TAKE_ONE, IP},
    {"location.country_code", TAKE_ONE, COUNTRY},
    {"location.city", TAKE_ONE, CITY},
    {"autonomous_system.asn", TAKE_ONE, ASN},
    {"autonomous_system.name", TAKE_ONE, AS_NAME},
    {"autonomous_system.description", TAKE_ONE, AS_DESCRIPTION},
    {"operating_system.product", TAKE_ONE, OS},
    {"operating_system.version", TAKE_ONE, OS_VERSION},
    {"last_updated_at", TAKE_ONE, OBSERVED_HOST},
    {"dns.names.#", TAKE_LIST, HOSTNAME},
    {"dns.reverse_dns.names.#", TAKE_LIST, HOSTNAME},
    {"labels.#", TAKE_LIST, LABEL},
};

enum {
    PORT,
    TRANSPORT,
    NAME,
    PROTOCOL,
    EXTENDED,
    BANNER,
    BANNER_HEX,
    OBSERVED,
    TITLE,
    STATUS,
    BODY,
    TLS_VERSION,
    TLS_CIPHER,
    SUBJECT,
    ISSUER,
    FROM,
    UNTIL,
    SHA256,
    SELF_SIGNED,
    CERT,
    KEY_ALG,
    KEY_BITS,
    SIG_ALG,
    ONES
};
enum { PRODUCT, VERSION, CPE, TLS_NAME, FAVICON_MD5, FAVICON_HASH, HEADER, SERVER, CVE, OFFER };

_Static_assert((int)ONES <= (int)FIELDS_ONE, "room for the fields");

static const char *const service_roots[] = {"services.#", NULL};

static const struct field service_fields[] = {
    {"port", TAKE_ONE, PORT},
    {"transport_protocol", TAKE_ONE, TRANSPORT},
    {"service_name", TAKE_ONE, NAME},
    {"protocol", TAKE_ONE, PROTOCOL},
    {"extended_service_name", TAKE_ONE, EXTENDED},
    {"banner", TAKE_ONE, BANNER},
    {"banner_hex", TAKE_ONE, BANNER_HEX},
    {"observed_at", TAKE_ONE, OBSERVED},
    {"scan_time", TAKE_ONE, OBSERVED},
    {"http.response.html_title", TAKE_ONE, TITLE},
    {"http.response.status_code", TAKE_ONE, STATUS},
    {"http.response.body", TAKE_ONE, BODY},
    {"http.response.favicons.#.md5_hash", TAKE_LIST, FAVICON_MD5},
    {"http.response.favicons.#.shodan_hash", TAKE_LIST, FAVICON_HASH},
    {"http.response.headers.Server.#", TAKE_LIST, SERVER},
    {"http.response.headers.server.#", TAKE_LIST, SERVER},
    {"http.response.headers.Server.headers.#", TAKE_LIST, SERVER},
    {"endpoints.#.http.html_title", TAKE_ONE, TITLE},
    {"endpoints.#.http.status_code", TAKE_ONE, STATUS},
    {"endpoints.#.http.body", TAKE_ONE, BODY},
    {"endpoints.#.http.favicons.#.hash_md5", TAKE_LIST, FAVICON_MD5},
    {"endpoints.#.http.favicons.#.hash_shodan", TAKE_LIST, FAVICON_HASH},
    {"endpoints.#.http.headers.Server.headers.#", TAKE_LIST, SERVER},
    {"tls.version_selected", TAKE_ONE, TLS_VERSION},
    {"tls.cipher_selected", TAKE_ONE, TLS_CIPHER},
    {"tls.versions.#.tls_version", TAKE_LIST, OFFER},
    {"tls.versions.#.version", TAKE_LIST, OFFER},
    {"certificate", TAKE_ONE, CERT},
    {"tls.certificates.leaf_fp_sha_256", TAKE_ONE, SHA256},
    {"tls.certificates.leaf_data.subject_dn", TAKE_ONE, SUBJECT},
    {"tls.certificates.leaf_data.issuer_dn", TAKE_ONE, ISSUER},
    {"tls.certificates.leaf_data.names.#", TAKE_LIST, TLS_NAME},
    {"tls.certificates.leaf_data.validity.start", TAKE_ONE, FROM},
    {"tls.certificates.leaf_data.validity.end", TAKE_ONE, UNTIL},
    {"tls.certificates.leaf_data.validity_period.not_before", TAKE_ONE, FROM},
    {"tls.certificates.leaf_data.validity_period.not_after", TAKE_ONE, UNTIL},
    {"tls.certificates.leaf_data.signature.self_signed", TAKE_ONE, SELF_SIGNED},
    {"tls.certificates.leaf_data.signature.signature_algorithm", TAKE_ONE, SIG_ALG},
    {"cert.fingerprint_sha256", TAKE_ONE, SHA256},
    {"cert.names.#", TAKE_LIST, TLS_NAME},
    {"cert.parsed.subject_dn", TAKE_ONE, SUBJECT},
    {"cert.parsed.issuer_dn", TAKE_ONE, ISSUER},
    {"cert.parsed.validity_period.not_before", TAKE_ONE, FROM},
    {"cert.parsed.validity_period.not_after", TAKE_ONE, UNTIL},
    {"cert.parsed.signature.self_signed", TAKE_ONE, SELF_SIGNED},
    {"software.#.product", TAKE_LIST, PRODUCT},
    {"software.#.version", TAKE_LIST, VERSION},
    {"software.#.uniform_resource_identifier", TAKE_LIST, CPE},
    {"software.#.cpe", TAKE_LIST, CPE},
    {"vulns.#.id", TAKE_LIST, CVE},
    {"cves.#.id", TAKE_LIST, CVE},
    {"labels.#", TAKE_LIST, LABEL + 100},
};

static const struct field_fact plain[] = {{TITLE, EV_http_title},      {STATUS, EV_http_status},
                                          {TLS_CIPHER, EV_tls_cipher}, {SUBJECT, EV_tls_subject},
                                          {ISSUER, EV_tls_issuer},     {SHA256, EV_tls_sha256},
                                          {SIG_ALG, EV_tls_signature}, {CERT, EV_tls_sha256}};

static const struct field_fact plain_rows[] = {{TLS_NAME, EV_tls_name},
                                               {FAVICON_MD5, EV_favicon_md5},
                                               {FAVICON_HASH, EV_favicon_mmh3},
                                               {CPE, EV_said_cpe},
                                               {CVE, EV_said_cve},
                                               {LABEL + 100, EV_said_tag}};

static bool is_tls(const struct fields *f)
{
    return f->one[TLS_VERSION].n || f->one[CERT].n || f->one[SHA256].n || f->one[SUBJECT].n ||
           str_eq(f->one[EXTENDED], STR("HTTPS"));
}

static err_t add_tls(struct evidence *e, const struct fields *f)
{
    char buf[SAID_TLS];
    bool tls = is_tls(f);
    TRY(evidence_add(e, BY_ENGINE, EV_transport, tls ? STR("tls") : STR("clear")));
    if (!tls)
        return OK;
    TRY(said_handshake(e, &(struct said_handshake){f->one[TLS_VERSION], f->one[FROM], f->one[UNTIL],
                                                   f->one[SELF_SIGNED]}));
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].id == OFFER)
            TRY(evidence_keep(e, BY_ENGINE, EV_tls_offers, said_tls(f->list[i].value, buf)));
    return OK;
}

/* Products and versions are rows of their own; a version follows its product. */
static err_t add_software(struct evidence *e, const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct str version = STR("");
        if (f->list[i].id != PRODUCT)
            continue;
        for (size_t k = i + 1; k < f->n && f->list[k].id != PRODUCT; k++)
            if (f->list[k].id == VERSION)
                version = f->list[k].value;
        TRY(said_product(e, f->list[i].value, version));
    }
    return OK;
}

static err_t add_rows(struct evidence *e, const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].id == SERVER)
            TRY(said_server(e, f->list[i].value));
    return fields_add_rows(e, f, plain_rows, COUNT(plain_rows));
}

static err_t on_service(struct importer_sink *s, const struct fields *host, const struct fields *f,
                        struct diag *d)
{
    uint16_t port;
    struct evidence *e = sink_evidence(s);
    bool dicom =
        str_eq_nocase(f->one[NAME], STR("DICOM")) || str_eq_nocase(f->one[PROTOCOL], STR("DICOM"));
    struct said_banner b = {f->one[BANNER], f->one[BODY], STR("/"), f->one[BANNER_HEX], dicom};
    struct ip ip;
    if (!said_port(f->one[PORT], &port))
        return diag_set(d, E_MALFORMED, "a service without a port");
    /* The address may come behind its services. */
    if (str_eq_nocase(f->one[TRANSPORT], STR("udp")) ||
        str_eq_nocase(f->one[TRANSPORT], STR("quic")) ||
        (ip_parse(host->one[IP], &ip) == OK && !sink_wants(s, &ip)))
        return OK;
    if (!b.text.n)
        b.text = f->one[BANNER_HEX];
    TRY(evidence_add(e, BY_ENGINE, EV_port_open, STR("yes")));
    TRY(said_date(e, EV_first_said, f->one[OBSERVED]));
    TRY(add_software(e, f));
    TRY(add_tls(e, f));
    TRY(said_answer(e, &b));
    TRY(fields_add(e, f, plain, COUNT(plain)));
    TRY(add_rows(e, f));
    return sink_endpoint(s, port, said_time(f->one[OBSERVED]));
}

static err_t on_host(struct importer_sink *s, const struct fields *f, const struct fields *part,
                     struct diag *d)
{
    struct ip ip;
    (void)part;
    if (ip_parse(f->one[IP], &ip) != OK)
        return diag_set(d, E_MALFORMED, "no address");
    struct evidence *e = sink_evidence(s);
    struct str organisation = f->one[f->one[AS_DESCRIPTION].n ? AS_DESCRIPTION : AS_NAME];
    TRY(said_country(e, BY_ENGINE, f->one[COUNTRY]));
    TRY(said_asn(e, f->one[ASN]));
    TRY(evidence_add(e, BY_ENGINE, EV_city, f->one[CITY]));
    TRY(evidence_add(e, BY_ENGINE, EV_organisation, organisation));
    if (f->one[OS].n)
        TRY(evidence_addf(e, BY_ENGINE, EV_os, "%.*s %.*s", (int)size_min(f->one[OS].n, 64),
                          f->one[OS].p, (int)size_min(f->one[OS_VERSION].n, 32),
                          f->one[OS_VERSION].n ? f->one[OS_VERSION].p : ""));
    for (size_t i = 0; i < f->n; i++)
        TRY(evidence_add(e, BY_ENGINE, f->list[i].id == LABEL ? EV_said_tag : EV_hostname,
                         f->list[i].value));
    TRY(sink_endpoint(s, 0, said_time(f->one[OBSERVED_HOST])));
    return sink_host(s, &ip);
}

static const struct record_format format = {
    .record = {host_roots, host_fields, COUNT(host_fields), on_host},
    .part = {service_roots, service_fields, COUNT(service_fields), on_service},
};

static unsigned looks(struct str head)
{
    head = str_slice(head, 0, 64 << 10);
    if (!said_contains(head, STR("\"services\"")) || !said_contains(head, STR("\"ip\"")))
        return 0;
    return said_contains(head, STR("\"autonomous_system\"")) ||
                   said_contains(head, STR("\"extended_service_name\"")) ||
                   said_contains(head, STR("\"transport_protocol\""))
               ? 90
               : 50;
}

const struct importer importer_censys = {
    .name = "censys",
    .about = "Censys: hosts with their services, newline JSON, an array or an answer of its API",
    .looks = looks,
    .by_line = record_by_line,
    .reader = &record_reader,
    .format = &format,
};
