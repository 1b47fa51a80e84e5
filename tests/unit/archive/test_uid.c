#include "archive/uid.h"

#include <stdio.h>

#include "unit.h"

static const uint8_t seed[UID_SEED_SIZE] = {1, 2, 3};

static void takes_what_is_a_uid_and_leading_zeros(void **state)
{
    (void)state;
    assert_true(uid_ok(STR("1.2.840.10008.1.1")));
    assert_true(uid_ok(STR("1.2.03.4")));
    assert_true(uid_ok(STR("1")));
}

static void refuses_what_is_no_uid(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       ".1",    "1.",   "1..2",   "1.2a",
                                      "../etc", "1.2/3", "1.2 ", "1.2\t3", "1.2*"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(uid_ok(str_z(bad[i])));
    assert_false(uid_ok(str_of("1.2\0.3", 6)));
    char longer[66];
    memset(longer, '1', 65);
    assert_false(uid_ok(str_of(longer, 65)));
    assert_true(uid_ok(str_of(longer, 64)));
}

static void packing_halves_and_gives_back_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1.2.840.10008.5.1.4.1.1.2", "1", "1.2", "no uid at all", "", "9.99.999.0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct uid_packed p = uid_pack(str_z(texts[i]));
        struct uid_text t = uid_unpack(uid_packed_str(&p));
        assert_str(uid_text_str(&t), texts[i]);
    }
    assert_int_equal(uid_pack(STR("1.2.840.10008.5.1.4.1.1.2")).n, 13);
}

static void packed_uids_sort_as_their_text(void **state)
{
    (void)state;
    static const char *const sorted[] = {"1", "1.1", "1.10", "1.2", "1.20.1", "1.3", "10", "2"};
    for (size_t i = 1; i < sizeof sorted / sizeof *sorted; i++) {
        struct uid_packed a = uid_pack(str_z(sorted[i - 1])), b = uid_pack(str_z(sorted[i]));
        assert_true(str_cmp(uid_packed_str(&a), uid_packed_str(&b)) < 0);
    }
}

static void foreign_bytes_unpack_without_harm(void **state)
{
    (void)state;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    struct uid_text t = uid_unpack(str_of(bytes, sizeof bytes));
    assert_true(t.n <= DCM_UID_MAX);
    bytes[0] = 0xff;
    t = uid_unpack(str_of(bytes, sizeof bytes));
    assert_int_equal(t.n, DCM_UID_MAX);
}

static void keys_of_one_device_lie_together(void **state)
{
    (void)state;
    char a[64], b[64];
    snprintf(a, sizeof a, "1.3.12.2.1107.5.1.4.45511.30000011120608150046800000123");
    snprintf(b, sizeof b, "1.3.12.2.1107.5.1.4.45511.30000011120608150046800000987");
    int64_t x = uid_key(seed, str_z(a)), y = uid_key(seed, str_z(b));
    assert_int_equal(x >> 24, y >> 24);
    assert_true(x != y);
    assert_true(x >= 0 && x < (int64_t)1 << 48);
}

static void keys_depend_on_the_seed(void **state)
{
    (void)state;
    uint8_t other[UID_SEED_SIZE] = {9};
    assert_true(uid_key(seed, STR("1.2.3")) != uid_key(other, STR("1.2.3")));
    assert_true(uid_key(seed, STR("1.2.3")) == uid_key(seed, STR("1.2.3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_a_uid_and_leading_zeros),
        cmocka_unit_test(refuses_what_is_no_uid),
        cmocka_unit_test(packing_halves_and_gives_back_the_same),
        cmocka_unit_test(packed_uids_sort_as_their_text),
        cmocka_unit_test(foreign_bytes_unpack_without_harm),
        cmocka_unit_test(keys_of_one_device_lie_together),
        cmocka_unit_test(keys_depend_on_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
