#include "survey/report/counts.h"

#include <ctype.h>

#include "base/size.h"
#include "survey/report/words.h"

unsigned tier_of(enum severity s)
{
    return s >= SEV_high ? 0 : s == SEV_medium ? 1 : 2;
}

struct str name_number(uint64_t seq, char buf[NAME_MAX_TEXT])
{
    struct wr w = wr_fixed(buf, NAME_MAX_TEXT);
    wr_printf(&w, "S-%04llu", (unsigned long long)seq);
    return wr_str(&w);
}

struct str name_example(const struct report *r, const struct example *e, char buf[NAME_MAX_TEXT])
{
    struct wr w = wr_fixed(buf, NAME_MAX_TEXT);
    char ip[IP_TEXT_MAX];
    if (r->redact)
        wr_printf(&w, "S-%04llu", (unsigned long long)e->seq);
    else if (ip_is_v4(&e->ip) || !e->port)
        wr_put(&w, ip_text(&e->ip, ip));
    else
        wr_printf(&w, "[%.*s]", STR_ARG(ip_text(&e->ip, ip)));
    if (e->port)
        wr_printf(&w, ":%u", e->port);
    return wr_str(&w);
}

struct str name_place(const struct report *r, enum place what, size_t i, struct str key,
                      char buf[NAME_MAX_TEXT])
{
    if (!key.n)
        return word(r->language, W_not_known);
    if (what == PLACE_country)
        return word_country(r->language, key);
    if (!r->redact)
        return key;
    struct wr w = wr_fixed(buf, NAME_MAX_TEXT);
    wr_put(&w, word(r->language, what == PLACE_site ? W_site_n : W_zone_n));
    wr_printf(&w, " %zu", i + 1);
    return wr_str(&w);
}

struct str name_survey(const struct report *r, const struct survey *s, char buf[NAME_MAX_TEXT])
{
    if (!r->redact)
        return str_z(s->name);
    char iso[NUMBER_MAX];
    struct wr w = wr_fixed(buf, NAME_MAX_TEXT);
    wr_put(&w, date_iso(s->began_us, iso));
    return wr_str(&w);
}

static bool holds(struct str text, struct str what)
{
    if (what.n < 3)
        return false;
    for (size_t i = 0; i + what.n <= text.n; i++)
        if (str_eq_nocase(str_slice(text, i, what.n), what))
            return true;
    return false;
}

/* A version of four numbers is no address, unless it is one of a private range. */
static bool is_version(struct str text)
{
    static const char *const private[] = {"10.", "172.", "192.168."};
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum((uint8_t)text.p[i]) && text.p[i] != '.')
            return false;
    for (size_t i = 0; i < COUNT(private); i++)
        if (str_starts(text, str_z(private[i])))
            return false;
    return true;
}

/* A dotted quad or a hardware address somewhere in the text. */
static bool holds_address(struct str text)
{
    if (is_version(text))
        return false;
    unsigned dots = 0, colons = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        bool separator =
            (c == '.' || c == ':' || c == '-') && i && isxdigit((uint8_t)text.p[i - 1]);
        dots = c == '.' && separator ? dots + 1 : isdigit(c) ? dots : 0;
        colons = (c == ':' || c == '-') && separator ? colons + 1 : isxdigit(c) ? colons : 0;
        bool goes_on = i + 1 < text.n && isxdigit((uint8_t)text.p[i + 1]);
        if ((dots == 3 && c == '.' && goes_on) || (colons >= 5 && goes_on))
            return true;
    }
    return false;
}

struct str name_safe(const struct report *r, const struct system *s, struct str text)
{
    if (!r->redact)
        return text;
    char ip[IP_TEXT_MAX];
    const struct str secrets[] = {s->hostname,
                                  s->site,
                                  s->zone,
                                  s->owner,
                                  s->organisation,
                                  s->city,
                                  r->notes[NOTE_owner],
                                  ip_text(&s->ip, ip)};
    for (size_t i = 0; i < COUNT(secrets); i++)
        if (holds(text, secrets[i]))
            return word(r->language, W_withheld);
    return holds_address(text) ? word(r->language, W_withheld) : text;
}

struct str name_product(const struct answer *a, char buf[NAME_MAX_TEXT])
{
    if (!a->vendor.n || !a->name.n || str_eq_nocase(str_slice(a->name, 0, a->vendor.n), a->vendor))
        return a->name;
    if (a->vendor.n + a->name.n + 1 > NAME_MAX_TEXT)
        return a->name;
    struct wr w = wr_fixed(buf, NAME_MAX_TEXT);
    wr_put(&w, a->vendor);
    wr_u8(&w, ' ');
    wr_put(&w, a->name);
    return wr_str(&w);
}

static err_t step(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    struct walk *walk = ctx;
    if (walk->r->stop && stop_is_set(walk->r->stop))
        return E_STOPPED;
    walk->seq++;
    TRY(walk->each(walk, s, f, n));
    return walk->w && walk->w->bad ? E_LIMIT : OK;
}

err_t walk_systems(struct walk *walk)
{
    walk->seq = 0;
    return inventory_systems(walk->r->v, walk->r->survey.id, step, walk);
}
