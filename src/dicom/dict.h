/* The data dictionary (PS3.6 6 to 9, PS3.7 E): generated from data/data-elements.tsv. The generated
 * header dicom/tags.h has TAG_<Keyword> for each of its rows; a repeating group such as (60xx,3000)
 * has the tag of its first group.
 *
 * Beside the table it knows what the standard gives by rule: (gggg,0000) is a group length, and
 * (gggg,0010-00FF) of an odd group a private creator (PS3.5 7.8.1). Other private elements are
 * unknown.
 */
#ifndef LASTRA_DICOM_DICT_H
#define LASTRA_DICOM_DICT_H

#include "dicom/types.h"

/* VRs that the dictionary leaves open, in small letters. */
#define VR_US_OR_SS VR('x', 's')  /* by Pixel Representation */
#define VR_OB_OR_OW VR('o', 'x')  /* OW in implicit VR (PS3.5 A.1) */
#define VR_PIXELS VR('p', 'x')    /* Pixel Data: OW, or OB when encapsulated */
#define VR_US_OR_OW VR('l', 't')  /* lookup table data */
#define VR_OFFSET VR('u', 'p')    /* an offset in a DICOMDIR, UL */
#define VR_STRUCTURE VR('n', 'a') /* items and delimiters: none */

struct dcm_dict {
    tag_t tag; /* as asked for; by keyword: of the first group */
    vr_t vr;   /* may be one of the open ones above */
    bool retired;
    struct str vm; /* "1", "1-n", "2-2n" */
    struct str keyword, name;
};

/* False when the tag is not in the dictionary. */
bool dcm_dict_find(tag_t tag, struct dcm_dict *ret);

/* By keyword, in its own case: "PatientName". */
bool dcm_dict_keyword(struct str keyword, struct dcm_dict *ret);

/* Only the VR, quicker; open ones as they stand. VR_NONE when unknown. */
vr_t dcm_dict_vr(tag_t tag);

/* A VR that can be written for one of the open ones; others unchanged. pixel_signed: Pixel
 * Representation (0028,0103) is 1. VR_NONE becomes UN. */
vr_t dcm_vr_resolve(vr_t vr, bool pixel_signed);

/* A tag from "gggg,eeee", "(gggg,eeee)", "ggggeeee" or a keyword. */
bool dcm_tag_parse(struct str s, tag_t *ret);

#endif
