#include "unit.h"

#include <time.h>

#include "base/size.h"
#include "dicom/match.h"

struct fixture {
    struct arena arena;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_init(64 << 20);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    return 0;
}

static vr_t vr_of(const char *vr)
{
    return VR(vr[0], vr[1]);
}

static struct match *compiled_as(void **state, const char *vr, const char *key,
                                 struct match_options options)
{
    struct fixture *f = *state;
    struct match *m = NULL;
    assert_ok(match_compile(&f->arena, vr_of(vr), str_z(key), options, &m, NULL));
    assert_non_null(m);
    return m;
}

static struct match *compiled(void **state, const char *vr, const char *key)
{
    return compiled_as(state, vr, key, (struct match_options){0});
}

static bool matches(void **state, const char *vr, const char *key, const char *value)
{
    return match_test(compiled(state, vr, key), str_z(value));
}

static void refuses(void **state, const char *vr, const char *key, err_t expected)
{
    struct fixture *f = *state;
    struct match *m = NULL;
    struct diag d = {0};
    assert_err(match_compile(&f->arena, vr_of(vr), str_z(key), (struct match_options){0}, &m, &d),
               expected);
    assert_null(m);
    assert_true(*key == '\0' || !strstr(d.text, key)); /* no patient data */
}

static void single_values_are_exact_but_for_padding(void **state)
{
    assert_true(matches(state, "LO", "ID 1", "ID 1"));
    assert_true(matches(state, "LO", "ID 1 ", " ID 1"));
    assert_true(matches(state, "SH", "A1", "A1\\B2"));
    assert_true(matches(state, "SH", "B2", "A1\\B2"));
    assert_false(matches(state, "LO", "ID 1", "id 1"));
    assert_false(matches(state, "LO", "ID 1", "ID 12"));
    assert_false(matches(state, "LO", "ID 12", "ID 1"));
    assert_false(matches(state, "LO", "ID 1", ""));
    assert_true(matches(state, "CS", "CT", "CT "));
    assert_true(matches(state, "LT", "a\\b", "a\\b"));
    assert_false(matches(state, "LT", "a", "a\\b"));
    assert_false(matches(state, "UT", "a", " a"));
    assert_true(match_test(compiled(state, "UI", "1.2.3"), str_of("1.2.3\0", 6)));
}

static void folding_is_an_option_but_for_names(void **state)
{
    struct match_options fold = {.fold = true};
    assert_true(match_test(compiled_as(state, "LO", "müller", fold), STR("MULLER")));
    assert_true(match_test(compiled_as(state, "LO", "*ÜLL*", fold), STR("muller")));
    assert_true(match_test(compiled_as(state, "LO",
                                       "\xe3\x80\x80"
                                       "a",
                                       fold),
                           STR("A\xc2\xa0")));
    assert_true(compiled_as(state, "LO", "a", fold)->folded);
    assert_false(compiled(state, "LO", "a")->folded);
    assert_true(compiled(state, "PN", "a")->folded);
    assert_false(compiled_as(state, "DA", "20200101", fold)->folded);
    assert_false(compiled_as(state, "UI", "1.2\\1.3", fold)->folded);
}

static void universal_keys_match_everything(void **state)
{
    static const char *const keys[] = {"", "  ", "*", "**", "*\\A"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct match *m = compiled(state, "LO", keys[i]);
        assert_int_equal(m->kind, MATCH_UNIVERSAL);
        assert_true(match_test(m, STR("")));
        assert_true(match_test(m, STR("anything")));
    }
    assert_int_equal(compiled(state, "PN", "^^=")->kind, MATCH_UNIVERSAL);
    assert_int_equal(compiled(state, "DA", "*")->kind, MATCH_UNIVERSAL);
    assert_int_equal(compiled(state, "UI", "")->kind, MATCH_UNIVERSAL);
    assert_true(match_test_moment(compiled(state, "DA", ""), 1));
}

