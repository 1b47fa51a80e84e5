/* A row of a plan's statement as the attributes it stands for: their values as UTF-8 text, and
 * whether they match. */
#ifndef LASTRA_ARCHIVE_ROW_H
#define LASTRA_ARCHIVE_ROW_H

#include "archive/archive_private.h"
#include "archive/plan.h"

/* What rows are read with: one for the life of a query. */
struct row_reader {
    struct archive *a;
    const struct keys_of *keys;
    struct arena scratch; /* of one row */
    struct wr head;       /* an object's header part, when a key needs it */
    struct header header;
    struct charset_conv *conv;
};

struct row {
    struct row_reader *reader;
    struct sql *db;
    struct sql_stmt *q; /* the statement on its row */
    struct str equipment;
    bool has_equipment;
    bool has_sums;
    int64_t sums[3];   /* studies, series, instances of the patient */
    struct dcm_ds *ds; /* the header part, once wanted; NULL when it cannot be read */
    bool has_ds;
};

err_t row_reader_init(struct row_reader *r, struct archive *a,
                      const struct keys_of *keys) MUST_CHECK;
void row_reader_done(struct row_reader *r);

/* The row that the statement stands on. Values live until the next row_begin. */
struct row row_begin(struct row_reader *r, struct sql *db, struct sql_stmt *q);

/* The value of an attribute that is no sequence; empty when there is none. */
err_t row_text(struct row *r, const struct attr *at, struct str *ret) MUST_CHECK;

/* A sequence's element, in UTF-8, in the arena; NULL when there is none. */
err_t row_sequence(struct row *r, const struct attr *at, struct arena *a,
                   const struct dcm_elem **ret) MUST_CHECK;

/* The object's header part as it came; NULL when it cannot be read. */
err_t row_header(struct row *r, const struct dcm_ds **ret) MUST_CHECK;

/* Whether every key matches. */
err_t row_matches(struct row *r, bool *ret) MUST_CHECK;

#endif
