/* The generated tables of fingerprints, for this layer only. */
#ifndef LASTRA_SURVEY_IDENTIFY_FP_TABLE_H
#define LASTRA_SURVEY_IDENTIFY_FP_TABLE_H

#include "survey/identify/fingerprint.h"

enum fp_how {
    FP_exact,
    FP_exact_ci,
    FP_prefix,
    FP_substring,
    FP_substring_ci,
    FP_word,
    FP_any,
    FP_all,
    FP_regex,
    FP_regex_ci,
    FP_hexregex,
    FP_rule
};

/* How a row is matched. Its texts are fp_table_text(first .. first + n): any of the first `sought`
 * of them must stand in a value (whatever the case) before anything else is tried; none sought: it
 * is always tried. is_text: its values are long texts. */
struct fp_plan {
    uint32_t layer; /* one bit */
    enum fp_how how;
    bool is_text;
    uint16_t first, n, sought;
    struct str regex;
};

const struct fp_plan *fp_table_plan(size_t row);
const struct str *fp_table_texts(size_t *ret_n);
/* The layers, as bits, that look at a kind. */
uint32_t fp_table_layers(enum ev_kind kind);

#endif
