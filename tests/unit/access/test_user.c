#include "unit.h"

#include "access/user.h"
#include "base/size.h"
#include "registry_fixture.h"

#define GOOD STR("correct horse battery")
#define WRONG STR("wrong horse battery!!")

enum { SECOND = 1000000 };
static const int64_t noon = 1767268800 * (int64_t)SECOND;

static void add(struct registry_fixture *f, const char *name, enum role role)
{
    assert_ok(user_add(f->access, str_z(name), role, GOOD, &d));
}

static err_t log_in(struct registry_fixture *f, const char *name, struct str password, int64_t now,
                    struct str *why)
{
    struct user u;
    return user_authenticate(f->access, str_z(name), password, now, &u, why, &d);
}

static void lets_in_who_has_the_password(void **state)
{
    struct registry_fixture *f = *state;
    struct user u;
    add(f, "anna", ROLE_AUDITOR);
    assert_ok(user_authenticate(f->access, STR("anna"), GOOD, noon, &u, NULL, &d));
    assert_string_equal(u.name, "anna");
    assert_int_equal(u.role, ROLE_AUDITOR);
}

static void unknown_names_and_wrong_passwords_are_told_alike(void **state)
{
    struct registry_fixture *f = *state;
    struct str why;
    struct diag first;
    add(f, "anna", ROLE_READER);
    assert_err(log_in(f, "anna", WRONG, noon, &why), E_DENIED);
    assert_str(why, "wrong password");
    first = d;
    assert_err(log_in(f, "berta", GOOD, noon, &why), E_DENIED);
    assert_str(why, "unknown user");
    assert_string_equal(first.text, d.text);
    assert_err(log_in(f, "anna' OR '1'='1", GOOD, noon, &why), E_DENIED);
    assert_str(why, "unknown user");
}

static void closes_an_account_longer_with_each_failure(void **state)
{
    struct registry_fixture *f = *state;
    struct str why;
    int64_t now = noon;
    add(f, "anna", ROLE_READER);
    for (int i = 0; i < USER_FREE_TRIES; i++)
        assert_err(log_in(f, "anna", WRONG, now, &why), E_DENIED);
    /* the fifth failure closes it for 2 s */
    assert_err(log_in(f, "anna", GOOD, now + SECOND, &why), E_DENIED);
    assert_str(why, "account closed after wrong passwords");
    now += 3 * SECOND;
    assert_err(log_in(f, "anna", WRONG, now, &why), E_DENIED);
    assert_str(why, "wrong password");
    assert_err(log_in(f, "anna", GOOD, now + 3 * SECOND, &why), E_DENIED);
    assert_ok(log_in(f, "anna", GOOD, now + 5 * SECOND, &why));
    /* and a success forgets all of it */
    assert_err(log_in(f, "anna", WRONG, now + 6 * SECOND, &why), E_DENIED);
    assert_ok(log_in(f, "anna", GOOD, now + 6 * SECOND, &why));
}

static void the_delay_ends_at_a_quarter_of_an_hour(void **state)
{
    struct registry_fixture *f = *state;
    struct user u;
    int64_t now = noon;
    add(f, "anna", ROLE_READER);
    for (int i = 0; i < USER_FREE_TRIES + 12; i++) {
        struct str why;
        assert_err(log_in(f, "anna", WRONG, now, &why), E_DENIED);
        now += (USER_DELAY_MAX_S + 1) * (int64_t)SECOND;
    }
    assert_ok(user_find(f->access, STR("anna"), &u, &d));
    assert_int_equal(u.failures, USER_FREE_TRIES + 12);
    assert_int_equal(u.closed_until_us, now - (USER_DELAY_MAX_S + 1) * (int64_t)SECOND +
                                            USER_DELAY_MAX_S * (int64_t)SECOND);
    assert_ok(log_in(f, "anna", GOOD, now, NULL));
}

static void a_clock_that_steps_back_does_not_close_for_longer(void **state)
{
    struct registry_fixture *f = *state;
    struct str why;
    add(f, "anna", ROLE_READER);
    for (int i = 0; i < USER_FREE_TRIES; i++)
        assert_err(log_in(f, "anna", WRONG, noon, &why), E_DENIED);
    assert_err(log_in(f, "anna", GOOD, noon - SECOND, &why), E_DENIED);
    assert_ok(log_in(f, "anna", GOOD, noon - 3600 * (int64_t)SECOND, &why));
}

