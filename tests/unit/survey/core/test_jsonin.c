#include "unit.h"

#include <stdio.h>

#include "base/wr.h"
#include "survey/core/jsonin.h"

/* Events as text: "a.0=1;" */
struct heard {
    struct wr w;
    const char *stop_at;
};

static void put_place(struct wr *w, const struct json_at *at)
{
    for (unsigned i = 0; i < at->depth; i++) {
        if (i)
            wr_u8(w, '.');
        if (at->keys[i].p)
            wr_put(w, at->keys[i]);
        else
            wr_printf(w, "%u", at->index[i]);
    }
}

static err_t on_value(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    struct heard *h = ctx;
    put_place(&h->w, at);
    wr_u8(&h->w, (uint8_t) "~?#="[type]);
    wr_put(&h->w, text);
    wr_u8(&h->w, ';');
    return h->stop_at && json_at_is(at, h->stop_at) ? E_CANCELLED : OK;
}

static err_t on_open(void *ctx, const struct json_at *at, bool array)
{
    struct heard *h = ctx;
    put_place(&h->w, at);
    wr_u8(&h->w, array ? '[' : '{');
    return OK;
}

static err_t on_close(void *ctx, const struct json_at *at, bool array)
{
    struct heard *h = ctx;
    put_place(&h->w, at);
    wr_u8(&h->w, array ? ']' : '}');
    return OK;
}

static struct jsonin_calls calls_of(struct heard *h, bool borders)
{
    return (struct jsonin_calls){on_value, borders ? on_open : NULL, borders ? on_close : NULL, h};
}

static err_t hear(struct str text, size_t piece, bool borders, struct heard *h, struct diag *d)
{
    struct jsonin *j;
    struct jsonin_calls calls = calls_of(h, borders);
    err_t e = OK;
    assert_ok(jsonin_new(&calls, &j));
    for (size_t at = 0; at < text.n && e == OK; at += piece)
        e = jsonin_feed(j, str_slice(text, at, piece), d);
    if (e == OK)
        e = jsonin_end(j, d);
    jsonin_free(j);
    return e;
}

static void says(const char *text, const char *expected)
{
    for (size_t piece = 1; piece < 20; piece += 6) {
        struct heard h = {.w = wr_heap(1 << 16)};
        struct diag d = {0};
        err_t e = hear(str_z(text), piece, false, &h, &d);
        assert_string_equal(e == OK ? "" : diag_text(&d, e), "");
        assert_str(wr_str(&h.w), expected);
        wr_done(&h.w);
    }
}

static void each_scalar_comes_with_its_place(void **state)
{
    (void)state;
    says("{\"a\":1,\"b\":{\"c\":[true,null,\"x\",{\"d\":-1.5e3}]},\"e\":\"\"}",
         "a#1;b.c.0?true;b.c.1~null;b.c.2=x;b.c.3.d#-1.5e3;e=;");
    says("[[1,2],[3],[]]", "0.0#1;0.1#2;1.0#3;");
    says("7", "#7;");
    says("\"\\u00e9\\u0001\\ud83d\\ude00\\n\"", "=\xc3\xa9\x01\xf0\x9f\x98\x80\n;");
}

static void documents_follow_one_another(void **state)
{
    (void)state;
    says("{\"a\":1}\n{\"a\":2}\n", "a#1;a#2;");
}

static void borders_are_told_when_wanted(void **state)
{
    struct heard h = {.w = wr_heap(1 << 16)};
    (void)state;
    assert_ok(hear(STR("{\"a\":[{}]}"), 100, true, &h, NULL));
    assert_str(wr_str(&h.w), "{a[a.0{a.0}a]}");
    wr_done(&h.w);
}

static void refuses(const char *text)
{
    struct heard h = {.w = wr_heap(1 << 16)};
    struct diag d = {0};
    assert_err(hear(str_z(text), 3, false, &h, &d), E_MALFORMED);
    assert_true(d.text[0] != '\0');
    wr_done(&h.w);
}

static void broken_text_is_malformed(void **state)
{
    (void)state;
    refuses("");
    refuses("   ");
    refuses("{");
    refuses("{\"a\":1");
    refuses("\"abc");
    refuses("tru");
    refuses("{\"a\":}");
    refuses("[1,]");
    refuses("{}}");
    refuses("\"\xff\"");
    refuses("{\"a\" 1}");
    refuses("\x1f\x8b");
}

static void the_same_reader_goes_on_after_a_broken_line(void **state)
{
    static const char *const lines[] = {"{\"a\":1}", "{\"a\":[\"never", "{\"b\":2}", "nonsense",
                                        "{\"c\":3}"};
    struct heard h = {.w = wr_heap(1 << 16)};
    struct jsonin_calls calls = calls_of(&h, false);
    struct jsonin *j;
    unsigned bad = 0;
    (void)state;
    assert_ok(jsonin_new(&calls, &j));
    for (size_t i = 0; i < 5; i++) {
        if (jsonin_feed(j, str_z(lines[i]), NULL) == OK && jsonin_end(j, NULL) == OK)
            continue;
        bad++;
        jsonin_reset(j);
    }
    assert_int_equal(bad, 2);
    assert_str(wr_str(&h.w), "a#1;b#2;c#3;");
    jsonin_free(j);
    wr_done(&h.w);
}

