/* Value representations (PS3.5 6.2): what each one is, from one table. */
#ifndef LASTRA_DICOM_VR_H
#define LASTRA_DICOM_VR_H

#include "dicom/types.h"

enum dcm_vr_flag {
    DCM_VR_KNOWN = 1 << 0,
    DCM_VR_LONG = 1 << 1,    /* 32-bit length with two reserved bytes (PS3.5 table 7.1-1) */
    DCM_VR_TEXT = 1 << 2,    /* a character string */
    DCM_VR_CHARSET = 1 << 3, /* text in the Specific Character Set: LO LT PN SH ST UC UT */
    DCM_VR_MULTI = 1 << 4,   /* text whose values are separated by a backslash */
    DCM_VR_SPACE = 1 << 5,   /* padded to even length with a space, else with NUL */
};

/* The flags of a VR; 0 for one that the standard does not have. */
unsigned dcm_vr_flags(vr_t vr);

/* The bytes that swap places between little and big endian: 2 for US SS OW AT, 4 for UL SL FL OF
 * OL, 8 for FD OD OV SV UV, else 1. */
size_t dcm_vr_word(vr_t vr);

/* The size of one value of a binary VR: AT 4, else as dcm_vr_word; 0 for text and SQ. */
size_t dcm_vr_size(vr_t vr);

/* The two letters with a NUL, for messages; "--" for VR_NONE. */
struct dcm_vr_name {
    char text[3];
};
struct dcm_vr_name dcm_vr_name(vr_t vr);

#endif
