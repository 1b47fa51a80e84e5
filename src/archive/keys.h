/* An identifier understood (PS3.4 C.2.2.1, C.4.1.1.3): its level, checked against the model, and
 * its keys, each with what the index knows of it and its compiled matching. */
#ifndef LASTRA_ARCHIVE_KEYS_H
#define LASTRA_ARCHIVE_KEYS_H

#include "archive/attrs.h"
#include "archive/query.h"
#include "dicom/match.h"

enum { KEYS_ARENA_MAX = 24 << 20, KEYS_MAX = 1024 };

enum key_source {
    KEY_ATTR,       /* in the index */
    KEY_HEADER,     /* in the object's header part: any other attribute at image level */
    KEY_RETRIEVE,   /* Retrieve AE Title */
    KEY_AVAILABLE,  /* Instance Availability */
    KEY_UNSUPPORTED /* not answered */
};

struct key_match {
    tag_t tag;
    vr_t vr;
    enum key_source source;
    const struct attr *attr;       /* KEY_ATTR */
    const struct dcm_elem *elem;   /* in the UTF-8 copy of the identifier */
    const struct match *match;     /* NULL: universal, or a sequence */
    const struct match_item *item; /* sequence key with keys in it; else NULL */
    const struct key_match *time;  /* a date key that is matched together with this time key */
    struct dt_span moment;         /* and the span of both (datetime.h) */
    bool with_date;                /* a time key that its date key stands for */
};

struct keys_of {
    struct arena arena;
    enum query_level level;
    struct charset charset; /* of the identifier: how answers are wanted */
    bool has_charset;
    struct dcm_ds *utf8; /* the identifier */
    struct key_match *key;
    size_t n;
    bool unsupported;                      /* some optional key cannot be matched or answered */
    bool header;                           /* some key needs the object's header part */
    const struct match_item *header_match; /* KEY_HEADER keys together; NULL when all universal */
};

/* unique_only: for retrieval, other keys are passed over. Errors as query_open. */
err_t keys_parse(const struct dcm_ds *identifier, const struct query_options *o, bool unique_only,
                 struct keys_of *ret, tag_t *ret_offending, struct diag *d) MUST_CHECK;
void keys_done(struct keys_of *k);

/* The key with this tag that narrows (is not universal); NULL when there is none. */
const struct key_match *keys_find(const struct keys_of *k, tag_t tag);

/* The unique key of a level. */
tag_t keys_unique(enum query_level level);

#endif
