/* Errors: one code that callers act on, and a diagnosis in words for the person who reads it.
 *
 * What can fail returns err_t; 0 is success. Library code passes an error up unchanged, fills the
 * `struct diag` it was given where the cause is known, and never logs. The edge that owns the
 * connection or the command logs once and maps the code in a switch without `default:`.
 */
#ifndef LASTRA_BASE_ERR_H
#define LASTRA_BASE_ERR_H

#include <stddef.h>

enum err {
    OK = 0,
#define ERR(name, text) E_##name,
#include "base/err.def"
#undef ERR
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

typedef enum err err_t;

/* The code in words, for a message's end: "no space left". */
const char *err_text(err_t e);

/* What went wrong, in one line for a person: what, where, what to do. It never holds patient data.
 */
struct diag {
    char text[256];
};

/* Sets the diagnosis, cut to what fits, control bytes as '?', and returns `e`, so that a failing
 * path is one line: `return diag_set(d, E_IO, "cannot write %s: %s", name, strerror(errno));` d may
 * be NULL. */
err_t diag_set(struct diag *d, err_t e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The diagnosis if there is one, else the code in words. */
const char *diag_text(const struct diag *d, err_t e);

/* Returns from the calling function when an expression fails. The one macro that hides control
 * flow. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        err_t try_err_ = (expr);                                                                   \
        if (try_err_ != OK)                                                                        \
            return try_err_;                                                                       \
    } while (0)

/* What a machine that is fed bytes answers: wants more input, has an event, is at its end, failed.
 */
enum step { STEP_MORE, STEP_EVENT, STEP_DONE, STEP_FAIL };

#endif
