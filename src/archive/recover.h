/* At start: what the packs hold past the position that the index recorded is put into it. */
#ifndef LASTRA_ARCHIVE_RECOVER_H
#define LASTRA_ARCHIVE_RECOVER_H

#include "archive/archive_private.h"

/* Before the committer runs. */
err_t archive_recover(struct archive *a, struct archive_recovery *ret, struct diag *d) MUST_CHECK;

#endif
