/* People: names, roles, passwords, lockout. Kept in the registry (access/access.h), from any
 * thread.
 *
 * Lockout: five wrong passwords in a row are free; from then on each further one closes the account
 * for 2, 4, 8 ... seconds, up to 15 minutes. While it is closed even the right password is refused,
 * with the same answer and the same work, so that nothing can be learnt by trying. */
#ifndef LASTRA_ACCESS_USER_H
#define LASTRA_ACCESS_USER_H

#include "access/access.h"

enum role {
#define ROLE(name, word, help) ROLE_##name,
#include "access/roles.def"
#undef ROLE
    ROLES
};

enum { USER_NAME_MAX = 64, USER_FREE_TRIES = 5, USER_DELAY_MAX_S = 900 };

struct user {
    char name[USER_NAME_MAX + 1];
    enum role role;
    bool locked;             /* by an administrator */
    uint32_t failures;       /* wrong passwords in a row */
    int64_t closed_until_us; /* wall clock; 0: open */
    int64_t changed_us;      /* the password */
};

/* 1 to 64 of a-z, A-Z, 0-9, '.', '-', '_', '@'. */
bool user_name_is_valid(struct str name);
bool role_parse(struct str word, enum role *ret);
struct str role_word(enum role r);
struct str role_help(enum role r);

/* E_EXISTS; E_USAGE for a bad name or password. */
err_t user_add(struct access *a, struct str name, enum role role, struct str password,
               struct diag *d) MUST_CHECK;
/* Also opens a closed account. E_NOTFOUND. */
err_t user_set_password(struct access *a, struct str name, struct str password,
                        struct diag *d) MUST_CHECK;
/* lock, unlock; unlock also forgets failures. E_CONFLICT for the last administrator. */
err_t user_set_locked(struct access *a, struct str name, bool locked, struct diag *d) MUST_CHECK;
/* E_NOTFOUND; E_CONFLICT for the last administrator. */
err_t user_remove(struct access *a, struct str name, struct diag *d) MUST_CHECK;
err_t user_find(struct access *a, struct str name, struct user *ret, struct diag *d) MUST_CHECK;
err_t user_each(struct access *a, err_t (*each)(void *ctx, const struct user *u), void *ctx,
                struct diag *d) MUST_CHECK;

/* E_DENIED for an unknown name, a wrong password, a locked or closed account, all alike to whoever
 * asks; *ret_why (a literal, may be NULL) tells the audit trail which. now_us: clock_wall_us(). */
err_t user_authenticate(struct access *a, struct str name, struct str password, int64_t now_us,
                        struct user *ret, struct str *ret_why, struct diag *d) MUST_CHECK;

#endif
