#include "survey/source/import/record.h"

#include <stdlib.h>

#include "base/size.h"

enum { SLOTS = 256, ROOTS_MAX = 12, LEVELS = 2 };

/* Wanted paths by their number. */
struct wanted {
    uint64_t path;
    const struct field *field; /* NULL: free */
};

struct level {
    const struct record_level *what;
    uint64_t roots[ROOTS_MAX];
    bool any_name[ROOTS_MAX]; /* the root is of what holds it */
    size_t n_roots;
    struct wanted wanted[SLOTS];
    struct fields got;
};

struct record_reader {
    const struct record_format *format;
    struct importer_sink *sink;
    struct jsonin *json;
    struct level levels[LEVELS];
    unsigned at;            /* levels entered */
    unsigned depth[LEVELS]; /* of the object that each is in */
    uint64_t wrappers;      /* a bit a depth: an object that turned out to hold records */
    uint64_t outer;         /* a bit a depth: record objects around this one */
    bool fed;               /* with more than space */
    bool any;               /* the line held a record */
    err_t bad;              /* of the record */
    struct diag why;
};

static void want(struct level *l, const struct field *f)
{
    uint64_t path = json_path(f->path);
    size_t i = path % SLOTS;
    while (l->wanted[i].field)
        i = (i + 1) % SLOTS;
    l->wanted[i] = (struct wanted){path, f};
}

static void level_init(struct level *l, const struct record_level *what)
{
    l->what = what;
    for (size_t i = 0; what->roots && what->roots[i] && i < ROOTS_MAX; i++) {
        char path[JSONIN_NAME_MAX];
        struct str root = str_z(what->roots[i]);
        bool any = str_ends(root, STR(".*"));
        if (!str_to_z(str_slice(root, 0, root.n - (any ? 2 : 0)), path, sizeof path))
            continue;
        l->any_name[l->n_roots] = any;
        l->roots[l->n_roots++] = json_path(path);
    }
    for (size_t i = 0; i < what->n; i++)
        want(l, &what->fields[i]);
}

static const struct field *find(const struct level *l, uint64_t path)
{
    for (size_t i = path % SLOTS; l->wanted[i].field; i = (i + 1) % SLOTS)
        if (l->wanted[i].path == path)
            return l->wanted[i].field;
    return NULL;
}

/* An object at one of the paths, or under any name of an object at one: "data.*". */
static bool is_root(const struct level *l, const struct json_at *at)
{
    for (size_t i = 0; i < l->n_roots; i++) {
        unsigned up = l->any_name[i];
        if (at->depth >= up && l->roots[i] == at->path[at->depth - up] &&
            (!up || at->keys[at->depth - 1].p))
            return true;
    }
    return false;
}

static void clear_fields(struct fields *f)
{
    memset(f->one, 0, sizeof f->one);
    f->n = 0;
    f->name = STR("");
}

static struct str name_at(const struct json_at *at)
{
    return at->depth && at->keys[at->depth - 1].p ? at->keys[at->depth - 1] : STR("");
}

static err_t add_row(struct record_reader *r, struct level *l, uint8_t id, struct str name,
                     struct str value)
{
    if (l->got.n == FIELDS_LIST)
        return OK;
    struct field_row row = {id, sink_stable(r->sink, name), sink_stable(r->sink, value)};
    if (!row.name.p || !row.value.p)
        return E_NOMEM;
    l->got.list[l->got.n++] = row;
    return OK;
}

static err_t take(struct record_reader *r, struct level *l, const struct json_at *at,
                  struct str text)
{
    const struct field *f = find(l, at->path[at->depth]);
    const struct field *above =
        at->depth > r->depth[r->at - 1] ? find(l, at->path[at->depth - 1]) : NULL;
    if (above && (above->how == TAKE_PAIRS || above->how == TAKE_NAMES))
        return add_row(r, l, above->id, name_at(at), text);
    if (!f || f->how == TAKE_NAMES || f->how == TAKE_PAIRS)
        return OK;
    if (f->how == TAKE_LIST)
        return add_row(r, l, f->id, STR(""), text);
    l->got.one[f->id] = sink_stable(r->sink, text);
    return l->got.one[f->id].p ? OK : E_NOMEM;
}