static void lists_of_uid_match_any_of_them(void **state)
{
    struct match *m = compiled(state, "UI", "1.2.9\\1.2.3\\\\1.2.10");
    assert_int_equal(m->kind, MATCH_TEXT);
    assert_int_equal(m->n, 3);
    assert_true(match_test(m, STR("1.2.3")));
    assert_true(match_test(m, STR("1.2.10")));
    assert_true(match_test(m, STR("9.9\\1.2.9")));
    assert_false(match_test(m, STR("1.2")));
    assert_false(match_test(m, STR("1.2.33")));
    assert_false(match_test(m, STR("")));
    assert_false(matches(state, "UI", "1.2.*", "1.2.3")); /* no wildcards in UIDs */
}

static void other_lists_match_any_value(void **state)
{
    assert_true(matches(state, "CS", "CT\\MR", "MR"));
    assert_true(matches(state, "CS", "CT\\MR", "US\\CT"));
    assert_false(matches(state, "CS", "CT\\MR", "US"));
    assert_true(matches(state, "LO", "A*\\*Z", "xyZ"));
}

static void wildcards_match_characters_not_bytes(void **state)
{
    assert_true(matches(state, "LO", "A*", "A"));
    assert_true(matches(state, "LO", "A*", "ABC"));
    assert_true(matches(state, "LO", "*C", "ABC"));
    assert_true(matches(state, "LO", "*B*", "ABC"));
    assert_true(matches(state, "LO", "A?C", "ABC"));
    assert_true(matches(state, "LO", "A?C", "AüC"));
    assert_true(matches(state, "LO", "A?C", "A山C"));
    assert_true(matches(state, "LO", "??", "山田"));
    assert_true(matches(state, "LO", "*a*b*c*", "xxaxxbxxcxx"));
    assert_true(matches(state, "LO", "a*b*a", "abba"));
    assert_false(matches(state, "LO", "A?C", "AC"));
    assert_false(matches(state, "LO", "A?", "A"));
    assert_false(matches(state, "LO", "A*", "BA"));
    assert_false(matches(state, "LO", "a*b*a", "ab"));
    assert_false(matches(state, "LO", "?", ""));
    assert_true(matches(state, "LO", "ID*", " ID7 "));
}

/* The characters that SQL gives a meaning have none here. */
static void sql_wildcards_are_ordinary_characters(void **state)
{
    assert_true(matches(state, "LO", "100%*", "100%x"));
    assert_false(matches(state, "LO", "100%*", "100x"));
    assert_false(matches(state, "LO", "A_C*", "ABC"));
    assert_true(matches(state, "LO", "[a]*", "[a]"));
    assert_false(matches(state, "LO", "[a]*", "a"));
}

static void names_match_in_any_component_group(void **state)
{
    static const char name[] = "Yamada^Tarou=山田^太郎=やまだ^たろう";
    assert_true(matches(state, "PN", "yamada*", name));
    assert_true(matches(state, "PN", "YAMADA^TAROU", name));
    assert_true(matches(state, "PN", "山田*", name));
    assert_true(matches(state, "PN", "山?^太*", name));
    assert_true(matches(state, "PN", "ﾔﾏﾀﾞ*", name));
    assert_true(matches(state, "PN", "*たろう", name));
    assert_true(matches(state, "PN", "yamada*=山田*", name));
    assert_true(matches(state, "PN", "=山田^太郎", name));
    assert_true(matches(state, "PN", "==ﾔﾏﾀﾞ^ﾀﾛｳ", name));
    assert_false(matches(state, "PN", "yamada*=太郎*", name));
    assert_false(matches(state, "PN", "山田*=yamada*", name));
    assert_false(matches(state, "PN", "Yamada", name));
    assert_false(matches(state, "PN", "yamada=山田", name));
}

static void names_match_without_case_and_accents(void **state)
{
    assert_true(matches(state, "PN", "muller^jorg", "MÜLLER^Jörg"));
    assert_true(matches(state, "PN", "MÜLL*", "Mu\xcc\x88ller^J"));
    assert_true(matches(state, "PN", "Doe^John", "DOE^JOHN^^^"));
    assert_true(matches(state, "PN", " doe ^ john ", "Doe^John"));
    assert_true(matches(state, "PN", "a\\b", "B"));
}

