/* Inside match: a wildcard pattern as a bit-parallel automaton.
 *
 * State i means: the first i characters of the pattern, stars not counted, have been matched. One
 * step moves all states at once, a machine word for 64 of them, so that no pattern can make a value
 * be read twice. */
#ifndef LASTRA_DICOM_MATCH_NFA_H
#define LASTRA_DICOM_MATCH_NFA_H

#include "base/arena.h"

enum { MATCH_NFA_SYMBOLS_MAX = 1024, MATCH_NFA_WORDS_MAX = MATCH_NFA_SYMBOLS_MAX / 64 + 1 };

struct match_nfa;

/* Compiles UTF-8 with '*' (any run) and '?' (any one character). NULL when the arena is full or the
 * pattern has more characters than MATCH_NFA_SYMBOLS_MAX. */
struct match_nfa *match_nfa_new(struct arena *a, struct str pattern);

/* How many component separators the pattern has. */
size_t match_nfa_carets(const struct match_nfa *nfa);

struct match_nfa_run {
    const struct match_nfa *nfa;
    uint64_t states[MATCH_NFA_WORDS_MAX];
};

void match_nfa_start(struct match_nfa_run *r, const struct match_nfa *nfa);
/* False when nothing can match any more. */
bool match_nfa_step(struct match_nfa_run *r, uint32_t rune);
bool match_nfa_accepts(const struct match_nfa_run *r);

#endif
