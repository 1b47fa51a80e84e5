/* Countries: names and the tile map (countries.def). */
#ifndef LASTRA_SURVEY_REPORT_COUNTRIES_H
#define LASTRA_SURVEY_REPORT_COUNTRIES_H

#include "survey/assess/finding.h"

struct country {
    char code[3];
    int column, row; /* -1: no tile */
    struct str name[LANGUAGES];
};
enum { COUNTRY_COLUMNS = 29, COUNTRY_ROWS = 17 };
const struct country *country_at(size_t i); /* NULL past the end; in order of the code */
/* By ISO 3166-1 alpha-2, any case; NULL. */
const struct country *country_by_code(struct str code);

#endif
