#include "app/options.h"

#include "base/size.h"
#include "io/file.h"

enum kind { GROUP_ROW, COUNT_ROW, BYTES_ROW, TIME_ROW, SWITCH_ROW, TEXT_ROW };

struct row {
    enum kind kind;
    const char *id, *help;
    size_t offset;
    uint64_t def, min, max;
    const char *text;
};

static const struct row rows[] = {
#define GROUP(title, about) {GROUP_ROW, title, about, 0, 0, 0, 0, NULL},
#define NUMBER(id, unit, def, min, max, help)                                                      \
    {unit##_ROW, #id, help, offsetof(struct options, id), def, min, max, NULL},
#define SWITCH(id, def, help)                                                                      \
    {SWITCH_ROW, #id, help, offsetof(struct options, id), def, 0, 1, NULL},
#define TEXT(id, def, help) {TEXT_ROW, #id, help, offsetof(struct options, id), 0, 0, 0, def},
#include "app/options.def"
#undef GROUP
#undef NUMBER
#undef SWITCH
#undef TEXT
};

struct unit {
    const char *name;
    uint64_t scale;
};
/* Largest first: a value is written in the first unit that divides it. */
static const struct unit byte_units[] = {{"TiB", 1ULL << 40},
                                         {"GiB", 1ULL << 30},
                                         {"MiB", 1 << 20},
                                         {"KiB", 1 << 10},
                                         {"B", 1},
                                         {NULL, 0}};
static const struct unit time_units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
                                         {"s", 1000},     {"ms", 1},      {NULL, 0}};
static const struct unit no_units[] = {{NULL, 0}};

static const struct unit *units_of(const struct row *r)
{
    return r->kind == BYTES_ROW ? byte_units : r->kind == TIME_ROW ? time_units : no_units;
}

static bool is_number(const struct row *r)
{
    return r->kind == COUNT_ROW || r->kind == BYTES_ROW || r->kind == TIME_ROW;
}

static void *place(struct options *o, const struct row *r)
{
    return (char *)o + r->offset;
}

static uint64_t number_in(const struct options *o, const struct row *r)
{
    uint64_t v;
    memcpy(&v, (const char *)o + r->offset, sizeof v);
    return v;
}

static bool switch_in(const struct options *o, const struct row *r)
{
    return *((const bool *)(const void *)((const char *)o + r->offset));
}

static const char *text_in(const struct options *o, const struct row *r)
{
    return (const char *)o + r->offset;
}

static void put_text(struct options *o, const struct row *r, struct str s)
{
    char *p = place(o, r);
    memset(p, 0, OPTION_TEXT_MAX);
    memcpy(p, s.p, s.n);
}

void options_init(struct options *o)
{
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        if (is_number(r))
            memcpy(place(o, r), &r->def, sizeof r->def);
        else if (r->kind == SWITCH_ROW)
            *(bool *)place(o, r) = r->def;
        else if (r->kind == TEXT_ROW)
            put_text(o, r, str_z(r->text));
    }
}

/* '-' and '_' are the same in a name. */
static bool same_name(const char *id, struct str name)
{
    size_t i = 0;
    for (; id[i] && i < name.n; i++)
        if (id[i] != name.p[i] && !(id[i] == '_' && name.p[i] == '-'))
            return false;
    return !id[i] && i == name.n;
}

static const struct row *find(struct str name)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].kind != GROUP_ROW && same_name(rows[i].id, name))
            return &rows[i];
    return NULL;
}

static void write_number(const struct row *r, uint64_t v, struct wr *w)
{
    const struct unit *u = units_of(r);
    if (!u->name || v == 0) {
        wr_printf(w, "%llu", (unsigned long long)v);
        return;
    }
    while (v % u->scale)
        u++;
    wr_printf(w, "%llu %s", (unsigned long long)(v / u->scale), u->name);
}

