/* Help texts and manual pages, from the command tables. */
#ifndef LASTRA_APP_HELP_H
#define LASTRA_APP_HELP_H

#include <stdio.h>

#include "app/cmd.h"
#include "base/wr.h"

#ifndef LASTRA_VERSION
#define LASTRA_VERSION "0.0.0"
#endif

/* `lastra --help`: every command with its summary. */
void help_program(FILE *f);
/* `lastra find --help`. words: "lastra find". */
void help_command(FILE *f, const struct cmd *c, const char *words);

/* The manual page of the program (c NULL) or of a command, in man(7). */
void manual_page(struct wr *w, const struct cmd *c);
/* All commands as one page in Markdown: docs/manual/commands.md. */
void manual_markdown(struct wr *w);

/* The DICOM conformance statement, docs/conformance.md. */
void conformance_markdown(struct wr *w);

/* docs/manual/survey-tables.md: the scope file, importers, facts, findings. */
void survey_markdown(struct wr *w);

#endif