static void a_locked_account_lets_nobody_in(void **state)
{
    struct registry_fixture *f = *state;
    struct str why;
    add(f, "anna", ROLE_READER);
    assert_ok(user_set_locked(f->access, STR("anna"), true, &d));
    assert_err(log_in(f, "anna", GOOD, noon, &why), E_DENIED);
    assert_str(why, "locked account");
    assert_ok(user_set_locked(f->access, STR("anna"), false, &d));
    assert_ok(log_in(f, "anna", GOOD, noon, &why));
}

static void a_new_password_replaces_the_old_and_opens_a_closed_account(void **state)
{
    struct registry_fixture *f = *state;
    struct str why;
    add(f, "anna", ROLE_READER);
    for (int i = 0; i < USER_FREE_TRIES; i++)
        assert_err(log_in(f, "anna", WRONG, noon, &why), E_DENIED);
    assert_ok(user_set_password(f->access, STR("anna"), STR("another long one"), &d));
    assert_ok(log_in(f, "anna", STR("another long one"), noon, &why));
    assert_err(log_in(f, "anna", GOOD, noon, &why), E_DENIED);
    assert_err(user_set_password(f->access, STR("anna"), STR("short"), &d), E_USAGE);
    assert_err(user_set_password(f->access, STR("berta"), GOOD, &d), E_NOTFOUND);
}

static void the_last_administrator_stays(void **state)
{
    struct registry_fixture *f = *state;
    add(f, "admin", ROLE_ADMINISTRATOR);
    assert_err(user_remove(f->access, STR("admin"), &d), E_CONFLICT);
    assert_err(user_set_locked(f->access, STR("admin"), true, &d), E_CONFLICT);
    add(f, "second", ROLE_ADMINISTRATOR);
    assert_ok(user_set_locked(f->access, STR("second"), true, &d));
    assert_err(user_remove(f->access, STR("admin"), &d), E_CONFLICT);
    assert_ok(user_remove(f->access, STR("second"), &d));
    add(f, "third", ROLE_ADMINISTRATOR);
    assert_ok(user_remove(f->access, STR("admin"), &d));
    assert_err(user_find(f->access, STR("admin"), &(struct user){0}, &d), E_NOTFOUND);
}

static void refuses_bad_names_and_names_taken(void **state)
{
    struct registry_fixture *f = *state;
    static const char *const bad[] = {"", "a b", "-a", "a;b", "a\n", "\xc3\xa9", "a/b"};
    char long_one[USER_NAME_MAX + 2] = {0};
    memset(long_one, 'a', USER_NAME_MAX + 1);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_err(user_add(f->access, str_z(bad[i]), ROLE_READER, GOOD, &d), E_USAGE);
    assert_err(user_add(f->access, str_z(long_one), ROLE_READER, GOOD, &d), E_USAGE);
    add(f, "anna", ROLE_READER);
    assert_err(user_add(f->access, STR("anna"), ROLE_READER, GOOD, &d), E_EXISTS);
}

static err_t list_one(void *ctx, const struct user *u)
{
    char *text = ctx;
    size_t n = strlen(text);
    snprintf(text + n, 200 - n, "%s:%.*s ", u->name, STR_ARG(role_word(u->role)));
    return OK;
}

static void lists_users_by_name(void **state)
{
    struct registry_fixture *f = *state;
    char text[200] = "";
    add(f, "berta", ROLE_TECHNOLOGIST);
    add(f, "anna", ROLE_ADMINISTRATOR);
    assert_ok(user_each(f->access, list_one, text, &d));
    assert_string_equal(text, "anna:administrator berta:technologist ");
}

static void passwords_are_nowhere_in_the_database_in_the_clear(void **state)
{
    struct registry_fixture *f = *state;
    char path[128];
    add(f, "anna", ROLE_READER);
    snprintf(path, sizeof path, "%s/index.db-wal", f->path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static char bytes[1 << 20];
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(n > 0);
    assert_null(memmem(bytes, n, "correct horse", 13));
    assert_null(memmem(bytes, n, "anna", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(lets_in_who_has_the_password),
        CASE(unknown_names_and_wrong_passwords_are_told_alike),
        CASE(closes_an_account_longer_with_each_failure),
        CASE(the_delay_ends_at_a_quarter_of_an_hour),
        CASE(a_clock_that_steps_back_does_not_close_for_longer),
        CASE(a_locked_account_lets_nobody_in),
        CASE(a_new_password_replaces_the_old_and_opens_a_closed_account),
        CASE(the_last_administrator_stays),
        CASE(refuses_bad_names_and_names_taken),
        CASE(lists_users_by_name),
        CASE(passwords_are_nowhere_in_the_database_in_the_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
