#include "survey/report/words.h"

#include <stdio.h>
#include <time.h>

#include "base/size.h"
#include "survey/report/countries.h"

static const struct str words[WORDS][LANGUAGES] = {
#define WORD(id, en, it) [W_##id] = {STR_INIT(en), STR_INIT(it)},
#include "survey/report/words.def"
#undef WORD
};

static const struct str types[TYPE_COUNT][LANGUAGES] = {
#define TYPE(id, en, it) [TYPE_##id] = {STR_INIT(en), STR_INIT(it)},
#include "survey/core/model.def"
#undef TYPE
};

static const enum word severities[SEV_COUNT] = {W_sev_info, W_sev_low, W_sev_medium, W_sev_high,
                                                W_sev_critical};
static const enum word levels[] = {W_level_none, W_level_port, W_level_protocol, W_level_product,
                                   W_level_version};
static const enum word states[STATE_COUNT] = {W_none,      W_state_confirmed, W_state_potential,
                                              W_state_all, W_state_asserted,  W_state_unknown};
static const enum word months[12] = {W_january,   W_february, W_march,    W_april,
                                     W_may,       W_june,     W_july,     W_august,
                                     W_september, W_october,  W_november, W_december};

struct str word(enum language l, enum word w)
{
    return words[w][l];
}

struct str word_type(enum language l, enum sys_type t)
{
    return (unsigned)t < TYPE_COUNT && types[t][l].n ? types[t][l] : word(l, W_none);
}

struct str word_severity(enum language l, enum severity s)
{
    return word(l, severities[(unsigned)s < SEV_COUNT ? s : SEV_info]);
}

struct str word_level(enum language l, enum verification v)
{
    return word(l, levels[(unsigned)v < COUNT(levels) ? v : VER_none]);
}

struct str word_state(enum language l, enum match_state s)
{
    return word(l, states[(unsigned)s < STATE_COUNT ? s : STATE_none]);
}

struct str word_country(enum language l, struct str code)
{
    const struct country *c = country_by_code(code);
    return c ? c->name[l] : code;
}

struct str word_language(enum language l)
{
    return l == LANG_it ? STR("it") : STR("en");
}

static struct str text_of(char buf[NUMBER_MAX], int n)
{
    return str_of(buf, n < 0 ? 0 : size_min((size_t)n, NUMBER_MAX - 1));
}

struct str number_text(enum language l, uint64_t n, char buf[NUMBER_MAX])
{
    char digits[24];
    int have = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < have; i++) {
        if (i && (have - i) % 3 == 0)
            buf[at++] = l == LANG_it ? '.' : ',';
        buf[at++] = digits[i];
    }
    buf[at] = 0;
    return str_of(buf, at);
}

#define NBSP "\xc2\xa0"

struct str share_text(enum language l, uint64_t part, uint64_t whole, char buf[NUMBER_MAX])
{
    (void)l;
    if (!whole)
        return STR("\xe2\x80\x93");
    double share = 100.0 * (double)part / (double)whole;
    if (part && share < 1)
        return STR("<" NBSP "1" NBSP "%");
    if (part < whole && share > 99)
        return STR(">" NBSP "99" NBSP "%");
    return text_of(buf, snprintf(buf, NUMBER_MAX, "%.0f" NBSP "%%", share));
}

struct str change_text(enum language l, uint64_t before, uint64_t after, char buf[NUMBER_MAX])
{
    uint64_t gap = after > before ? after - before : before - after;
    double share = before ? 100.0 * (double)gap / (double)before : 0;
    if (!before)
        return STR("\xe2\x80\x93");
    if (gap && share < 1)
        return STR("<" NBSP "1" NBSP "%");
    char whole[NUMBER_MAX];
    struct str n = number_text(l, (uint64_t)(share + 0.5), whole);
    return text_of(buf, snprintf(buf, NUMBER_MAX, "%.*s" NBSP "%%", STR_ARG(n)));
}

struct str date_text(enum language l, struct str iso, char buf[NUMBER_MAX])
{
    uint64_t year, month, day;
    if (iso.n < 10 || iso.p[4] != '-' || iso.p[7] != '-' ||
        !str_to_u64(str_slice(iso, 0, 4), 9999, &year) ||
        !str_to_u64(str_slice(iso, 5, 2), 12, &month) || !month ||
        !str_to_u64(str_slice(iso, 8, 2), 31, &day) || !day)
        return iso;
    struct str name = word(l, months[month - 1]);
    return text_of(buf, snprintf(buf, NUMBER_MAX, "%u" NBSP "%.*s %u", (unsigned)day, STR_ARG(name),
                                 (unsigned)year));
}

struct str date_iso(int64_t us, char buf[NUMBER_MAX])
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm;
    if (us <= 0 || !gmtime_r(&t, &tm) || tm.tm_year > 8000)
        return STR("");
    return text_of(buf, snprintf(buf, NUMBER_MAX, "%04d-%02d-%02d", tm.tm_year + 1900,
                                 tm.tm_mon + 1, tm.tm_mday));
}

struct str cvss_text(enum language l, int cvss, char buf[NUMBER_MAX])
{
    if (cvss < 0)
        return STR("\xe2\x80\x93");
    return text_of(
        buf, snprintf(buf, NUMBER_MAX, "%d%c%d", cvss / 10, l == LANG_it ? ',' : '.', cvss % 10));
}
