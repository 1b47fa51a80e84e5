/* Which member of struct system and struct finding stands in which column, once for writing and
 * reading. Nobody outside this folder includes it. */
#ifndef LASTRA_SURVEY_INVENTORY_COLUMNS_H
#define LASTRA_SURVEY_INVENTORY_COLUMNS_H

#include "survey/inventory/inside.h"

enum column_kind {
    COLUMN_i8,
    COLUMN_u16,
    COLUMN_int,
    COLUMN_i64,
    COLUMN_u64,
    COLUMN_bool,
    COLUMN_str,
    COLUMN_type /* enum sys_type, by its name */
};

struct column {
    const char *name;
    enum column_kind kind;
    size_t at; /* of the member */
    int below; /* COLUMN_int of an enumeration: what is not below it is read as 0; 0: any number */
};

struct columns {
    const char *table;
    const char *keys; /* the columns before these */
    size_t n_keys;
    const char *where; /* and order */
    const struct column *list;
    size_t n;
};

extern const struct columns system_columns, finding_columns;

/* "INSERT INTO table(keys,columns) VALUES(?1,...)" and "SELECT keys,columns FROM table where". */
err_t columns_insert(struct inventory *v, const struct columns *c,
                     struct sql_stmt **ret) MUST_CHECK;
err_t columns_select(struct inventory *v, const struct columns *c,
                     struct sql_stmt **ret) MUST_CHECK;
/* Binds from, and reads into, the thing (the keys are the caller's). Views of the row. */
void columns_bind(const struct columns *c, struct sql_stmt *q, const void *thing);
void columns_read(const struct columns *c, struct sql_stmt *q, void *thing);

#endif
