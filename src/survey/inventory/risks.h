/* Accepted risks held against findings. Nobody outside this folder includes it. */
#ifndef LASTRA_SURVEY_INVENTORY_RISKS_H
#define LASTRA_SURVEY_INVENTORY_RISKS_H

#include "survey/inventory/inside.h"

struct risks;
/* Those that run today or later. */
err_t risks_load(struct inventory *v, struct risks **ret) MUST_CHECK;
void risks_free(struct risks *r); /* NULL is fine */
/* Sets the finding's accepted_* when one covers it: of several, the one that runs longest. Views
 * into r. */
void risks_apply(const struct risks *r, const struct system *s, struct finding *f);

#endif
