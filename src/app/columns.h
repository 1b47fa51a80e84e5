/* Rows of text with aligned columns, for people: column widths come from the first rows, which are
 * held back until there are enough of them; later rows follow as they come. Control bytes are
 * escaped. */
#ifndef LASTRA_APP_COLUMNS_H
#define LASTRA_APP_COLUMNS_H

#include "base/arena.h"
#include "base/wr.h"

enum { COLUMNS_MAX = 64, COLUMNS_HELD = 200 };

struct columns {
    struct arena arena; /* the rows held back */
    struct str *cells;
    size_t n, n_columns;
    size_t widths[COLUMNS_MAX];
    bool open; /* widths are fixed */
};

/* The heads are the first row. E_NOMEM. */
err_t columns_begin(struct columns *r, const struct str *heads, size_t columns) MUST_CHECK;
/* What can be written now goes to out. */
err_t columns_add(struct columns *r, const struct str *cells, struct wr *out) MUST_CHECK;
/* The rest. */
void columns_end(struct columns *r, struct wr *out);
/* NULL and a zeroed struct are fine. */
void columns_done(struct columns *r);

#endif
