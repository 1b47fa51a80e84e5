/* Inside match: a wildcard pattern as a bit-parallel automaton.
 *
 * State i means: the first i characters of the pattern, stars not counted, have been matched. One
 * step moves all states at once, a machine word for 64 of them, so that no pattern can make a value
 * be read twice. */
#ifndef LASTRA_DICOM_MATCH_NFA_H
#define LASTRA_DICOM_MATCH_NFA_H

#include "base/arena.h"

enum { MATCH_NFA_SYMBOLS_MAX = 1024 };

struct match_nfa;

/* Compiles UTF-8 with '*' (any run) and '?' (any one character). NULL when the arena is full or the
 * pattern has more characters than MATCH_NFA_SYMBOLS_MAX. */
struct match_nfa *match_nfa_new(struct arena *a, struct str pattern);

/* Whether the pattern matches all of the text. `name`: the text is a group of a person name, which
 * has empty components where the pattern has more separators. */
bool match_nfa_test(const struct match_nfa *nfa, struct str utf8, bool name);

#endif
