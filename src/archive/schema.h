/* The index's tables, their version and the steps from one version to the next. SQL that SQLite and
 * PostgreSQL both understand, but for what the engine's own words at the top of schema.c say. */
#ifndef LASTRA_ARCHIVE_SCHEMA_H
#define LASTRA_ARCHIVE_SCHEMA_H

#include "store/sql.h"

enum {
    SCHEMA_VERSION = 1,
    /* An instance's row id is its series' times this plus its number of arrival in the series, so
     * that a series' instances lie together and need no index. */
    SERIES_SPAN = 1 << 24,
    STUDY_DATE_UNKNOWN = 0,
    STUDY_TIME_UNKNOWN = -1,
    STUDY_OTHER_PATIENT = 1, /* study.flags: objects came that name another patient */
};

/* Makes the tables of an empty index, or takes an older one to this version, in one transaction.
 * E_UNSUPPORTED: a newer version of the program wrote it. */
err_t schema_prepare(struct sql *s, struct diag *d) MUST_CHECK;

/* Only looks: E_UNSUPPORTED when the version is not this one. */
err_t schema_check(struct sql *s, struct diag *d) MUST_CHECK;

/* The seed for uid_key, made with the tables. */
err_t schema_seed(struct sql *s, uint8_t ret[16], struct diag *d) MUST_CHECK;

#endif
