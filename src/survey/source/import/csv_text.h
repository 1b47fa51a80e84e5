/* CSV (RFC 4180) as it comes in pieces: cells separated by ',', ';' or a tab, whichever the first
 * line has most of; quoted cells with doubled quotes and line ends in them; a byte order mark
 * passed over. Spreadsheet formulas are text like any other. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_CSV_TEXT_H
#define LASTRA_SURVEY_SOURCE_IMPORT_CSV_TEXT_H

#include "base/wr.h"

enum { CSV_CELLS_MAX = 256, CSV_ROW_MAX = 1 << 20 };

struct csv_calls {
    /* A row; views until it returns. over: it had more cells or bytes than are kept. Rows without
     * anything are not told. */
    err_t (*row)(void *ctx, const struct str *cells, size_t n, bool over);
    void *ctx;
};

struct csv {
    struct csv_calls calls;
    char separator; /* '\0': not known yet */
    bool quoted, after_quote, any, over, cr;
    struct wr text;
    uint32_t ends[CSV_CELLS_MAX];
    size_t n;
    uint8_t mark; /* bytes of a byte order mark seen */
};

void csv_init(struct csv *c, const struct csv_calls *calls);
void csv_done(struct csv *c);
/* The separator that a text's first line speaks for. */
char csv_separator(struct str head);
err_t csv_feed(struct csv *c, struct str bytes) MUST_CHECK;
/* The last row, when it has no line end. */
err_t csv_end(struct csv *c) MUST_CHECK;

#endif
