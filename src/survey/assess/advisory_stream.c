/* Files of advisories: which format a file is, its events to the reader of that format, folders. */
#include <stdlib.h>

#include "base/size.h"
#include "io/walk.h"
#include "survey/assess/advisory_add.h"
#include "survey/core/input.h"

enum { FIELDS_MAX = 48 };

struct field {
    uint64_t plain, in_array; /* json_path numbers of both places */
    int id;
    bool object;
};

struct advisory_stream {
    const struct advisory_format *format;
    struct advisory_read read;
    struct jsonin *json;
    struct field fields[FIELDS_MAX];
    uint64_t record, record_in_array;
    unsigned depth; /* of the container that a record is */
    err_t broken;   /* what the record failed with; the rest of it is passed over */
};

static const struct advisory_format *const formats[] = {
    &advisory_csaf, &advisory_nvd, &advisory_cve5, &advisory_kev, &advisory_osv,
};

static bool looks(const struct advisory_format *f, struct str head)
{
    for (size_t i = 0; i < COUNT(f->marks) && f->marks[i][0]; i++)
        if (advisory_says(head, f->marks[i][0]) &&
            (!f->marks[i][1] || advisory_says(head, f->marks[i][1])))
            return true;
    return false;
}

const struct advisory_format *advisory_format_of(struct str head)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (looks(formats[i], head))
            return formats[i];
    return NULL;
}

static const struct field *field_of(const struct advisory_stream *s, uint64_t path, bool object)
{
    for (size_t i = 0; i < s->format->n_fields; i++)
        if (s->fields[i].object == object &&
            (s->fields[i].plain == path || s->fields[i].in_array == path))
            return &s->fields[i];
    return NULL;
}

/* A record's own faults do not end the file; want of memory does. */
static err_t forgive(struct advisory_stream *s, err_t e)
{
    if (e == OK || e == E_NOMEM)
        return e;
    s->broken = s->broken == OK ? e : s->broken;
    return OK;
}

static err_t on_value(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    struct advisory_stream *s = ctx;
    const struct field *f = field_of(s, at->path[at->depth], false);
    if (!f || s->broken != OK || type == JSON_NULL)
        return OK;
    return forgive(s, s->format->value(&s->read, f->id, text));
}

static bool is_record(const struct advisory_stream *s, const struct json_at *at)
{
    uint64_t path = at->path[at->depth];
    return path == s->record || path == s->record_in_array;
}

static void fresh(struct advisory_stream *s)
{
    arena_reset(&s->read.arena);
    memset(s->read.state, 0, s->format->state_size);
    s->broken = OK;
}

static err_t on_open(void *ctx, const struct json_at *at, bool array)
{
    struct advisory_stream *s = ctx;
    if (!array && is_record(s, at))
        fresh(s);
    const struct field *f = field_of(s, at->path[at->depth], true);
    if (!f || s->broken != OK || array || !s->format->open)
        return OK;
    return forgive(s, s->format->open(&s->read, f->id));
}

static err_t on_close(void *ctx, const struct json_at *at, bool array)
{
    struct advisory_stream *s = ctx;
    const struct field *f = field_of(s, at->path[at->depth], true);
    if (f && s->broken == OK && !array && s->format->close)
        TRY(forgive(s, s->format->close(&s->read, f->id)));
    if (array || !is_record(s, at))
        return OK;
    s->read.sum->records++;
    if (s->broken == OK)
        TRY(forgive(s, s->format->end(&s->read)));
    s->read.sum->bad += s->broken != OK;
    return OK;
}

static uint64_t path_in_array(const char *path)
{
    char text[160];
    struct wr w = wr_fixed(text, sizeof text - 1);
    wr_printf(&w, *path ? "#.%s" : "#%s", path);
    text[w.n] = '\0';
    return json_path(text);
}

