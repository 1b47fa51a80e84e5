/* Text from evidence, made harmless before any format writes it: well-formed UTF-8 whose control
 * characters, bidirectional overrides and invisible characters are shown as what they are (\x1b,
 * [U+202E]), so that nothing in a report can move a cursor, turn a line around or hide. Every
 * format takes such text through here and then escapes it in its own way. */
#ifndef LASTRA_SURVEY_REPORT_CLEAN_H
#define LASTRA_SURVEY_REPORT_CLEAN_H

#include "base/wr.h"

/* Characters that a report shows of one value; what is longer is cut, with an ellipsis. */
enum { CLEAN_MAX = 400 };

struct clean {
    struct str rest;
    size_t left;    /* characters that may still be shown */
    char buf[16];   /* of a piece that stands for something else */
    uint32_t marks; /* combining marks in a row */
};
struct clean clean_of(struct str s, size_t max_characters);
/* The next piece: one harmless character as it stands, or text in its place. False at the end. */
bool clean_next(struct clean *c, struct str *ret);

/* All of it into w. */
void clean_put(struct wr *w, struct str s, size_t max_characters);

#endif
