#include "access/user.h"

#include <stdlib.h>

#include "access/password.h"
#include "access/registry.h"
#include "io/clock.h"

static const struct {
    struct str word, help;
} roles[] = {
#define ROLE(name, word, help) [ROLE_##name] = {STR_INIT(word), STR_INIT(help)},
#include "access/roles.def"
#undef ROLE
};

bool user_name_is_valid(struct str name)
{
    if (!name.n || name.n > USER_NAME_MAX || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '.' || c == '-' || c == '_' || c == '@';
        if (!good)
            return false;
    }
    return true;
}

bool role_parse(struct str word, enum role *ret)
{
    for (unsigned r = 0; r < ROLES; r++)
        if (str_eq(word, roles[r].word)) {
            *ret = (enum role)r;
            return true;
        }
    return false;
}

struct str role_word(enum role r)
{
    return roles[r].word;
}

struct str role_help(enum role r)
{
    return roles[r].help;
}

/* A row of the table account. */
struct account {
    struct user user;
    char hash[PASSWORD_HASH_MAX];
    int64_t failed_us;
};

#define ACCOUNT_COLUMNS "name, role, hash, locked, failures, failed_us, changed_us"

/* How long an account stays closed after the last of so many failures. */
static int64_t delay_us(uint32_t failures)
{
    if (failures < USER_FREE_TRIES)
        return 0;
    uint32_t doublings = failures - USER_FREE_TRIES + 1;
    int64_t s = doublings > 20 ? USER_DELAY_MAX_S : (int64_t)1 << doublings;
    return (s > USER_DELAY_MAX_S ? USER_DELAY_MAX_S : s) * 1000000;
}

static err_t account_of_row(struct sql_stmt *q, struct account *ret, struct diag *d)
{
    struct account a = {.failed_us = sql_i64(q, 5)};
    struct user *u = &a.user;
    if (!str_to_z(sql_text(q, 0), u->name, sizeof u->name) ||
        !role_parse(sql_text(q, 1), &u->role) || !str_to_z(sql_text(q, 2), a.hash, sizeof a.hash))
        return diag_set(d, E_DAMAGED, "a row of the table account cannot be read");
    u->locked = sql_i64(q, 3) != 0;
    u->failures = (uint32_t)sql_i64(q, 4);
    u->changed_us = sql_i64(q, 6);
    int64_t delay = delay_us(u->failures);
    u->closed_until_us = delay ? a.failed_us + delay : 0;
    *ret = a;
    return OK;
}

static err_t no_such_user(struct str name, struct diag *d)
{
    return diag_set(d, E_NOTFOUND, "there is no user %.*s; `lastra user list` names them all",
                    (int)(name.n > USER_NAME_MAX ? USER_NAME_MAX : name.n), name.p);
}

static err_t load_account(struct sql *s, struct str name, struct account *ret, struct diag *d)
{
    STATEMENT q = NULL;
    TRY(sql_prepare(s, STR("SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = ?1"), &q, d));
    sql_bind_text(q, 1, name);
    bool row;
    TRY(sql_step(q, &row));
    return row ? account_of_row(q, ret, d) : no_such_user(name, d);
}

struct user_change {
    struct str name, role, hash;
    int64_t number, now_us;
    uint32_t failures;
};

static err_t do_add(void *ctx, struct sql *s, struct diag *d)
{
    const struct user_change *c = ctx;
    STATEMENT q = NULL;
    TRY(sql_prepare(s,
                    STR("INSERT INTO account (" ACCOUNT_COLUMNS ")"
                        " VALUES (?1, ?2, ?3, 0, 0, 0, ?4)"),
                    &q, d));
    sql_bind_text(q, 1, c->name);
    sql_bind_text(q, 2, c->role);
    sql_bind_text(q, 3, c->hash);
    sql_bind_i64(q, 4, c->now_us);
    err_t e = sql_run(q);
    return e == E_EXISTS ? diag_set(d, e, "there is a user %.*s already", STR_ARG(c->name)) : e;
}

err_t user_add(struct access *a, struct str name, enum role role, struct str password,
               struct diag *d)
{
    if (!user_name_is_valid(name))
        return diag_set(d, E_USAGE,
                        "a user's name is 1 to %d letters, digits and . - _ @, not '%.*s'",
                        USER_NAME_MAX, (int)(name.n > 64 ? 64 : name.n), name.p);
    TRY(password_check(password, d));
    char hash[PASSWORD_HASH_MAX];
    TRY(password_hash(password, hash));
    return registry_change(
        a, do_add,
        &(struct user_change){name, roles[role].word, str_z(hash), 0, clock_wall_us(), 0}, d);
}

static err_t do_set_password(void *ctx, struct sql *s, struct diag *d)
{
    const struct user_change *c = ctx;
    STATEMENT q = NULL;
    TRY(sql_prepare(s,
                    STR("UPDATE account SET hash = ?2, changed_us = ?3, failures = 0, failed_us = 0"
                        " WHERE name = ?1"),
                    &q, d));
    sql_bind_text(q, 1, c->name);
    sql_bind_text(q, 2, c->hash);
    sql_bind_i64(q, 3, c->now_us);
    TRY(sql_run(q));
    return sql_changes(s) ? OK : no_such_user(c->name, d);
}

err_t user_set_password(struct access *a, struct str name, struct str password, struct diag *d)
{
    TRY(password_check(password, d));
    char hash[PASSWORD_HASH_MAX];
    TRY(password_hash(password, hash));
    return registry_change(
        a, do_set_password,
        &(struct user_change){name, {NULL, 0}, str_z(hash), 0, clock_wall_us(), 0}, d);
}

