/* Systems with their findings, one after the other: what inventory_systems and the diff stand on.
 * Nobody outside this folder includes it. */
#ifndef LASTRA_SURVEY_INVENTORY_SYSTEMS_H
#define LASTRA_SURVEY_INVENTORY_SYSTEMS_H

#include "survey/inventory/inside.h"

/* A system has no more findings than these; the least severe are left out. */
enum { SYSTEM_FINDINGS_MAX = 4096 };

struct systems;
err_t systems_open(struct inventory *v, int64_t survey, struct systems **ret) MUST_CHECK;
void systems_close(struct systems *s); /* NULL is fine */
/* Where the next system stands; *ret false at the end. */
err_t systems_peek(struct systems *s, struct ip *ret_ip, bool *ret) MUST_CHECK;
/* The next system, its texts and findings in the arena; *ret false at the end. */
err_t systems_next(struct systems *s, struct arena *a, struct system *ret_system,
                   struct finding **ret_findings, size_t *ret_n, bool *ret) MUST_CHECK;

#endif
