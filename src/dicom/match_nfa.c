#include "dicom/match_nfa.h"

#include <stdlib.h>

#include "dicom/fold.h"

enum { WORDS_MAX = MATCH_NFA_SYMBOLS_MAX / 64 + 1 };

struct symbol {
    uint32_t rune;
    uint32_t row;
};

struct match_nfa {
    size_t symbols, words;
    uint64_t *stars;      /* states that any character leaves as they are */
    uint64_t *rows;       /* row r, at r * words: the states that its character moves on */
    struct symbol *runes; /* the pattern's characters, sorted; row 0 is for all others */
    size_t n_runes;
    uint16_t ascii[128]; /* rows by character */
    uint16_t carets;
};

static int by_rune(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return (x->rune > y->rune) - (x->rune < y->rune);
}

static bool is_wild(uint32_t rune)
{
    return rune == '*' || rune == '?';
}

static void set_bit(uint64_t *words, size_t bit)
{
    words[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* The distinct characters that stand for themselves, sorted, each with a row. */
static void collect(struct match_nfa *nfa, struct str pattern)
{
    uint32_t rune;
    size_t n = 0;
    while (fold_rune(&pattern, &rune))
        if (!is_wild(rune))
            nfa->runes[n++].rune = rune;
    if (n)
        qsort(nfa->runes, n, sizeof *nfa->runes, by_rune);
    for (size_t i = 0; i < n; i++) {
        if (nfa->n_runes && nfa->runes[nfa->n_runes - 1].rune == nfa->runes[i].rune)
            continue;
        rune = nfa->runes[i].rune;
        uint32_t row = (uint32_t)nfa->n_runes + 1;
        nfa->runes[nfa->n_runes++] = (struct symbol){rune, row};
        if (rune < 128)
            nfa->ascii[rune] = (uint16_t)row;
    }
}

static size_t row_of(const struct match_nfa *nfa, uint32_t rune)
{
    if (rune < 128)
        return nfa->ascii[rune];
    struct symbol key = {.rune = rune};
    const struct symbol *hit =
        nfa->n_runes ? bsearch(&key, nfa->runes, nfa->n_runes, sizeof key, by_rune) : NULL;
    return hit ? hit->row : 0;
}

static void fill_rows(struct match_nfa *nfa, struct str pattern)
{
    uint32_t rune;
    size_t state = 0;
    while (fold_rune(&pattern, &rune)) {
        if (rune == '*') {
            set_bit(nfa->stars, state);
            continue;
        }
        for (size_t row = 0; row <= nfa->n_runes; row++)
            if (rune == '?' || row == row_of(nfa, rune))
                set_bit(nfa->rows + row * nfa->words, state);
        nfa->carets = (uint16_t)(nfa->carets + (rune == '^'));
        state++;
    }
}

static size_t count_symbols(struct str pattern)
{
    uint32_t rune;
    size_t n = 0;
    while (n <= MATCH_NFA_SYMBOLS_MAX && fold_rune(&pattern, &rune))
        n += rune != '*';
    return n;
}

struct match_nfa *match_nfa_new(struct arena *a, struct str pattern)
{
    size_t symbols = count_symbols(pattern);
    struct match_nfa *nfa =
        symbols <= MATCH_NFA_SYMBOLS_MAX ? ARENA_NEW(a, struct match_nfa) : NULL;
    if (!nfa)
        return NULL;
    nfa->symbols = symbols;
    nfa->words = symbols / 64 + 1;
    nfa->runes = ARENA_ARRAY(a, symbols, struct symbol);
    nfa->stars = ARENA_ARRAY(a, nfa->words, uint64_t);
    if (!nfa->runes || !nfa->stars)
        return NULL;
    collect(nfa, pattern);
    nfa->rows = ARENA_ARRAY(a, (nfa->n_runes + 1) * nfa->words, uint64_t);
    if (!nfa->rows)
        return NULL;
    fill_rows(nfa, pattern);
    return nfa;
}

/* Moves all states. False when none is left. */
static inline bool step(const struct match_nfa *nfa, uint64_t *states, uint32_t rune)
{
    const uint64_t *row = nfa->rows + row_of(nfa, rune) * nfa->words;
    uint64_t carry = 0, any = 0;
    for (size_t i = 0; i < nfa->words; i++) {
        uint64_t moved = states[i] & row[i];
        states[i] = moved << 1 | carry | (states[i] & nfa->stars[i]);
        carry = moved >> 63;
        any |= states[i];
    }
    return any != 0;
}

bool match_nfa_test(const struct match_nfa *nfa, struct str utf8, bool name)
{
    uint64_t states[WORDS_MAX] = {1};
    size_t carets = 0;
    uint32_t rune;
    while (fold_rune(&utf8, &rune)) {
        carets += rune == '^';
        if (!step(nfa, states, rune))
            return false;
    }
    for (; name && carets < nfa->carets; carets++)
        if (!step(nfa, states, '^'))
            return false;
    return states[nfa->symbols / 64] >> nfa->symbols % 64 & 1;
}
