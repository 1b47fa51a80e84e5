/* JSON read as a data set; what was read and written again reads the same. */
#include <stdlib.h>

#include "dicom/json_in.h"
#include "dicom/json_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static err_t read_write(struct str text, struct wr *out)
{
    struct dcm_json_in_options in = {{8, 1000, 4096}, 65536, 10000, NULL, NULL};
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    struct arena a = arena_init(16 << 20);
    struct diag d = {0};
    struct dcm_ds *ds;
    err_t e = dcm_json_read(&a, text, &in, &ds, &d);
    if (e == OK)
        require(dcm_json_ds(out, ds, &options) == OK);
    arena_done(&a);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr first = wr_heap(1 << 20), second = wr_heap(1 << 20), third = wr_heap(1 << 20);
    if (read_write(str_of(data, size), &first) == OK && read_write(wr_str(&first), &second) == OK &&
        read_write(wr_str(&second), &third) == OK)
        require(str_eq(wr_str(&second), wr_str(&third)));
    wr_done(&first);
    wr_done(&second);
    wr_done(&third);
    return 0;
}
