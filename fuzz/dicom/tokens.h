/* What the fuzz targets of this layer share: a hash over tokens that is the same however the input
 * was cut into pieces. */
#ifndef LASTRA_FUZZ_DICOM_TOKENS_H
#define LASTRA_FUZZ_DICOM_TOKENS_H

#include <stdlib.h>

#include "dicom/reader.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void hash_bytes(uint64_t *hash, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ b[i]) * 0x100000001b3u;
}

/* The pieces of a value count as one. */
static inline void hash_token(uint64_t *hash, const struct dcm_token *t)
{
    const uint64_t head[] = {t->kind,  t->tag,      t->vr,         t->length,
                             t->depth, t->fragment, t->big_endian, t->at};
    if (t->kind == DCM_VALUE)
        hash_bytes(hash, t->value.p, t->value.n);
    else
        hash_bytes(hash, head, sizeof head);
}

#endif
