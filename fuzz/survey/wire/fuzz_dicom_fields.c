/* Data sets: the same counts in any pieces, in each encoding. Input: a byte of encoding, a byte of
 * piece size, the data set. */
#include "pieces.h"

#include <assert.h>

#include "survey/wire/dicom_fields.h"

static bool run(struct dicom_fields *f, struct str ts, struct str set, size_t piece)
{
    bool more = true;
    dicom_fields_begin(f, ts);
    while (set.n && more)
        more = dicom_fields_feed(f, next_piece(&set, piece));
    return more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str syntaxes[] = {STR_INIT("1.2.840.10008.1.2"),
                                          STR_INIT("1.2.840.10008.1.2.1"),
                                          STR_INIT("1.2.840.10008.1.2.2")};
    struct dicom_fields *whole, *pieces;
    if (size < 2 || dicom_fields_new(&whole) != OK)
        return 0;
    if (dicom_fields_new(&pieces) == OK) {
        struct str set = str_of(data + 2, size - 2), ts = syntaxes[data[0] % 3];
        bool a = run(whole, ts, set, 0), b = run(pieces, ts, set, data[1] % 32);
        assert(a == b || set.n == 0);
        assert(memcmp(dicom_fields_counts(whole), dicom_fields_counts(pieces),
                      sizeof(uint64_t) * DICOM_FIELDS) == 0);
        for (size_t i = 0; i < DICOM_FIELDS; i++)
            assert(dicom_fields_counts(whole)[i] <= 1);
        dicom_fields_free(pieces);
    }
    dicom_fields_free(whole);
    return 0;
}
