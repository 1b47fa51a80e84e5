/* The token reader, in every encoding: it ends, and gives the same tokens for pieces of any size.
 * The first byte chooses the encoding and the mode, the second the size of the pieces. */
#include "tokens.h"

static enum step read_all(struct str in, uint8_t mode, size_t piece, uint64_t *hash)
{
    struct dcm_limits limits = {8, 1000, 100};
    struct dcm_reader r;
    struct dcm_token t;
    enum step step = STEP_MORE;
    dcm_reader_init(&r, mode % 3, &limits);
    r.raw_un = mode & 0x80;
    for (size_t at = 0; step == STEP_MORE; at += piece) {
        struct str part = str_slice(in, at, piece);
        if (part.n == 0)
            dcm_reader_end(&r);
        while ((step = dcm_read(&r, &part, &t)) == STEP_EVENT)
            hash_token(hash, &t);
        CHECK(step != STEP_MORE || part.n == 0);
    }
    hash_bytes(hash, &r.quirks, sizeof r.quirks);
    hash_bytes(hash, r.diag.text, strlen(r.diag.text));
    CHECK(r.level <= 16 && r.elements <= 1001);
    return step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = 0, pieces = 0;
    if (size < 2)
        return 0;
    struct str in = str_of(data + 2, size - 2);
    enum step a = read_all(in, data[0], size, &whole);
    enum step b = read_all(in, data[0], 1 + data[1] % 32, &pieces);
    CHECK(a == b && whole == pieces);
    return 0;
}
