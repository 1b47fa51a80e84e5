#include "unit.h"

#include "base/err.h"

static void every_code_has_words_of_its_own(void **state)
{
    (void)state;
    const char *seen[64];
    size_t n = 0;
    seen[n++] = err_text(OK);
#define ERR(name, text)                                                                            \
    assert_string_equal(err_text(E_##name), text);                                                 \
    for (size_t i = 0; i < n; i++)                                                                 \
        assert_string_not_equal(seen[i], text);                                                    \
    seen[n++] = text;
#include "base/err.def"
#undef ERR
    assert_true(n > 20);
    assert_string_equal(err_text((err_t)9999), "unknown error");
}

static void a_diagnosis_returns_the_code_it_explains(void **state)
{
    (void)state;
    struct diag d = {0};
    assert_int_equal(diag_set(&d, E_IO, "cannot write %s: %d", "x", 5), E_IO);
    assert_string_equal(d.text, "cannot write x: 5");
    assert_int_equal(diag_set(NULL, E_BUSY, "%s", "nobody listens"), E_BUSY);
}

static void a_diagnosis_is_one_printable_line_that_fits(void **state)
{
    (void)state;
    struct diag d;
    char big[1000];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(diag_set(&d, E_IO, "%s", big), E_IO);
    assert_int_equal(strlen(d.text), sizeof d.text - 1);
    assert_int_equal(diag_set(&d, E_IO, "%s", "a\nb\tc\x1b[2J\x7f"), E_IO);
    assert_string_equal(d.text, "a?b?c?[2J?");
}

static void without_a_diagnosis_the_code_speaks(void **state)
{
    (void)state;
    struct diag none = {0}, some = {"words"};
    assert_string_equal(diag_text(&none, E_BUSY), "busy");
    assert_string_equal(diag_text(NULL, E_BUSY), "busy");
    assert_string_equal(diag_text(&some, E_BUSY), "words");
}

static err_t tried(err_t e, bool *after)
{
    TRY(e);
    *after = true;
    return OK;
}

static void try_passes_errors_up_and_success_on(void **state)
{
    (void)state;
    bool after = false;
    assert_err(tried(E_LIMIT, &after), E_LIMIT);
    assert_false(after);
    assert_ok(tried(OK, &after));
    assert_true(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_words_of_its_own),
        cmocka_unit_test(a_diagnosis_returns_the_code_it_explains),
        cmocka_unit_test(a_diagnosis_is_one_printable_line_that_fits),
        cmocka_unit_test(without_a_diagnosis_the_code_speaks),
        cmocka_unit_test(try_passes_errors_up_and_success_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
