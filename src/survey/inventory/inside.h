/* What the files of this folder share; nobody else includes it. */
#ifndef LASTRA_SURVEY_INVENTORY_INSIDE_H
#define LASTRA_SURVEY_INVENTORY_INSIDE_H

#include "store/keys.h"
#include "store/sql.h"
#include "survey/inventory/inventory.h"
#include "survey/inventory/place.h"

enum query_id {
#define QUERY(id, text) Q_##id,
#include "survey/inventory/queries.def"
#undef QUERY
    Q_COUNT
};

/* Texts of the inventory, in bytes. What is longer is cut (clean_text). */
enum {
    TEXT_MAX = 4096,
    FLOW_TEXT_MAX = 2048,
    SURVEY_NOTE_NAME_MAX = 64,
    RUN_SOURCE_MAX = 32,
    RISKS_MAX = 10000,
    SURVEYS_MAX = 1000,
    EVIDENCE_BYTES_MAX = 65536
};

struct pending;

struct inventory {
    int dir, lock_fd;
    enum inventory_mode mode;
    struct keys keys;
    struct sql *db;
    struct sql_stmt *queries[Q_COUNT];
    struct pending *pending; /* NULL when looking */
    int64_t concluding;      /* the survey, between begin and end; else 0 */
    struct sql_stmt *put_system, *put_finding;
    struct diag diag; /* ours; empty: the database's tells */
};

/* A statement of queries.def, compiled at its first use. */
err_t inside_query(struct inventory *v, enum query_id id, struct sql_stmt **ret) MUST_CHECK;
/* Runs it after the caller bound its parameters: one row at most, of which the first column is the
 * number; *ret_row says whether there was one. */
err_t inside_number(struct sql_stmt *q, int64_t *ret, bool *ret_row) MUST_CHECK;

/* The reason into the inventory's diag. */
err_t inside_fail(struct inventory *v, err_t e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Passes an error on, with the inventory's reason in d. */
err_t inside_tell(const struct inventory *v, err_t e, struct diag *d) MUST_CHECK;

/* E_DENIED when the inventory was opened to be looked at. */
err_t inside_may_write(struct inventory *v) MUST_CHECK;

/* Begins a transaction; commit, or roll back when e is not OK, and pass e on. */
err_t inside_begin(struct inventory *v) MUST_CHECK;
err_t inside_end(struct inventory *v, err_t e) MUST_CHECK;

/* A number that must fit a column. */
int64_t inside_i64(uint64_t v);
/* A time or span of a database that may be anybody's, such that two of them can be added. */
int64_t inside_time(int64_t v);
/* A text as it may be kept: clean, at most cap bytes; in the arena where it had to be changed. */
err_t inside_clean(struct arena *a, struct str text, size_t cap, struct str *ret) MUST_CHECK;
/* YYYY-MM-DD of a time; empty for 0. */
enum { DAY_SIZE = 11 };
struct str inside_day(int64_t us, char buf[DAY_SIZE]);

#endif
