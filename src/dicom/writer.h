/* Writing a data set piece by piece (PS3.5 7), in each of the three encodings.
 *
 * Values are given in little endian (or as the source had them, see `from`), swapped by VR where
 * the encoding asks for it, and padded to even length. A value that is too long for its VR's 16-bit
 * length goes out as UN (PS3.5 6.2.2). Lengths of sequences and items are the caller's:
 * DCM_UNDEFINED, whose delimiter the _end call writes, or a length that the caller knows to be
 * right. Errors latch in the `struct wr`.
 */
#ifndef LASTRA_DICOM_WRITER_H
#define LASTRA_DICOM_WRITER_H

#include "base/wr.h"
#include "dicom/types.h"

struct dcm_writer {
    struct wr *w;
    enum dcm_encoding encoding;
    enum dcm_encoding from; /* whose byte order values come in; dcm_writer_init: little endian */
    vr_t vr;                /* of the open element, as written */
    uint32_t left;          /* bytes of its value still to come */
    bool odd;               /* a pad byte is due at its end */
    uint8_t word;           /* bytes swapped together in this value; 1: none */
    uint8_t carry_n;        /* a word that was split between two pieces */
    uint8_t carry[8];
};

void dcm_writer_init(struct dcm_writer *d, struct wr *w, enum dcm_encoding encoding);

/* A whole element. */
void dcm_write(struct dcm_writer *d, tag_t tag, vr_t vr, struct str value);
void dcm_write_u16(struct dcm_writer *d, tag_t tag, uint16_t v);
void dcm_write_u32(struct dcm_writer *d, tag_t tag, uint32_t v);

/* An element whose value comes in pieces of any size: `length` bytes in all (unpadded), else it
 * latches. length may not be DCM_UNDEFINED. */
void dcm_write_element(struct dcm_writer *d, tag_t tag, vr_t vr, uint32_t length);
void dcm_write_value(struct dcm_writer *d, struct str piece);
void dcm_write_element_end(struct dcm_writer *d);

/* A sequence (vr SQ, or UN of undefined length), or encapsulated pixel data (vr OB or OW, length
 * DCM_UNDEFINED, whose items are fragments). */
void dcm_write_sequence(struct dcm_writer *d, tag_t tag, vr_t vr, uint32_t length);
void dcm_write_sequence_end(struct dcm_writer *d, uint32_t length);
void dcm_write_item(struct dcm_writer *d, uint32_t length);
void dcm_write_item_end(struct dcm_writer *d, uint32_t length);

/* A fragment of encapsulated pixel data: header, then dcm_write_value and dcm_write_element_end. */
void dcm_write_fragment(struct dcm_writer *d, uint32_t length);

/* Swaps each word of n bytes; a rest shorter than a word stays as it is. */
void dcm_swap(uint8_t *p, size_t n, size_t word);

#endif
