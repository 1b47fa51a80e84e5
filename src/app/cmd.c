#include "app/cmd.h"

static const struct cmd *const all[] = {
#define CMD(word) &cmd_##word,
#include "app/commands.def"
#undef CMD
};

const struct cmd *cmd_all(size_t i)
{
    return i < COUNT(all) ? all[i] : NULL;
}

bool cmd_flag(const struct cmd_args *a, size_t option)
{
    return a->values[option].n > 0;
}

struct str cmd_text(const struct cmd_args *a, size_t option)
{
    return a->values[option].text;
}

uint64_t cmd_number(const struct cmd_args *a, size_t option, uint64_t otherwise)
{
    return a->values[option].n ? a->values[option].number : otherwise;
}

size_t cmd_count(const struct cmd_args *a, size_t option)
{
    return a->values[option].n;
}

struct str cmd_at(const struct cmd_args *a, size_t option, size_t i)
{
    return a->values[option].list[i];
}

const struct str *cmd_list(const struct cmd_args *a, size_t option)
{
    return a->values[option].list;
}

/* What the parser walks through: the words left, and where things go. */
struct parse {
    int argc;
    char *const *argv;
    struct arena *arena;
    struct cmd_args *out;
    struct diag *d;
};

static err_t out_of_range(const struct cmd_option *o, struct str text, struct diag *d)
{
    if (o->max)
        return diag_set(d, E_USAGE, "--%s takes a number from %llu to %llu, not %.*s", o->name,
                        (unsigned long long)o->min, (unsigned long long)o->max, STR_ARG(text));
    return diag_set(d, E_USAGE, "--%s takes a number from %llu up, not %.*s", o->name,
                    (unsigned long long)o->min, STR_ARG(text));
}

static err_t to_number(const struct cmd_option *o, struct str text, uint64_t *ret, struct diag *d)
{
    static const char units[] = "KMG";
    struct str digits = text;
    unsigned shift = 0;
    for (unsigned i = 0; text.n && i < sizeof units - 1; i++)
        if (text.p[text.n - 1] == units[i])
            shift = 10 * (i + 1);
    if (shift)
        digits.n--;
    uint64_t max = o->max ? o->max : UINT64_MAX, v;
    if (!str_to_u64(digits, UINT64_MAX >> shift, &v) || v << shift < o->min || v << shift > max)
        return out_of_range(o, text, d);
    *ret = v << shift;
    return OK;
}

static err_t add_to_list(struct parse *p, const char *name, struct cmd_value *v, struct str text)
{
    if (!v->list)
        v->list = ARENA_ARRAY(p->arena, CMD_LIST_MAX, struct str);
    if (!v->list)
        return E_NOMEM;
    if (v->n == CMD_LIST_MAX)
        return diag_set(p->d, E_USAGE, "--%s is given more than %d times", name, CMD_LIST_MAX);
    v->list[v->n] = text;
    return OK;
}

static err_t take_value(struct parse *p, size_t option, struct str text)
{
    const struct cmd_option *o = &p->out->cmd->options[option];
    struct cmd_value *v = &p->out->values[option];
    if (o->type == CMD_NUMBER)
        TRY(to_number(o, text, &v->number, p->d));
    if (o->type == CMD_LIST)
        TRY(add_to_list(p, o->name, v, text));
    v->text = text;
    v->n++;
    return OK;
}

static struct str next_word(struct parse *p)
{
    p->argc--;
    return str_z(*p->argv++);
}

/* An option's value is what is glued to it (p is not NULL), else the next word. */
static err_t option_given(struct parse *p, size_t option, struct str glued)
{
    const struct cmd_option *o = &p->out->cmd->options[option];
    if (!o->arg && glued.p)
        return diag_set(p->d, E_USAGE, "--%s takes no value", o->name);
    if (!o->arg) {
        p->out->values[option].n++;
        return OK;
    }
    if (!glued.p && p->argc == 0)
        return diag_set(p->d, E_USAGE, "--%s needs %s", o->name, o->arg);
    return take_value(p, option, glued.p ? glued : next_word(p));
}

static err_t long_option(struct parse *p, struct str word)
{
    size_t eq = str_find(word, '=');
    struct str name = str_slice(word, 0, eq), glued = {NULL, 0};
    if (eq < word.n)
        glued = str_slice(word, eq + 1, word.n);
    for (size_t i = 0; i < p->out->cmd->n_options; i++)
        if (str_eq(str_z(p->out->cmd->options[i].name), name))
            return option_given(p, i, glued);
    return diag_set(p->d, E_USAGE, "there is no option --%.*s", STR_ARG(name));
}

/* One letter, then more flags or the letter's value: -j4, -nv. */
static err_t short_options(struct parse *p, struct str word)
{
    const struct cmd *c = p->out->cmd;
    while (word.n) {
        size_t i = 0;
        while (i < c->n_options && c->options[i].letter != *word.p)
            i++;
        if (i == c->n_options)
            return diag_set(p->d, E_USAGE, "there is no option -%c", *word.p);
        word = str_slice(word, 1, word.n);
        struct str glued = c->options[i].arg && word.n ? word : (struct str){NULL, 0};
        TRY(option_given(p, i, glued));
        if (c->options[i].arg)
            return OK;
    }
    return OK;
}

static err_t argument(struct parse *p, struct str word)
{
    if (p->out->n_args == p->out->cmd->max_args)
        return diag_set(p->d, E_USAGE, "%.*s is one argument too many", STR_ARG(word));
    p->out->args[p->out->n_args++] = word;
    return OK;
}

err_t cmd_parse(const struct cmd *c, int argc, char *const *argv, struct arena *a,
                struct cmd_args *ret, struct diag *d)
{
    *ret = (struct cmd_args){.cmd = c, .words = c->name};
    ret->args = ARENA_ARRAY(a, (size_t)argc + 1, struct str);
    if (!ret->args)
        return E_NOMEM;
    struct parse p = {argc, argv, a, ret, d};
    bool only_args = false;
    while (p.argc) {
        struct str word = next_word(&p);
        if (!only_args && str_eq(word, STR("--")))
            only_args = true;
        else if (!only_args && str_starts(word, STR("--")))
            TRY(long_option(&p, str_slice(word, 2, word.n)));
        else if (!only_args && str_starts(word, STR("-")) && word.n > 1)
            TRY(short_options(&p, str_slice(word, 1, word.n)));
        else
            TRY(argument(&p, word));
    }
    if (ret->n_args < c->min_args)
        return diag_set(d, E_USAGE, "needs %s", c->args ? c->args : "more arguments");
    return OK;
}
