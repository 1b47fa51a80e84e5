/* Transfer syntaxes (PS3.5 10 and Annex A): what each one does with a data set. Generated from
 * data/transfer-syntaxes.tsv. */
#ifndef LASTRA_DICOM_TS_H
#define LASTRA_DICOM_TS_H

#include "dicom/types.h"
#include "dicom/uid.h"

enum dcm_pixels {
    DCM_PIXELS_NATIVE,       /* stand in the data set as they are: such syntaxes convert into each
                                other */
    DCM_PIXELS_ENCAPSULATED, /* in fragments */
    DCM_PIXELS_REFERENCED,   /* elsewhere, by a URL (JPIP) */
    DCM_PIXELS_NONE,         /* not a data set's encoding (MIME, XML, video over RTP) */
};

struct dcm_ts {
    struct str uid;
    struct str name;
    enum dcm_encoding encoding;
    enum dcm_pixels pixels;
    bool deflated; /* the data set is a raw deflate stream (PS3.5 A.5) */
    bool lossy;    /* may hold pixels that lost something */
    bool retired;
};

/* NULL when unknown (private): what is in such a data set is best taken for encapsulated explicit
 * little endian (PS3.5 A.4), see dcm_ts_guess. */
const struct dcm_ts *dcm_ts_find(struct str uid);

/* The syntax, or for an unknown one explicit little endian, encapsulated, with an empty UID. */
const struct dcm_ts *dcm_ts_guess(struct str uid);

/* By place; NULL past the end. */
const struct dcm_ts *dcm_ts_at(size_t i);

/* Whether dcm_transcode can go from one to the other: the same, or both native. No for unknown
 * ones, which all look alike here: whoever has two equal UIDs needs no conversion. */
bool dcm_ts_convertible(const struct dcm_ts *from, const struct dcm_ts *to);

#endif
