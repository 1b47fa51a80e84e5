/* Audit events of what a person does to studies at the command line. */
#ifndef LASTRA_APP_TRAIL_H
#define LASTRA_APP_TRAIL_H

#include "access/audit.h"

/* One study: imported, exported, deleted, its instances deleted or updated. The person is the
 * account that runs the command; medium: the folder it went to or came from, may be empty. */
err_t trail_study(struct audit *a, enum audit_kind kind, struct str study, struct str patient_id,
                  struct str medium, uint64_t instances, const char *text) MUST_CHECK;

#endif
