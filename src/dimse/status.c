/* Status codes in words, and their classes (PS3.7 annex C). */
#include "base/size.h"
#include "dimse/command.h"

static const struct {
    uint16_t code;
    const char *text;
} statuses[] = {
#define STATUS(name, code, text) {code, text},
#include "dimse/status.def"
#undef STATUS
};

/* Codes of which each service defines only the first digits (PS3.4 B.2.3, C.4). */
static const struct {
    uint16_t mask, code;
    const char *text;
} ranges[] = {
    {0xff00, 0xa700, "out of resources"},
    {0xff00, 0xa900, "data set does not match SOP class"},
    {0xf000, 0xa000, "failure"},
    {0xf000, 0xb000, "warning"},
    {0xf000, 0xc000, "cannot understand, or unable to process"},
};

bool dimse_is_pending(uint16_t status)
{
    return status == DIMSE_PENDING || status == DIMSE_PENDING_WARNING;
}

bool dimse_is_warning(uint16_t status)
{
    return status == 0x0001 || status == 0x0107 || status == 0x0116 || (status & 0xf000) == 0xb000;
}

bool dimse_is_success(uint16_t status)
{
    return status == DIMSE_SUCCESS;
}

const char *dimse_status_text(uint16_t status)
{
    for (size_t i = 0; i < COUNT(statuses); i++)
        if (statuses[i].code == status)
            return statuses[i].text;
    for (size_t i = 0; i < COUNT(ranges); i++)
        if ((status & ranges[i].mask) == ranges[i].code)
            return ranges[i].text;
    return "unknown status";
}
