/* Writing JSON (RFC 8259) into a `struct wr`: commas, escapes and nesting are kept here, so that
 * what comes out is well formed whatever the text holds. Reading JSON is Jansson's work, elsewhere.
 *
 *     struct json j = json_of(w);
 *     json_open_object(&j);
 *     json_key(&j, STR("name"));  json_text(&j, name);
 *     json_end(&j);
 */
#ifndef LASTRA_BASE_JSON_H
#define LASTRA_BASE_JSON_H

#include "base/wr.h"

enum { JSON_DEPTH_MAX = 256 };

struct json {
    struct wr *w;
    unsigned depth;
    bool comma;                        /* a value stands before this place */
    uint8_t array[JSON_DEPTH_MAX / 8]; /* one bit a level: an array, else an object */
};

struct json json_of(struct wr *w);

/* Open an object or array; past JSON_DEPTH_MAX the writer latches. json_end closes the innermost.
 */
void json_open_object(struct json *j);
void json_open_array(struct json *j);
void json_end(struct json *j);

/* A member's name; the value must follow. */
void json_key(struct json *j, struct str name);

/* A string. Bytes that are not UTF-8 become U+FFFD; '<', '>' and '&' are escaped too, so that the
 * text can stand in a page. */
void json_text(struct json *j, struct str s);
void json_i64(struct json *j, int64_t v);
void json_u64(struct json *j, uint64_t v);
/* The shortest form that reads back the same; NaN and infinities, which JSON lacks, as strings. */
void json_double(struct json *j, double v);
void json_bool(struct json *j, bool v);
void json_none(struct json *j);
/* Text that is already JSON (a number as it stood in a DS value). */
void json_raw(struct json *j, struct str s);
/* A string of base64; in two calls for a value that comes in pieces, see json_base64_begin. */
void json_base64(struct json *j, struct str bytes);

/* A base64 string of any length: begin, then pieces whose lengths are multiples of 3 but for the
 * last, end. */
void json_base64_begin(struct json *j);
void json_base64_end(struct json *j);

/* Shorthands for members. */
void json_member(struct json *j, struct str name, struct str value);
void json_member_u64(struct json *j, struct str name, uint64_t value);
void json_member_bool(struct json *j, struct str name, bool value);

#endif
