/* Input in pieces: the first byte chooses how large, so that a run and its repetition differ only
 * in where the pieces end. */
#ifndef LASTRA_FUZZ_WIRE_PIECES_H
#define LASTRA_FUZZ_WIRE_PIECES_H

#include "base/str.h"

static inline struct str next_piece(struct str *rest, size_t size)
{
    struct str piece = str_slice(*rest, 0, size ? size : rest->n);
    *rest = str_slice(*rest, piece.n, rest->n);
    return piece;
}

#endif
