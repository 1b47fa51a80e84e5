#include "access/password.h"

#include <crypt.h>
#include <stdlib.h>

#include "base/wr.h"
#include "io/crypto.h"

/* yescrypt at libxcrypt's own default cost. */
#define PREFIX "$y$"

err_t password_check(struct str password, struct diag *d)
{
    if (password.n < PASSWORD_MIN)
        return diag_set(d, E_USAGE, "a password needs at least %d characters", PASSWORD_MIN);
    if (password.n > PASSWORD_MAX)
        return diag_set(d, E_USAGE, "a password may have %d bytes at most", PASSWORD_MAX);
    for (size_t i = 0; i < password.n; i++)
        if ((uint8_t)password.p[i] < ' ' || password.p[i] == 0x7f)
            return diag_set(d, E_USAGE, "a password may not hold control characters");
    return OK;
}

/* crypt(3) with its scratch memory on the heap, wiped: it holds the password afterwards. */
static err_t run_crypt(struct str password, const char *setting, char ret[PASSWORD_HASH_MAX])
{
    char phrase[PASSWORD_MAX + 1];
    if (!str_to_z(password, phrase, sizeof phrase))
        return E_USAGE;
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data)
        return E_NOMEM;
    const char *hash = crypt_r(phrase, setting, data);
    bool good = hash && hash[0] != '*' && str_to_z(str_z(hash), ret, PASSWORD_HASH_MAX);
    explicit_bzero(phrase, sizeof phrase);
    explicit_bzero(data, sizeof *data);
    free(data);
    return good ? OK : E_CRYPTO;
}

static err_t new_setting(char ret[CRYPT_GENSALT_OUTPUT_SIZE])
{
    char salt[16];
    TRY(crypto_random(salt, sizeof salt));
    return crypt_gensalt_rn(PREFIX, 0, salt, sizeof salt, ret, CRYPT_GENSALT_OUTPUT_SIZE)
               ? OK
               : E_CRYPTO;
}

err_t password_hash(struct str password, char ret[PASSWORD_HASH_MAX])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    TRY(new_setting(setting));
    return run_crypt(password, setting, ret);
}

err_t password_verify(struct str password, struct str hash, bool *ret)
{
    char setting[PASSWORD_HASH_MAX], got[PASSWORD_HASH_MAX];
    if (password.n > PASSWORD_MAX)
        password.n = 0;
    if (!hash.n)
        TRY(new_setting(setting));
    else if (!str_to_z(hash, setting, sizeof setting))
        return E_DAMAGED;
    err_t e = run_crypt(password, setting, got);
    if (e != OK && e != E_USAGE)
        return e;
    *ret = e == OK && hash.n && strlen(got) == hash.n && crypto_same(got, hash.p, hash.n);
    return OK;
}

err_t password_random(char ret[PASSWORD_RANDOM + 1])
{
    /* 32 letters and digits: no 0 and O, no 1 and l, so that each byte gives five bits. */
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    uint8_t random[PASSWORD_RANDOM];
    TRY(crypto_random(random, sizeof random));
    for (size_t i = 0; i < PASSWORD_RANDOM; i++)
        ret[i] = i % 6 == 5 ? '-' : letters[random[i] & 31];
    ret[PASSWORD_RANDOM] = '\0';
    explicit_bzero(random, sizeof random);
    return OK;
}