/* A record that is too large for its memory is bad; the reading goes on. */
static err_t judge(struct record_reader *r, err_t e)
{
    if (e == OK || r->bad != OK)
        return OK;
    if (e != E_MALFORMED && e != E_LIMIT && e != E_NOMEM && e != E_UNSUPPORTED)
        return e;
    r->bad = e;
    if (!r->why.text[0])
        return diag_set(&r->why, OK, "%s", e == E_NOMEM ? "too large" : err_text(e));
    return OK;
}

static err_t on_value(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    struct record_reader *r = ctx;
    if (r->at == 0 || type == JSON_NULL || r->bad != OK)
        return OK;
    return judge(r, take(r, &r->levels[r->at - 1], at, text));
}

static void enter(struct record_reader *r, const struct json_at *at, unsigned level)
{
    clear_fields(&r->levels[level].got);
    r->depth[level] = at->depth;
    r->at = level + 1;
    jsonin_root(r->json);
}

static void begin_record(struct record_reader *r, const struct json_at *at)
{
    if (r->at) {
        r->wrappers |= (uint64_t)1 << r->depth[0];
        r->outer |= (uint64_t)1 << r->depth[0];
    }
    r->bad = OK;
    r->why.text[0] = '\0';
    enter(r, at, 0);
}

static err_t on_open(void *ctx, const struct json_at *at, bool array)
{
    struct record_reader *r = ctx;
    struct level *l = &r->levels[0];
    if (r->at == 1) {
        const struct field *above = at->depth ? find(l, at->path[at->depth - 1]) : NULL;
        if (above && above->how == TAKE_NAMES)
            TRY(judge(r, add_row(r, l, above->id, name_at(at), STR(""))));
    }
    if (array)
        return OK;
    if (r->at == 1 && is_root(&r->levels[1], at)) {
        struct str name = name_at(at);
        enter(r, at, 1);
        r->levels[1].got.name = sink_stable(r->sink, name);
        return r->levels[1].got.name.p ? OK : E_NOMEM;
    }
    if (r->at < 2 && is_root(l, at))
        begin_record(r, at);
    return OK;
}

static err_t record_done(struct record_reader *r)
{
    struct level *l = &r->levels[0];
    if (r->bad == OK)
        TRY(judge(r, l->what->done(r->sink, &l->got, NULL, &r->why)));
    if (r->bad != OK)
        sink_bad(r->sink, "%s", r->why.text);
    r->any = true;
    return OK;
}

/* Back in the object around this record, which is no record then. */
static void leave_record(struct record_reader *r)
{
    r->at = 0;
    clear_fields(&r->levels[0].got);
    if (!r->outer)
        return;
    unsigned depth = 63u - (unsigned)__builtin_clzll(r->outer);
    r->outer &= ~((uint64_t)1 << depth);
    r->depth[0] = depth;
    r->at = 1;
    r->bad = OK;
}

static err_t on_close(void *ctx, const struct json_at *at, bool array)
{
    struct record_reader *r = ctx;
    if (array || r->at == 0 || at->depth != r->depth[r->at - 1])
        return OK;
    if (r->at == 2) {
        const struct level *l = r->levels;
        r->at = 1;
        if (r->bad != OK)
            return OK;
        return judge(r, l[1].what->done(r->sink, &l[0].got, &l[1].got, &r->why));
    }
    uint64_t bit = (uint64_t)1 << (at->depth & 63);
    bool wrapper = r->wrappers & bit;
    r->wrappers &= ~bit;
    err_t e = wrapper ? OK : record_done(r);
    leave_record(r);
    return e;
}

static err_t open_reader(const void *format, struct importer_sink *s, void **ret)
{
    const struct record_format *f = format;
    struct record_reader *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    struct jsonin_calls calls = {on_value, on_open, on_close, r};
    r->format = f;
    r->sink = s;
    level_init(&r->levels[0], &f->record);
    level_init(&r->levels[1], &f->part);
    err_t e = jsonin_new(&calls, &r->json);
    if (e != OK) {
        free(r);
        return e;
    }
    *ret = r;
    return OK;
}

static void close_reader(void *reader)
{
    struct record_reader *r = reader;
    if (!r)
        return;
    jsonin_free(r->json);
    free(r);
}

static void forget(struct record_reader *r)
{
    r->at = 0;
    r->wrappers = r->outer = 0;
    r->bad = OK;
    r->any = false;
}

