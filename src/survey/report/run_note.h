/* What a run says of itself at its end ("12 records, 1 malformed"), in the report's language: the
 * sources write it in English, in words of their own that are few. */
#ifndef LASTRA_SURVEY_REPORT_RUN_NOTE_H
#define LASTRA_SURVEY_REPORT_RUN_NOTE_H

#include "base/wr.h"
#include "survey/assess/finding.h"

/* Words that are not known stay as they are. */
void run_note(enum language l, struct str note, struct wr *w);

#endif
