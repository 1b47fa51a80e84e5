/* Reading JSON (RFC 8259) as a walk: one call for each object that begins and each scalar, with the
 * path of member names that leads there ("ActiveParticipant/UserID"; arrays add nothing). Enough
 * for lines of our own making, strict, without recursion, hostile input included. */
#ifndef LASTRA_ACCESS_JSON_WALK_H
#define LASTRA_ACCESS_JSON_WALK_H

#include "base/arena.h"
#include "base/err.h"

enum { JSON_WALK_DEPTH = 8, JSON_WALK_PATH = 160 };

struct json_visitor {
    /* An object begins at this path. */
    err_t (*object)(void *ctx, struct str path);
    /* A string (decoded, in the arena) or the text of a number, true, false or null. */
    err_t (*scalar)(void *ctx, struct str path, struct str value, bool is_string);
    void *ctx;
};

/* The whole text must be one value. Stops at the visitor's first error and returns it. E_MALFORMED
 * (also for a member name with a slash in it, which would forge a path), E_NOMEM. */
err_t json_walk(struct str text, struct arena *a, const struct json_visitor *v) MUST_CHECK;

#endif
