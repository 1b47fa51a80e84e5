#include "unit.h"

#include "survey/report/clean.h"
#include "survey/report/html.h"

static const char *cleaned(const char *text, size_t n, size_t max, char buf[256])
{
    struct wr w = wr_fixed(buf, 255);
    clean_put(&w, str_of(text, n), max);
    assert_false(w.bad);
    buf[w.n] = 0;
    return buf;
}

#define assert_clean(in, out)                                                                      \
    do {                                                                                           \
        char buf_[256];                                                                            \
        assert_string_equal(cleaned(in, sizeof(in) - 1, 100, buf_), out);                          \
    } while (0)

static void leaves_ordinary_text(void **state)
{
    (void)state;
    assert_clean("", "");
    assert_clean("Vue PACS 12.1.5", "Vue PACS 12.1.5");
    assert_clean("Modalità, 東京, Ωμέγα", "Modalità, 東京, Ωμέγα");
}

static void shows_controls_as_what_they_are(void **state)
{
    (void)state;
    assert_clean("\x1b[2J\x07", "\\x1b[2J\\x07");
    assert_clean("a\r\n\tb\0c", "a\\x0d\\x0a\\x09b\\x00c");
    assert_clean("\x7f\xc2\x9b", "\\x7f\\x9b");
}

static void shows_overrides_and_invisible_characters(void **state)
{
    (void)state;
    assert_clean("\xe2\x80\xae"
                 "exe.scap",
                 "[U+202E]exe.scap");
    assert_clean("a\xe2\x80\x8b"
                 "b\xef\xbb\xbf"
                 "c\xe2\x81\xa6",
                 "a[U+200B]b[U+FEFF]c[U+2066]");
    assert_clean("\xf3\xa0\x81\x81", "[U+E0041]");
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_clean("a\xff\xc0\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
    assert_clean("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_clean("\xe2\x80", "\xef\xbf\xbd\xef\xbf\xbd");
}

static void cuts_by_characters_with_an_ellipsis(void **state)
{
    (void)state;
    char buf[256];
    assert_string_equal(cleaned("\xc3\xa0\xc3\xa8\xc3\xac", 6, 2, buf),
                        "\xc3\xa0\xc3\xa8\xe2\x80\xa6");
    assert_string_equal(cleaned("abc", 3, 3, buf), "abc");
}

static void thins_out_stacked_marks(void **state)
{
    (void)state;
    char text[201] = "a", buf[256];
    for (size_t i = 0; i < 100; i++)
        memcpy(text + 1 + 2 * i, "\xcc\x81", 2);
    assert_string_equal(cleaned(text, 201, 100, buf), "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81");
}

static void html_escapes_in_text_and_attributes(void **state)
{
    (void)state;
    char buf[512];
    struct wr w = wr_fixed(buf, sizeof buf);
    html_element(&w, "td", "n", STR("<script>alert('x')&\"`</script>"));
    html_attr(&w, "href", STR("\" onload=\"x\x1b"));
    assert_str(wr_str(&w), "<td class=\"n\">&lt;script&gt;alert(&#39;x&#39;)&amp;&quot;&#96;"
                           "&lt;/script&gt;</td> href=\"&quot; onload=&quot;x\\x1b\"");
}

static void html_cuts_a_long_text(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 20);
    char *text = malloc(10000);
    assert_non_null(text);
    memset(text, '<', 10000);
    html_text(&w, str_of(text, 10000));
    assert_int_equal(w.n, 4 * CLEAN_MAX * 4 + 3);
    free(text);
    wr_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_ordinary_text),
        cmocka_unit_test(shows_controls_as_what_they_are),
        cmocka_unit_test(shows_overrides_and_invisible_characters),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(cuts_by_characters_with_an_ellipsis),
        cmocka_unit_test(thins_out_stacked_marks),
        cmocka_unit_test(html_escapes_in_text_and_attributes),
        cmocka_unit_test(html_cuts_a_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
