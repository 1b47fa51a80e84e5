/* Passwords: yescrypt through crypt(3) of libxcrypt, the only file that calls it. A hash takes some
 * 16 MiB for the time of one computation; callers bound how many run at once. */
#ifndef LASTRA_ACCESS_PASSWORD_H
#define LASTRA_ACCESS_PASSWORD_H

#include "base/err.h"
#include "base/str.h"

enum { PASSWORD_MIN = 12, PASSWORD_MAX = 256, PASSWORD_HASH_MAX = 256, PASSWORD_RANDOM = 23 };

/* Long enough, not too long, no control characters: E_USAGE with what is wanted. */
err_t password_check(struct str password, struct diag *d) MUST_CHECK;

/* The hash with its salt and cost, NUL-terminated. */
err_t password_hash(struct str password, char ret[PASSWORD_HASH_MAX]) MUST_CHECK;

/* Whether the password is the one that was hashed. With an empty hash the work is the same and the
 * answer false: what happens for a user that does not exist. */
err_t password_verify(struct str password, struct str hash, bool *ret) MUST_CHECK;

/* A password of 20 letters and digits in four groups, 100 bits, none that look alike. */
err_t password_random(char ret[PASSWORD_RANDOM + 1]) MUST_CHECK;

#endif