static err_t bad_number(const struct row *r, struct str value, struct diag *d)
{
    char text[96];
    struct wr w = wr_fixed(text, sizeof text - 1);
    write_number(r, r->min, &w);
    wr_put(&w, STR(" to "));
    write_number(r, r->max, &w);
    text[w.n] = 0;
    return diag_set(d, E_MALFORMED, "wants %s%s, not \"%.*s\"", text,
                    r->kind == TIME_ROW ? " (with its unit: ms, s, min, h, d)" : "",
                    (int)size_min(value.n, 40), value.p);
}

/* "128", "128 KiB", "128K", "10 min". */
static err_t set_number(struct options *o, const struct row *r, struct str value, struct diag *d)
{
    size_t digits = 0;
    while (digits < value.n && value.p[digits] >= '0' && value.p[digits] <= '9')
        digits++;
    struct str unit = str_trim(str_slice(value, digits, value.n));
    uint64_t v, scale = unit.n ? 0 : 1;
    for (const struct unit *u = units_of(r); u->name && !scale; u++)
        if (str_eq(unit, str_z(u->name)) ||
            (r->kind == BYTES_ROW && str_eq(unit, str_of(u->name, 1))))
            scale = u->scale;
    if (!scale || !str_to_u64(str_slice(value, 0, digits), UINT64_MAX, &v) ||
        (r->kind == TIME_ROW && !unit.n && v) || __builtin_mul_overflow(v, scale, &v) ||
        v < r->min || v > r->max)
        return bad_number(r, value, d);
    memcpy(place(o, r), &v, sizeof v);
    return OK;
}

static err_t set_switch(struct options *o, const struct row *r, struct str value, struct diag *d)
{
    bool yes = str_eq(value, STR("yes"));
    if (!yes && !str_eq(value, STR("no")))
        return diag_set(d, E_MALFORMED, "wants yes or no, not \"%.*s\"", (int)size_min(value.n, 40),
                        value.p);
    *(bool *)place(o, r) = yes;
    return OK;
}

static err_t set_value(struct options *o, const struct row *r, struct str value, struct diag *d)
{
    if (is_number(r))
        return set_number(o, r, value, d);
    if (r->kind == SWITCH_ROW)
        return set_switch(o, r, value, d);
    if (value.n >= OPTION_TEXT_MAX || str_find(value, '\0') < value.n || !str_is_utf8(value))
        return diag_set(d, E_MALFORMED, "wants text of at most %d bytes", OPTION_TEXT_MAX - 1);
    put_text(o, r, value);
    return OK;
}

static err_t unknown(struct str name, struct diag *d)
{
    return diag_set(d, E_MALFORMED, "there is no option \"%.*s\"; `lastra options` lists them",
                    (int)size_min(name.n, 40), name.p);
}

/* One line without its comment; *ret_row is what it set, NULL for an empty one. */
static err_t parse_line(struct options *o, struct str line, const struct row **ret_row,
                        struct diag *d)
{
    line = str_trim(str_slice(line, 0, str_find(line, '#')));
    *ret_row = NULL;
    if (!line.n)
        return OK;
    size_t eq = str_find(line, '=');
    if (eq == line.n)
        return diag_set(d, E_MALFORMED, "is not `name = value`");
    struct str name = str_trim(str_slice(line, 0, eq));
    const struct row *r = find(name);
    if (!r)
        return unknown(name, d);
    *ret_row = r;
    struct diag why = {{0}};
    if (set_value(o, r, str_trim(str_slice(line, eq + 1, line.n)), &why) != OK)
        return diag_set(d, E_MALFORMED, "%.*s %s", STR_ARG(name), why.text);
    return OK;
}

