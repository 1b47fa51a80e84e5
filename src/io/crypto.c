#include "io/crypto.h"

#include <crypt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "base/wr.h"

struct aead {
    gnutls_aead_cipher_hd_t handle;
};

struct sha256 {
    gnutls_hash_hd_t handle;
};

static err_t check(int rc)
{
    if (rc >= 0)
        return OK;
    return rc == GNUTLS_E_MEMORY_ERROR ? E_NOMEM : E_CRYPTO;
}

/* GnuTLS takes key bytes as a datum without const, and does not write to it. */
static gnutls_datum_t datum(const void *p, size_t n)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)p, (unsigned)n};
}

void key_wipe(struct key *k)
{
    if (k)
        gnutls_memset(k->bytes, 0, sizeof k->bytes);
}

err_t crypto_random(void *ret_bytes, size_t n)
{
    return check(gnutls_rnd(GNUTLS_RND_KEY, ret_bytes, n));
}

err_t crypto_derive(const struct key *master, struct str label, struct key *ret)
{
    struct key extracted;
    gnutls_datum_t secret = datum(master->bytes, KEY_SIZE), salt = {NULL, 0};
    gnutls_datum_t prk = datum(extracted.bytes, KEY_SIZE), info = datum(label.p, label.n);
    err_t e = check(gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &secret, &salt, extracted.bytes));
    if (e == OK)
        e = check(gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &prk, &info, ret->bytes, KEY_SIZE));
    key_wipe(&extracted);
    return e;
}

/* libxcrypt's $7$ is scrypt. Its setting is written out here rather than made by crypt_gensalt, so
 * that a new library cannot change what an old passphrase opens: C is N = 2^14, U.... is r = 32,
 * /.... is p = 1. Phrase and salt go in as hexadecimal digests: any bytes, any length. */
err_t crypto_stretch(struct str passphrase, struct str salt, struct key *ret)
{
    uint8_t digest[2][DIGEST_SIZE];
    char setting[64 + 16], phrase[64 + 1];
    TRY(crypto_sha256(passphrase, digest[0]));
    TRY(crypto_sha256(salt, digest[1]));
    struct wr s = wr_fixed(setting, sizeof setting), p = wr_fixed(phrase, sizeof phrase);
    wr_put(&s, STR("$7$CU..../...."));
    wr_hex(&s, str_of(digest[1], DIGEST_SIZE));
    wr_u8(&s, 0);
    wr_hex(&p, str_of(digest[0], DIGEST_SIZE));
    wr_u8(&p, 0);
    struct crypt_data *work = calloc(1, sizeof *work);
    if (!work)
        return E_NOMEM;
    const char *text = crypt_rn(phrase, setting, work, sizeof *work);
    uint8_t stretched[DIGEST_SIZE];
    err_t e = text ? crypto_sha256(str_z(text), stretched) : E_NOMEM;
    if (e == OK)
        memcpy(ret->bytes, stretched, KEY_SIZE);
    gnutls_memset(work, 0, sizeof *work);
    gnutls_memset(phrase, 0, sizeof phrase);
    gnutls_memset(stretched, 0, sizeof stretched);
    gnutls_memset(digest, 0, sizeof digest);
    free(work);
    return e;
}

err_t aead_new(const struct key *k, struct aead **ret)
{
    struct aead *a = calloc(1, sizeof *a);
    if (!a)
        return E_NOMEM;
    gnutls_datum_t key = datum(k->bytes, KEY_SIZE);
    err_t e = check(gnutls_aead_cipher_init(&a->handle, GNUTLS_CIPHER_AES_256_GCM, &key));
    if (e != OK) {
        free(a);
        return e;
    }
    *ret = a;
    return OK;
}

void aead_free(struct aead *a)
{
    if (!a)
        return;
    gnutls_aead_cipher_deinit(a->handle);
    free(a);
}

err_t aead_seal(struct aead *a, const uint8_t nonce[NONCE_SIZE], struct str aad, struct str plain,
                uint8_t *out)
{
    size_t n = plain.n + TAG_SIZE;
    err_t e = check(gnutls_aead_cipher_encrypt(a->handle, nonce, NONCE_SIZE, aad.p, aad.n, TAG_SIZE,
                                               plain.p, plain.n, out, &n));
    return e == OK && n != plain.n + TAG_SIZE ? E_CRYPTO : e;
}

err_t aead_open(struct aead *a, const uint8_t nonce[NONCE_SIZE], struct str aad, struct str sealed,
                uint8_t *out)
{
    if (sealed.n < TAG_SIZE)
        return E_DAMAGED;
    size_t n = sealed.n - TAG_SIZE;
    /* A chunk of nothing still carries a tag; the library wants a place to write to. */
    uint8_t nowhere;
    int rc = gnutls_aead_cipher_decrypt(a->handle, nonce, NONCE_SIZE, aad.p, aad.n, TAG_SIZE,
                                        sealed.p, sealed.n, n ? out : &nowhere, &n);
    if (rc >= 0)
        return OK;
    /* What stands there now was not authenticated; nobody shall use it by mistake. */
    if (sealed.n > TAG_SIZE)
        gnutls_memset(out, 0, sealed.n - TAG_SIZE);
    return rc == GNUTLS_E_DECRYPTION_FAILED ? E_DAMAGED : check(rc);
}

err_t crypto_sha256(struct str s, uint8_t ret[DIGEST_SIZE])
{
    return check(gnutls_hash_fast(GNUTLS_DIG_SHA256, s.p, s.n, ret));
}

err_t sha256_new(struct sha256 **ret)
{
    struct sha256 *h = calloc(1, sizeof *h);
    if (!h)
        return E_NOMEM;
    err_t e = check(gnutls_hash_init(&h->handle, GNUTLS_DIG_SHA256));
    if (e != OK) {
        free(h);
        return e;
    }
    *ret = h;
    return OK;
}

err_t sha256_add(struct sha256 *h, struct str s)
{
    return s.n ? check(gnutls_hash(h->handle, s.p, s.n)) : OK;
}

void sha256_final(struct sha256 *h, uint8_t ret[DIGEST_SIZE])
{
    gnutls_hash_output(h->handle, ret);
}

void sha256_free(struct sha256 *h)
{
    if (!h)
        return;
    gnutls_hash_deinit(h->handle, NULL);
    free(h);
}

err_t crypto_hmac(const struct key *k, struct str s, uint8_t ret[DIGEST_SIZE])
{
    return check(gnutls_hmac_fast(GNUTLS_MAC_SHA256, k->bytes, KEY_SIZE, s.p, s.n, ret));
}

bool crypto_same(const void *a, const void *b, size_t n)
{
    return gnutls_memcmp(a, b, n) == 0;
}