/* Work stations fill in every component with a star. */
static void missing_components_match_stars(void **state)
{
    assert_true(matches(state, "PN", "doe^*^*^*^*", "Doe^John"));
    assert_true(matches(state, "PN", "doe^*", "Doe"));
    assert_true(matches(state, "PN", "doe^j*^*", "Doe^John"));
    assert_true(matches(state, "PN", "*^*", ""));
    assert_false(matches(state, "PN", "doe^j*", "Doe"));
    assert_false(matches(state, "PN", "doe^*", "Doering"));
}

static void dates_and_times_match_by_range(void **state)
{
    assert_true(matches(state, "DA", "20200101", "20200101"));
    assert_true(matches(state, "DA", "20200101", "2020.01.01"));
    assert_true(matches(state, "DA", "20200101-20200131", "20200115"));
    assert_true(matches(state, "DA", "-20200131", "19000101"));
    assert_true(matches(state, "DA", "20200101-", "20991231"));
    assert_false(matches(state, "DA", "20200101-20200131", "20200201"));
    assert_false(matches(state, "DA", "20200101-", ""));
    assert_false(matches(state, "DA", "20200101-", "garbage"));
    assert_false(matches(state, "DA", "20200131-20200101", "20200115"));
    assert_true(matches(state, "TM", "10-11", "113000"));
    assert_true(matches(state, "TM", "101530", "101530.5"));
    assert_false(matches(state, "TM", "10-11", "1200"));
    assert_true(matches(state, "DT", "2020-2021", "20200101120000"));
    assert_true(matches(state, "DT", "20200101120000+0000", "20200101130000+0100"));
    assert_false(matches(state, "DT", "20200101120000+0000", "20200101120000+0100"));
    assert_true(match_test(
        compiled_as(state, "DT", "20200101110000+0000", (struct match_options){.zone = 60}),
        STR("20200101120000")));
    assert_true(match_test_moment(compiled(state, "DA", "20200101-20200131"), 20200131));
    assert_false(match_test_moment(compiled(state, "DA", "20200101-20200131"), 20200201));
}

static void numbers_match_by_what_they_mean(void **state)
{
    assert_true(matches(state, "IS", "5", "05 "));
    assert_true(matches(state, "IS", "+5", "5"));
    assert_true(matches(state, "DS", "1.50", "1.5"));
    assert_true(matches(state, "DS", "1.5", "3\\1.5"));
    assert_true(matches(state, "US", "512", "512"));
    assert_false(matches(state, "IS", "5", "55"));
    assert_false(matches(state, "IS", "5", ""));
    assert_false(matches(state, "IS", "5", "five"));
}

static void quotation_marks_match_empty_values_where_negotiated(void **state)
{
    struct match_options empty = {.empty = true};
    struct match *m = compiled_as(state, "LO", "\"\"", empty);
    assert_int_equal(m->kind, MATCH_EMPTY);
    assert_true(match_test(m, STR("")));
    assert_true(match_test(m, STR("  ")));
    assert_false(match_test(m, STR("x")));
    assert_true(matches(state, "LO", "\"\"", "\"\""));
    assert_int_equal(compiled_as(state, "DA", "\"\"", empty)->kind, MATCH_EMPTY);
}

static void says_what_is_wrong_with_a_key_but_not_what_it_holds(void **state)
{
    refuses(state, "DA", "Mustermann", E_MALFORMED);
    refuses(state, "DA", "202001*", E_MALFORMED);
    refuses(state, "TM", "2500", E_MALFORMED);
    refuses(state, "IS", "1*", E_MALFORMED);
    refuses(state, "IS", "0x10", E_MALFORMED);
    refuses(state, "DS", "inf", E_MALFORMED);
    refuses(state, "SQ", "x", E_UNSUPPORTED);
    refuses(state, "OB", "x", E_UNSUPPORTED);
}

static void long_keys_are_refused(void **state)
{
    char key[MATCH_KEY_MAX + 2] = {0};
    memset(key, 'a', MATCH_KEY_MAX);
    assert_true(match_test(compiled(state, "UT", key), str_z(key)));
    key[0] = '*';
    assert_true(match_test(compiled(state, "UT", key), str_z(key + 1)));
    memset(key, 'a', MATCH_KEY_MAX + 1);
    refuses(state, "UT", key, E_LIMIT);
    refuses(state, "PN", key, E_LIMIT);
    refuses(state, "UI", key, E_LIMIT);
}

