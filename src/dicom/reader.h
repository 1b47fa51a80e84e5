/* A data set as pull tokens (PS3.5 7), from bytes that come in pieces of any size: bounded memory
 * whatever the length.
 *
 *     struct dcm_reader r;  dcm_reader_init(&r, DCM_EXPLICIT_LE, &limits);
 *     while ((step = dcm_read(&r, &in, &token)) == STEP_EVENT) ...
 *
 * dcm_read takes what it uses off the front of *in. STEP_MORE: give more, or call dcm_reader_end at
 * the data's end.
 *
 * What is often wrong in practice is read all the same and noted in `quirks`: odd lengths, a wrong
 * or unknown VR, a missing or stray delimiter, explicit VR in what was announced as implicit and
 * the reverse, UN of undefined length (implicit little endian inside, PS3.5
 * 6.2.2), a sequence whose length is too small for its last item, zeros after the end. What cannot
 * be trusted is E_MALFORMED: an element longer than the item around it, something that is not an
 * item in a sequence.
 */
#ifndef LASTRA_DICOM_READER_H
#define LASTRA_DICOM_READER_H

#include "dicom/types.h"

enum dcm_token_kind {
    DCM_ELEMENT, /* a header: tag, vr, length; a value follows as DCM_VALUE pieces (none when the
                    length is 0), then DCM_ELEMENT_END */
    DCM_VALUE,   /* a piece of the value, a view into the input (valid until the next call) */
    DCM_ELEMENT_END,
    DCM_SEQUENCE, /* a header of a sequence, or of encapsulated pixel data (`fragment` is set) */
    DCM_ITEM, /* an item of a sequence (its elements follow) or a fragment (DCM_VALUE pieces follow)
               */
    DCM_ITEM_END,
    DCM_SEQUENCE_END,
};

struct dcm_token {
    enum dcm_token_kind kind;
    tag_t tag;        /* of the element or sequence this belongs to */
    vr_t vr;          /* as written; from the dictionary (xs, ox and the like resolved) where the
                         encoding has none, what is written is no VR, or it is UN; UN when the
                         dictionary does not know either. DCM_SEQUENCE: SQ; OB or OW of fragments */
    uint32_t length;  /* as written: of the element, sequence or item; DCM_UNDEFINED */
    unsigned depth;   /* items around it: 0 at the top level; an item has its sequence's depth */
    bool fragment;    /* inside encapsulated pixel data, or its DCM_SEQUENCE and DCM_SEQUENCE_END */
    bool big_endian;  /* byte order of the value */
    struct str value; /* DCM_VALUE */
    uint64_t at;      /* offset in the data set of this token's first byte */
};

enum dcm_quirk {
    DCM_QUIRK_ODD_LENGTH = 1 << 0,
    DCM_QUIRK_BAD_VR = 1 << 1,
    DCM_QUIRK_MISSING_DELIMITER = 1 << 2,
    DCM_QUIRK_OTHER_VR_MODE = 1 << 3,
    DCM_QUIRK_ORDER = 1 << 4,     /* tags do not rise */
    DCM_QUIRK_TRUNCATED = 1 << 5, /* the data ended within an element or item of known length */
    DCM_QUIRK_STRAY_DELIMITER = 1 << 6,
    DCM_QUIRK_TRAILING_ZEROS = 1 << 7,
    DCM_QUIRK_SHORT_SEQUENCE = 1 << 8, /* an item is longer than its sequence's length has room */
};

enum { DCM_READER_DEPTH_MAX = 64, DCM_READER_LEVELS = 2 * DCM_READER_DEPTH_MAX + 1 };

/* What is open: the data set itself (level 0), a sequence, an item, encapsulated pixel data. */
struct dcm_reader_level {
    uint64_t end;      /* offset past which it cannot go; UINT64_MAX: unknown */
    tag_t tag;         /* of the sequence */
    tag_t last;        /* the element before, to see the order */
    uint32_t length;   /* as written */
    vr_t vr;           /* of the sequence */
    uint8_t kind;      /* enum level_kind in reader.c */
    uint8_t encoding;  /* of what is inside (UN: implicit little endian) */
    bool delimited;    /* ends by a delimiter, not at `end` */
    bool first;        /* nothing was read in it yet */
    bool pixel_signed; /* Pixel Representation in force */
};

struct dcm_reader {
    struct dcm_limits limits;
    bool raw_un; /* to be set after init: leave UN as it is. Otherwise it is read as what the
                    dictionary says (PS3.5 6.2.2), and one of undefined length as SQ */
    uint64_t at;
    size_t elements;
    unsigned quirks;
    err_t error;
    struct diag diag;
    unsigned level; /* the innermost open one */
    uint8_t state;
    bool ended;
    struct dcm_token open; /* the element or fragment whose value is being passed on */
    uint32_t left;         /* bytes of that value still to come */
    uint8_t header[12];    /* a header that was split between two pieces */
    uint8_t header_n;
    struct dcm_reader_level levels[DCM_READER_LEVELS];
};

/* limits->depth is cut to DCM_READER_DEPTH_MAX. */
void dcm_reader_init(struct dcm_reader *r, enum dcm_encoding encoding,
                     const struct dcm_limits *limits);

/* STEP_EVENT: *ret holds a token. STEP_MORE: *in is used up. STEP_DONE: after dcm_reader_end, all
 * was given. STEP_FAIL: r->error and r->diag say why (E_LIMIT, E_MALFORMED). */
enum step dcm_read(struct dcm_reader *r, struct str *in, struct dcm_token *ret);

/* No more input: open levels are closed by the following calls (a truncated value is a quirk and
 * ends there). */
void dcm_reader_end(struct dcm_reader *r);

/* The first of the quirks in words, for a diagnosis: "odd length"; NULL when there is none. */
const char *dcm_quirk_text(unsigned quirks);

#endif
