/* Content codings over zlib. What comes out is capped by the buffer it goes into, so that a bomb
 * costs no more than a page. */
#include "survey/wire/http_coding.h"

#include <zlib.h>

#include "survey/wire/http_text.h"

/* Window bits: gzip or zlib by its header; and the raw deflate that some send as "deflate". */
enum { EITHER = 15 + 32, RAW = -15, LOOK = 64 };

static err_t inflated(struct str body, int window, uint8_t *to, size_t *ret_n)
{
    z_stream z = {.avail_in = (uInt)body.n,
                  .next_in = (z_const Bytef *)(uintptr_t)body.p,
                  .avail_out = HTTP_BODY_MAX,
                  .next_out = to};
    if (inflateInit2(&z, window) != Z_OK)
        return E_NOMEM;
    /* Whatever ends it, what came out until then is text. */
    int r = inflate(&z, Z_SYNC_FLUSH);
    *ret_n = HTTP_BODY_MAX - z.avail_out;
    (void)inflateEnd(&z);
    return r == Z_MEM_ERROR ? E_NOMEM : OK;
}

/* Exports hold bodies decoded, beside headers that still name a coding. */
static bool is_text(struct str body)
{
    size_t n = body.n < LOOK ? body.n : LOOK;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)body.p[i];
        if (c == 0x7F || (c < ' ' && !(c >= '\t' && c <= '\r')))
            return false;
    }
    return true;
}

static bool is_one_of(struct str coding, struct str a, struct str b)
{
    return str_eq_nocase(coding, a) || str_eq_nocase(coding, b);
}

err_t http_decoded(struct str body, struct str coding, struct arena *a, struct str *ret)
{
    size_t n = 0;
    body = str_slice(body, 0, HTTP_BODY_MAX);
    bool plain = coding.n == 0 || str_eq_nocase(coding, STR("identity"));
    *ret = plain || is_text(body) ? body : STR("");
    bool deflate = str_eq_nocase(coding, STR("deflate"));
    if (ret->n || !body.n || (!deflate && !is_one_of(coding, STR("gzip"), STR("x-gzip"))))
        return OK;
    uint8_t *to = arena_alloc(a, HTTP_BODY_MAX);
    if (!to)
        return OK; /* no room: a page that is not looked at */
    TRY(inflated(body, EITHER, to, &n));
    if (n == 0 && deflate)
        TRY(inflated(body, RAW, to, &n));
    *ret = str_of(to, n);
    return OK;
}
