#include "survey/identify/fp_table.h"

#include "base/size.h"
#include "survey/identify/fingerprint_table.h"

_Static_assert(COUNT(fp_rows) == COUNT(fp_plans), "a plan for each row");

size_t fingerprint_count(void)
{
    return COUNT(fp_rows);
}

const struct fingerprint *fingerprint_at(size_t i)
{
    return i < COUNT(fp_rows) ? &fp_rows[i] : NULL;
}

/* Rows stand in the order of their ids. */
const struct fingerprint *fingerprint_by_id(struct str id)
{
    size_t low = 0, high = COUNT(fp_rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(fp_rows[middle].id, id);
        if (order == 0)
            return &fp_rows[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct fp_plan *fp_table_plan(size_t row)
{
    return &fp_plans[row];
}

const struct str *fp_table_texts(size_t *ret_n)
{
    *ret_n = COUNT(fp_texts);
    return fp_texts;
}

uint32_t fp_table_layers(enum ev_kind kind)
{
    return (unsigned)kind < EV_KINDS ? fp_layers_of_kind[kind] : 0;
}

static bool hex_digits(struct str mac, char *ret, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < mac.n; i++) {
        char c = mac.p[i];
        if (c == ':' || c == '-' || c == '.' || c == ' ')
            continue;
        char low = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
        if (n == cap || !((low >= '0' && low <= '9') || (low >= 'a' && low <= 'f')))
            return false;
        ret[n++] = low;
    }
    *ret_n = n;
    return true;
}

/* The longest prefix wins: registries give out 28 and 36 bits inside a block of 24. */
const struct fingerprint *fp_by_mac(struct str mac)
{
    char hex[12];
    size_t n, best = 0;
    const struct fingerprint *found = NULL;
    if (!hex_digits(mac, hex, sizeof(hex), &n))
        return NULL;
    for (size_t i = 0; i < COUNT(fp_rows); i++) {
        const struct fp_plan *p = &fp_plans[i];
        if (!(p->layer & fp_layers_of_kind[EV_mac]))
            continue;
        if (fp_texts[p->first].n > best && str_starts(str_of(hex, n), fp_texts[p->first])) {
            best = fp_texts[p->first].n;
            found = &fp_rows[i];
        }
    }
    return found;
}

const struct fingerprint *fp_never_probe_mac(struct str mac)
{
    const struct fingerprint *fp = fp_by_mac(mac);
    return fp && fp->never_probe ? fp : NULL;
}
