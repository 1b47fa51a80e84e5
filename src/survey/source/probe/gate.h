/* Hosts where no packet may go (safety rule 5): what earlier looks, captures and the site's own
 * list know of patient monitors, pumps, ventilators, defibrillators, dialysis machines and
 * analysers, and what the scope forbids by name and hardware address. Made before the first packet.
 */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_GATE_H
#define LASTRA_SURVEY_SOURCE_PROBE_GATE_H

#include "survey/identify/fingerprint.h"
#include "survey/inventory/inventory.h"
#include "survey/source/probe/scope.h"

enum { GATE_MAX = 1 << 20 };

struct gate;
/* From all surveys of the inventory, newest and oldest: what was a pump last year is one. E_LIMIT:
 * more than GATE_MAX such hosts in the scope. */
err_t gate_new(struct inventory *v, const struct scope *s, struct gate **ret,
               struct diag *d) MUST_CHECK;
void gate_free(struct gate *g); /* NULL is fine */
/* Why it must not be probed, a literal; NULL when it may. */
const char *gate_forbids(const struct gate *g, const struct ip *ip);
/* The same of what an answer just told: nothing more goes there. */
const char *gate_recognises(const struct gate *g, struct fp_matcher *m, const struct evidence *e);
/* Hosts of the scope that are on it. */
size_t gate_count(const struct gate *g);

#endif
