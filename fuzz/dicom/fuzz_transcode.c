/* Conversion between uncompressed transfer syntaxes: the same for pieces of any size, and what
 * comes out reads to its end. The first byte chooses the syntaxes, the second the size of the
 * pieces. */
#include "tokens.h"

#include "dicom/stream.h"
#include "dicom/transcode.h"

static const char *const syntaxes[] = {UID_ImplicitVRLittleEndian, UID_ExplicitVRLittleEndian,
                                       UID_ExplicitVRBigEndian, UID_DeflatedExplicitVRLittleEndian};
static const struct dcm_limits limits = {8, 1000, 100};

static err_t convert(const struct dcm_ts *from, const struct dcm_ts *to, struct str in,
                     size_t piece, struct wr *out)
{
    struct dcm_transcode *t = NULL;
    CHECK(dcm_transcode_new(from, to, &limits, out, &t) == OK);
    err_t e = OK;
    for (size_t at = 0; e == OK && at < in.n; at += piece)
        e = dcm_transcode_feed(t, str_slice(in, at, piece));
    if (e == OK)
        e = dcm_transcode_end(t);
    dcm_transcode_free(t);
    return e;
}

static void reads_to_its_end(const struct dcm_ts *ts, struct str in)
{
    struct dcm_stream s;
    struct dcm_token t;
    enum step step;
    CHECK(dcm_stream_init(&s, ts, &limits) == OK);
    s.reader.raw_un = true;
    dcm_stream_end(&s);
    while ((step = dcm_stream_read(&s, &in, &t)) == STEP_EVENT)
        ;
    CHECK(step == STEP_DONE && !(s.reader.quirks & DCM_QUIRK_TRUNCATED));
    dcm_stream_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct dcm_ts *from = dcm_ts_find(str_z(syntaxes[data[0] & 3]));
    const struct dcm_ts *to = dcm_ts_find(str_z(syntaxes[data[0] >> 2 & 3]));
    struct str in = str_of(data + 2, size - 2);
    struct wr whole = wr_heap(16 << 20), pieces = wr_heap(16 << 20);
    err_t a = convert(from, to, in, size, &whole);
    err_t b = convert(from, to, in, 1 + data[1] % 32, &pieces);
    CHECK(a == b);
    if (a == OK) {
        CHECK(str_eq(wr_str(&whole), wr_str(&pieces)));
        /* A wrong VR that implicit VR drops may stand where the dictionary has a sequence. */
        if (from->encoding != to->encoding && to->encoding != DCM_IMPLICIT_LE)
            reads_to_its_end(to, wr_str(&whole));
    }
    wr_done(&whole);
    wr_done(&pieces);
    return 0;
}
