/* From clues to answers: which product, toolkit and vendor, what kind of system, how surely, why.
 */
#ifndef LASTRA_SURVEY_IDENTIFY_JUDGE_H
#define LASTRA_SURVEY_IDENTIFY_JUDGE_H

#include "survey/identify/clues.h"

struct verdict {
    struct answer product, toolkit, vendor; /* name empty (vendor: vendor empty): not known */
    enum sys_type type;                     /* TYPE_none: nothing medical */
    enum confidence type_conf;
    struct str type_why;
    /* The product that was pointed to, named or not: its best row and its points; fp NULL: none. */
    const struct fingerprint *best;
    unsigned points;
    struct str hinted; /* its name */
};

/* Text is in the arena or views of the facts. A reason that found no room there is empty. */
void judge(const struct clues *c, struct arena *a, struct verdict *ret);

#endif
