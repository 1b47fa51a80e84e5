/* A tool of the tests: character sets and folding, a line in and a line out, text in hexadecimal.
 *
 *     decode TERMS VR HEX    TERMS with '_' for spaces and '-' for none; HEX of UTF-8
 *     encode TERMS VR HEX    "-" when it does not fit
 *     fold HEX               pn HEX
 */
#include <stdio.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/fold.h"
#include "dicom/pn.h"

enum { WORDS = 4 };

static void unhex(struct str hex, struct wr *w)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i + 1 < hex.n; i += 2)
        wr_u8(w, (uint8_t)((strchr(digits, hex.p[i]) - digits) << 4 |
                           (strchr(digits, hex.p[i + 1]) - digits)));
}

static struct charset terms_of(struct str word)
{
    char buf[256];
    size_t n = word.n < sizeof buf ? word.n : sizeof buf;
    for (size_t i = 0; i < n; i++)
        buf[i] = word.p[i] == '_' ? ' ' : word.p[i];
    return charset_parse(str_eq(word, STR("-")) ? STR("") : str_of(buf, n));
}

static bool answer(struct charset_conv *conv, const struct str word[WORDS], struct wr *in,
                   struct wr *out)
{
    if (str_eq(word[0], STR("fold")) || str_eq(word[0], STR("pn"))) {
        unhex(word[1], in);
        (word[0].n == 2 ? pn_fold : fold)(wr_str(in), out);
        return true;
    }
    struct charset cs = terms_of(word[1]);
    vr_t vr = VR(word[2].p[0], word[2].p[1]);
    unhex(word[3], in);
    if (str_eq(word[0], STR("encode")))
        return charset_encode(conv, &cs, vr, wr_str(in), out);
    (void)charset_decode(conv, &cs, vr, wr_str(in), out);
    return true;
}

int main(void)
{
    static char line[1 << 20];
    struct charset_conv *conv = charset_conv_new();
    struct wr in = wr_heap(1 << 20), out = wr_heap(1 << 24), hex = wr_heap(1 << 25);
    while (conv && fgets(line, sizeof line, stdin)) {
        struct str rest = str_trim(str_z(line)), word[WORDS];
        for (unsigned i = 0; i < WORDS; i++)
            if (!str_split(&rest, ' ', &word[i]))
                word[i] = STR("");
        wr_clear(&in);
        wr_clear(&out);
        wr_clear(&hex);
        bool fits = answer(conv, word, &in, &out);
        wr_hex(&hex, wr_str(&out));
        printf("%.*s\n", STR_ARG(fits ? wr_str(&hex) : STR("-")));
    }
    wr_done(&in);
    wr_done(&out);
    wr_done(&hex);
    charset_conv_free(conv);
    return 0;
}
