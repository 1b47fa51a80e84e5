/* HTTP/1 messages (RFC 9110, 9112) over http-parser, as evidence: a response that comes in pieces
 * and may be endless, or text that an export holds. */
#ifndef LASTRA_SURVEY_WIRE_HTTP_TEXT_H
#define LASTRA_SURVEY_WIRE_HTTP_TEXT_H

#include "survey/core/evidence.h"

enum { HTTP_BODY_MAX = 64 << 10, HTTP_HEAD_MAX = 16 << 10 };

/* One message of either side, fed as it comes. */
struct http_reader;
err_t http_reader_new(bool response, bool head_only, struct http_reader **ret) MUST_CHECK;
void http_reader_free(struct http_reader *r);  /* NULL is fine */
void http_reader_reset(struct http_reader *r); /* for the next message */
/* STEP_DONE: whole (the rest of *in is the next message); STEP_MORE; STEP_FAIL: not HTTP or over a
 * limit (what was there is kept). A body past HTTP_BODY_MAX is counted, not kept. */
enum step http_reader_feed(struct http_reader *r, struct str *in);
/* The connection ended: a body without a length is whole then. */
void http_reader_eof(struct http_reader *r);
struct http_message {
    bool started, head_done, done;
    unsigned status;         /* responses */
    struct str method, path; /* requests */
    struct str head;         /* the header lines as "Name: value\n" */
    struct str body; /* up to HTTP_BODY_MAX of it, transfer coding undone, content coding not */
    uint64_t body_size;
    bool keep_alive;
};
const struct http_message *http_reader_message(const struct http_reader *r);
/* A header's value by name, any case; empty when absent. */
struct str http_header(const struct http_message *m, struct str name);

/* Facts of a response to GET path ("/" or another). Adds http_status or http_path, title, telling
 * headers (Server, WWW-Authenticate, X-Powered-By, X-*, Set-Cookie's name without its value,
 * Location), sign-in, raw body and headers; for JSON at known paths (/system, /metadata,
 * /fhir/metadata, /api/server/version, ...) the keys that name product and version (http_json,
 * fhir_*). Values are views of what was given, or lie in the evidence's arena. A body in gzip or
 * deflate is read as far as HTTP_BODY_MAX of it. */
err_t http_facts(const struct http_message *m, struct str path, enum ev_by by,
                 struct evidence *e) MUST_CHECK;
/* The same from text as an export holds it: status line and headers, body apart. */
err_t http_facts_text(struct str head, struct str body, struct str path, enum ev_by by,
                      struct evidence *e) MUST_CHECK;

#endif
