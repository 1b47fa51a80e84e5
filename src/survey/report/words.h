/* The report's words: each once, in every language (words.def), and how numbers, shares and dates
 * are written in each. */
#ifndef LASTRA_SURVEY_REPORT_WORDS_H
#define LASTRA_SURVEY_REPORT_WORDS_H

#include "survey/assess/finding.h"

enum word {
#define WORD(id, en, it) W_##id,
#include "survey/report/words.def"
#undef WORD
    WORDS
};
struct str word(enum language l, enum word w);

/* The words of a type, a severity, a level, a match state, a country; for the last the code itself
 * when it is not known. */
struct str word_type(enum language l, enum sys_type t);
struct str word_severity(enum language l, enum severity s);
struct str word_level(enum language l, enum verification v);
struct str word_state(enum language l, enum match_state s);
struct str word_country(enum language l, struct str code);
struct str word_language(enum language l); /* "en", "it" */

enum { NUMBER_MAX = 48 };
/* 7,168 or 7.168. */
struct str number_text(enum language l, uint64_t n, char buf[NUMBER_MAX]);
/* 58 % with a no-break space; "< 1 %" and "> 99 %" where rounding would say none or all; a dash for
 * a share of nothing. */
struct str share_text(enum language l, uint64_t part, uint64_t whole, char buf[NUMBER_MAX]);
/* "14 %" for a change from `before` to `after`, without its direction. */
struct str change_text(enum language l, uint64_t before, uint64_t after, char buf[NUMBER_MAX]);
/* "22 November 2026" of YYYY-MM-DD, and what is not one as it stands. */
struct str date_text(enum language l, struct str iso, char buf[NUMBER_MAX]);
/* YYYY-MM-DD (UTC) of microseconds since 1970; empty for 0. */
struct str date_iso(int64_t us, char buf[NUMBER_MAX]);
/* Known exactly; "7.5" or "7,5" of a CVSS times 10. */
struct str cvss_text(enum language l, int cvss, char buf[NUMBER_MAX]);

#endif
