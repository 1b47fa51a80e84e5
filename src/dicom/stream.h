/* A data set in any transfer syntax as tokens: the reader, with inflating in front of it where the
 * syntax is deflated. Used like the reader:
 *
 *     struct dcm_stream s;
 *     TRY(dcm_stream_init(&s, ts, &limits));
 *     while ((step = dcm_stream_read(&s, &in, &token)) == STEP_EVENT) ...
 *     dcm_stream_done(&s);
 */
#ifndef LASTRA_DICOM_STREAM_H
#define LASTRA_DICOM_STREAM_H

#include "dicom/deflate.h"
#include "dicom/reader.h"
#include "dicom/ts.h"

struct dcm_stream {
    struct dcm_reader reader; /* error, diag and quirks stand here */
    struct dcm_inflate *inflate;
    struct str piece; /* inflated and not yet read */
    bool ended;
};

/* E_NOMEM; E_UNSUPPORTED for a syntax that is not a data set's encoding. */
err_t dcm_stream_init(struct dcm_stream *s, const struct dcm_ts *ts,
                      const struct dcm_limits *limits) MUST_CHECK;

/* As dcm_read; offsets in tokens are those of the inflated data set. */
enum step dcm_stream_read(struct dcm_stream *s, struct str *in, struct dcm_token *ret);

/* No more input. */
void dcm_stream_end(struct dcm_stream *s);

void dcm_stream_done(struct dcm_stream *s);

#endif
