/* Text from strangers as a report writes it: well-formed UTF-8 without a control character, an
 * override or markup, whatever the bytes. */
#include <stdlib.h>

#include "survey/report/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str s)
{
    if (!str_is_utf8(s))
        abort();
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        uint8_t next = i + 1 < s.n ? (uint8_t)s.p[i + 1] : 0;
        uint8_t third = i + 2 < s.n ? (uint8_t)s.p[i + 2] : 0;
        if (c < 0x20 || c == 0x7f || strchr("<>\"'`", c) || (c == 0xc2 && next < 0xa0))
            abort();
        if (c == 0xe2 && next == 0x80 && third >= 0xa8 && third <= 0xae)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr w = wr_heap(1 << 20);
    html_text(&w, str_of(data, size));
    check(wr_str(&w));
    wr_done(&w);
    return 0;
}
