/* A web server of any kind: the probe says nothing but GET of few, harmless pages. */
#include <string.h>

#include "talk.h"

static void sent(const struct talk *t, struct str out)
{
    if (out.n == 0)
        return;
    assert(str_starts(out, STR("GET /")));
    assert(str_ends(out, STR("\r\n\r\n")));
    struct str line = str_slice(out, 0, str_find(out, '\r'));
    assert(str_ends(line, STR(" HTTP/1.1")) && line.n < 160);
    for (size_t i = 0; i < line.n; i++)
        assert(line.p[i] >= ' ' && line.p[i] <= '~');
    assert(!memmem(line.p, line.n, "studies", 7) && !memmem(line.p, line.n, "Patient", 7));
    assert(t->bytes_out <= TALK_OUT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    talk_run(&http_talk, data, size, sent);
    return 0;
}
