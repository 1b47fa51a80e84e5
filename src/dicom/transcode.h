/* From one uncompressed transfer syntax to another, as a stream in bounded memory: implicit and
 * explicit little endian, explicit big endian, deflated. Between the same syntaxes, compressed ones
 * too, bytes pass through unchanged.
 *
 *     struct dcm_transcode *t;
 *     TRY(dcm_transcode_new(from, to, &limits, &out, &t));
 *     TRY(dcm_transcode_feed(t, bytes)) ... ; TRY(dcm_transcode_end(t)); dcm_transcode_free(t);
 *
 * What changes on the way: byte order by VR; VRs come from the dictionary where the source has
 * none (US or SS by Pixel Representation; pixel, overlay and lookup table data OW; private and
 * unknown elements UN, kept as they are); sequences and items get undefined lengths; group lengths
 * (retired, and wrong afterwards) are dropped; odd values are padded. UN stays UN with its bytes.
 */
#ifndef LASTRA_DICOM_TRANSCODE_H
#define LASTRA_DICOM_TRANSCODE_H

#include "base/wr.h"
#include "dicom/ts.h"
#include "dicom/types.h"

struct dcm_transcode;

/* out must outlive it; nothing but this may write there meanwhile. E_UNSUPPORTED when
 * dcm_ts_convertible says no. E_NOMEM. */
err_t dcm_transcode_new(const struct dcm_ts *from, const struct dcm_ts *to,
                        const struct dcm_limits *limits, struct wr *out,
                        struct dcm_transcode **ret) MUST_CHECK;
void dcm_transcode_free(struct dcm_transcode *t);

/* Bytes of the source data set, in pieces of any size. E_MALFORMED, E_LIMIT; E_UNSUPPORTED for
 * compressed pixel data where there should be none; E_IO when `out` latched. */
err_t dcm_transcode_feed(struct dcm_transcode *t, struct str bytes) MUST_CHECK;

/* The source's end: the rest goes out (out is not flushed). E_MALFORMED when it was truncated. */
err_t dcm_transcode_end(struct dcm_transcode *t) MUST_CHECK;

/* What went wrong, in words. */
const struct diag *dcm_transcode_diag(const struct dcm_transcode *t);

#endif
