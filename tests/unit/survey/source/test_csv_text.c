#include "unit.h"

#include "survey/source/import/csv_text.h"

static err_t on_row(void *ctx, const struct str *cells, size_t n, bool over)
{
    struct wr *w = ctx;
    for (size_t i = 0; i < n; i++) {
        wr_put(w, STR("<"));
        wr_put(w, str_slice(cells[i], 0, 100));
        wr_put(w, STR(">"));
    }
    wr_put(w, over ? STR("OVER\n") : STR("\n"));
    return OK;
}

static void reads(struct str text, const char *expected)
{
    for (size_t piece = 1; piece < 8; piece += 3) {
        struct wr w = wr_heap(1 << 20);
        struct csv c;
        csv_init(&c, &(struct csv_calls){on_row, &w});
        /* The separator is found in what comes first: a whole line there. */
        c.separator = csv_separator(text);
        for (size_t at = 0; at < text.n; at += piece)
            assert_ok(csv_feed(&c, str_slice(text, at, piece)));
        assert_ok(csv_end(&c));
        assert_str(wr_str(&w), expected);
        csv_done(&c);
        wr_done(&w);
    }
}

static void rows_and_cells(void **state)
{
    (void)state;
    reads(STR("a,b\r\n1, 2 \n\n,\n3"), "<a><b>\n<1><2>\n<3>\n");
    reads(STR("a,b,c\n1,,\n"), "<a><b><c>\n<1><><>\n");
}

static void quoted_cells_hold_anything(void **state)
{
    (void)state;
    reads(STR("a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\n"), "<a><b>\n<x, \"y\"><two\nlines>\n");
    reads(STR("a\n5\" disk\n\"open"), "<a>\n<5\" disk>\n<open>\n");
}

static void the_separator_is_found_by_looking(void **state)
{
    (void)state;
    reads(STR("a;b\n1;2,5\n"), "<a><b>\n<1><2,5>\n");
    reads(STR("a\tb\n1\t2\n"), "<a><b>\n<1><2>\n");
    reads(STR("\"a,b,c,d\";e\n1;2\n"), "<a,b,c,d><e>\n<1><2>\n");
}

static void a_byte_order_mark_is_no_text(void **state)
{
    (void)state;
    reads(STR("\xef\xbb\xbf"
              "a,b\n"),
          "<a><b>\n");
}

static void formulas_are_text(void **state)
{
    (void)state;
    reads(STR("a\n=cmd|'/c calc'!A0\n@SUM(1)\n"), "<a>\n<=cmd|'/c calc'!A0>\n<@SUM(1)>\n");
}

static void rows_that_are_too_large_are_told(void **state)
{
    struct wr w = wr_heap(8 << 20), out = wr_heap(1 << 20);
    struct csv c;
    (void)state;
    wr_put(&w, STR("a,b\n"));
    wr_fill(&w, ',', CSV_CELLS_MAX);
    wr_put(&w, STR("x\n\""));
    wr_fill(&w, 'y', CSV_ROW_MAX + 1);
    wr_put(&w, STR("\"\n1,2\n"));
    csv_init(&c, &(struct csv_calls){on_row, &out});
    assert_ok(csv_feed(&c, wr_str(&w)));
    assert_ok(csv_end(&c));
    wr_u8(&out, '\0');
    const char *text = (const char *)out.p;
    assert_non_null(strstr(text, "<a><b>\n"));
    assert_non_null(strstr(text, "<1><2>\n"));
    const char *first = strstr(text, "OVER\n");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "OVER\n"));
    csv_done(&c);
    wr_done(&w);
    wr_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_cells),
        cmocka_unit_test(quoted_cells_hold_anything),
        cmocka_unit_test(the_separator_is_found_by_looking),
        cmocka_unit_test(a_byte_order_mark_is_no_text),
        cmocka_unit_test(formulas_are_text),
        cmocka_unit_test(rows_that_are_too_large_are_told),
    };
    return cmocka_run_group_tests_name("csv_text", tests, NULL, NULL);
}
