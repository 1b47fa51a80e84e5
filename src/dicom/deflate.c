#include "dicom/deflate.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/size.h"

enum { BUFFER = 32 * 1024, RAW = -MAX_WBITS };

struct dcm_inflate {
    z_stream z;
    struct dcm_inflate_limits limits;
    uint64_t in, out;
    bool ended;
    uint8_t buffer[BUFFER];
};

struct dcm_deflate {
    z_stream z;
    struct wr *w;
    uint64_t out;
    uint8_t buffer[BUFFER];
};

struct dcm_inflate *dcm_inflate_new(const struct dcm_inflate_limits *limits)
{
    struct dcm_inflate *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->limits = *limits;
    if (inflateInit2(&z->z, RAW) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

void dcm_inflate_free(struct dcm_inflate *z)
{
    if (!z)
        return;
    inflateEnd(&z->z);
    free(z);
}

bool dcm_inflate_ended(const struct dcm_inflate *z)
{
    return z->ended;
}

static bool over_limit(const struct dcm_inflate *z)
{
    if (z->out > z->limits.size)
        return true;
    return z->out > z->limits.free_size && z->out / z->limits.ratio > z->in;
}

err_t dcm_inflate(struct dcm_inflate *z, struct str *in, struct str *ret_piece)
{
    if (z->ended) {
        *in = str_of(in->p, 0);
        *ret_piece = str_of(z->buffer, 0);
        return OK;
    }
    size_t given = size_min(in->n, 1u << 30);
    z->z.next_in = (const Bytef *)in->p;
    z->z.avail_in = (uInt)given;
    z->z.next_out = z->buffer;
    z->z.avail_out = sizeof z->buffer;
    int e = inflate(&z->z, Z_NO_FLUSH);
    size_t used = given - z->z.avail_in, made = sizeof z->buffer - z->z.avail_out;
    z->in += used;
    z->out += made;
    z->ended = e == Z_STREAM_END;
    if (given)
        *in = z->ended ? str_of(in->p, 0) : str_of(in->p + used, in->n - used);
    *ret_piece = str_of(z->buffer, made);
    if (e == Z_MEM_ERROR)
        return E_NOMEM;
    if (e != Z_OK && e != Z_STREAM_END && e != Z_BUF_ERROR)
        return E_MALFORMED;
    return over_limit(z) ? E_LIMIT : OK;
}

struct dcm_deflate *dcm_deflate_new(struct wr *w)
{
    struct dcm_deflate *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->w = w;
    if (deflateInit2(&z->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

void dcm_deflate_free(struct dcm_deflate *z)
{
    if (!z)
        return;
    deflateEnd(&z->z);
    free(z);
}

static void run(struct dcm_deflate *z, int flush)
{
    do {
        z->z.next_out = z->buffer;
        z->z.avail_out = sizeof z->buffer;
        (void)deflate(&z->z, flush); /* fails only on a state that is not ours */
        size_t made = sizeof z->buffer - z->z.avail_out;
        wr_bytes(z->w, z->buffer, made);
        z->out += made;
    } while (z->z.avail_out == 0);
}

void dcm_deflate(struct dcm_deflate *z, struct str in)
{
    while (in.n) {
        size_t part = size_min(in.n, 1u << 30);
        z->z.next_in = (const Bytef *)in.p;
        z->z.avail_in = (uInt)part;
        run(z, Z_NO_FLUSH);
        in = str_of(in.p + part, in.n - part);
    }
}

void dcm_deflate_end(struct dcm_deflate *z)
{
    z->z.avail_in = 0;
    run(z, Z_FINISH);
    if (z->out & 1)
        wr_u8(z->w, 0);
}
