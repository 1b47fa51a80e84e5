/* A file of advisories of this format: read to its end or refused, whatever it holds. */
#include "fuzz_advisories.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_advisories(&advisory_osv, data, size);
    return 0;
}
