/* Query (PS3.4 C): an identifier in, matching answers out one by one, as the index yields them.
 *
 *     query_open(archive, &options, identifier, &q, &diag);
 *     while (query_next(q, &answer) == OK && answer) ...
 *     query_close(q);
 *
 * The index narrows, dicom/match.h decides: nothing from an identifier ever becomes SQL text, and
 * every kind of matching is decided in one place. Memory is bounded whatever the number of
 * answers; no read transaction is held for long, so that a slow requester holds back nobody.
 */
#ifndef LASTRA_ARCHIVE_QUERY_H
#define LASTRA_ARCHIVE_QUERY_H

#include "archive/archive.h"
#include "dicom/dataset.h"

enum query_model { QUERY_PATIENT_ROOT, QUERY_STUDY_ROOT, QUERY_PATIENT_STUDY_ONLY };
enum query_level { QUERY_PATIENT, QUERY_STUDY, QUERY_SERIES, QUERY_IMAGE };

struct query_options {
    enum query_model model;
    bool relational;      /* negotiated (PS3.4 C.5.1.1): keys of higher levels need not be given */
    bool datetime;        /* negotiated: dates and times of a pair match as one */
    uint64_t max_answers; /* 0: no limit; past it E_LIMIT */
    int64_t deadline;     /* io/clock.h; 0: none; past it E_TIMEOUT */
    struct str retrieve_ae; /* what Retrieve AE Title answers; empty: left out */
};

struct query;

/* E_MISMATCH: the identifier does not fit the model: level missing or unknown, a unique key above
 * the level missing, a wildcard or list in one without relational queries [A900]; *ret_offending is
 * the tag at fault. E_MALFORMED: a value cannot be a key of its kind (a date, a UID) [A900].
 * E_BUSY: no reading connection in time [A700]. ret_offending and d may be NULL. */
err_t query_open(struct archive *a, const struct query_options *o, const struct dcm_ds *identifier,
                 struct query **ret, tag_t *ret_offending, struct diag *d) MUST_CHECK;

/* The next answer, valid until the next call (its arena has room for a few more elements); NULL at
 * the end. Holds Query/Retrieve Level, Specific
 * Character Set where it is needed, Retrieve AE Title, Instance Availability, and the keys asked
 * for that are supported. E_CANCELLED after query_cancel, E_TIMEOUT, E_LIMIT, E_INDEX, E_NOMEM. */
err_t query_next(struct query *q, struct dcm_ds **ret) MUST_CHECK;

/* Some optional key was not supported for matching or as a return key: answers go out with FF01. */
bool query_has_unsupported(const struct query *q);
enum query_level query_level(const struct query *q);
uint64_t query_answers(const struct query *q);

/* From any thread: the running or next query_next ends with E_CANCELLED. */
void query_cancel(struct query *q);
void query_close(struct query *q);

#endif
