#include "unit.h"

#include <stdio.h>

#include "access/json_walk.h"
#include "base/wr.h"

/* Everything that is seen, a line each. */
struct seen {
    struct wr w;
    char buf[4096];
};

static err_t on_object(void *ctx, struct str path)
{
    struct seen *s = ctx;
    wr_printf(&s->w, "{%.*s\n", STR_ARG(path));
    return OK;
}

static err_t on_scalar(void *ctx, struct str path, struct str value, bool is_string)
{
    struct seen *s = ctx;
    wr_printf(&s->w, "%.*s%s%.*s\n", STR_ARG(path), is_string ? "='" : "=", STR_ARG(value));
    return OK;
}

static err_t walk(struct seen *s, struct str text)
{
    struct arena a = arena_init(1 << 20);
    s->w = wr_fixed(s->buf, sizeof s->buf);
    err_t e = json_walk(text, &a, &(struct json_visitor){on_object, on_scalar, s});
    arena_done(&a);
    return e;
}

static void tells_each_value_with_its_path(void **state)
{
    (void)state;
    struct seen s;
    assert_ok(walk(&s, STR(" {\"a\": {\"b\": [1, {\"c\":\"x\"}, []], \"d\": true}, \"e\":null} ")));
    assert_str(wr_str(&s.w), "{\n{a\na/b=1\n{a/b\na/b/c='x\na/d=true\ne=null\n");
}

static void decodes_escapes(void **state)
{
    (void)state;
    struct seen s;
    assert_ok(walk(&s, STR("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\"")));
    assert_str(wr_str(&s.w), "='a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n");
}

static void takes_numbers_as_they_stand(void **state)
{
    (void)state;
    struct seen s;
    assert_ok(walk(&s, STR("[0, -1, 2.50, 1e9, -3E+2]")));
    assert_str(wr_str(&s.w), "=0\n=-1\n=2.50\n=1e9\n=-3E+2\n");
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "{",           "}",           "[",           "{\"a\"}",
        "{\"a\":}",  "{\"a\":1,}",  "[1,]",        "[,1]",        "[1 2]",
        "{a:1}",     "{\"a\" 1}",   "\"a",         "\"a\\\"",     "\"\\x\"",
        "\"\\u12\"", "\"\n\"",      "\"\\ud83d\"", "\"\\udc00\"", "\"\\ud83dx\"",
        "01",        "1.",          ".5",          "+1",          "1e",
        "-",         "tru",         "nan",         "1 1",         "{} {}",
        "\"\xff\"",  "{\"a/b\":1}", "[1}",         "{\"a\":1]",   "'a'",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct seen s;
        if (walk(&s, str_z(bad[i])) == OK)
            print_error("row %zu was taken\n", i);
        assert_err(walk(&s, str_z(bad[i])), E_MALFORMED);
    }
}

static void refuses_nesting_past_its_depth(void **state)
{
    (void)state;
    struct seen s;
    static char deep[1000000];
    memset(deep, '[', sizeof deep);
    assert_err(walk(&s, str_of(deep, sizeof deep)), E_MALFORMED);
    assert_ok(walk(&s, STR("[[[[[[[[]]]]]]]]")));
    assert_err(walk(&s, STR("[[[[[[[[[]]]]]]]]]")), E_MALFORMED);
}

static void refuses_a_path_past_its_length(void **state)
{
    (void)state;
    char text[400];
    struct seen s;
    memset(text, 'a', sizeof text);
    memcpy(text, "{\"", 2);
    memcpy(text + 300, "\":1}", 4);
    assert_err(walk(&s, str_of(text, 304)), E_MALFORMED);
}

static void stays_within_its_arena(void **state)
{
    (void)state;
    static char text[70000];
    struct seen s;
    struct arena a = arena_init(1000);
    memset(text, 'a', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    s.w = wr_fixed(s.buf, sizeof s.buf);
    assert_err(
        json_walk(str_of(text, sizeof text), &a, &(struct json_visitor){on_object, on_scalar, &s}),
        E_NOMEM);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_each_value_with_its_path),
        cmocka_unit_test(decodes_escapes),
        cmocka_unit_test(takes_numbers_as_they_stand),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(refuses_nesting_past_its_depth),
        cmocka_unit_test(refuses_a_path_past_its_length),
        cmocka_unit_test(stays_within_its_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
