#include "survey/identify/correlate.h"

#include "survey/identify/fingerprint.h"

struct str correlate_rule(struct str rule, struct str toolkit, struct str version)
{
    struct str found = {NULL, 0}, part;
    bool fits = false;
    while (str_split(&rule, ' ', &part)) {
        size_t sign = str_find(part, '=');
        struct str name = str_slice(part, 0, sign), value = str_slice(part, sign + 1, part.n);
        if (str_eq(name, STR("toolkit")))
            fits = str_eq_nocase(value, toolkit);
        else if (str_eq(name, version))
            found = value;
    }
    return fits ? found : (struct str){NULL, 0};
}

void correlate_text(struct wr *why, struct str product, const struct answer *toolkit)
{
    if (toolkit->version.n == 0)
        return;
    for (size_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fp = fingerprint_at(i);
        if (!str_eq(fp->layer, STR("correlation")) || !str_eq(fp->product, product))
            continue;
        struct str range = correlate_rule(fp->pattern, toolkit->name, toolkit->version);
        if (range.n)
            wr_printf(why, "; %.*s %.*s fits %.*s %.*s (%.*s)", STR_ARG(toolkit->name),
                      STR_ARG(toolkit->version), STR_ARG(product), STR_ARG(range), STR_ARG(fp->id));
    }
}
