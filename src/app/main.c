/* The program: finds the command, runs it, says what went wrong. Everything else is in the commands
 * (app/cmd.h). */
#include <signal.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "app/help.h"
#include "app/signals.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int exit_status(err_t e)
{
    switch (e) {
    case OK:
        return EXIT_DONE;
    case E_USAGE:
        return EXIT_USAGE;
    case E_NOMEM:
    case E_LIMIT:
    case E_MALFORMED:
    case E_UNSUPPORTED:
    case E_NOTFOUND:
    case E_EXISTS:
    case E_CONFLICT:
    case E_MISMATCH:
    case E_BAD_UID:
    case E_MISSING:
    case E_DENIED:
    case E_BUSY:
    case E_TIMEOUT:
    case E_CLOSED:
    case E_PROTOCOL:
    case E_REJECTED:
    case E_CANCELLED:
    case E_STOPPED:
    case E_IO:
    case E_NOSPACE:
    case E_DAMAGED:
    case E_INDEX:
    case E_CRYPTO:
    case E_INTERNAL:
        return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

static int complain(const char *words, err_t e, const struct diag *d)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", words, diag_text(d, e));
    if (e == E_USAGE)
        fprintf(stderr, "Try: %s --help\n", words);
    return exit_status(e);
}

/* Runs it with a stop switch that Ctrl-C and SIGTERM set. */
static err_t run_with_signals(struct cmd_args *args, struct diag *d)
{
    struct signals signals;
    TRY(signals_init(&signals, d));
    args->stop = &signals.stop;
    args->terminal = isatty(STDERR_FILENO);
    err_t e = args->cmd->run(args, d);
    signals_done(&signals);
    if (e == OK && (fflush(stdout) != 0 || ferror(stdout)))
        return diag_set(d, E_IO, "cannot write the output");
    return e;
}

static int run_command(const struct cmd *c, const char *words, int argc, char *const *argv)
{
    struct arena arena __attribute__((cleanup(arena_done))) = arena_init(4 << 20);
    struct cmd_args args;
    struct diag d = {{0}};
    err_t e = cmd_parse(c, argc, argv, &arena, &args, &d);
    if (e != OK)
        return complain(words, e, &d);
    args.words = words;
    e = run_with_signals(&args, &d);
    return e == OK ? EXIT_DONE : complain(words, e, &d);
}

static const struct cmd *find_verb(const struct cmd *c, const char *word)
{
    for (size_t i = 0; word && i < c->n_verbs; i++)
        if (strcmp(c->verbs[i].name, word) == 0)
            return &c->verbs[i];
    return NULL;
}

static const struct cmd *find_command(const char *word)
{
    for (size_t i = 0; word && cmd_all(i); i++)
        if (strcmp(cmd_all(i)->name, word) == 0)
            return cmd_all(i);
    return NULL;
}

static bool is_help(const char *word)
{
    return word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

/* `lastra`, `lastra help`, `lastra --version`: what stands where a command should. */
static int no_command(const char *word)
{
    if (word && strcmp(word, "--version") == 0) {
        puts("lastra " LASTRA_VERSION);
        return EXIT_DONE;
    }
    if (word && (is_help(word) || strcmp(word, "help") == 0)) {
        help_program(stdout);
        return EXIT_DONE;
    }
    if (!word)
        help_program(stderr);
    else
        fprintf(stderr, "lastra: there is no command \"%s\"\nTry: lastra --help\n", word);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    int at = 1;
    /* Many threads that each allocate little: two heaps keep what is resident small. */
    mallopt(M_ARENA_MAX, 2);
    if (argc > 2 && strcmp(argv[1], "help") == 0)
        at = 2;
    const struct cmd *c = find_command(argv[at]);
    if (!c)
        return no_command(argv[at]);
    char words[64];
    snprintf(words, sizeof words, "lastra %s", c->name);
    const struct cmd *verb = find_verb(c, argv[at + 1]);
    if (verb) {
        snprintf(words, sizeof words, "lastra %s %s", c->name, verb->name);
        c = verb;
        at++;
    }
    bool asked = is_help(argv[at + 1]) || strcmp(argv[1], "help") == 0;
    if (asked || !c->run) {
        help_command(asked ? stdout : stderr, c, words);
        return asked ? EXIT_DONE : EXIT_USAGE;
    }
    return run_command(c, words, argc - at - 1, argv + at + 1);
}