static void a_callers_error_ends_the_reading(void **state)
{
    struct heard h = {.w = wr_heap(1 << 16), .stop_at = "b"};
    (void)state;
    assert_err(hear(STR("{\"a\":1,\"b\":2,\"c\":3}"), 100, false, &h, NULL), E_CANCELLED);
    assert_str(wr_str(&h.w), "a#1;b#2;");
    wr_done(&h.w);
}

static void depth_and_strings_are_limited(void **state)
{
    struct heard h = {.w = wr_heap(64 << 20)};
    struct wr w = wr_heap(64 << 20);
    (void)state;
    wr_fill(&w, '[', 100000);
    assert_err(hear(wr_str(&w), 1000, false, &h, NULL), E_LIMIT);
    wr_clear(&w);
    wr_u8(&w, '"');
    wr_fill(&w, 'x', JSONIN_STRING_MAX + 100000);
    /* It is refused before it ends. */
    assert_err(hear(wr_str(&w), 100000, false, &h, NULL), E_LIMIT);
    wr_u8(&w, '"');
    assert_err(hear(wr_str(&w), SIZE_MAX / 2, false, &h, NULL), E_LIMIT);
    wr_done(&w);
    wr_done(&h.w);
}

static err_t keep_place(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    (void)type;
    (void)text;
    *(struct json_at *)ctx = *at;
    assert_true(json_at_is(at, "a.b.1.c"));
    assert_true(json_at_is(at, "a.*.#.c"));
    assert_false(json_at_is(at, "a.b.#.#"));
    assert_false(json_at_is(at, "a.b.1"));
    assert_false(json_at_is(at, "a.#.1.c"));
    assert_false(json_at_is(at, "a.b.1.c.d"));
    assert_false(json_at_is(at, ""));
    assert_int_equal(at->path[at->depth], json_path("a.b.#.c"));
    assert_int_equal(at->path[2], json_path("a.b"));
    assert_int_not_equal(at->path[2], json_path("a.c"));
    return OK;
}

static void places_are_matched_by_pattern_and_by_number(void **state)
{
    struct json_at at;
    struct jsonin_calls calls = {.value = keep_place, .ctx = &at};
    (void)state;
    assert_ok(jsonin_text(STR("{\"a\":{\"b\":[[],{\"c\":1}]}}"), &calls, NULL));
    assert_int_equal(at.depth, 4);
}

/* Each element of "a" is a root; counts "b" below one. */
struct rooted {
    struct jsonin *json;
    unsigned roots, seen;
};

static err_t open_rooted(void *ctx, const struct json_at *at, bool array)
{
    struct rooted *r = ctx;
    if (!array && at->path[at->depth] == json_path("a.#")) {
        r->roots++;
        jsonin_root(r->json);
    }
    return OK;
}

static err_t value_rooted(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    struct rooted *r = ctx;
    (void)type;
    (void)text;
    r->seen += at->path[at->depth] == json_path("b") && at->depth == 3;
    return OK;
}

static void paths_may_be_counted_from_an_object(void **state)
{
    struct rooted r = {0};
    struct jsonin_calls calls = {value_rooted, open_rooted, NULL, &r};
    (void)state;
    assert_ok(jsonin_new(&calls, &r.json));
    assert_ok(jsonin_feed(r.json, STR("{\"a\":[{\"b\":1},{\"b\":2,\"c\":{\"b\":0}},[],{\"b\":3}]}"),
                          NULL));
    assert_ok(jsonin_end(r.json, NULL));
    assert_int_equal(r.roots, 3);
    assert_int_equal(r.seen, 3);
    jsonin_free(r.json);
}

static err_t count_name(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    (void)type;
    (void)text;
    *(size_t *)ctx = at->keys[0].n;
    return OK;
}

static void long_names_are_cut(void **state)
{
    struct wr w = wr_heap(1 << 20);
    size_t n = 0;
    struct jsonin_calls calls = {.value = count_name, .ctx = &n};
    (void)state;
    wr_put(&w, STR("{\""));
    wr_fill(&w, 'k', 100000);
    wr_put(&w, STR("\":1}"));
    assert_ok(jsonin_text(wr_str(&w), &calls, NULL));
    assert_int_equal(n, JSONIN_NAME_MAX);
    wr_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scalar_comes_with_its_place),
        cmocka_unit_test(documents_follow_one_another),
        cmocka_unit_test(borders_are_told_when_wanted),
        cmocka_unit_test(broken_text_is_malformed),
        cmocka_unit_test(the_same_reader_goes_on_after_a_broken_line),
        cmocka_unit_test(a_callers_error_ends_the_reading),
        cmocka_unit_test(depth_and_strings_are_limited),
        cmocka_unit_test(places_are_matched_by_pattern_and_by_number),
        cmocka_unit_test(paths_may_be_counted_from_an_object),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests_name("jsonin", tests, NULL, NULL);
}
