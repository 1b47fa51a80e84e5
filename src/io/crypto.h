/* Cryptography over GnuTLS: AES-256-GCM, SHA-256, HMAC, HKDF, random bytes; scrypt from libxcrypt.
 * The only file that calls GnuTLS's crypto interface; TLS and certificates have their own (tls.h,
 * x509.h). E_CRYPTO is the library's failure, E_NOMEM its want of memory. */
#ifndef LASTRA_IO_CRYPTO_H
#define LASTRA_IO_CRYPTO_H

#include "base/err.h"
#include "base/str.h"

enum { KEY_SIZE = 32, NONCE_SIZE = 12, TAG_SIZE = 16, DIGEST_SIZE = 32 };

/* A secret; it has no conversion to text on purpose. Wipe with key_wipe when done. */
struct key {
    uint8_t bytes[KEY_SIZE];
};

void key_wipe(struct key *k);

/* Cryptographically strong random bytes. */
err_t crypto_random(void *ret_bytes, size_t n) MUST_CHECK;

/* HKDF-SHA256 (RFC 5869) without salt: one independent key for each label. */
err_t crypto_derive(const struct key *master, struct str label, struct key *ret) MUST_CHECK;

/* An AES-256-GCM key made ready; one may be used by one thread at a time. */
struct aead;
err_t aead_new(const struct key *k, struct aead **ret) MUST_CHECK;
void aead_free(struct aead *a);

/* Encrypts plain into out, which has room for plain.n + TAG_SIZE bytes (the tag last); out may be
 * plain's own place. A nonce must never come twice under one key. Allocates nothing. */
err_t aead_seal(struct aead *a, const uint8_t nonce[NONCE_SIZE], struct str aad, struct str plain,
                uint8_t *out) MUST_CHECK;

/* Decrypts and checks; sealed.n includes the tag; out has room for sealed.n - TAG_SIZE and may be
 * sealed's own place. E_DAMAGED when the tag does not fit, and out is zeroed. */
err_t aead_open(struct aead *a, const uint8_t nonce[NONCE_SIZE], struct str aad, struct str sealed,
                uint8_t *out) MUST_CHECK;

/* A key from a passphrase by scrypt (RFC 7914; N = 2^14, r = 32, p = 1: 64 MiB and some 150 ms a
 * guess). The same phrase and salt always give the same key. */
err_t crypto_stretch(struct str passphrase, struct str salt, struct key *ret) MUST_CHECK;

/* SHA-256, at once or in pieces. */
err_t crypto_sha256(struct str s, uint8_t ret[DIGEST_SIZE]) MUST_CHECK;
struct sha256;
err_t sha256_new(struct sha256 **ret) MUST_CHECK;
err_t sha256_add(struct sha256 *h, struct str s) MUST_CHECK;
/* h can be used for the next message. */
void sha256_final(struct sha256 *h, uint8_t ret[DIGEST_SIZE]);
void sha256_free(struct sha256 *h);

/* HMAC-SHA256. */
err_t crypto_hmac(const struct key *k, struct str s, uint8_t ret[DIGEST_SIZE]) MUST_CHECK;

/* Equality in time that does not depend on the contents. */
bool crypto_same(const void *a, const void *b, size_t n);

#endif
