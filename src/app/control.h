/* Changing an archive while it is served: commands such as `lastra remove` ask the serving process
 * over DATA/control, a local socket of the archive's own account. One question, one answer: words
 * separated by NULs. */
#ifndef LASTRA_APP_CONTROL_H
#define LASTRA_APP_CONTROL_H

#include "app/data.h"
#include "archive/remove.h"

struct control;

/* The serving side: a thread that answers until control_stop. */
err_t control_start(struct data *data, struct control **ret, struct diag *d) MUST_CHECK;
void control_stop(struct control *c); /* NULL is fine */

/* The asking side, and who works on the archive itself, alike: on an archive that is open for work
 * the thing is done here, on one open for looking the serving process is asked. */
err_t control_remove(struct data *data, enum query_level level, struct str uid,
                     struct remove_counts *ret, struct diag *d) MUST_CHECK;
err_t control_settle(struct data *data, int64_t conflict, enum conflict_choice choice,
                     struct diag *d) MUST_CHECK;

/* Opens for work, or, when another process serves the archive, for looking. */
err_t control_open(struct data *data, struct str path, struct diag *d) MUST_CHECK;

#endif
