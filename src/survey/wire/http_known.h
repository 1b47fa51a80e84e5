/* Pages of known products that need no sign-in and name product and version. For survey/wire's own
 * files. */
#ifndef LASTRA_SURVEY_WIRE_HTTP_KNOWN_H
#define LASTRA_SURVEY_WIRE_HTTP_KNOWN_H

#include "survey/core/evidence.h"

/* Facts of the page at path when it is one of the table: http_json, fhir_*. What was read before a
 * body breaks off counts. */
err_t http_known_facts(struct str body, struct str path, enum ev_by by,
                       struct evidence *e) MUST_CHECK;

/* Whether a page that answers 200 with this body shows that signing in is off: of the table, and
 * behind the sign-in where there is one. */
bool http_known_guarded(struct str path, struct str body);

#endif
