#include "unit.h"

#include <fcntl.h>

#include "app/cmd.h"
#include "app/help.h"
#include "io/file.h"

enum { OPT_JSON, OPT_LEVEL, OPT_JOBS, OPT_KEY };

static const struct cmd_option options[] = {
    [OPT_JSON] = {.name = "json", .letter = 'J', .help = "write JSON"},
    [OPT_LEVEL] = {.name = "level", .letter = 'l', .arg = "LEVEL", .help = "the level"},
    [OPT_JOBS] = {.name = "jobs",
                  .letter = 'j',
                  .arg = "N",
                  .type = CMD_NUMBER,
                  .min = 1,
                  .max = 64 << 10,
                  .help = "at once"},
    [OPT_KEY] = {.name = "key", .letter = 'k', .arg = "KEY", .type = CMD_LIST, .help = "a key"},
};

static err_t run(const struct cmd_args *a, struct diag *d)
{
    (void)a;
    (void)d;
    return OK;
}

static const struct cmd command = {
    .name = "try",
    .summary = "try things",
    .args = "A [B]",
    .min_args = 1,
    .max_args = 2,
    .options = options,
    .n_options = COUNT(options),
    .run = run,
};

struct fixture {
    struct arena arena;
    struct cmd_args args;
    struct diag d;
};

static err_t parse(struct fixture *f, const char *line)
{
    static char words[512];
    char *argv[64], *p = words;
    int argc = 0;
    assert_true(str_to_z(str_z(line), words, sizeof words));
    for (char *word = strsep(&p, " "); word; word = strsep(&p, " "))
        argv[argc++] = word;
    arena_done(&f->arena);
    f->arena = arena_init(1 << 20);
    f->d = (struct diag){{0}};
    return cmd_parse(&command, argc, argv, &f->arena, &f->args, &f->d);
}

static void takes_options_in_every_form_and_anywhere(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_ok(parse(&f, "one --level STUDY -j4 -k A=1 two --key=B=2 -J"));
    assert_int_equal(f.args.n_args, 2);
    assert_str(f.args.args[0], "one");
    assert_str(f.args.args[1], "two");
    assert_true(cmd_flag(&f.args, OPT_JSON));
    assert_str(cmd_text(&f.args, OPT_LEVEL), "STUDY");
    assert_int_equal(cmd_number(&f.args, OPT_JOBS, 1), 4);
    assert_int_equal(cmd_count(&f.args, OPT_KEY), 2);
    assert_str(cmd_at(&f.args, OPT_KEY, 0), "A=1");
    assert_str(cmd_at(&f.args, OPT_KEY, 1), "B=2");
    arena_done(&f.arena);
}

static void what_is_not_given_is_told_apart_from_empty(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_ok(parse(&f, "one"));
    assert_false(cmd_flag(&f.args, OPT_JSON));
    assert_null(cmd_text(&f.args, OPT_LEVEL).p);
    assert_int_equal(cmd_number(&f.args, OPT_JOBS, 7), 7);
    assert_int_equal(cmd_count(&f.args, OPT_KEY), 0);
    assert_ok(parse(&f, "one --level="));
    assert_non_null(cmd_text(&f.args, OPT_LEVEL).p);
    assert_int_equal(cmd_text(&f.args, OPT_LEVEL).n, 0);
    arena_done(&f.arena);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_ok(parse(&f, "-- --json -x"));
    assert_int_equal(f.args.n_args, 2);
    assert_str(f.args.args[0], "--json");
    assert_false(cmd_flag(&f.args, OPT_JSON));
    arena_done(&f.arena);
}

static void numbers_take_units_and_keep_their_range(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_ok(parse(&f, "one -j 64K"));
    assert_int_equal(cmd_number(&f.args, OPT_JOBS, 0), 64 << 10);
    assert_err(parse(&f, "one -j 0"), E_USAGE);
    assert_string_equal(f.d.text, "--jobs takes a number from 1 to 65536, not 0");
    assert_err(parse(&f, "one -j 65K"), E_USAGE);
    assert_err(parse(&f, "one -j 4x"), E_USAGE);
    assert_err(parse(&f, "one -j 99999999999999999999G"), E_USAGE);
    arena_done(&f.arena);
}