err_t options_parse(struct options *o, struct str text, const char *file, struct diag *d)
{
    unsigned first[COUNT(rows)] = {0};
    struct str line;
    for (unsigned n = 1; str_split(&text, '\n', &line); n++) {
        const struct row *r;
        struct diag why = {{0}};
        err_t e = parse_line(o, line, &r, &why);
        if (e != OK)
            return diag_set(d, e, "%s:%u: %s", file, n, why.text);
        if (r && first[r - rows])
            return diag_set(d, E_MALFORMED, "%s:%u: %s stands on line %u already", file, n, r->id,
                            first[r - rows]);
        if (r)
            first[r - rows] = n;
    }
    return OK;
}

err_t options_set(struct options *o, struct str assignment, struct diag *d)
{
    const struct row *r;
    struct diag why = {{0}};
    if (parse_line(o, assignment, &r, &why) != OK || !r)
        return diag_set(d, E_USAGE, "--set %s", r || why.text[0] ? why.text : "wants name=value");
    return OK;
}

err_t options_load(struct options *o, int dir, struct diag *d)
{
    options_init(o);
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(OPTIONS_FILE_MAX);
    err_t e = file_load(dir, "lastra.conf", OPTIONS_FILE_MAX, &w, d);
    if (e == E_NOTFOUND)
        return OK;
    TRY(e);
    return options_parse(o, wr_str(&w), "lastra.conf", d);
}

static void write_name(const struct row *r, struct wr *w)
{
    for (const char *p = r->id; *p; p++)
        wr_u8(w, *p == '_' ? '-' : (uint8_t)*p);
}

static bool is_default(const struct options *o, const struct row *r)
{
    if (is_number(r))
        return number_in(o, r) == r->def;
    if (r->kind == SWITCH_ROW)
        return switch_in(o, r) == r->def;
    return str_eq(str_z(text_in(o, r)), str_z(r->text));
}

static void write_value(const struct options *o, const struct row *r, struct wr *w)
{
    if (is_number(r))
        write_number(r, number_in(o, r), w);
    else if (r->kind == SWITCH_ROW)
        wr_put(w, switch_in(o, r) ? STR("yes") : STR("no"));
    else
        wr_put(w, str_z(text_in(o, r)));
}

static void write_range(const struct row *r, struct wr *w)
{
    if (!is_number(r))
        return;
    write_number(r, r->min, w);
    wr_put(w, STR(" to "));
    write_number(r, r->max, w);
}

void options_write(const struct options *o, struct wr *w)
{
    wr_put(w, STR("# Options of this archive: name = value. What stands in a comment is the "
                  "default.\n"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        if (r->kind == GROUP_ROW) {
            wr_printf(w, "\n# --- %s\n", r->id);
            continue;
        }
        wr_printf(w, "# %s", r->help);
        wr_put(w, is_number(r) ? STR(" (") : STR(""));
        write_range(r, w);
        wr_put(w, is_number(r) ? STR(")\n") : STR("\n"));
        wr_put(w, is_default(o, r) ? STR("#") : STR(""));
        write_name(r, w);
        wr_put(w, STR(" = "));
        write_value(o, r, w);
        wr_u8(w, '\n');
    }
}

void options_markdown(struct wr *w)
{
    struct options o;
    options_init(&o);
    wr_put(w, STR("# Options\n\nGenerated by `lastra options --markdown` from the table that the "
                  "program itself uses.\n\nThey stand in `DATA/lastra.conf` as `name = value`, one "
                  "a line; `#` begins a comment.\n`lastra options DATA` lists what is in force. "
                  "`lastra serve --set name=value` overrides one for a run.\n"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        if (r->kind == GROUP_ROW) {
            wr_printf(w, "\n## %s\n\n%s\n\n| option | default | range | |\n|---|---|---|---|\n",
                      r->id, r->help);
            continue;
        }
        wr_put(w, STR("| `"));
        write_name(r, w);
        wr_put(w, STR("` | "));
        write_value(&o, r, w);
        wr_put(w, STR(" | "));
        write_range(r, w);
        wr_printf(w, " | %s |\n", r->help);
    }
}
