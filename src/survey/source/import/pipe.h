/* Inside of the import driver: reading, understanding and writing down at the same time. One thread
 * reads the file and inflates, others make evidence of it, the caller's puts it into the inventory
 * in the order of the file. What is between them is bounded. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_PIPE_H
#define LASTRA_SURVEY_SOURCE_IMPORT_PIPE_H

#include "survey/source/source.h"

/* From run->position on, which counts lines or records. run's figures are kept with it: everything
 * before the position is in the inventory, nothing of it is lost when it breaks off. *sum grows. */
err_t pipe_run(const struct source_run *r, const struct importer *imp, bool by_line,
               struct input *in, struct run *run, struct source_sum *sum,
               struct diag *d) MUST_CHECK;

#endif
