/* A data set as pull tokens (PS3.5 7), from bytes that come in pieces of any size: bounded memory
 * whatever the length.
 *
 *     struct dcm_reader r;  dcm_reader_init(&r, DCM_EXPLICIT_LE, &limits);
 *     while ((step = dcm_read(&r, &in, &token)) == STEP_EVENT) ...
 *
 * dcm_read takes what it uses off the front of *in. STEP_MORE: give more, or call dcm_reader_end at
 * the data's end. What is often wrong in practice is read all the same and noted in `quirks`: odd
 * lengths, a wrong or unknown VR, a missing delimiter at the end, explicit VR in what was announced
 * as implicit and the reverse, UN of undefined length (implicit little endian inside, PS3.5 6.2.2),
 * group lengths that lie.
 */
#ifndef LASTRA_DICOM_READER_H
#define LASTRA_DICOM_READER_H

#include "dicom/types.h"

enum dcm_token_kind {
    DCM_ELEMENT, /* a header: tag, vr, length; a value follows as DCM_VALUE pieces, then
                    DCM_ELEMENT_END */
    DCM_VALUE,   /* a piece of the value, a view into the input (valid until the next call) */
    DCM_ELEMENT_END,
    DCM_SEQUENCE, /* a header of a sequence, or of encapsulated pixel data (vr OB/OW, undefined
                     length) */
    DCM_ITEM, /* an item of a sequence (its elements follow) or a fragment (DCM_VALUE pieces follow)
               */
    DCM_ITEM_END,
    DCM_SEQUENCE_END,
};

struct dcm_token {
    enum dcm_token_kind kind;
    tag_t tag;        /* of the element or sequence this belongs to */
    vr_t vr;          /* as written, or from the dictionary where the encoding has none */
    uint32_t length;  /* as written: of the element, sequence or item; DCM_UNDEFINED */
    unsigned depth;   /* 0 at the top level */
    bool fragment;    /* DCM_ITEM, DCM_VALUE, DCM_ITEM_END: inside encapsulated pixel data */
    struct str value; /* DCM_VALUE */
    uint64_t at;      /* offset in the data set of this token's first byte */
};

enum dcm_quirk {
    DCM_QUIRK_ODD_LENGTH = 1 << 0,
    DCM_QUIRK_BAD_VR = 1 << 1,
    DCM_QUIRK_MISSING_DELIMITER = 1 << 2,
    DCM_QUIRK_OTHER_VR_MODE = 1 << 3,
    DCM_QUIRK_ORDER = 1 << 4,
    DCM_QUIRK_TRUNCATED = 1 << 5,
};

enum { DCM_READER_DEPTH_MAX = 64 };

struct dcm_reader_level {
    uint64_t end; /* offset where a defined length ends; UINT64_MAX: by delimiter */
    tag_t tag;
    vr_t vr;
    uint8_t kind;     /* sequence, item, fragments */
    uint8_t encoding; /* of what is inside (UN: implicit little endian) */
};

struct dcm_reader {
    struct dcm_limits limits;
    uint64_t at;
    size_t elements;
    unsigned quirks;
    err_t error;
    struct diag diag;
    unsigned depth;
    uint8_t state;
    bool ended;
    struct dcm_token open; /* the element whose value is being passed on */
    uint64_t left;         /* bytes of that value still to come */
    uint8_t header[16];    /* a header that was split between two pieces */
    size_t header_n;
    struct dcm_reader_level levels[DCM_READER_DEPTH_MAX];
};

void dcm_reader_init(struct dcm_reader *r, enum dcm_encoding encoding,
                     const struct dcm_limits *limits);

/* STEP_EVENT: *ret holds a token. STEP_MORE: *in is used up. STEP_DONE: after dcm_reader_end, all
 * was given. STEP_FAIL: r->error and r->diag say why (E_LIMIT, E_MALFORMED). */
enum step dcm_read(struct dcm_reader *r, struct str *in, struct dcm_token *ret);

/* No more input: open levels are closed by the following calls (a truncated value is a quirk and
 * ends there). */
void dcm_reader_end(struct dcm_reader *r);

#endif
