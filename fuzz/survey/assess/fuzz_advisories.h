/* What the targets of advisory formats share: a text fed in two pieces, then looked up. */
#ifndef LASTRA_FUZZ_ADVISORIES_H
#define LASTRA_FUZZ_ADVISORIES_H

#include <stdlib.h>

#include "survey/assess/advisory_add.h"

static inline err_t fuzz_on_hit(void *ctx, const struct advisory_hit *h)
{
    size_t *n = (size_t *)ctx;
    /* Everything that is told must be readable to its end. */
    *n += h->advisory->cve.n + h->advisory->range.n + h->advisory->note.n;
    if (!str_is_utf8(h->advisory->note) || h->state == STATE_none)
        abort();
    return OK;
}

static inline void fuzz_advisories(const struct advisory_format *f, const uint8_t *data,
                                   size_t size)
{
    struct advisories *a;
    struct advisory_stream *s;
    struct advisory_sum sum = {0};
    struct str text = str_of(data, size);
    size_t n = 0;
    if (advisories_parse(STR("head\n"), &a, NULL) != OK)
        abort();
    if (advisory_stream_new(a, f, &sum, &s) != OK)
        abort();
    err_t e = advisory_stream_feed(s, str_slice(text, 0, size / 2), NULL);
    if (e == OK)
        e = advisory_stream_feed(s, str_slice(text, size / 2, size), NULL);
    if (e == OK)
        e = advisory_stream_end(s, NULL);
    advisory_stream_free(s);
    (void)advisory_format_of(text);
    if (advisories_ready(a) != OK ||
        advisories_match(a, STR("OFFIS"), STR("DCMTK"), STR("3.6.7"), true, fuzz_on_hit, &n) != OK)
        abort();
    advisories_free(a);
}

#endif
