/* How the index finds the rows that an identifier may match: which of its keys leads, through which
 * index, in which order. What leads only narrows; every key is tested on every row afterwards. The
 * SQL is put together from constant pieces, and nothing from an identifier is ever in it.
 *
 * Rows come in an order that the leading index has anyway, and the last row's place in that order
 * is enough to go on after it: no statement and no read transaction need stay open for long. */
#ifndef LASTRA_ARCHIVE_PLAN_H
#define LASTRA_ARCHIVE_PLAN_H

#include "archive/keys.h"

enum {
    PLAN_ORDER_MAX = 6,
    PLAN_SQL_MAX = 2048,
    PLAN_RESUME = 3 /* first parameter of the resume */
};

/* Columns of every plan's rows, as far as its level goes; the order columns follow. */
enum plan_column {
    ROW_PATIENT,
    ROW_PATIENT_ID,
    ROW_ISSUER,
    ROW_PATIENT_EXTRA,
    ROW_STUDY,
    ROW_STUDY_UID,
    ROW_STUDY_DATE,
    ROW_STUDY_TIME,
    ROW_ACCESSION,
    ROW_MODALITIES,
    ROW_STUDY_SERIES,
    ROW_STUDY_INSTANCES,
    ROW_STUDY_EXTRA,
    ROW_SERIES,
    ROW_SERIES_UID,
    ROW_SERIES_NUMBER,
    ROW_MODALITY,
    ROW_SERIES_INSTANCES,
    ROW_EQUIPMENT,
    ROW_SERIES_EXTRA,
    ROW_INSTANCE,
    ROW_SOP_UID,
    ROW_CLASS,
    ROW_SYNTAX,
    ROW_NUMBER,
    ROW_ROWS,
    ROW_COLUMNS,
    ROW_FRAMES,
    ROW_SIZE,
    ROW_PACK,
    ROW_AT,
    ROW_END
};

enum plan_lead {
    LEAD_SOP_UID,
    LEAD_SERIES_UID,
    LEAD_STUDY_UID,
    LEAD_PATIENT_ID,
    LEAD_ACCESSION,
    LEAD_DATE,
    LEAD_NAME,
    LEAD_PATIENT_ID_PREFIX,
    LEAD_ACCESSION_PREFIX,
    LEAD_GRAM,
    LEAD_NAME_PART,
    LEAD_ALL_PATIENTS,
    LEAD_ALL_STUDIES,
};

/* One turn of the leading key: a list of UIDs takes one for each. */
struct plan_value {
    struct str lo, hi; /* text or packed UID; hi is past the end */
    int64_t lo_i, hi_i;
};

struct plan {
    enum plan_lead lead;
    enum query_level level;
    const struct match *match; /* of the leading key; NULL for all */
    size_t n_values;
    size_t first_order, n_order; /* the row's columns that say its place in the order */
};

/* Chooses. Never fails: in the end every study is looked at. */
struct plan plan_make(const struct keys_of *k);

/* Whether a component group of a name is what the leading name key looks for: the rows of the
 * table of names are, and a patient can have several. */
bool plan_takes_name(const struct plan *p, const struct plan_value *v, struct str group);

/* The i-th turn's bounds, in the arena. */
err_t plan_value(const struct plan *p, const uint8_t seed[16], size_t i, struct arena *a,
                 struct plan_value *ret) MUST_CHECK;

/* Whether a turn looks for the same as the one before it (a UID twice in a list). */
bool plan_is_repeat(const struct plan *p, size_t i);

/* Whether the i-th order column is text; else a whole number. */
bool plan_order_is_text(const struct plan *p, size_t i);

/* The parameter that bounds the first order column from below, so that a resumed statement does not
 * walk over what was seen; 0: none. */
int plan_lower(const struct plan *p);

/* The statement; resume: with a lower bound for the order columns (parameters from PLAN_RESUME). */
void plan_sql(const struct plan *p, bool resume, struct wr *w);

/* Binds the bounds of a turn. */
void plan_bind(const struct plan *p, const struct plan_value *v, struct sql_stmt *q);

#endif
