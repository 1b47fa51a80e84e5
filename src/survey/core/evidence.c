#include "survey/core/evidence.h"

#include <stdio.h>

#include "base/rd.h"
#include "base/size.h"
#include "survey/core/clean.h"

enum often { ONE, MANY, COUNTED };

static const struct ev_row {
    struct str name, help;
    uint32_t cap;
    enum often often;
    bool raw;
} rows[EV_KINDS] = {
#define FACT(number, id, many, cap, help)                                                          \
    [number] = {STR_INIT(#id), STR_INIT(help), cap, many, false},
#define RAW(number, id, cap, help) [number] = {STR_INIT(#id), STR_INIT(help), cap, MANY, true},
#include "survey/core/evidence.def"
#undef FACT
#undef RAW
};

/* The stored form: FORM, then facts in order of kind and value, each a byte of kind, 3 bits of who,
 * 13 bits of length, the value. */
enum { FORM = 1, LENGTH_BITS = 13, LENGTH_MASK = (1 << LENGTH_BITS) - 1 };

#define FACT(number, id, many, cap, help)                                                          \
    _Static_assert((number) > 0 && (number) < 200 && (cap) <= LENGTH_MASK, #id);
#define RAW(number, id, cap, help) _Static_assert((number) >= 200 && (number) < EV_KINDS, #id);
#include "survey/core/evidence.def"
#undef FACT
#undef RAW

static const struct ev_row *row_of(enum ev_kind kind)
{
    return (unsigned)kind < EV_KINDS && rows[kind].cap ? &rows[kind] : NULL;
}

void evidence_init(struct evidence *e, struct arena *a)
{
    e->arena = a;
    e->n = 0;
    e->full = false;
}

/* "NAME COUNT" into its parts; a value without a count is a name that was counted 0 times. */
static struct str name_of(struct str value, uint64_t *ret_count)
{
    size_t space = value.n;
    uint64_t count;
    *ret_count = 0;
    while (space > 0 && value.p[space - 1] != ' ')
        space--;
    if (space == 0 || !str_to_u64(str_slice(value, space, value.n), UINT64_MAX, &count))
        return value;
    *ret_count = count;
    return str_slice(value, 0, space - 1);
}

static bool same_name(struct str a, struct str b)
{
    uint64_t unused;
    return str_eq(name_of(a, &unused), name_of(b, &unused));
}

/* The fact that a value of this kind would take the place of. */
static struct fact *rival(struct evidence *e, enum ev_kind kind, enum often often, struct str value,
                          size_t *ret_same_kind)
{
    size_t same_kind = 0;
    for (size_t i = 0; i < e->n; i++) {
        struct fact *f = &e->facts[i];
        if (f->kind != kind)
            continue;
        same_kind++;
        if (often == ONE || (often == MANY && str_eq(f->value, value)) ||
            (often == COUNTED && same_name(f->value, value)))
            return f;
    }
    *ret_same_kind = same_kind;
    return NULL;
}

/* Whether a newcomer's value stands in place of what is there. */
static bool wins(enum often often, const struct fact *there, enum ev_by by, struct str value)
{
    uint64_t old_count, new_count;
    if (often != COUNTED)
        return by >= there->by;
    (void)name_of(there->value, &old_count);
    (void)name_of(value, &new_count);
    return new_count > old_count;
}

static void settle(struct fact *there, enum often often, enum ev_by by, struct str value)
{
    if (wins(often, there, by, value))
        there->value = value;
    if (by > there->by)
        there->by = by;
}

/* A value that is clean already, and lives long enough unless `copy`. */
static err_t put(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str value, bool copy)
{
    size_t same_kind = 0;
    enum often often = rows[kind].often;
    struct fact *there = rival(e, kind, often, value, &same_kind);
    if (!there && (e->n == FACTS_MAX || same_kind >= FACTS_KIND_MAX)) {
        e->full = true;
        return OK;
    }
    if (there && !wins(often, there, by, value))
        copy = false;
    if (copy) {
        value = arena_copy(e->arena, value);
        if (!value.p)
            return E_NOMEM;
    }
    if (there)
        settle(there, often, by, value);
    else
        e->facts[e->n++] = (struct fact){kind, by, value};
    return OK;
}

static err_t add(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str value, bool copy)
{
    const struct ev_row *row = row_of(kind);
    if (!row || by <= BY_NOBODY || by >= BY_COUNT)
        return E_INTERNAL;
    if (row->raw) {
        value = str_slice(value, 0, row->cap);
    } else {
        bool copied = false;
        TRY(clean_text(value, row->cap, e->arena, &value, &copied));
        copy = copy && !copied;
    }
    return value.n ? put(e, by, kind, value, copy) : OK;
}

err_t evidence_add(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str value)
{
    return add(e, by, kind, value, false);
}

err_t evidence_keep(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str value)
{
    return add(e, by, kind, value, true);
}

err_t evidence_addf(struct evidence *e, enum ev_by by, enum ev_kind kind, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return E_INTERNAL;
    return add(e, by, kind, str_of(text, size_min((size_t)n, sizeof text - 1)), true);
}

err_t evidence_count(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str name,
                     uint64_t count)
{
    enum { DIGITS = 21 };
    const struct ev_row *row = row_of(kind);
    bool copied;
    if (!row || row->often != COUNTED)
        return E_INTERNAL;
    TRY(clean_text(name, row->cap - DIGITS, e->arena, &name, &copied));
    for (size_t i = 0; i < e->n; i++) {
        uint64_t before = 0;
        if (e->facts[i].kind == kind && str_eq(name_of(e->facts[i].value, &before), name))
            count = count > UINT64_MAX - before ? UINT64_MAX : count + before;
    }
    return name.n
               ? evidence_addf(e, by, kind, "%.*s %llu", STR_ARG(name), (unsigned long long)count)
               : OK;
}

const struct fact *evidence_next(const struct evidence *e, enum ev_kind kind, size_t *i)
{
    while (*i < e->n) {
        const struct fact *f = &e->facts[(*i)++];
        if (f->kind == kind)
            return f;
    }
    return NULL;
}

struct str evidence_get(const struct evidence *e, enum ev_kind kind)
{
    size_t i = 0;
    const struct fact *f = evidence_next(e, kind, &i);
    return f ? f->value : str_of(NULL, 0);
}

bool evidence_is(const struct evidence *e, enum ev_kind kind, struct str value)
{
    const struct fact *f;
    for (size_t i = 0; (f = evidence_next(e, kind, &i));)
        if (str_eq(f->value, value))
            return true;
    return false;
}

err_t evidence_merge(struct evidence *to, const struct evidence *from)
{
    for (size_t i = 0; i < from->n; i++)
        TRY(evidence_add(to, from->facts[i].by, from->facts[i].kind, from->facts[i].value));
    to->full = to->full || from->full;
    return OK;
}

static int order(const struct fact *a, const struct fact *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->value, b->value);
}

/* Facts mostly come in runs of one kind: insertion is short for them and needs no memory. */
static size_t sorted(const struct evidence *e, uint8_t index[FACTS_MAX])
{
    size_t n = 0;
    _Static_assert(FACTS_MAX <= 256, "an index is a byte");
    for (size_t i = 0; i < e->n; i++) {
        size_t at = n;
        if (rows[e->facts[i].kind].raw)
            continue;
        for (; at > 0 && order(&e->facts[index[at - 1]], &e->facts[i]) > 0; at--)
            index[at] = index[at - 1];
        index[at] = (uint8_t)i;
        n++;
    }
    return n;
}

void evidence_write(const struct evidence *e, struct wr *w)
{
    uint8_t index[FACTS_MAX];
    size_t n = sorted(e, index);
    wr_u8(w, FORM);
    for (size_t i = 0; i < n; i++) {
        const struct fact *f = &e->facts[index[i]];
        wr_u8(w, (uint8_t)f->kind);
        wr_u16be(w, (uint16_t)((unsigned)f->by << LENGTH_BITS | f->value.n));
        wr_put(w, f->value);
    }
}

/* Whether a fact may stand behind the one before it. */
static bool may_follow(const struct evidence *e, const struct fact *f)
{
    const struct ev_row *row = row_of(f->kind);
    if (!row || row->raw || f->by <= BY_NOBODY || f->by >= BY_COUNT || f->value.n > row->cap ||
        !clean_is(f->value) || e->n == FACTS_MAX)
        return false;
    if (e->n == 0)
        return true;
    const struct fact *before = &e->facts[e->n - 1];
    return order(before, f) < 0 && (row->often != ONE || before->kind != f->kind);
}

static bool parse(struct rd *r, struct evidence *ret)
{
    if (rd_u8(r) != FORM || r->bad)
        return false;
    while (r->n) {
        enum ev_kind kind = rd_u8(r);
        uint16_t word = rd_u16be(r);
        struct fact f = {kind, word >> LENGTH_BITS, rd_take(r, word & LENGTH_MASK)};
        if (r->bad || !may_follow(ret, &f))
            return false;
        ret->facts[ret->n++] = f;
    }
    return true;
}

err_t evidence_parse(struct str bytes, struct evidence *ret)
{
    struct rd r = rd_of(bytes);
    evidence_init(ret, ret->arena);
    if (parse(&r, ret))
        return OK;
    ret->n = 0;
    return E_DAMAGED;
}

struct str ev_name(enum ev_kind kind)
{
    const struct ev_row *row = row_of(kind);
    return row ? row->name : STR("");
}

struct str ev_help(enum ev_kind kind)
{
    const struct ev_row *row = row_of(kind);
    return row ? row->help : STR("");
}

bool ev_is_raw(enum ev_kind kind)
{
    const struct ev_row *row = row_of(kind);
    return row && row->raw;
}

bool ev_is_many(enum ev_kind kind)
{
    const struct ev_row *row = row_of(kind);
    return row && row->often != ONE;
}

bool ev_is_counted(enum ev_kind kind)
{
    const struct ev_row *row = row_of(kind);
    return row && row->often == COUNTED;
}

size_t ev_cap(enum ev_kind kind)
{
    const struct ev_row *row = row_of(kind);
    return row ? row->cap : 0;
}

enum ev_kind ev_by_name(struct str name)
{
    for (unsigned k = 1; k < EV_KINDS; k++)
        if (rows[k].cap && str_eq(rows[k].name, name))
            return (enum ev_kind)k;
    return EV_NONE;
}

struct str ev_by_text(enum ev_by by)
{
    static const struct str names[BY_COUNT] = {
        [BY_NOBODY] = STR_INIT(""),     [BY_ENGINE] = STR_INIT("search engine"),
        [BY_SITE] = STR_INIT("site"),   [BY_TRAFFIC] = STR_INIT("traffic"),
        [BY_PROBE] = STR_INIT("probe"),
    };
    return (unsigned)by < BY_COUNT ? names[by] : STR("");
}
