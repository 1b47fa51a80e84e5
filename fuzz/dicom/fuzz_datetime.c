/* A date, time, datetime or range. What is read as one lies in its bounds, and reads the same when
 * it is written again. */
#include <stdlib.h>

#include "dicom/datetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_date(struct str s)
{
    char text[32];
    int32_t date, again;
    struct wr w = wr_fixed(text, sizeof text);
    if (!da_parse(s, &date))
        return;
    require(da_of_days(da_days(date)) == date);
    da_format(date, &w);
    require(da_parse(wr_str(&w), &again) && again == date);
}

static void check_time(struct str s)
{
    char text[32];
    struct dt_span span, again;
    struct wr w = wr_fixed(text, sizeof text);
    if (!tm_parse(s, &span))
        return;
    require(span.lo >= 0 && span.lo <= span.hi && span.hi < DT_DAY_US + 1000000);
    tm_format(span.lo, &w);
    require(tm_parse(wr_str(&w), &again) && again.lo == span.lo);
}

static void check_datetime(struct str s)
{
    char text[40];
    struct dt_span span, again;
    struct wr w = wr_fixed(text, sizeof text);
    if (!dt_parse(s, 60, &span))
        return;
    require(span.lo <= span.hi);
    dt_format(span.lo, &w);
    /* A zone may have moved it before year 1 or past 9999, which has no form. */
    if (span.lo >= da_days(10101) * DT_DAY_US && span.lo < (da_days(99991231) + 1) * DT_DAY_US)
        require(dt_parse(wr_str(&w), 0, &again) && again.lo == span.lo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const vr_t vrs[] = {VR('D', 'A'), VR('T', 'M'), VR('D', 'T'), VR('L', 'O')};
    struct str s = str_of(data, size);
    struct dt_span span;
    for (unsigned i = 0; i < 4; i++)
        if (dt_range(vrs[i], s, -60, &span))
            require(i < 3);
    check_date(s);
    check_time(s);
    check_datetime(s);
    return 0;
}
