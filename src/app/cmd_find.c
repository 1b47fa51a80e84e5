/* lastra find: what another application entity has (C-FIND). */
#include <stdio.h>
#include <stdlib.h>

#include "app/client_keys.h"
#include "app/columns.h"
#include "dicom/dict.h"
#include "dicom/json_out.h"

enum {
    OPT_LEVEL = CLIENT_OPTIONS,
    OPT_MODEL,
    OPT_KEY,
    OPT_LIMIT,
    OPT_RELATIONAL,
    OPT_ONLY,
    OUT_MAX = 64 << 20
};

static const struct cmd_option options[] = {
    CLIENT_ROWS,
    CLIENT_KEY_ROWS(OPT_LEVEL, OPT_MODEL, OPT_KEY),
    [OPT_LIMIT] = {.name = "limit",
                   .letter = 'n',
                   .arg = "N",
                   .type = CMD_NUMBER,
                   .min = 1,
                   .help = "cancel after so many answers"},
    [OPT_RELATIONAL] = {.name = "relational",
                        .help = "ask for relational queries by extended negotiation"},
    [OPT_ONLY] = {.name = "only", .help = "ask for the given keys alone, not the usual ones too"},
};

struct find {
    struct client client;
    struct client_keys keys;
    struct columns rows;
    struct wr out;
    struct arena arena;
    uint64_t limit, n;
    struct diag *d;
};

static err_t put_json(struct find *f, const struct dcm_ds *answer)
{
    wr_put(&f->out, f->n ? STR(",\n") : STR("[\n"));
    TRY(dcm_json_ds(&f->out, answer, &DCM_JSON_OPTIONS_DEFAULT));
    return client_print(&f->out, f->d);
}

/* The value as it is shown: UTF-8, of a sequence the number of its items. */
static struct str cell(struct find *f, const struct dcm_ds *answer, tag_t tag)
{
    const struct dcm_elem *e = dcm_ds_get(answer, tag);
    int64_t number;
    char *text = arena_alloc(&f->arena, 24);
    if (!e || !text)
        return str_of("", 0);
    if (e->vr == VR('S', 'Q'))
        return str_of(
            text, (size_t)snprintf(text, 24, "%zu item%s", e->n_items, e->n_items == 1 ? "" : "s"));
    if ((e->vr == VR('U', 'S') || e->vr == VR('U', 'L')) && dcm_ds_int(answer, tag, 0, &number))
        return str_of(text, (size_t)snprintf(text, 24, "%lld", (long long)number));
    return dcm_ds_text(answer, tag, &f->arena);
}

static err_t put_row(struct find *f, const struct dcm_ds *answer)
{
    struct str cells[COLUMNS_MAX];
    size_t n = size_min(f->keys.n_columns, COLUMNS_MAX);
    arena_reset(&f->arena);
    for (size_t i = 0; i < n; i++)
        cells[i] = cell(f, answer, f->keys.columns[i]);
    TRY(columns_add(&f->rows, cells, &f->out));
    return f->out.n ? client_print(&f->out, f->d) : OK;
}

static err_t answer(void *ctx, const struct dcm_ds *ds)
{
    struct find *f = ctx;
    TRY(f->client.json ? put_json(f, ds) : put_row(f, ds));
    f->n++;
    return f->limit && f->n >= f->limit ? E_CANCELLED : OK;
}

static err_t begin_rows(struct find *f)
{
    struct str heads[COLUMNS_MAX];
    size_t n = size_min(f->keys.n_columns, COLUMNS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct dcm_dict e;
        char *text = arena_alloc(&f->arena, 16);
        if (!text)
            return E_NOMEM;
        heads[i] = dcm_dict_find(f->keys.columns[i], &e)
                       ? e.keyword
                       : str_of(text, (size_t)snprintf(text, 16, "%04x,%04x",
                                                       TAG_GROUP(f->keys.columns[i]),
                                                       TAG_ELEMENT(f->keys.columns[i])));
    }
    return columns_begin(&f->rows, heads, n);
}

static err_t finish(struct find *f)
{
    if (f->client.json)
        wr_put(&f->out, f->n ? STR("\n]\n") : STR("[]\n"));
    else
        columns_end(&f->rows, &f->out);
    return client_print(&f->out, f->d);
}

static err_t ask(struct find *f, const struct cmd_args *a, struct diag *d)
{
    struct assoc *as = NULL;
    struct scu_outcome outcome = {0};
    const struct scu_query q = {f->keys.sop_class, f->keys.ds, 1, 0};
    const struct scu_find_calls calls = {answer, f};
    TRY(scu_open(&f->client.peer, f->keys.sop_class, cmd_flag(a, OPT_RELATIONAL), &as, d));
    err_t e = scu_find(as, &q, &calls, &outcome);
    if (e != OK)
        e = d->text[0] ? e : client_failed(as, e, "C-FIND", d);
    else
        e = client_status(&outcome, "C-FIND", d);
    if (assoc_is_open(as))
        (void)!assoc_release(as);
    assoc_free(as);
    return e;
}

static err_t run_all(struct find *f, const struct cmd_args *a, struct arena *arena, struct diag *d)
{
    static const struct client_key_options where = {OPT_LEVEL, OPT_MODEL, OPT_KEY};
    TRY(client_keys(a, &where, VERB_FIND, !cmd_flag(a, OPT_ONLY), arena, &f->keys, d));
    TRY(begin_rows(f));
    err_t e = ask(f, a, d);
    struct diag print = {""};
    f->d = e == OK ? d : &print;
    err_t p = finish(f);
    return e != OK ? e : p;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct find f = {.out = wr_heap(OUT_MAX),
                     .arena = arena_init(OUT_MAX),
                     .limit = cmd_number(a, OPT_LIMIT, 0),
                     .d = d};
    struct arena arena = arena_init(1 << 20);
    TRY(client_init(&f.client, a, d));
    err_t e = run_all(&f, a, &arena, d);
    columns_done(&f.rows);
    wr_done(&f.out);
    arena_done(&f.arena);
    arena_done(&arena);
    client_done(&f.client);
    return e;
}

const struct cmd cmd_find = {
    .name = "find",
    .summary = "ask an application entity what it has",
    .args = "AE@HOST:PORT",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Sends C-FIND and prints each answer as a row, or with --json as the DICOM JSON model. "
        "A key with a value matches, a key without one is asked to be returned: wildcards (*, ?), "
        "ranges of dates and times (20240101-20240131), lists of UIDs (with a backslash between).",
    .examples = "lastra find ARCHIVE@127.0.0.1:11112 -k 'PatientName=DOE*' -k StudyDate=20240101-\n"
                "lastra find ARCHIVE@127.0.0.1:11112 -l series -k StudyInstanceUID=1.2.3 --json\n",
    .run = run,
};
