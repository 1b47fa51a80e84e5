#include "app/help.h"

enum { HELP_COLUMN = 28 };

static void command_line(FILE *f, const char *prefix, const struct cmd *c)
{
    fprintf(f, "  %s%-*s%s\n", prefix, (int)(12 - strlen(prefix)), c->name, c->summary);
}

void help_program(FILE *f)
{
    fputs("lastra: a DICOM archive that is closed to strangers\n\n"
          "usage: lastra COMMAND ...\n\n",
          f);
    for (size_t i = 0; cmd_all(i); i++)
        command_line(f, "", cmd_all(i));
    fputs("\n`lastra COMMAND --help` says more about one of them.\n", f);
}

static void option_line(FILE *f, const struct cmd_option *o)
{
    char left[64], letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
             o->arg ? o->arg : "");
    if (strlen(left) >= HELP_COLUMN)
        fprintf(f, "  %s\n  %*s%s\n", left, HELP_COLUMN, "", o->help);
    else
        fprintf(f, "  %-*s%s\n", HELP_COLUMN, left, o->help);
}

static void usage_line(FILE *f, const struct cmd *c, const char *words)
{
    if (c->n_verbs)
        fprintf(f, "usage: %s VERB ...\n", words);
    else
        fprintf(f, "usage: %s%s%s%s\n", words, c->n_options ? " [OPTION...]" : "",
                c->args ? " " : "", c->args ? c->args : "");
}

void help_command(FILE *f, const struct cmd *c, const char *words)
{
    fprintf(f, "%s: %s\n\n", words, c->summary);
    usage_line(f, c, words);
    if (c->n_verbs)
        fputc('\n', f);
    for (size_t i = 0; i < c->n_verbs; i++)
        command_line(f, "", &c->verbs[i]);
    if (c->n_options)
        fputc('\n', f);
    for (size_t i = 0; i < c->n_options; i++)
        option_line(f, &c->options[i]);
    if (c->about)
        fprintf(f, "\n%s\n", c->about);
    if (c->examples)
        fprintf(f, "\nExamples:\n%s", c->examples);
}
