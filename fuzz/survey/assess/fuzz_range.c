/* A range, a version and another version, one a line: no answer may depend on what stands behind
 * the text, and an order has two sides. */
#include <stdlib.h>

#include "survey/assess/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of(data, size), range = STR(""), version = STR(""), other = STR("");
    (void)str_split(&rest, '\n', &range);
    if (rest.p)
        (void)str_split(&rest, '\n', &version);
    if (rest.p)
        (void)str_split(&rest, '\n', &other);
    enum range_answer a = range_has(range, version);
    if (!range_reads(range) && a != RANGE_UNKNOWN && a != RANGE_INSIDE && a != RANGE_ALL)
        abort(); /* what is not read whole is never outside */
    if (!version.n && (a == RANGE_INSIDE || a == RANGE_OUTSIDE))
        abort();
    int forth = version_cmp(version, other), back = version_cmp(other, version);
    if ((forth > 0) != (back < 0) || (forth == 0) != (back == 0))
        abort();
    return 0;
}
