/* The order, the rate and the circuit breaker, without a clock. */
#include "unit.h"

#include "survey/source/probe/order.h"
#include "survey/source/probe/pace.h"

static void every_place_comes_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 5, 255, 256, 257, 65536, 70001};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint64_t n = sizes[k];
        struct order o;
        uint8_t seed[32] = {(uint8_t)k, 7};
        uint8_t *seen = calloc(n, 1);
        order_init(&o, n, seed);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t at = order_at(&o, i);
            assert_true(at < n);
            assert_int_equal(seen[at]++, 0);
        }
        free(seen);
    }
}

static void hosts_of_a_subnet_come_far_apart(void **state)
{
    (void)state;
    struct order o;
    uint8_t seed[32] = "seed";
    unsigned together = 0;
    order_init(&o, 1 << 16, seed);
    for (uint64_t i = 1; i < 1 << 16; i++)
        together += order_at(&o, i) >> 8 == order_at(&o, i - 1) >> 8;
    /* By chance one in 256. */
    assert_in_range(together, 100, 500);
}

static void the_order_of_a_huge_scope_needs_no_list(void **state)
{
    (void)state;
    struct order o;
    uint8_t seed[32] = "seed";
    order_init(&o, (uint64_t)1 << 36, seed);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(order_at(&o, ((uint64_t)1 << 36) - 1 - i) < (uint64_t)1 << 36);
}

static void never_more_than_the_rate(void **state)
{
    (void)state;
    struct bucket b;
    unsigned sent = 0;
    bucket_init(&b, 5, 0);
    for (int64_t us = 0; us < 10000000; us += 1000)
        sent += bucket_take(&b, 100, us);
    assert_in_range(sent, 49, 51);
    /* After an hour's rest it does not make up for it. */
    assert_int_equal(bucket_take(&b, 100, (int64_t)3600 * 1000000), 1);
    assert_true(bucket_wait(&b, (int64_t)3600 * 1000000) > 0);
    assert_in_range(bucket_wait(&b, (int64_t)3600 * 1000000), 190000, 200000);
    bucket_init(&b, 0, 0);
    assert_int_equal(bucket_take(&b, 100, 0), 100);
}

static struct ip ip_of_text(const char *text)
{
    struct ip ip;
    assert_ok(ip_parse(str_z(text), &ip));
    return ip;
}

static void rest_out(struct breakers *b, const struct ip *ip, int64_t *now)
{
    int64_t until = 0;
    assert_int_equal(breakers_ask(b, ip, *now, &until), BREAKER_REST);
    assert_true(until > *now);
    *now = until;
    assert_int_equal(breakers_ask(b, ip, *now, &until), BREAKER_GO);
}

static void a_subnet_in_trouble_rests_longer_each_time_and_is_given_up(void **state)
{
    (void)state;
    struct breakers *b;
    struct ip ip = ip_of_text("10.0.5.7"), other = ip_of_text("10.0.6.7");
    int64_t now = 1000, until, before = 0;
    assert_ok(breakers_new(0, &b));
    for (int rest = 0; rest < BREAK_RESTS; rest++) {
        for (int i = 0; i < BREAK_TROUBLES; i++) {
            assert_int_equal(breakers_ask(b, &ip, now, &until), BREAKER_GO);
            assert_false(breakers_tell(b, &ip, i % 2 ? MET_RESET : MET_SILENCE, now));
        }
        int64_t begun = now;
        rest_out(b, &ip, &now);
        assert_true(now - begun > before);
        before = now - begun;
    }
    assert_int_equal(before, BREAK_REST_MS << (BREAK_RESTS - 1));
    for (int i = 0; i < BREAK_TROUBLES - 1; i++)
        assert_false(breakers_tell(b, &ip, MET_RESET, now));
    assert_true(breakers_tell(b, &ip, MET_RESET, now));
    assert_int_equal(breakers_ask(b, &ip, now + 1000000, &until), BREAKER_GIVEN_UP);
    assert_int_equal(breakers_ask(b, &other, now, &until), BREAKER_GO);
    breakers_free(b);
}

static void an_answer_heals(void **state)
{
    (void)state;
    struct breakers *b;
    struct ip ip = ip_of_text("fd00:1::7");
    int64_t until;
    assert_ok(breakers_new(10, &b));
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < BREAK_TROUBLES - 1; k++)
            assert_false(breakers_tell(b, &ip, MET_RESET, i));
        assert_false(breakers_tell(b, &ip, MET_ANSWER, i));
        assert_int_equal(breakers_ask(b, &ip, i, &until), BREAKER_GO);
    }
    breakers_free(b);
}

static void addresses_that_nobody_has_are_no_trouble_for_long(void **state)
{
    (void)state;
    struct breakers *b;
    struct ip ip = ip_of_text("10.0.5.7");
    int64_t until;
    assert_ok(breakers_new(10, &b));
    for (int i = 0; i < BREAK_SILENCES - 1; i++)
        assert_false(breakers_tell(b, &ip, MET_NOBODY, 0));
    assert_int_equal(breakers_ask(b, &ip, 0, &until), BREAKER_GO);
    assert_false(breakers_tell(b, &ip, MET_NOBODY, 0));
    assert_int_equal(breakers_ask(b, &ip, 0, &until), BREAKER_REST);
    breakers_free(b);
}

static void a_given_up_subnet_is_remembered_among_many(void **state)
{
    (void)state;
    struct breakers *b;
    struct ip bad = ip_of_text("10.0.5.7"), ip = ip_of_text("10.0.0.1");
    int64_t now = 0, until;
    bool told = false;
    assert_ok(breakers_new(1, &b));
    while (!told) {
        now += 1000;
        told = breakers_tell(b, &bad, MET_RESET, now);
    }
    for (unsigned i = 0; i < 200000; i++) {
        ip.b[12] = 10;
        ip.b[13] = (uint8_t)(1 + i / 256 % 200);
        ip.b[14] = (uint8_t)i;
        (void)breakers_tell(b, &ip, MET_NOBODY, now);
    }
    assert_int_equal(breakers_ask(b, &bad, now, &until), BREAKER_GIVEN_UP);
    breakers_free(b);
}

static void subnets_have_names(void **state)
{
    (void)state;
    char text[IP_TEXT_MAX];
    struct ip four = ip_of_text("10.0.5.7"), six = ip_of_text("fd00:1:2:3:4:5:6:7");
    assert_str(subnet_text(&four, text), "10.0.5.0/24");
    assert_str(subnet_text(&six, text), "fd00:1:2:3::/64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_comes_once),
        cmocka_unit_test(hosts_of_a_subnet_come_far_apart),
        cmocka_unit_test(the_order_of_a_huge_scope_needs_no_list),
        cmocka_unit_test(never_more_than_the_rate),
        cmocka_unit_test(a_subnet_in_trouble_rests_longer_each_time_and_is_given_up),
        cmocka_unit_test(an_answer_heals),
        cmocka_unit_test(addresses_that_nobody_has_are_no_trouble_for_long),
        cmocka_unit_test(a_given_up_subnet_is_remembered_among_many),
        cmocka_unit_test(subnets_have_names),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
