/* Text and bytes as views: a pointer and a length, passed by value, never owning.
 *
 * A view may hold any byte, NUL included, and is not terminated. It lives as long as what it looks
 * into. `char *` with a NUL appears only at system calls and library borders.
 */
#ifndef LASTRA_BASE_STR_H
#define LASTRA_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A literal as a view. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* The same as a static initialiser. */
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
/* For printf: `"%.*s", STR_ARG(s)`. */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const void *p, size_t n)
{
    return (struct str){p, n};
}

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct str str_z(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

/* Same bytes. */
bool str_eq(struct str a, struct str b);

/* Same bytes but for the case of ASCII letters. */
bool str_eq_nocase(struct str a, struct str b);

/* memcmp order; a prefix sorts first. <0, 0, >0. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first `c`, or s.n. */
size_t str_find(struct str s, char c);

/* The part [from, from+n), cut to what is there. */
struct str str_slice(struct str s, size_t from, size_t n);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/* Without the padding that DICOM puts at a value's end: spaces and NULs (PS3.5 6.2). */
struct str str_unpad(struct str s);

/* Takes the part before the next `sep` off the front of *rest (and the separator). False when *rest
 * is used up: "a\\b" gives "a" then "b"; "" gives one empty part; set rest->p to NULL to mark the
 * end, which this does itself. */
bool str_split(struct str *rest, char sep, struct str *ret_part);

/* Decimal digits only, no sign or space. False, and *ret untouched, on anything else or past max.
 */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* An optional sign and decimal digits. */
bool str_to_i64(struct str s, int64_t *ret);

/* Copies into a caller's array with a NUL, for a system call. False when it does not fit or holds a
 * NUL itself. */
bool str_to_z(struct str s, char *buf, size_t cap);

/* FNV-1a, 64 bits: for hash tables in memory, never for anything on disk or secret. */
uint64_t str_hash(struct str s);

/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms, up to U+10FFFF). */
bool str_is_utf8(struct str s);

#endif
