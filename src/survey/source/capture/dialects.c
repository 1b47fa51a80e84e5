#include "base/size.h"
#include "survey/source/capture/dialect.h"

static const struct dialect *const dialects[] = {&dialect_dicom, &dialect_hl7, &dialect_http,
                                                 &dialect_tls};

const struct dialect *dialect_find(struct str head, bool first, enum looks *ret)
{
    bool more = false;
    for (size_t i = 0; i < COUNT(dialects); i++) {
        *ret = dialects[i]->looks(head, first);
        if (*ret >= LOOKS_client)
            return dialects[i];
        more = more || *ret == LOOKS_more;
    }
    *ret = more && head.n < LOOKS_MAX ? LOOKS_more : LOOKS_no;
    return NULL;
}
