/* Raw deflate (RFC 1951), as deflated transfer syntaxes use it (PS3.5 A.5): zlib behind two small
 * machines. */
#ifndef LASTRA_DICOM_DEFLATE_H
#define LASTRA_DICOM_DEFLATE_H

#include "base/err.h"
#include "base/wr.h"

/* Against bombs: output past `free_size` may not be over `ratio` times the input, nor over `size`
 * in all. */
struct dcm_inflate_limits {
    uint64_t size;      /* default 16 GiB */
    uint64_t free_size; /* default 256 MiB: a blank image is no bomb */
    unsigned ratio;     /* default 500 */
};
#define DCM_INFLATE_LIMITS_DEFAULT                                                                 \
    ((struct dcm_inflate_limits){(uint64_t)16 << 30, (uint64_t)256 << 20, 500})

/* NULL when out of memory. */
struct dcm_inflate *dcm_inflate_new(const struct dcm_inflate_limits *limits);
void dcm_inflate_free(struct dcm_inflate *z);

/* Takes input off *in and gives the next piece of output, a view into the machine, valid until the
 * next call. An empty piece: all input is used up, more is needed, or the stream is at its end
 * (what follows its end, a pad byte, is passed over). E_MALFORMED, E_LIMIT. */
err_t dcm_inflate(struct dcm_inflate *z, struct str *in, struct str *ret_piece) MUST_CHECK;

/* Whether the stream's own end was reached. */
bool dcm_inflate_ended(const struct dcm_inflate *z);

/* The other way: bytes in, deflated bytes into w. dcm_deflate_end closes the stream and pads it to
 * even length. E_NOMEM; w latches. */
struct dcm_deflate *dcm_deflate_new(struct wr *w);
void dcm_deflate_free(struct dcm_deflate *z);
void dcm_deflate(struct dcm_deflate *z, struct str in);
void dcm_deflate_end(struct dcm_deflate *z);

#endif
