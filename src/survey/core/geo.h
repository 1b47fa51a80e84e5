/* Address to country from a MaxMind-format database that the owner supplies (libmaxminddb). */
#ifndef LASTRA_SURVEY_CORE_GEO_H
#define LASTRA_SURVEY_CORE_GEO_H

#include "survey/core/ip.h"

struct geo;
err_t geo_open(const char *path, struct geo **ret, struct diag *d) MUST_CHECK;
void geo_close(struct geo *g); /* NULL is fine */
/* ISO 3166-1 alpha-2 into ret with a NUL; false when it is not known. g may be NULL. */
bool geo_country(const struct geo *g, const struct ip *ip, char ret[3]);

#endif