static void long_lists_are_refused(void **state)
{
    struct wr w = wr_heap(1 << 20);
    struct fixture *f = *state;
    struct match *m;
    struct match_options none = {0};
    for (int i = 0; i < MATCH_UIDS_MAX; i++)
        wr_printf(&w, "%s1.2.%d", i ? "\\" : "", i);
    assert_ok(match_compile(&f->arena, VR('U', 'I'), wr_str(&w), none, &m, NULL));
    assert_true(match_test(m, STR("1.2.65535")));
    assert_false(match_test(m, STR("1.2.65536")));
    assert_err(match_compile(&f->arena, VR('L', 'O'), wr_str(&w), none, &m, NULL), E_LIMIT);
    wr_put(&w, STR("\\1.3"));
    assert_err(match_compile(&f->arena, VR('U', 'I'), wr_str(&w), none, &m, NULL), E_LIMIT);
    wr_done(&w);
}

static void a_full_arena_is_an_error(void **state)
{
    struct match_options none = {0};
    struct match *m;
    (void)state;
    for (size_t room = 0; room < 4096; room += 64) {
        struct arena small = arena_init(room);
        err_t e = match_compile(&small, VR('P', 'N'), STR("Müller*=M*"), none, &m, NULL);
        assert_true(e == E_NOMEM || e == OK);
        if (e == OK)
            assert_true(match_test(m, STR("Müller=M")));
        arena_done(&small);
    }
}

static void tells_the_index_what_it_can_use(void **state)
{
    struct match_value *v = compiled(state, "LO", "ABC*")->values;
    assert_int_equal(v->kind, MATCH_WILDCARD);
    assert_str(v->prefix, "ABC");
    assert_true(v->prefix_only);
    assert_int_equal(v->n_runs, 1);

    v = compiled(state, "LO", "ABC*D")->values;
    assert_str(v->prefix, "ABC");
    assert_false(v->prefix_only);

    v = compiled(state, "LO", "*xy*abcd?efg*hijklm")->values;
    assert_str(v->prefix, "");
    assert_int_equal(v->n_runs, 3);
    assert_str(v->runs[0], "hijklm");
    assert_str(v->runs[1], "abcd");
    assert_str(v->runs[2], "efg");

    v = compiled(state, "LO", "aaa*bbbb*ccccc*dddddd*eeeeeee")->values;
    assert_int_equal(v->n_runs, MATCH_RUNS_MAX);
    assert_str(v->runs[0], "eeeeeee");
    assert_str(v->runs[3], "bbbb");

    v = compiled(state, "LO", "ABC")->values;
    assert_int_equal(v->kind, MATCH_TEXT);
    assert_str(v->text, "ABC");
}

static void tells_the_index_what_it_can_use_of_names(void **state)
{
    struct match_value *v = compiled(state, "PN", "MÜLLER*")->values;
    assert_str(v->text, "muller*");
    assert_str(v->prefix, "muller");
    assert_true(v->prefix_only);
    assert_int_equal(v->n_groups, 1);

    /* "doe^" need not be there, and "doe" alone would let "doering" in. */
    v = compiled(state, "PN", "doe^*")->values;
    assert_str(v->prefix, "doe");
    assert_false(v->prefix_only);
    assert_str(v->runs[0], "doe");

    v = compiled(state, "PN", "yama*=*太郎衛門*")->values;
    assert_int_equal(v->n_groups, 2);
    assert_str(v->prefix, "yama");
    assert_false(v->prefix_only);
    assert_int_equal(v->n_runs, 2);
    assert_str(v->runs[0], "太郎衛門");
}

