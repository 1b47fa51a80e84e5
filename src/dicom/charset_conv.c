#include "dicom/charset_conv.h"

#include <stdlib.h>

struct charset_conv *charset_conv_new(void)
{
    return calloc(1, sizeof(struct charset_conv));
}

void charset_conv_free(struct charset_conv *conv)
{
    if (!conv)
        return;
    charset_conv_close(conv);
    free(conv);
}

static void close_all(iconv_t *cd)
{
    for (unsigned i = 0; i < SET_COUNT; i++) {
        if (cd[i] && cd[i] != CHARSET_NO_ICONV)
            iconv_close(cd[i]);
        cd[i] = NULL;
    }
}

void charset_conv_close(struct charset_conv *conv)
{
    close_all(conv->from);
    close_all(conv->to);
}

/* None of the encodings used has shift states, but a call that ended inside a character may have
 * left one behind. */
static iconv_t ready(iconv_t cd)
{
    if (cd != CHARSET_NO_ICONV)
        (void)iconv(cd, NULL, NULL, NULL, NULL);
    return cd;
}

iconv_t charset_conv_from(struct charset_conv *conv, uint8_t set)
{
    if (!conv->from[set])
        conv->from[set] = iconv_open("UTF-8", charset_sets[set].iconv);
    return ready(conv->from[set]);
}

iconv_t charset_conv_to(struct charset_conv *conv, uint8_t set)
{
    if (!conv->to[set])
        conv->to[set] = iconv_open(charset_sets[set].iconv, "UTF-8");
    return ready(conv->to[set]);
}

bool charset_conv_load(struct charset_conv *conv)
{
    bool all = true;
    for (uint8_t set = 0; set < SET_COUNT; set++)
        if (charset_sets[set].iconv)
            all &= charset_conv_from(conv, set) != CHARSET_NO_ICONV &&
                   charset_conv_to(conv, set) != CHARSET_NO_ICONV;
    return all;
}
