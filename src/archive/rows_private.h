/* Inside of rows.h, shared by its files: the statements and what is remembered between entries. */
#ifndef LASTRA_ARCHIVE_ROWS_PRIVATE_H
#define LASTRA_ARCHIVE_ROWS_PRIVATE_H

#include "archive/marks.h"
#include "archive/rows.h"

enum { TERMS = 16, TERM_MAX = 64 };

enum statement {
    FIND_UID,
    FIND_STUDY,
    FIND_SERIES,
    FIND_PATIENT,
    GET_PATIENT,
    FIND_EQUIPMENT,
    FIND_TERM,
    FIND_MARK,
    FIND_CONFLICT,
    ADD_PATIENT,
    ADD_NAME,
    ADD_GRAM,
    ADD_STUDY,
    ADD_SERIES,
    ADD_INSTANCE,
    ADD_UID,
    ADD_EQUIPMENT,
    ADD_TERM,
    ADD_CONFLICT,
    ADD_MARK,
    COUNT_SERIES,
    COUNT_STUDY,
    FLAG_STUDY,
    FILL_PATIENT,
    FILL_STUDY,
    SET_MARK,
    TALLY,
    STATEMENTS
};

struct term {
    int64_t id;
    uint8_t n;
    char text[TERM_MAX];
};

struct rows {
    struct sql *db;
    struct packs *packs;
    struct sql_stmt *q[STATEMENTS];
    uint8_t seed[UID_SEED_SIZE];
    struct term terms[TERMS];
    size_t next_term;
    struct marks marks;
};

/* The id of the one row that a statement finds; 0 when there is none. Leaves it reset. */
err_t rows_find_id(struct sql_stmt *q, int64_t *ret) MUST_CHECK;

/* The rows of a new instance, from the patient down (rows_levels.c). */
err_t rows_add_instance(struct rows *r, const struct entry *e) MUST_CHECK;

/* Adds one to "CT\SR" unless it is in it, or does not fit. */
void rows_add_modality(struct wr *w, struct str modality);

#endif
