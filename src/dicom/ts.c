#include "dicom/ts.h"

#include "base/size.h"

#include "dicom/ts_table.h"

static const struct dcm_ts unknown = {
    .name = STR_INIT("unknown transfer syntax"),
    .encoding = DCM_EXPLICIT_LE,
    .pixels = DCM_PIXELS_ENCAPSULATED,
};

const struct dcm_ts *dcm_ts_find(struct str uid)
{
    for (size_t i = 0; i < COUNT(ts_rows); i++)
        if (str_eq(ts_rows[i].uid, uid))
            return &ts_rows[i];
    return NULL;
}

const struct dcm_ts *dcm_ts_guess(struct str uid)
{
    const struct dcm_ts *ts = dcm_ts_find(uid);
    return ts ? ts : &unknown;
}

const struct dcm_ts *dcm_ts_at(size_t i)
{
    return i < COUNT(ts_rows) ? &ts_rows[i] : NULL;
}

bool dcm_ts_convertible(const struct dcm_ts *from, const struct dcm_ts *to)
{
    if (from == to)
        return from->uid.n != 0;
    return from->pixels == DCM_PIXELS_NATIVE && to->pixels == DCM_PIXELS_NATIVE;
}