/* What the index is told must hold for every value that matches. */
static void prefixes_and_runs_stand_in_every_match(void **state)
{
    static const char *const keys[] = {"a*",   "*bcd*",    "abc^*", "abc^d*^*",
                                       "?bc*", "a?c^def*", "abc"};
    static const char *const values[] = {"abc",   "ABC^def",     "abcd",      "xbcd^y",
                                         "abc^d", "abc^defgh^i", "a=abc^def", "q=r=abcd"};
    size_t hits = 0;
    for (size_t k = 0; k < COUNT(keys); k++) {
        struct match_value *v = compiled(state, "PN", keys[k])->values;
        for (size_t i = 0; i < COUNT(values); i++) {
            char folded[64];
            struct wr w = wr_fixed(folded, sizeof folded);
            pn_fold(str_z(values[i]), &w);
            wr_u8(&w, '\0');
            if (!matches(state, "PN", keys[k], values[i]))
                continue;
            hits++;
            bool prefix = false;
            for (unsigned g = 0; g < PN_GROUPS; g++)
                prefix = prefix || str_starts(pn_group_of(str_z(folded), g), v->prefix);
            assert_true(prefix);
            for (size_t r = 0; r < v->n_runs; r++)
                assert_non_null(memmem(folded, w.n, v->runs[r].p, v->runs[r].n));
        }
    }
    assert_true(hits > 15);
}

/* The same answers as the plain definition, on random patterns of every length. */
static bool defined_match(const char *p, const char *s)
{
    bool table[130][130] = {{false}};
    size_t n = strlen(p), m = strlen(s);
    table[0][0] = true;
    for (size_t i = 1; i <= n; i++)
        for (size_t k = 0; k <= m; k++)
            table[i][k] = p[i - 1] == '*' ? table[i - 1][k] || (k && table[i][k - 1])
                                          : k && table[i - 1][k - 1] &&
                                                (p[i - 1] == '?' || p[i - 1] == s[k - 1]);
    return table[n][m];
}

static void random_patterns_match_as_defined(void **state)
{
    unsigned seed = 1, hits = 0;
    for (int round = 0; round < 20000; round++) {
        char key[130] = {0}, value[130] = {0};
        size_t n = (size_t)(rand_r(&seed) % (round % 2 ? 12 : 128)) + 1;
        for (size_t i = 0; i < n; i++)
            key[i] = "aaab?*"[rand_r(&seed) % 6];
        size_t m = (size_t)(rand_r(&seed) % (round % 2 ? 12 : 128)) + 1;
        for (size_t i = 0; i < m; i++)
            value[i] = "aaab"[rand_r(&seed) % 4];
        struct match *match = compiled(state, "UT", key);
        bool expected = defined_match(key, value);
        hits += expected;
        assert_int_equal(match_test(match, str_z(value)), expected);
    }
    assert_true(hits > 1000);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "*a*a*a...b" against "aaaa...": exponential with recursion, quadratic with backtracking. */
static void hostile_patterns_take_no_longer(void **state)
{
    static char value[1 << 20];
    char key[MATCH_KEY_MAX + 1] = {0};
    struct match_options none = {0};
    struct match *m;
    struct fixture *f = *state;
    memset(value, 'a', sizeof value);
    for (size_t i = 0; i + 1 < sizeof key; i++)
        key[i] = i % 2 ? 'a' : '*';
    key[sizeof key - 2] = 'b';
    assert_ok(match_compile(&f->arena, VR('U', 'T'), str_z(key), none, &m, NULL));
    double begin = seconds();
    assert_false(match_test(m, str_of(value, sizeof value)));
    assert_true(seconds() - begin < 2);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(single_values_are_exact_but_for_padding),
        T(folding_is_an_option_but_for_names),
        T(universal_keys_match_everything),
        T(lists_of_uid_match_any_of_them),
        T(other_lists_match_any_value),
        T(wildcards_match_characters_not_bytes),
        T(sql_wildcards_are_ordinary_characters),
        T(names_match_in_any_component_group),
        T(names_match_without_case_and_accents),
        T(missing_components_match_stars),
        T(dates_and_times_match_by_range),
        T(numbers_match_by_what_they_mean),
        T(quotation_marks_match_empty_values_where_negotiated),
        T(says_what_is_wrong_with_a_key_but_not_what_it_holds),
        T(long_keys_are_refused),
        T(long_lists_are_refused),
        T(a_full_arena_is_an_error),
        T(tells_the_index_what_it_can_use),
        T(tells_the_index_what_it_can_use_of_names),
        T(prefixes_and_runs_stand_in_every_match),
        T(random_patterns_match_as_defined),
        T(hostile_patterns_take_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
