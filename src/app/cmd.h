/* A subcommand is one const struct in app/cmd_<name>.c; help, argument checks, exit status, the
 * manual page and the completion list all come from it.
 *
 *     enum { OPT_JSON, OPT_LEVEL, OPT_KEY, OPT_COUNT };
 *     static const struct cmd_option options[] = {
 *         [OPT_JSON] = {.name = "json", .help = "write JSON"},
 *         [OPT_LEVEL] = {.name = "level", .letter = 'l', .arg = "LEVEL", .help = "..."},
 *         [OPT_KEY] = {.name = "key", .letter = 'k', .arg = "KEY", .type = CMD_LIST, .help =
 * "..."},
 *     };
 *     static err_t run(const struct cmd_args *a, struct diag *d) { ... cmd_flag(a, OPT_JSON) ... }
 *     const struct cmd cmd_find = {.name = "find", .summary = "ask an archive what it has",
 *         .args = "AE@HOST:PORT", .min_args = 1, .max_args = 1, .options = options,
 *         .n_options = COUNT(options), .run = run};
 *
 * It is registered by its one word in the list `commands` of src/app/meson.build. A command of
 * several verbs ("peer add", "peer list") has .verbs instead of .run; each verb is a struct cmd.
 *
 * Results go to stdout, everything else to stderr. What goes wrong is returned with the diag set;
 * main prints it once. Exit status: 0 done, 1 failed, 2 wrong usage (E_USAGE). */
#ifndef LASTRA_APP_CMD_H
#define LASTRA_APP_CMD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/size.h"
#include "io/thread.h"

enum cmd_type {
    CMD_TEXT,   /* one value; given again, the last one counts. Without .arg it is a flag */
    CMD_NUMBER, /* a decimal number from .min to .max (0: no limit), with K, M or G behind it */
    CMD_LIST,   /* may be given many times */
};

struct cmd_option {
    const char *name; /* after --; never NULL */
    char letter;      /* after -; 0: none */
    const char *arg;  /* how the value is called in help, "AE"; NULL: a flag */
    enum cmd_type type;
    uint64_t min, max;
    const char *help; /* one line, lower case, no full stop */
};

enum { CMD_OPTIONS_MAX = 48, CMD_LIST_MAX = 256 };

struct cmd_args;

struct cmd {
    const char *name;    /* one word */
    const char *summary; /* one line, lower case, no full stop */
    const char *args;    /* "DATA PATH..."; NULL: none */
    unsigned min_args, max_args;
    const struct cmd_option *options;
    size_t n_options;
    const char *about; /* paragraphs for the manual page, separated by empty lines; may be NULL */
    const char *examples; /* lines "lastra find ..." for the manual page, each ended; may be NULL */
    err_t (*run)(const struct cmd_args *a, struct diag *d);
    const struct cmd *verbs;
    size_t n_verbs;
};

/* What was given. Views are NUL-terminated: .p may go to a system call. */
struct cmd_value {
    unsigned n; /* how often it was given */
    struct str text;
    uint64_t number;
    struct str *list; /* CMD_LIST: n of them */
};

struct cmd_args {
    const struct cmd *cmd;
    const char *words; /* "lastra peer add", for messages */
    struct str *args;  /* what stands beside the options */
    size_t n_args;
    const struct stop *stop; /* set by Ctrl-C and SIGTERM: long work looks at it (E_STOPPED) */
    bool terminal;           /* stderr is a terminal: progress may be shown */
    struct cmd_value values[CMD_OPTIONS_MAX];
};

/* Whether an option was given. */
bool cmd_flag(const struct cmd_args *a, size_t option);
/* Its value; p is NULL when it was not given. */
struct str cmd_text(const struct cmd_args *a, size_t option);
uint64_t cmd_number(const struct cmd_args *a, size_t option, uint64_t otherwise);
/* Of a CMD_LIST. */
size_t cmd_count(const struct cmd_args *a, size_t option);
struct str cmd_at(const struct cmd_args *a, size_t option, size_t i);
const struct str *cmd_list(const struct cmd_args *a, size_t option);

/* All of them, in the list's order; NULL past the end. */
const struct cmd *cmd_all(size_t i);

/* Parses argv (without the program's and the command's words); arrays are in the arena. E_USAGE
 * with the diag set. */
err_t cmd_parse(const struct cmd *c, int argc, char *const *argv, struct arena *a,
                struct cmd_args *ret, struct diag *d) MUST_CHECK;

/* Runs a command line. The exit status. */
int cmd_main(int argc, char *const *argv);

/* Every command by name: the generated list declares them. */
#define CMD(word) extern const struct cmd cmd_##word;
#include "app/commands.def"
#undef CMD

#endif
