/* Certificates: the archive's own authority, and what it issues. PEM in and out; keys are ECDSA
 * P-256. */
#ifndef LASTRA_IO_X509_H
#define LASTRA_IO_X509_H

#include "base/err.h"
#include "base/wr.h"

/* A text past this is E_LIMIT: some hundred certificates. */
enum { X509_PEM_MAX = 1 << 20 };

/* A new self-signed authority: its certificate and its private key as PEM. Valid for `days`. */
err_t x509_authority(struct str common_name, unsigned days, struct wr *ret_cert,
                     struct wr *ret_key) MUST_CHECK;

/* A new key pair and a certificate signed by the authority. names: DNS names and IP addresses,
 * separated by commas, for the subject alternative name (may be empty). server: extended key usage
 * server and client, else client only. */
err_t x509_issue(struct str authority_cert, struct str authority_key, struct str common_name,
                 struct str names, bool server, unsigned days, struct wr *ret_cert,
                 struct wr *ret_key, struct diag *d) MUST_CHECK;

/* SHA-256 over the DER of the first certificate in a PEM text: how a peer's certificate is
 * recorded. */
err_t x509_fingerprint(struct str pem, uint8_t ret_sha256[32], struct diag *d) MUST_CHECK;

/* When the first certificate in a PEM text ends, seconds since 1970. */
err_t x509_expiry(struct str pem, int64_t *ret, struct diag *d) MUST_CHECK;

#endif