static void wrong_use_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"--nothing", "there is no option --nothing"},
        {"-x", "there is no option -x"},
        {"one --level", "--level needs LEVEL"},
        {"one -l", "--level needs LEVEL"},
        {"one --json=yes", "--json takes no value"},
        {"--json", "needs A [B]"},
        {"one two three", "three is one argument too many"},
    };
    struct fixture f = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_err(parse(&f, cases[i].line), E_USAGE);
        assert_string_equal(f.d.text, cases[i].says);
    }
    arena_done(&f.arena);
}

static void check_option(const struct cmd *c, size_t i)
{
    const struct cmd_option *o = &c->options[i];
    assert_non_null(o->name);
    assert_non_null(o->help);
    assert_true(o->help[0] && o->help[strlen(o->help) - 1] != '.');
    assert_true(o->type == CMD_TEXT || o->arg);
    for (size_t j = 0; j < i; j++) {
        assert_string_not_equal(c->options[j].name, o->name);
        assert_true(!o->letter || c->options[j].letter != o->letter);
    }
}

static void check_command(const struct cmd *c)
{
    assert_true(c->name && c->summary);
    assert_true(c->summary[strlen(c->summary) - 1] != '.');
    assert_true((c->run != NULL) != (c->n_verbs > 0));
    assert_true(c->n_options <= CMD_OPTIONS_MAX);
    assert_true(c->min_args <= c->max_args);
    assert_true((c->args != NULL) == (c->max_args > 0));
    for (size_t i = 0; i < c->n_options; i++)
        check_option(c, i);
    for (size_t i = 0; i < c->n_verbs; i++)
        check_command(&c->verbs[i]);
}

static void every_command_of_the_program_is_well_declared(void **state)
{
    (void)state;
    assert_non_null(cmd_all(0));
    for (size_t i = 0; cmd_all(i); i++)
        check_command(cmd_all(i));
}

static void every_command_has_a_manual_page(void **state)
{
    (void)state;
    for (size_t i = 0; cmd_all(i); i++) {
        struct wr w = wr_heap(1 << 20);
        manual_page(&w, cmd_all(i));
        assert_ok(wr_flush(&w));
        assert_true(str_starts(wr_str(&w), STR(".TH LASTRA")));
        wr_done(&w);
    }
}

static void check_document(const char *path, void (*write)(struct wr *w), const char *how)
{
    struct wr file = wr_heap(1 << 20), w = wr_heap(1 << 20);
    struct diag d = {{0}};
    assert_ok(file_load(AT_FDCWD, path, 1 << 20, &file, &d));
    write(&w);
    assert_ok(wr_flush(&w));
    if (!str_eq(wr_str(&file), wr_str(&w)))
        fail_msg("%s is not what the tables say; run: %s", path, how);
    wr_done(&file);
    wr_done(&w);
}

static void the_manual_of_commands_is_that_of_the_tables(void **state)
{
    (void)state;
    check_document(SOURCE_ROOT "/docs/manual/commands.md", manual_markdown,
                   "ninja -C build documents");
}

static void the_conformance_statement_is_that_of_the_tables(void **state)
{
    (void)state;
    check_document(SOURCE_ROOT "/docs/conformance.md", conformance_markdown,
                   "ninja -C build documents");
}

static void the_tables_of_the_survey_are_in_the_manual(void **state)
{
    (void)state;
    check_document(SOURCE_ROOT "/docs/manual/survey-tables.md", survey_markdown,
                   "ninja -C build documents");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_options_in_every_form_and_anywhere),
        cmocka_unit_test(what_is_not_given_is_told_apart_from_empty),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(numbers_take_units_and_keep_their_range),
        cmocka_unit_test(wrong_use_says_what_is_wrong),
        cmocka_unit_test(every_command_of_the_program_is_well_declared),
        cmocka_unit_test(every_command_has_a_manual_page),
        cmocka_unit_test(the_manual_of_commands_is_that_of_the_tables),
        cmocka_unit_test(the_conformance_statement_is_that_of_the_tables),
        cmocka_unit_test(the_tables_of_the_survey_are_in_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
