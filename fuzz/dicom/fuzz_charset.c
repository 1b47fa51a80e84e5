/* First line: a Specific Character Set; then VR in two letters; then bytes of a value. Decoding
 * never fails, splitting ends, and what was decoded and fits when encoded decodes to the same
 * again. */
#include <stdlib.h>

#include "base/wr.h"
#include "dicom/charset.h"
#include "dicom/fold.h"
#include "dicom/pn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

/* Splitting takes every byte, and no more than one value per byte. */
static void split(const struct charset *cs, vr_t vr, struct str value)
{
    struct str rest = value, part;
    size_t n = 0, bytes = 0;
    while (charset_split(cs, vr, &rest, &part)) {
        bytes += part.n;
        n++;
    }
    require(n <= value.n + 1 && bytes + n - 1 == value.n);
}

static void encode_again(const struct charset *cs, vr_t vr, struct str text)
{
    struct wr bytes = wr_heap(1 << 22), again = wr_heap(1 << 22);
    if (charset_encode(NULL, cs, vr, text, &bytes)) {
        require(charset_decode(NULL, cs, vr, wr_str(&bytes), &again));
        require(str_eq(wr_str(&again), text));
    }
    wr_done(&bytes);
    wr_done(&again);
}

static void fold_twice(struct str text, void (*with)(struct str, struct wr *))
{
    struct wr once = wr_heap(1 << 22), twice = wr_heap(1 << 22);
    with(text, &once);
    with(wr_str(&once), &twice);
    require(!once.bad && str_eq(wr_str(&once), wr_str(&twice)) && str_is_utf8(wr_str(&once)));
    require(once.n <= text.n * FOLD_GROWTH_MAX);
    wr_done(&once);
    wr_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size), name;
    struct wr text = wr_heap(1 << 22);
    if (size > 65536 || !str_split(&in, '\n', &name) || in.n < 2)
        return 0;
    struct charset cs = charset_parse(name);
    vr_t vr = VR(in.p[0], in.p[1]);
    in = str_slice(in, 2, in.n);
    (void)charset_decode(NULL, &cs, vr, in, &text);
    require(!text.bad && str_is_utf8(wr_str(&text)));
    require(text.n <= 4 * in.n);
    split(&cs, vr, in);
    encode_again(&cs, vr, wr_str(&text));
    fold_twice(wr_str(&text), fold);
    fold_twice(wr_str(&text), pn_fold);
    wr_done(&text);
    return 0;
}
