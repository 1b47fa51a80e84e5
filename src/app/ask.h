/* Asking the person at the terminal. */
#ifndef LASTRA_APP_ASK_H
#define LASTRA_APP_ASK_H

#include "base/err.h"
#include "io/thread.h"

/* A question that "yes" (or "y") answers. E_CANCELLED on any other answer or the input's end;
 * E_USAGE when there is no terminal to ask at (say so: "give --yes"). */
err_t ask_yes(const char *question, struct diag *d) MUST_CHECK;

/* A line without echo into buf (with a NUL; at most cap - 1 bytes). From the terminal, or from
 * stdin where there is none. */
err_t ask_secret(const char *prompt, char *buf, size_t cap, struct diag *d) MUST_CHECK;

#endif