static err_t stream_init(struct advisory_stream *s, struct advisories *a,
                         const struct advisory_format *f, struct advisory_sum *sum)
{
    struct jsonin_calls calls = {on_value, on_open, on_close, s};
    s->format = f;
    s->read =
        (struct advisory_read){a, sum, arena_init(ADVISORY_RECORD_MAX), calloc(1, f->state_size)};
    if (!s->read.state || f->n_fields > FIELDS_MAX)
        return E_NOMEM;
    for (size_t i = 0; i < f->n_fields; i++)
        s->fields[i] =
            (struct field){json_path(f->fields[i].path), path_in_array(f->fields[i].path),
                           f->fields[i].id, f->fields[i].object};
    s->record = json_path(f->record);
    s->record_in_array = path_in_array(f->record);
    return jsonin_new(&calls, &s->json);
}

err_t advisory_stream_new(struct advisories *a, const struct advisory_format *f,
                          struct advisory_sum *sum, struct advisory_stream **ret)
{
    struct advisory_stream *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    err_t e = stream_init(s, a, f, sum);
    if (e != OK) {
        advisory_stream_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

err_t advisory_stream_feed(struct advisory_stream *s, struct str bytes, struct diag *d)
{
    return jsonin_feed(s->json, bytes, d);
}

err_t advisory_stream_end(struct advisory_stream *s, struct diag *d)
{
    return jsonin_end(s->json, d);
}

void advisory_stream_free(struct advisory_stream *s)
{
    if (!s)
        return;
    jsonin_free(s->json);
    arena_done(&s->read.arena);
    free(s->read.state);
    free(s);
}

static err_t read_blocks(struct advisory_stream *s, struct input *in, struct str block,
                         struct diag *d)
{
    while (block.n) {
        TRY(advisory_stream_feed(s, block, d));
        TRY(input_block(in, &block, d));
    }
    return advisory_stream_end(s, d);
}

/* One file. What was read before it broke stays. */
static err_t load_file(struct advisories *a, const char *path, struct advisory_sum *sum,
                       struct diag *d)
{
    struct input *in;
    struct str block;
    struct advisory_stream *s = NULL;
    TRY(input_open(path, &in, d));
    err_t e = input_block(in, &block, d);
    const struct advisory_format *f = e == OK ? advisory_format_of(block) : NULL;
    if (e == OK && !f)
        e = diag_set(d, E_UNSUPPORTED, "%s is neither CSAF, NVD, CVE, KEV nor OSV", path);
    if (e == OK)
        e = advisory_stream_new(a, f, sum, &s);
    if (e == OK)
        e = read_blocks(s, in, block, d);
    advisory_stream_free(s);
    input_close(in);
    sum->files++;
    return e;
}

struct load {
    struct advisories *a;
    struct advisory_sum *sum;
};

static bool is_json_name(struct str path)
{
    return str_ends(path, STR(".json")) || str_ends(path, STR(".json.gz")) ||
           str_ends(path, STR(".jsonl")) || str_ends(path, STR(".jsonl.gz"));
}

static bool costs_the_file(err_t e)
{
    return e == E_MALFORMED || e == E_DAMAGED || e == E_UNSUPPORTED || e == E_LIMIT;
}

static err_t each_file(void *ctx, const struct walk_file *f)
{
    struct load *l = ctx;
    if (f->depth && !is_json_name(str_z(f->path)))
        return OK;
    struct diag d = {0};
    err_t e = load_file(l->a, f->path, l->sum, &d);
    if (f->depth && costs_the_file(e)) {
        l->sum->bad++;
        return OK;
    }
    return e;
}

static err_t skip_folder(void *ctx, const char *path, err_t why, const struct diag *d)
{
    struct load *l = ctx;
    (void)path;
    (void)d;
    l->sum->bad++;
    return why == E_NOMEM ? why : OK;
}

err_t advisories_load(struct advisories *a, const char *path, struct advisory_sum *ret,
                      struct diag *d)
{
    struct advisory_sum sum = {0};
    struct load l = {a, &sum};
    const struct walk_calls calls = {each_file, skip_folder, &l};
    err_t e = walk_files(path, &calls, d);
    /* What is whole of a broken file can be used all the same. */
    err_t ready = advisories_ready(a);
    if (costs_the_file(e) && sum.records > 0) {
        sum.bad++;
        e = OK;
    }
    if (e == OK && ready == OK)
        *ret = sum;
    return e != OK ? e : ready;
}
