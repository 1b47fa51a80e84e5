/* Signs that a host only pretends to be a medical system. */
#ifndef LASTRA_SURVEY_IDENTIFY_HONEYPOT_H
#define LASTRA_SURVEY_IDENTIFY_HONEYPOT_H

#include "survey/identify/group.h"

/* How much speaks for a honeypot (enum points; from POINTS_medium on it is one) and why, into w. */
unsigned honeypot_points(const struct place *places, size_t n, struct wr *w);
/* The same reasons with their words in Italian; names and values as they are. */
void honeypot_why_it(struct str why, struct wr *w);

#endif
