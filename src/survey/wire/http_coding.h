/* The content coding of a body taken off (RFC 9110 8.4). For survey/wire's own files. */
#ifndef LASTRA_SURVEY_WIRE_HTTP_CODING_H
#define LASTRA_SURVEY_WIRE_HTTP_CODING_H

#include "base/arena.h"
#include "base/err.h"

/* The beginning of a body as its server meant it, at most HTTP_BODY_MAX: itself when `coding` is
 * empty or identity, or when it looks like text all the same; in the arena for gzip and deflate, as
 * far as the stream goes when it breaks off. Empty: a coding that is not read, or damaged from its
 * first byte. */
err_t http_decoded(struct str body, struct str coding, struct arena *a, struct str *ret) MUST_CHECK;

#endif
