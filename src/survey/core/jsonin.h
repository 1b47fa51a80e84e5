/* Reading JSON (RFC 8259) as a stream of events over yajl, in bounded memory: documents of any
 * size, one after another or one a line. Handlers see each scalar with its path, "cpe.0.versions.1"
 * like: names and array indexes, never past JSONIN_DEPTH levels. Strings are UTF-8 as decoded.
 *
 *     struct jsonin *j; jsonin_new(&calls, &j);
 *     while (block) jsonin_feed(j, block, d);  jsonin_end(j, d);
 */
#ifndef LASTRA_SURVEY_CORE_JSONIN_H
#define LASTRA_SURVEY_CORE_JSONIN_H

#include "base/err.h"
#include "base/str.h"

enum { JSONIN_DEPTH = 64, JSONIN_STRING_MAX = 2 << 20, JSONIN_NAME_MAX = 256 };

struct jsonin;

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING };

/* Where a value stands. keys[i].p is NULL in an array, index[i] then its place. depth counts the
 * enclosing containers: a member of the top object has depth 1. Names are cut at JSONIN_NAME_MAX.
 * path[i] is json_path() of the first i steps, for readers that look many paths up in a table:
 * path[depth] is the value's own, path[depth - 1] that of what holds it. */
struct json_at {
    unsigned depth;
    struct str keys[JSONIN_DEPTH];
    uint32_t index[JSONIN_DEPTH];
    uint64_t path[JSONIN_DEPTH + 1];
};

/* Whether the path is this: names separated by '.', indexes too; '*' for any name or index, '#'
 * any index. */
bool json_at_is(const struct json_at *at, const char *path);
/* The number of a path such as "data.#.service": names, and "#" for any index. In memory only. */
uint64_t json_path(const char *path);

struct jsonin_calls {
    /* A scalar; text of numbers as they stood, "true"/"false". Views until it returns. Errors end
     * the reading and come out of jsonin_feed. */
    err_t (*value)(void *ctx, const struct json_at *at, enum json_type type, struct str text);
    /* An object or array begins or ends at `at` (its own place); may be NULL. */
    err_t (*open)(void *ctx, const struct json_at *at, bool array);
    err_t (*close)(void *ctx, const struct json_at *at, bool array);
    void *ctx;
};

err_t jsonin_new(const struct jsonin_calls *calls, struct jsonin **ret) MUST_CHECK;
void jsonin_free(struct jsonin *j); /* NULL is fine */
/* Ready for the next document, whatever happened before. */
void jsonin_reset(struct jsonin *j);
/* E_MALFORMED with the place and cause; E_LIMIT for depth and strings. After an error only
 * jsonin_reset helps. */
err_t jsonin_feed(struct jsonin *j, struct str bytes, struct diag *d) MUST_CHECK;
/* From within `open`: paths of what is in this object are counted from here, as if it were a
 * document of its own (path[] only; depth, keys and index go on). For records within a wrapper. */
void jsonin_root(struct jsonin *j);
/* The text ends here: E_MALFORMED inside a value or without one. Then it is ready for the next. */
err_t jsonin_end(struct jsonin *j, struct diag *d) MUST_CHECK;

/* A whole small document at once. */
err_t jsonin_text(struct str text, const struct jsonin_calls *calls, struct diag *d) MUST_CHECK;

#endif
