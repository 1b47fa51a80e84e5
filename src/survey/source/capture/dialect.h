/* A dialect: a protocol that is recognised by its bytes and followed, both directions at once. One
 * file, one const struct, one row in dialects.c. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_DIALECT_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_DIALECT_H

#include "survey/source/capture/gather.h"
#include "survey/source/capture/half.h"

enum side { SIDE_CLIENT, SIDE_SERVER };

/* Who says what begins with these bytes. */
enum looks {
    LOOKS_no,
    LOOKS_more, /* too few bytes to tell */
    LOOKS_client,
    LOOKS_server,
    LOOKS_either
};

/* What a dialect works with: whose talk it is, where to tell, what memory it holds. */
struct scene {
    struct gather *g;
    struct budget *budget;
    struct ends ends;
};

struct dialect {
    const char *name;
    enum protocol protocol;
    /* first: the bytes are the first of a connection whose begin was captured; else they stand
     * somewhere in its middle, and only what cannot be anything else may be recognised. */
    enum looks (*looks)(struct str head, bool first);
    /* first: as above, of the direction that was recognised. NULL: no memory. */
    void *(*begin)(struct scene *s, bool first);
    /* The next bytes of a side: a segment, or what of it was new. */
    void (*bytes)(void *state, struct scene *s, enum side side, struct str bytes);
    /* So many bytes of a side were not captured. */
    void (*gap)(void *state, struct scene *s, enum side side, uint32_t n);
    /* The connection is at its end, or forgotten: tells what is left, and frees. */
    void (*end)(void *state, struct scene *s);
};

/* The most that one of them wants to see before it decides. */
enum { LOOKS_MAX = 32 };

/* The one that these bytes are of; *ret says who speaks. NULL with LOOKS_more: one of them wants
 * more; with LOOKS_no: none. */
const struct dialect *dialect_find(struct str head, bool first, enum looks *ret);

extern const struct dialect dialect_dicom, dialect_hl7, dialect_http, dialect_tls;

/* What a server said before it was asked, in a protocol that is none of ours: its greeting. */
void banner_tell(struct scene *s, struct str bytes);

#endif