/* Somebody must be left who can let others in. */
static err_t check_not_last(struct sql *s, struct str name, struct diag *d)
{
    struct account account;
    TRY(load_account(s, name, &account, d));
    if (account.user.role != ROLE_ADMINISTRATOR || account.user.locked)
        return OK;
    STATEMENT q = NULL;
    TRY(sql_prepare(s,
                    STR("SELECT count(*) FROM account"
                        " WHERE role = 'administrator' AND locked = 0 AND name <> ?1"),
                    &q, d));
    sql_bind_text(q, 1, name);
    bool row;
    TRY(sql_step(q, &row));
    if (row && sql_i64(q, 0) == 0)
        return diag_set(d, E_CONFLICT,
                        "%.*s is the last administrator; add another one first: `lastra user add`",
                        STR_ARG(name));
    return OK;
}

static err_t do_set_locked(void *ctx, struct sql *s, struct diag *d)
{
    const struct user_change *c = ctx;
    if (c->number)
        TRY(check_not_last(s, c->name, d));
    STATEMENT q = NULL;
    TRY(sql_prepare(
        s, STR("UPDATE account SET locked = ?2, failures = 0, failed_us = 0 WHERE name = ?1"), &q,
        d));
    sql_bind_text(q, 1, c->name);
    sql_bind_i64(q, 2, c->number);
    TRY(sql_run(q));
    return sql_changes(s) ? OK : no_such_user(c->name, d);
}

err_t user_set_locked(struct access *a, struct str name, bool locked, struct diag *d)
{
    return registry_change(a, do_set_locked, &(struct user_change){.name = name, .number = locked},
                           d);
}

static err_t do_remove(void *ctx, struct sql *s, struct diag *d)
{
    const struct user_change *c = ctx;
    TRY(check_not_last(s, c->name, d));
    return registry_run(s, STR("DELETE FROM account WHERE name = ?1"), &c->name, 1, d);
}

err_t user_remove(struct access *a, struct str name, struct diag *d)
{
    return registry_change(a, do_remove, &(struct user_change){.name = name}, d);
}

static err_t locked_load(struct access *a, struct str name, struct account *ret, struct diag *d)
{
    LOCKED(&a->lock);
    return load_account(a->sql, name, ret, d);
}

err_t user_find(struct access *a, struct str name, struct user *ret, struct diag *d)
{
    struct account account;
    TRY(locked_load(a, name, &account, d));
    *ret = account.user;
    return OK;
}

err_t user_each(struct access *a, err_t (*each)(void *ctx, const struct user *u), void *ctx,
                struct diag *d)
{
    LOCKED(&a->lock);
    STATEMENT q = NULL;
    TRY(sql_prepare(a->sql, STR("SELECT " ACCOUNT_COLUMNS " FROM account ORDER BY name"), &q, d));
    for (bool row;;) {
        TRY(sql_step(q, &row));
        if (!row)
            return OK;
        struct account account;
        TRY(account_of_row(q, &account, d));
        TRY(each(ctx, &account.user));
    }
}

static err_t do_count_failures(void *ctx, struct sql *s, struct diag *d)
{
    const struct user_change *c = ctx;
    STATEMENT q = NULL;
    TRY(sql_prepare(s, STR("UPDATE account SET failures = ?2, failed_us = ?3 WHERE name = ?1"), &q,
                    d));
    sql_bind_text(q, 1, c->name);
    sql_bind_i64(q, 2, c->failures);
    sql_bind_i64(q, 3, c->now_us);
    return sql_run(q);
}

/* A clock that steps back must not close an account for longer than its delay. */
static bool is_closed(const struct account *account, int64_t now_us)
{
    int64_t since = now_us - account->failed_us;
    return since >= 0 ? since < delay_us(account->user.failures)
                      : -since < delay_us(account->user.failures);
}

static err_t refuse(struct str why, struct str *ret_why, struct diag *d)
{
    if (ret_why)
        *ret_why = why;
    return diag_set(d, E_DENIED, "wrong name or password, or the account is closed for now");
}

/* One at a time from the first look at the account to the failure that is counted: many tries at
 * once would all find it open. The hash is computed whatever stands in the account. */
err_t user_authenticate(struct access *a, struct str name, struct str password, int64_t now_us,
                        struct user *ret, struct str *ret_why, struct diag *d)
{
    LOCKED(&a->hashing);
    struct account account = {0};
    struct diag unused = {""};
    err_t e = locked_load(a, name, &account, &unused);
    if (e != OK && e != E_NOTFOUND)
        return diag_set(d, e, "%s", diag_text(&unused, e));
    bool known = e == OK, right = false;
    TRY(password_verify(password, str_z(account.hash), &right));
    if (!known)
        return refuse(STR("unknown user"), ret_why, d);
    if (account.user.locked)
        return refuse(STR("locked account"), ret_why, d);
    if (is_closed(&account, now_us))
        return refuse(STR("account closed after wrong passwords"), ret_why, d);
    uint32_t failures = right ? 0 : account.user.failures + (account.user.failures < UINT32_MAX);
    if (failures != account.user.failures)
        TRY(registry_change(a, do_count_failures,
                            &(struct user_change){.name = str_z(account.user.name),
                                                  .now_us = now_us,
                                                  .failures = failures},
                            d));
    if (!right)
        return refuse(STR("wrong password"), ret_why, d);
    *ret = account.user;
    ret->failures = 0;
    ret->closed_until_us = 0;
    return OK;
}
