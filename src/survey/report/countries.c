#include "survey/report/countries.h"

#include "base/size.h"

static const struct country countries[] = {
#define COUNTRY(code, column, row, en, it) {#code, column, row, {STR_INIT(en), STR_INIT(it)}},
#include "survey/report/countries.def"
#undef COUNTRY
};

const struct country *country_at(size_t i)
{
    return i < COUNT(countries) ? &countries[i] : NULL;
}

const struct country *country_by_code(struct str code)
{
    for (size_t i = 0; i < COUNT(countries); i++)
        if (str_eq_nocase(str_z(countries[i].code), code))
            return &countries[i];
    return NULL;
}
