/* Text of exports: what is decoded begins an answer and is not longer than it may be. */
#include <assert.h>

#include "survey/wire/dicom_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t small[64];
    struct wr w = wr_heap(DICOM_BANNER_MAX), cut = wr_fixed(small, sizeof small);
    bool found = dicom_banner_decode(str_of(data, size), &w);
    assert(found == dicom_answer_looks(wr_str(&w)));
    assert(found || w.n == 0);
    (void)dicom_banner_decode(str_of(data, size), &cut);
    wr_done(&w);
    return 0;
}