/* An element of an array that has its elements a line each, without what the array needs. */
static struct str element(struct str line)
{
    line = str_trim(line);
    while (line.n && (line.p[0] == '[' || line.p[0] == ','))
        line = str_trim(str_slice(line, 1, line.n));
    while (line.n && (line.p[line.n - 1] == ',' || line.p[line.n - 1] == ']'))
        line = str_trim(str_slice(line, 0, line.n - 1));
    return line;
}

static bool is_closing(const struct record_reader *r, struct str line)
{
    return r->format->closing && str_starts(line, str_z(r->format->closing));
}

static err_t read_line(void *reader, struct str line)
{
    struct record_reader *r = reader;
    struct diag d = {0};
    line = element(line);
    if (line.n == 0 || is_closing(r, line))
        return OK;
    forget(r);
    err_t e = jsonin_feed(r->json, line, &d);
    if (e == OK)
        e = jsonin_end(r->json, &d);
    if (e == OK) {
        if (!r->any)
            sink_bad(r->sink, "not a record");
        return OK;
    }
    jsonin_reset(r->json);
    if (e != E_MALFORMED && e != E_LIMIT)
        return e;
    sink_bad(r->sink, "%s", diag_text(&d, e));
    return OK;
}

static err_t read_block(void *reader, struct str bytes, struct diag *d)
{
    struct record_reader *r = reader;
    r->fed = r->fed || str_trim(bytes).n > 0;
    return jsonin_feed(r->json, bytes, d);
}

static err_t read_end(void *reader, struct diag *d)
{
    struct record_reader *r = reader;
    return r->fed ? jsonin_end(r->json, d) : OK;
}

const struct import_reader record_reader = {
    .open = open_reader,
    .close = close_reader,
    .line = read_line,
    .block = read_block,
    .end = read_end,
};

err_t record_is_host(struct importer_sink *s, const struct fields *record,
                     const struct fields *part, struct diag *d)
{
    struct ip ip;
    (void)part;
    if (ip_parse(record->one[0], &ip) != OK)
        return diag_set(d, E_MALFORMED, "no address");
    return sink_host(s, &ip);
}

err_t fields_add(struct evidence *e, const struct fields *f, const struct field_fact *facts,
                 size_t n)
{
    for (size_t i = 0; i < n; i++)
        TRY(evidence_add(e, BY_ENGINE, facts[i].kind, f->one[facts[i].id]));
    return OK;
}

static err_t add_facts_of(struct evidence *e, const struct field_row *row,
                          const struct field_fact *facts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (facts[i].id == row->id)
            TRY(evidence_add(e, BY_ENGINE, facts[i].kind, row->value));
    return OK;
}

err_t fields_add_rows(struct evidence *e, const struct fields *f, const struct field_fact *facts,
                      size_t n)
{
    for (size_t i = 0; i < f->n; i++)
        TRY(add_facts_of(e, &f->list[i], facts, n));
    return OK;
}

/* Where an object that begins at the front ends; 0 when it does not. */
static size_t object_end(struct str s)
{
    bool in_string = false;
    unsigned depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        depth += c == '{';
        if (c == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* A text in one line that is longer than what was looked at: an array, or what an API answers. */
static bool is_wrapped(struct str head)
{
    static const struct str names[] = {STR_INIT("\"matches\""), STR_INIT("\"result\""),
                                       STR_INIT("\"hits\"")};
    struct str begin = str_slice(str_trim(head), 0, 512);
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t at = 0; at < begin.n; at++)
            if (str_starts(str_slice(begin, at, begin.n), names[i]))
                return true;
    return str_starts(begin, STR("["));
}

bool record_by_line(struct str head)
{
    enum { LINES_LOOKED_AT = 4, LONG = 64 << 10 };
    bool wrapped = is_wrapped(head);
    struct str line;
    for (int seen = 0; seen < LINES_LOOKED_AT && str_split(&head, '\n', &line);) {
        line = element(line);
        if (line.n == 0)
            continue;
        if (line.n == 1)
            return false;
        /* What was looked at may end within a very long line. */
        size_t end = line.p[0] == '{' ? object_end(line) : 0;
        if (end == line.n || (end == 0 && !wrapped && !head.p && line.n > LONG))
            return true;
        seen++;
    }
    return false;
}
