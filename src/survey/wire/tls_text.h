/* TLS as seen on the wire (RFC 5246, 8446), as evidence, without keys: hellos, the certificate
 * where the version shows it, alerts. */
#ifndef LASTRA_SURVEY_WIRE_TLS_TEXT_H
#define LASTRA_SURVEY_WIRE_TLS_TEXT_H

#include "survey/core/evidence.h"

/* One direction's records, fed as they come; handshake messages may span records. */
struct tls_reader;
err_t tls_reader_new(bool server, struct tls_reader **ret) MUST_CHECK;
void tls_reader_free(struct tls_reader *r); /* NULL is fine */
/* STEP_MORE; STEP_DONE: nothing more will be told (encrypted from here); STEP_FAIL: not TLS. */
enum step tls_reader_feed(struct tls_reader *r, struct str in);
/* What it told. Server: version, cipher, certificate (TLS 1.2 and before), asks for a client's
 * certificate. Client: SNI as tls_name is not added (it is a request). */
err_t tls_reader_facts(const struct tls_reader *r, enum ev_by by, struct evidence *e) MUST_CHECK;

/* Facts of a certificate (DER): subject, issuer, names, dates, self-signed, key, signature,
 * SHA-256. */
err_t tls_cert_facts(struct str der, enum ev_by by, struct evidence *e) MUST_CHECK;
/* The same from PEM. */
err_t tls_cert_facts_pem(struct str pem, enum ev_by by, struct evidence *e) MUST_CHECK;

#endif
