#include "survey/identify/tally.h"

#include "base/wr.h"

static bool is_alternative(struct str name, struct str names)
{
    while (names.n > 0) {
        size_t at = 0;
        while (at < names.n && !str_starts(str_slice(names, at, 3), STR(" / ")))
            at++;
        if (str_eq_nocase(str_slice(names, 0, at), name))
            return true;
        names = str_slice(names, at < names.n ? at + 3 : at, names.n);
    }
    return false;
}

bool same_product(struct str a, struct str b)
{
    return str_eq_nocase(a, b) || is_alternative(a, b) || is_alternative(b, a);
}

bool same_maker(struct str a, struct str b)
{
    struct str x = str_slice(a, 0, str_find(a, ' ')), y = str_slice(b, 0, str_find(b, ' '));
    return str_eq_nocase(x, y);
}

enum confidence tally_confidence(unsigned points)
{
    return points >= POINTS_high     ? CONF_high
           : points >= POINTS_medium ? CONF_medium
           : points >= POINTS_weak   ? CONF_low
                                     : CONF_none;
}

static struct entry *entry_of(struct tally *t, struct str vendor, struct str name)
{
    for (size_t i = 0; i < t->n; i++) {
        struct entry *e = &t->at[i];
        if (!same_product(e->name, name))
            continue;
        if (name.n < e->name.n) { /* the more exact of "OsiriX" and "OsiriX / Horos" */
            e->name = name;
            e->vendor = vendor;
        }
        return e;
    }
    if (t->n == TALLY_MAX)
        return NULL;
    t->at[t->n] = (struct entry){.vendor = vendor, .name = name};
    return &t->at[t->n++];
}

/* Two readings of one thing are one signal: two hashes of an icon, two lines of one page. */
static bool same_signal(const struct clue *a, const struct clue *b)
{
    struct str x = a->fp->layer, y = b->fp->layer;
    return str_eq(x, y) || (str_starts(x, STR("favicon")) && str_starts(y, STR("favicon")));
}

static bool speaks_for(const struct clue *c, tally_name *name, const struct entry *e)
{
    struct str v, n;
    return name(c, &v, &n) && same_product(n, e->name);
}

/* Whether another clue for the same entry tells the same signal with more weight, or before. */
static bool is_covered(const struct clues *c, size_t i, tally_name *name, const struct entry *e)
{
    for (size_t k = 0; k < c->n; k++) {
        const struct clue *o = &c->at[k];
        if (k != i && same_signal(o, &c->at[i]) && speaks_for(o, name, e) &&
            (o->points > c->at[i].points || (o->points == c->at[i].points && k < i)))
            return true;
    }
    return false;
}

/* What was read takes the place of what somebody says. */
static void take_version(struct entry *e, const struct clue *c)
{
    bool said = c->fact->kind == EV_said_product || c->fact->kind == EV_said_cpe;
    if (c->version.n == 0 || (e->version.n && said && !e->version_said))
        return;
    bool first = !e->version.n || (e->version_said && !said);
    if (!first && c->points == e->version_points && !str_eq(e->version, c->version))
        e->clash = true;
    if (first || c->points > e->version_points) {
        e->version = c->version;
        e->version_points = c->points;
        e->version_said = said;
        e->clash = false;
    }
}

static void sort(struct tally *t)
{
    for (size_t i = 1; i < t->n; i++) {
        struct entry e = t->at[i];
        size_t k = i;
        for (; k > 0 && t->at[k - 1].points < e.points; k--)
            t->at[k] = t->at[k - 1];
        t->at[k] = e;
    }
}

void tally_count(struct tally *t, const struct clues *c, tally_name *name)
{
    t->n = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct str vendor, product;
        if (name(&c->at[i], &vendor, &product))
            (void)entry_of(t, vendor, product);
    }
    for (size_t i = 0; i < c->n; i++) {
        const struct clue *clue = &c->at[i];
        struct str vendor, product;
        struct entry *e = name(clue, &vendor, &product) ? entry_of(t, vendor, product) : NULL;
        if (!e)
            continue;
        if (!e->best || clue->points > e->best->points)
            e->best = clue;
        if (!is_covered(c, i, name, e))
            e->points += clue->points;
        take_version(e, clue);
    }
    sort(t);
}

void tally_why(struct wr *w, const struct clues *c, tally_name *name, const struct entry *e)
{
    size_t told = 0;
    for (unsigned points = POINTS_high; points > 0; points--) {
        for (size_t i = 0; i < c->n && told < WHY_CLUES; i++) {
            if (c->at[i].points != points || !speaks_for(&c->at[i], name, e) ||
                is_covered(c, i, name, e))
                continue;
            wr_printf(w, "%s", told++ ? ", " : "");
            clue_text(w, c->at[i].fact, c->at[i].fp);
        }
    }
}
