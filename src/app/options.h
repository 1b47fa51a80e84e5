/* Options: lastra.conf is `name = value` lines with comments after #. Everything comes from the one
 * table in app/options.def. */
#ifndef LASTRA_APP_OPTIONS_H
#define LASTRA_APP_OPTIONS_H

#include "base/wr.h"

enum { OPTION_TEXT_MAX = 256, OPTIONS_FILE_MAX = 256 << 10 };

/* The values in force. Counts as they are, sizes in bytes, times in milliseconds. */
struct options {
#define GROUP(title, about)
#define NUMBER(id, unit, def, min, max, help) uint64_t id;
#define SWITCH(id, def, help) bool id;
#define TEXT(id, def, help) char id[OPTION_TEXT_MAX];
#include "app/options.def"
#undef GROUP
#undef NUMBER
#undef SWITCH
#undef TEXT
};

/* The defaults. */
void options_init(struct options *o);

/* Sets from the text of a file. E_MALFORMED: "lastra.conf:12: ...", with `file` as its name; what
 * stood before that line is set. */
err_t options_parse(struct options *o, struct str text, const char *file,
                    struct diag *d) MUST_CHECK;

/* Sets one from "name=value", as on a command line. E_USAGE. */
err_t options_set(struct options *o, struct str assignment, struct diag *d) MUST_CHECK;

/* Defaults, then DIR/lastra.conf where there is one. */
err_t options_load(struct options *o, int dir, struct diag *d) MUST_CHECK;

/* A lastra.conf that says what is in force, with help and ranges as comments; what is as by default
 * is itself a comment. */
void options_write(const struct options *o, struct wr *w);

/* docs/manual/options.md. */
void options_markdown(struct wr *w);

#endif
