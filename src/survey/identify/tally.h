/* Clues counted by the name that they point to. */
#ifndef LASTRA_SURVEY_IDENTIFY_TALLY_H
#define LASTRA_SURVEY_IDENTIFY_TALLY_H

#include "survey/identify/clues.h"

enum { TALLY_MAX = 16, WHY_MAX = 400, WHY_CLUES = 4 };

/* A name and what speaks for it. */
struct entry {
    struct str vendor, name, version;
    const struct clue *best;
    unsigned points;         /* of the best clue of each layer, added up */
    unsigned version_points; /* of the clue that brought the version */
    bool version_said;       /* by a search engine or scanner: nobody read it */
    bool clash;              /* clues of equal weight say different versions */
};

struct tally {
    struct entry at[TALLY_MAX];
    size_t n;
};

/* The name that a clue speaks for; false when it is none of this tally's business. */
typedef bool tally_name(const struct clue *c, struct str *ret_vendor, struct str *ret_name);

/* Counts, and sorts the heaviest to the front. */
void tally_count(struct tally *t, const struct clues *c, tally_name *name);

/* What speaks for the entry, the heaviest first, into w. */
void tally_why(struct wr *w, const struct clues *c, tally_name *name, const struct entry *e);

enum confidence tally_confidence(unsigned points);
/* Whether two names are of one product: the same, or one of the alternatives of the other ("Horos"
 * and "OsiriX / Horos"). */
bool same_product(struct str a, struct str b);

/* Whether two names are of one maker; they are written in many ways: "GE", "GE HealthCare". */
bool same_maker(struct str a, struct str b);

#endif
