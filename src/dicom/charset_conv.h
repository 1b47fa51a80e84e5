/* Inside the charset modules: iconv descriptors, opened when first used. */
#ifndef LASTRA_DICOM_CHARSET_CONV_H
#define LASTRA_DICOM_CHARSET_CONV_H

#include <iconv.h>

#include "dicom/charset_table.h"

/* What iconv_open gives on failure, and what stands for a set that iconv does not know. */
#define CHARSET_NO_ICONV ((iconv_t)-1)

struct charset_conv {
    iconv_t from[SET_COUNT]; /* to UTF-8; NULL: not opened yet */
    iconv_t to[SET_COUNT];
};

/* The descriptor from a set to UTF-8, or from UTF-8 to it; in their initial state. */
iconv_t charset_conv_from(struct charset_conv *conv, uint8_t set);
iconv_t charset_conv_to(struct charset_conv *conv, uint8_t set);

/* Closes what is open; the storage is the caller's. */
void charset_conv_close(struct charset_conv *conv);

#endif
