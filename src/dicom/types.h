/* Words that every part of the DICOM layer shares: tags, value representations, encodings. */
#ifndef LASTRA_DICOM_TYPES_H
#define LASTRA_DICOM_TYPES_H

#include "base/err.h"
#include "base/str.h"

/* A tag as 0xggggeeee. The generated header dicom/tags.h has TAG_<Keyword> for each data element.
 */
typedef uint32_t tag_t;
#define TAG(group, element) ((tag_t)(group) << 16 | (element))
#define TAG_GROUP(tag) ((uint16_t)((tag) >> 16))
#define TAG_ELEMENT(tag) ((uint16_t)(tag))
#define TAG_IS_PRIVATE(tag) (TAG_GROUP(tag) & 1)

/* A value representation as its two letters: VR('P','N'); VR_NONE where an encoding has none. */
typedef uint16_t vr_t;
#define VR(a, b) ((vr_t)((uint8_t)(a) << 8 | (uint8_t)(b)))
#define VR_NONE ((vr_t)0)

/* How the bytes of a data set are laid out (PS3.5 7.1); deflate is a wrapping around explicit
 * little endian. */
enum dcm_encoding { DCM_IMPLICIT_LE, DCM_EXPLICIT_LE, DCM_EXPLICIT_BE };

/* An undefined length (PS3.5 7.1.1). */
#define DCM_UNDEFINED 0xffffffffu

/* Limits on a data set from outside; each is an option. */
struct dcm_limits {
    unsigned depth;  /* nested sequences; default 32 */
    size_t elements; /* elements in a whole data set, items included; default 1,000,000 */
    size_t value;    /* bytes of one value kept in memory; default 1 MiB */
};
#define DCM_LIMITS_DEFAULT ((struct dcm_limits){32, 1000000, 1 << 20})

#endif
