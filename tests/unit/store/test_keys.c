#include "store_test.h"

#include "store/keys.h"

static const struct str PASSPHRASE = STR_INIT("correct horse battery staple");

static bool same(const struct keys *a, const struct keys *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void a_new_key_is_loaded_again(void **state)
{
    struct scratch *s = *state;
    struct keys a = {0}, b = {0};
    struct stat st;
    assert_ok(keys_create(s->fd, str_of(NULL, 0), NULL));
    assert_int_equal(fstatat(s->fd, "master.key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &a, NULL));
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &b, NULL));
    assert_true(same(&a, &b));
    assert_memory_not_equal(&a.index, &a.packs, sizeof a.index);
    assert_memory_not_equal(&a.index, &a.chain, sizeof a.index);
    assert_memory_not_equal(&a.packs, &a.chain, sizeof a.index);
    keys_wipe(&a);
    static const struct keys none;
    assert_true(same(&a, &none));
    keys_wipe(NULL);
}

static void a_key_is_never_replaced(void **state)
{
    struct scratch *s = *state;
    struct keys a, b;
    struct diag d = {0};
    assert_ok(keys_create(s->fd, str_of(NULL, 0), NULL));
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &a, NULL));
    assert_err(keys_create(s->fd, str_of(NULL, 0), &d), E_EXISTS);
    assert_string_not_equal(d.text, "");
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &b, NULL));
    assert_true(same(&a, &b));
}

static void a_passphrase_is_needed_and_must_fit(void **state)
{
    struct scratch *s = *state;
    struct keys a, b;
    struct diag d = {0};
    assert_ok(keys_create(s->fd, PASSPHRASE, NULL));
    assert_ok(keys_load(s->fd, PASSPHRASE, &a, NULL));
    assert_ok(keys_load(s->fd, PASSPHRASE, &b, NULL));
    assert_true(same(&a, &b));
    assert_err(keys_load(s->fd, str_of(NULL, 0), &b, &d), E_DENIED);
    assert_non_null(strstr(d.text, "passphrase"));
    assert_err(keys_load(s->fd, STR("correct horse"), &b, &d), E_DENIED);
    assert_non_null(strstr(d.text, "passphrase"));
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    struct scratch *s = *state;
    struct keys k;
    struct diag d = {0};
    static const mode_t modes[] = {0640, 0604, 0620, 0601, 0644};
    assert_ok(keys_create(s->fd, str_of(NULL, 0), NULL));
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(fchmodat(s->fd, "master.key", modes[i], 0), 0);
        assert_err(keys_load(s->fd, str_of(NULL, 0), &k, &d), E_DENIED);
        assert_non_null(strstr(d.text, "chmod"));
    }
    assert_int_equal(fchmodat(s->fd, "master.key", 0400, 0), 0);
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &k, &d));
}

static void a_damaged_file_is_refused(void **state)
{
    struct scratch *s = *state;
    struct keys k;
    struct diag d = {0};
    size_t n;
    assert_err(keys_load(s->fd, str_of(NULL, 0), &k, &d), E_NOTFOUND);
    assert_ok(keys_create(s->fd, PASSPHRASE, NULL));
    uint8_t *file = slurp(s, "master.key", &n);
    for (size_t cut = 0; cut < n; cut += 7) {
        spill(s, "master.key", file, cut);
        assert_err(keys_load(s->fd, STR("x"), &k, &d), E_DAMAGED);
    }
    file[8]++;
    spill(s, "master.key", file, n);
    assert_err(keys_load(s->fd, PASSPHRASE, &k, &d), E_UNSUPPORTED);
    file[8]--;
    file[n - 20] ^= 1;
    spill(s, "master.key", file, n);
    assert_err(keys_load(s->fd, PASSPHRASE, &k, &d), E_DENIED);
    free(file);
}

static void a_link_is_not_followed(void **state)
{
    struct scratch *s = *state;
    struct keys k;
    assert_ok(keys_create(s->fd, str_of(NULL, 0), NULL));
    assert_int_equal(renameat(s->fd, "master.key", s->fd, "real"), 0);
    assert_int_equal(symlinkat("real", s->fd, "master.key"), 0);
    assert_true(keys_load(s->fd, str_of(NULL, 0), &k, NULL) != OK);
}

static void the_services_credential_comes_first(void **state)
{
    struct scratch *s = *state;
    struct keys own, given;
    char path[96];
    int fd;
    assert_ok(keys_create(s->fd, str_of(NULL, 0), NULL));
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &own, NULL));
    snprintf(path, sizeof path, "%s/credentials", s->path);
    assert_ok(dir_make(s->fd, "credentials", &fd, NULL));
    setenv("CREDENTIALS_DIRECTORY", path, 1);
    /* None of ours in it: the file. */
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &given, NULL));
    assert_true(same(&own, &given));
    assert_ok(keys_create(fd, str_of(NULL, 0), NULL));
    assert_int_equal(renameat(fd, "master.key", fd, "lastra.master"), 0);
    assert_int_equal(fchmodat(fd, "lastra.master", 0440, 0), 0);
    assert_ok(keys_load(s->fd, str_of(NULL, 0), &given, NULL));
    assert_false(same(&own, &given));
    unsetenv("CREDENTIALS_DIRECTORY");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_new_key_is_loaded_again),
        SCRATCH_TEST(a_key_is_never_replaced),
        SCRATCH_TEST(a_passphrase_is_needed_and_must_fit),
        SCRATCH_TEST(a_file_that_others_can_read_is_refused),
        SCRATCH_TEST(a_damaged_file_is_refused),
        SCRATCH_TEST(a_link_is_not_followed),
        SCRATCH_TEST(the_services_credential_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
