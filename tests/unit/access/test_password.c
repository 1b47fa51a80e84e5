#include "unit.h"

#include "access/password.h"

static struct diag d;

static void a_hash_is_yescrypt_and_salted(void **state)
{
    (void)state;
    char a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX];
    assert_ok(password_hash(STR("correct horse battery"), a));
    assert_ok(password_hash(STR("correct horse battery"), b));
    assert_true(str_starts(str_z(a), STR("$y$")));
    assert_string_not_equal(a, b);
    assert_null(strstr(a, "horse"));
}

static void knows_the_right_password_from_wrong_ones(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX];
    bool right = false;
    assert_ok(password_hash(STR("correct horse battery"), hash));
    assert_ok(password_verify(STR("correct horse battery"), str_z(hash), &right));
    assert_true(right);
    static const char *const wrong[] = {"", "correct horse batter", "correct horse battery ",
                                        "Correct horse battery"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        right = true;
        assert_ok(password_verify(str_z(wrong[i]), str_z(hash), &right));
        assert_false(right);
    }
}

static void a_password_of_any_bytes_is_only_wrong(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX];
    static char huge[100000];
    bool right = true;
    memset(huge, 'x', sizeof huge);
    assert_ok(password_hash(STR("correct horse battery"), hash));
    assert_ok(password_verify(STR("correct horse battery\0more"), str_z(hash), &right));
    assert_false(right);
    right = true;
    assert_ok(password_verify(str_of(huge, sizeof huge), str_z(hash), &right));
    assert_false(right);
}

static void nobody_has_any_password(void **state)
{
    (void)state;
    bool right = true;
    assert_ok(password_verify(STR(""), STR(""), &right));
    assert_false(right);
    right = true;
    assert_ok(password_verify(STR("anything at all"), STR(""), &right));
    assert_false(right);
}

static void asks_for_twelve_characters_without_controls(void **state)
{
    (void)state;
    char long_one[PASSWORD_MAX + 1];
    memset(long_one, 'x', sizeof long_one);
    assert_err(password_check(STR("elevenchars"), &d), E_USAGE);
    assert_ok(password_check(STR("twelve chars"), &d));
    assert_err(password_check(STR("twelve\nchars"), &d), E_USAGE);
    assert_err(password_check(str_of(long_one, sizeof long_one), &d), E_USAGE);
}

static void random_passwords_are_strong_and_differ(void **state)
{
    (void)state;
    char a[PASSWORD_RANDOM + 1], b[PASSWORD_RANDOM + 1];
    assert_ok(password_random(a));
    assert_ok(password_random(b));
    assert_int_equal(strlen(a), PASSWORD_RANDOM);
    assert_string_not_equal(a, b);
    assert_ok(password_check(str_z(a), &d));
    for (size_t i = 0; i < PASSWORD_RANDOM; i++)
        assert_int_equal(a[i] == '-', i % 6 == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_yescrypt_and_salted),
        cmocka_unit_test(knows_the_right_password_from_wrong_ones),
        cmocka_unit_test(a_password_of_any_bytes_is_only_wrong),
        cmocka_unit_test(nobody_has_any_password),
        cmocka_unit_test(asks_for_twelve_characters_without_controls),
        cmocka_unit_test(random_passwords_are_strong_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
