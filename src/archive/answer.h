/* An answer to a query: the keys that were asked for, with a row's values (PS3.4 C.4.1.1.3.2). */
#ifndef LASTRA_ARCHIVE_ANSWER_H
#define LASTRA_ARCHIVE_ANSWER_H

#include "archive/row.h"

/* In the arena. retrieve_ae may be empty. */
err_t answer_of(struct row *r, struct str retrieve_ae, struct arena *a,
                struct dcm_ds **ret) MUST_CHECK;

#endif
