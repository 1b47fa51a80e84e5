#include "unit.h"

#include <float.h>
#include <math.h>

#include "base/json.h"
#include "base/size.h"

struct page {
    char text[4096];
    struct wr w;
    struct json j;
};

static struct page *page(void)
{
    static struct page p;
    p.w = wr_fixed(p.text, sizeof p.text);
    p.j = json_of(&p.w);
    return &p;
}

static void keeps_commas_and_nesting(void **state)
{
    (void)state;
    struct page *p = page();
    struct json *j = &p->j;
    json_open_object(j);
    json_member(j, STR("name"), STR("x"));
    json_key(j, STR("list"));
    json_open_array(j);
    json_u64(j, UINT64_MAX);
    json_i64(j, INT64_MIN);
    json_bool(j, true);
    json_none(j);
    json_open_array(j);
    json_end(j);
    json_open_object(j);
    json_end(j);
    json_raw(j, STR("1.50"));
    json_end(j);
    json_member_u64(j, STR("n"), 7);
    json_member_bool(j, STR("b"), false);
    json_end(j);
    assert_false(p->w.bad);
    assert_str(
        wr_str(&p->w),
        "{\"name\":\"x\",\"list\":[18446744073709551615,-9223372036854775808,true,null,[],{},"
        "1.50],\"n\":7,\"b\":false}");
}

static void text_is_escaped_for_json_pages_and_terminals(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {{STR_INIT("plain"), "\"plain\""},
                {STR_INIT("\"\\\n\r\t"), "\"\\\"\\\\\\n\\r\\t\""},
                {STR_INIT("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\""},
                {STR_INIT("</script>&"), "\"\\u003c/script\\u003e\\u0026\""},
                {STR_INIT("\xe5\xb1\xb1"), "\"\xe5\xb1\xb1\""},
                {STR_INIT("a\xff"
                          "b<"),
                 "\"a\xef\xbf\xbd"
                 "b\\u003c\""},
                {STR_INIT(""), "\"\""}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct page *p = page();
        json_text(&p->j, rows[i].in);
        assert_str(wr_str(&p->w), rows[i].out);
    }
}

static void keys_are_escaped_too(void **state)
{
    (void)state;
    struct page *p = page();
    json_open_object(&p->j);
    json_member(&p->j, STR("a\"b"), STR("c"));
    json_end(&p->j);
    assert_str(wr_str(&p->w), "{\"a\\\"b\":\"c\"}");
}

static void numbers_read_back_the_same(void **state)
{
    (void)state;
    static const double values[] = {
        0, 1, -1.5, 0.1, 1e300, DBL_MIN, DBL_MAX, 1.0 / 3, 123456789.123456789, 5e-324, 1e21};
    for (size_t i = 0; i < COUNT(values); i++) {
        struct page *p = page();
        json_double(&p->j, values[i]);
        wr_u8(&p->w, 0);
        assert_true(strtod(p->text, NULL) == values[i]);
    }
    struct page *p = page();
    json_double(&p->j, 0.1);
    assert_str(wr_str(&p->w), "0.1");
}

static void what_json_has_no_number_for_is_text(void **state)
{
    (void)state;
    struct page *p = page();
    json_open_array(&p->j);
    json_double(&p->j, NAN);
    json_double(&p->j, INFINITY);
    json_double(&p->j, -INFINITY);
    json_end(&p->j);
    assert_str(wr_str(&p->w), "[\"NaN\",\"inf\",\"-inf\"]");
}

static void base64_comes_at_once_or_in_pieces(void **state)
{
    (void)state;
    struct page *p = page();
    json_open_array(&p->j);
    json_base64(&p->j, STR("foobar"));
    json_base64_begin(&p->j);
    wr_base64(&p->w, STR("foo"));
    wr_base64(&p->w, STR("ba"));
    json_base64_end(&p->j);
    json_end(&p->j);
    assert_str(wr_str(&p->w), "[\"Zm9vYmFy\",\"Zm9vYmE=\"]");
}

static void depth_has_a_limit_and_ends_must_match(void **state)
{
    (void)state;
    struct page *p = page();
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_open_array(&p->j);
    assert_false(p->w.bad);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_end(&p->j);
    assert_false(p->w.bad);
    assert_int_equal(p->w.n, 2 * JSON_DEPTH_MAX);
    p = page();
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        json_open_array(&p->j);
    assert_true(p->w.bad);
    p = page();
    json_end(&p->j);
    assert_true(p->w.bad);
}

static void every_level_closes_as_it_was_opened(void **state)
{
    (void)state;
    struct page *p = page();
    for (int i = 0; i < 30; i++) {
        if (i % 2) {
            json_open_array(&p->j);
        } else {
            json_open_object(&p->j);
            json_key(&p->j, STR("k"));
        }
    }
    json_none(&p->j);
    for (int i = 0; i < 30; i++)
        json_end(&p->j);
    struct str s = wr_str(&p->w);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(s.p[s.n - 1 - i], i % 2 ? ']' : '}');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_commas_and_nesting),
        cmocka_unit_test(text_is_escaped_for_json_pages_and_terminals),
        cmocka_unit_test(keys_are_escaped_too),
        cmocka_unit_test(numbers_read_back_the_same),
        cmocka_unit_test(what_json_has_no_number_for_is_text),
        cmocka_unit_test(base64_comes_at_once_or_in_pieces),
        cmocka_unit_test(depth_has_a_limit_and_ends_must_match),
        cmocka_unit_test(every_level_closes_as_it_was_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
