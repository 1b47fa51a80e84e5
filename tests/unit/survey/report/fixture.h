/* Inventories for the report's tests, filled through the inventory's own interface. */
#ifndef LASTRA_TESTS_SURVEY_REPORT_FIXTURE_H
#define LASTRA_TESTS_SURVEY_REPORT_FIXTURE_H

#include "survey/inventory/inventory.h"

/* Two surveys, "spring" and "autumn", the later of 300 systems in the proportions of the 2022 study
 * and two suspected honeypots; one accepted risk that holds and one that has run out. */
err_t fixture_study(struct inventory *v);

/* One system in whose every text stands what `hostile` says, and one beside it. */
err_t fixture_hostile(struct inventory *v, struct str hostile);

/* A system all of whose names are to be withheld; each is in `fixture_secrets`. */
extern const char *const fixture_secrets[];
err_t fixture_secret(struct inventory *v);

/* n systems with two findings each, of as many products and places as there are systems. */
err_t fixture_many(struct inventory *v, uint32_t n);

/* A survey in which nothing was found. */
err_t fixture_empty(struct inventory *v);

/* A new inventory in a new folder under /tmp; its path into folder, removed by fixture_close. */
enum { FIXTURE_PATH = 64 };
err_t fixture_open(char folder[FIXTURE_PATH], struct inventory **ret);
void fixture_close(char folder[FIXTURE_PATH], struct inventory *v);

#endif
