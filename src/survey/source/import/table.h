/* Tables of hosts or endpoints: a row of names, then a row each. What the two formats that are
 * tables share. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_TABLE_H
#define LASTRA_SURVEY_SOURCE_IMPORT_TABLE_H

#include "survey/source/import/importer.h"

/* What a column is, beside facts. */
enum column_what {
    COLUMN_FACT,
    COLUMN_IP,
    COLUMN_PORT,
    COLUMN_TIME,
    COLUMN_PRODUCT,
    COLUMN_PRODUCT_VERSION,
    COLUMN_BANNER,
    COLUMN_NOTHING
};

struct column {
    const char *name; /* in lower case, words joined by '_' */
    enum column_what what;
    enum ev_kind kind; /* COLUMN_FACT */
};

struct table_format {
    const struct column *columns;
    size_t n;
    enum ev_by by;
    bool any_fact;     /* a column may have the name of any kind of evidence */
    const char *wants; /* what is said when no column is an address */
};

/* Of importers whose format is a table_format. */
extern const struct import_reader table_reader;
/* Whether the first line names an address column. */
bool table_looks(const struct table_format *f, struct str head);

#endif
