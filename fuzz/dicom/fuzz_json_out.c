/* First byte: the encoding and how the bytes are cut; then a data set. Whatever it is, what comes
 * out is JSON, and the same however the bytes came. */
#include <jansson.h>
#include <stdlib.h>

#include "base/size.h"
#include "dicom/json_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static bool to_json(struct str data, enum dcm_encoding encoding, size_t piece, struct wr *out)
{
    static struct dcm_json j;
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    struct dcm_limits limits = {16, 10000, 1 << 16};
    struct dcm_reader r;
    struct dcm_token t;
    enum step step = STEP_MORE;
    dcm_reader_init(&r, encoding, &limits);
    dcm_json_init(&j, out, &options);
    for (size_t at = 0; at <= data.n && step == STEP_MORE; at += piece) {
        struct str in = str_slice(data, at, piece);
        if (at + piece > data.n)
            dcm_reader_end(&r);
        while ((step = dcm_read(&r, &in, &t)) == STEP_EVENT)
            require(dcm_json_token(&j, &t) == OK);
    }
    require(dcm_json_finish(&j) == OK);
    dcm_json_done(&j);
    return step == STEP_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr whole = wr_heap(1 << 24), cut = wr_heap(1 << 24);
    if (size < 1 || size > 4096)
        return 0;
    enum dcm_encoding encoding = (enum dcm_encoding)(data[0] % 3);
    struct str rest = str_of(data + 1, size - 1);
    bool good = to_json(rest, encoding, SIZE_MAX / 2, &whole);
    bool again = to_json(rest, encoding, size_max(data[0] / 3u, 1), &cut);
    require(good == again);
    if (good)
        require(str_eq(wr_str(&whole), wr_str(&cut)));
    json_t *root = json_loadb((const char *)whole.p, whole.n, JSON_ALLOW_NUL, NULL);
    require(root != NULL);
    json_decref(root);
    wr_done(&whole);
    wr_done(&cut);
    return 0;
}
