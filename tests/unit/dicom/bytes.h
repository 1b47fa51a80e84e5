/* Helpers of the DICOM tests: bytes from a readable spelling, tokens as text, sample files. */
#ifndef LASTRA_TESTS_DICOM_BYTES_H
#define LASTRA_TESTS_DICOM_BYTES_H

#include "unit.h"

#include "base/wr.h"
#include "dicom/reader.h"

enum { BYTES_MAX = 4096 };

struct bytes {
    char p[BYTES_MAX];
    size_t n;
};

/* Pairs of hexadecimal digits, and text in quotes; spaces part them: "0800 0500 'CS' 0400 'ABCD'".
 */
static inline struct bytes bytes(const char *spec)
{
    struct bytes b = {.n = 0};
    bool text = false;
    for (const char *s = spec; *s; s++) {
        assert_true(b.n < BYTES_MAX);
        if (*s == '\'') {
            text = !text;
        } else if (text) {
            b.p[b.n++] = *s;
        } else if (*s != ' ') {
            char pair[3] = {s[0], s[1], 0};
            char *end;
            b.p[b.n++] = (char)strtoul(pair, &end, 16);
            assert_ptr_equal(end, pair + 2);
            s++;
        }
    }
    return b;
}

static inline struct str bytes_str(const struct bytes *b)
{
    return str_of(b->p, b->n);
}

/* A token in short: "00100010PN=Doe^John;", "00081140SQ[{...}]", fragments in <>. */
static inline void render(struct wr *w, const struct dcm_token *t)
{
    static const char *const marks[] = {
        [DCM_ELEMENT_END] = ";",
        [DCM_ITEM] = "{",
        [DCM_ITEM_END] = "}",
    };
    switch (t->kind) {
    case DCM_ELEMENT:
    case DCM_SEQUENCE:
        wr_printf(w, "%08lx%c%c%s", (unsigned long)t->tag, t->vr >> 8, t->vr & 0xff,
                  t->kind == DCM_ELEMENT ? "="
                  : t->fragment          ? "<"
                                         : "[");
        return;
    case DCM_VALUE:
        wr_printable(w, t->value);
        return;
    case DCM_SEQUENCE_END:
        wr_put(w, t->fragment ? STR(">") : STR("]"));
        return;
    case DCM_ELEMENT_END:
    case DCM_ITEM:
    case DCM_ITEM_END:
        wr_put(w, str_z(marks[t->kind]));
    }
}

#endif
