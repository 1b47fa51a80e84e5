/* The DICOM JSON model (PS3.18 Annex F), written from the reader's tokens as they come: any size in
 * bounded memory.
 *
 *     struct dcm_json j;
 *     dcm_json_init(&j, out, &options);
 *     while (dcm_read(...) == STEP_EVENT)  TRY(dcm_json_token(&j, &token));
 *     TRY(dcm_json_finish(&j));   dcm_json_done(&j);
 *
 * Text comes out as UTF-8 by the Specific Character Set of the data set or item, which itself is
 * kept as it stood (F.2.2 note 3). Group lengths and groups 0000 and 0002 are left out. DS and IS
 * become numbers where they are numbers, strings where they are not (F.2.3). NaN and infinities are
 * the strings "NaN", "inf", "-inf". Encapsulated pixel data comes as InlineBinary of its item
 * stream or as BulkDataURI.
 */
#ifndef LASTRA_DICOM_JSON_OUT_H
#define LASTRA_DICOM_JSON_OUT_H

#include "base/json.h"
#include "dicom/charset.h"
#include "dicom/dataset.h"
#include "dicom/reader.h"

struct dcm_json_options {
    /* Asked for a binary value (OB, OD, OF, OL, OV, OW, UN) that is longer than `inline_max` or of
     * undefined length or not there, and for any value longer than `text_max`: writes its URI and
     * answers true, or false to have it inline. NULL: always inline. `path` is the tags and item
     * numbers (from 1) that lead there, "00081140/2/00081150". */
    bool (*bulk_uri)(void *ctx, struct str path, const struct dcm_token *element, struct wr *uri);
    void *ctx;
    uint64_t inline_max;
    size_t text_max;           /* text values are gathered whole, up to this */
    struct charset_conv *conv; /* may be NULL */
};
#define DCM_JSON_OPTIONS_DEFAULT                                                                   \
    ((struct dcm_json_options){.inline_max = 1024, .text_max = 1 << 26})

struct dcm_json_level {
    struct charset cs; /* items inherit it (PS3.3 C.12.1.1.2) */
    tag_t tag;         /* the sequence */
    uint32_t item;     /* which of its items; 0: none yet */
};

struct dcm_json {
    struct json json;
    struct dcm_json_options options;
    struct wr text;      /* the text value that is being gathered */
    struct wr utf8;      /* and its UTF-8 */
    struct dcm_token of; /* the element whose value comes */
    uint8_t mode;        /* how it is written: enum mode in json_out.c */
    bool skipping;       /* encapsulated pixel data that went to a URI */
    unsigned depth;      /* items open */
    struct dcm_json_level levels[DCM_READER_DEPTH_MAX + 1];
    size_t chunk_n;
    uint8_t chunk[768]; /* binary values, gathered to whole words and base64 groups */
};

/* Opens the data set's object. `out` may be a sink. */
void dcm_json_init(struct dcm_json *j, struct wr *out, const struct dcm_json_options *options);

/* E_LIMIT: a text value over text_max, or `out` is full. */
err_t dcm_json_token(struct dcm_json *j, const struct dcm_token *token) MUST_CHECK;

/* An element whose value is not there: as BulkDataURI when the callback gives one, else empty. */
err_t dcm_json_absent(struct dcm_json *j, const struct dcm_token *element) MUST_CHECK;

/* Closes the object; what tokens left open is closed too. */
err_t dcm_json_finish(struct dcm_json *j) MUST_CHECK;

/* Releases the gathered value; NULL is fine. */
void dcm_json_done(struct dcm_json *j);

/* A data set in memory. A value that is not there (`truncated`) comes as BulkDataURI when the
 * callback gives one, else without value. Nothing is big endian there, whatever the options say. */
err_t dcm_json_ds(struct wr *out, const struct dcm_ds *ds,
                  const struct dcm_json_options *options) MUST_CHECK;

#endif
