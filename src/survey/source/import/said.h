/* What search engines and scanners say, in the words of evidence.def: times, versions, banners. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_SAID_H
#define LASTRA_SURVEY_SOURCE_IMPORT_SAID_H

#include "survey/core/evidence.h"

/* ISO 8601 ("2026-11-22T10:00:00.123Z", "2026-11-22 10:00:00", "20261122100000Z") or seconds since
 * 1970, as UTC microseconds; 0 when it is none. */
int64_t said_time(struct str text);
/* The same as YYYY-MM-DD; empty when it is none. */
enum { SAID_DAY = 11 };
struct str said_day(struct str text, char buf[SAID_DAY]);
/* Whether a text holds a word, in any case of ASCII letters. */
bool said_contains(struct str text, struct str word);
/* 1 to 65535; false otherwise. */
bool said_port(struct str text, uint16_t *ret);

/* "product version" as said_product, where there is a product. */
err_t said_product(struct evidence *e, struct str product, struct str version) MUST_CHECK;
/* A date into a kind that wants YYYY-MM-DD, where it is one. */
err_t said_date(struct evidence *e, enum ev_kind kind, struct str text) MUST_CHECK;
/* Two letters as a country. */
err_t said_country(struct evidence *e, enum ev_by by, struct str text) MUST_CHECK;
/* "TLSv1.2", "TLS 1.2", "tlsv1_2", "SSLv3" as "TLS1.2", "SSL3" in buf; empty for anything else. */
enum { SAID_TLS = 8 };
struct str said_tls(struct str text, char buf[SAID_TLS]);
/* What is told of a handshake and its certificate, where it is told: a version as above, two days,
 * "true" or "false". */
struct said_handshake {
    struct str version, from, until, self_signed;
};
err_t said_handshake(struct evidence *e, const struct said_handshake *h) MUST_CHECK;
/* The value of a Server header, where there is one. */
err_t said_server(struct evidence *e, struct str value) MUST_CHECK;
/* "64512", "AS64512" as asn. */
err_t said_asn(struct evidence *e, struct str text) MUST_CHECK;

/* A hardware address in any usual writing as aa:bb:cc:dd:ee:ff in buf; empty when it is none. */
enum { SAID_MAC = 18 };
struct str said_mac(struct str text, char buf[SAID_MAC]);
/* The name of a type of system (model.def) in either language as its id; any other text as it is.
 */
struct str said_type(struct str text);

/* What a port said, by what it looks like: HTTP with its page (body may be empty; path: of the
 * page,
 * "/" when empty), DICOM in any escaping, HL7, else a banner. `dicom`: the export says that it is
 * DICOM. raw: the same bytes in hexadecimal where the export has them, or empty. */
struct said_banner {
    struct str text, body, path, raw;
    bool dicom;
};
err_t said_answer(struct evidence *e, const struct said_banner *b) MUST_CHECK;

#endif
