#include "archive/fetch.h"

#include <stdlib.h>

#include "archive/scan.h"
#include "base/size.h"
#include "io/clock.h"

enum { BATCH = 64, BATCH_ARENA_MAX = 1 << 20, SYNTAXES_MAX = 512 };

/* One instance of the set. */
struct member {
    int64_t id, number;
};

struct fetch {
    struct archive *a;
    struct member *member;
    size_t n, cap, at;
    struct fetch_syntax syntax[SYNTAXES_MAX];
    size_t n_syntaxes;
    struct arena arena; /* of a batch of items */
    struct fetch_item item[BATCH];
    size_t n_items, item_at;
};

struct gathering {
    struct fetch *f;
    struct diag *d;
};

static err_t add_member(struct fetch *f, int64_t id, int64_t number, struct diag *d)
{
    if (f->n == FETCH_MAX)
        return diag_set(d, E_LIMIT, "more than %d instances are asked for at once", FETCH_MAX);
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 256;
        struct member *member = realloc(f->member, cap * sizeof *member);
        if (!member)
            return E_NOMEM;
        f->member = member;
        f->cap = cap;
    }
    f->member[f->n++] = (struct member){id, number};
    return OK;
}

/* The texts are those of struct terms, which stay. */
static void count_syntax(struct fetch *f, struct str sop_class, struct str transfer_syntax)
{
    for (size_t i = 0; i < f->n_syntaxes; i++) {
        struct fetch_syntax *s = &f->syntax[i];
        if (s->sop_class.p == sop_class.p && s->transfer_syntax.p == transfer_syntax.p) {
            s->count++;
            return;
        }
    }
    if (f->n_syntaxes < SYNTAXES_MAX)
        f->syntax[f->n_syntaxes++] = (struct fetch_syntax){sop_class, transfer_syntax, 1};
}

static err_t gather(void *ctx, struct row *r, bool *ret_enough)
{
    struct gathering *g = ctx;
    struct terms *terms = &g->f->a->terms;
    struct str sop_class, syntax;
    (void)ret_enough;
    TRY(terms_text(terms, r->db, sql_i64(r->q, ROW_CLASS), &sop_class));
    TRY(terms_text(terms, r->db, sql_i64(r->q, ROW_SYNTAX), &syntax));
    count_syntax(g->f, sop_class, syntax);
    return add_member(g->f, sql_i64(r->q, ROW_INSTANCE), sql_i64(r->q, ROW_NUMBER), g->d);
}

static int by_series_and_number(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int64_t sx = x->id / SERIES_SPAN, sy = y->id / SERIES_SPAN;
    if (sx != sy)
        return sx < sy ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static err_t gather_all(struct fetch *f, struct keys_of *keys, int64_t deadline, struct diag *d)
{
    struct scan scan;
    struct gathering g = {f, d};
    keys->level = QUERY_IMAGE; /* whatever level was named: all instances below it */
    TRY(scan_init(&scan, f->a, keys));
    err_t e = archive_settle(f->a, d);
    while (e == OK && !scan.ended)
        e = scan_leg(&scan, deadline, gather, &g);
    scan_done(&scan);
    if (e == OK && f->n)
        qsort(f->member, f->n, sizeof *f->member, by_series_and_number);
    return e;
}

static err_t fill(struct fetch *f, const struct query_options *o, const struct dcm_ds *identifier,
                  tag_t *ret_offending, struct diag *d)
{
    struct keys_of *keys = malloc(sizeof *keys);
    if (!keys)
        return E_NOMEM;
    err_t e = keys_parse(identifier, o, true, keys, ret_offending, d);
    if (e == OK) {
        e = gather_all(f, keys, o->deadline ? o->deadline : IO_FOREVER, d);
        keys_done(keys);
    }
    free(keys);
    return e;
}

err_t fetch_open(struct archive *a, const struct query_options *o, const struct dcm_ds *identifier,
                 struct fetch **ret, tag_t *ret_offending, struct diag *d)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (!f)
        return E_NOMEM;
    f->a = a;
    f->arena = arena_init(BATCH_ARENA_MAX);
    err_t e = fill(f, o, identifier, ret_offending, d);
    if (e != OK)
        fetch_close(f);
    else
        *ret = f;
    return e;
}

uint64_t fetch_count(const struct fetch *f)
{
    return f->n;
}

size_t fetch_syntaxes(const struct fetch *f, const struct fetch_syntax **ret)
{
    *ret = f->syntax;
    return f->n_syntaxes;
}

static err_t copy(struct fetch *f, struct str s, struct str *ret)
{
    *ret = arena_copy(&f->arena, s);
    return ret->p ? OK : E_NOMEM;
}

static err_t copy_uid(struct fetch *f, struct str packed, struct str *ret)
{
    struct uid_text t = uid_unpack(packed);
    return copy(f, uid_text_str(&t), ret);
}

static const char item_sql[] =
    "SELECT i.uid, i.class, i.syntax, i.size, i.pack, i.at, s.uid, p.pid, s.accession"
    " FROM instance i CROSS JOIN series e CROSS JOIN study s CROSS JOIN patient p"
    " WHERE i.id = ?1 AND e.id = i.id / 16777216 AND s.id = e.study AND p.id = s.patient";

static err_t read_item(struct fetch *f, struct sql *db, struct sql_stmt *q)
{
    struct fetch_item *item = &f->item[f->n_items];
    *item = (struct fetch_item){
        .size = (uint64_t)sql_i64(q, 3),
        .place = {(uint32_t)sql_i64(q, 4), (uint64_t)sql_i64(q, 5)},
    };
    TRY(copy_uid(f, sql_blob(q, 0), &item->sop_instance));
    TRY(terms_text(&f->a->terms, db, sql_i64(q, 1), &item->sop_class));
    TRY(terms_text(&f->a->terms, db, sql_i64(q, 2), &item->transfer_syntax));
    TRY(copy_uid(f, sql_blob(q, 6), &item->study));
    TRY(copy(f, sql_text(q, 7), &item->patient_id));
    TRY(copy(f, sql_text(q, 8), &item->accession));
    f->n_items++;
    return OK;
}

static err_t read_batch(struct fetch *f, struct sql *db)
{
    struct sql_stmt *q;
    bool row;
    err_t e = OK;
    TRY(sql_prepare(db, str_z(item_sql), &q, NULL));
    while (e == OK && f->at < f->n && f->n_items < BATCH) {
        sql_bind_i64(q, 1, f->member[f->at].id);
        e = sql_step(q, &row);
        if (e == OK && row)
            e = read_item(f, db, q);
        sql_reset(q);
        f->at++;
    }
    sql_free(q);
    return e;
}

static err_t next_batch(struct fetch *f)
{
    struct sql *db;
    arena_reset(&f->arena);
    f->n_items = f->item_at = 0;
    TRY(archive_read_begin(f->a, clock_deadline(ARCHIVE_WAIT_MS), &db));
    err_t e = OK;
    while (e == OK && !f->n_items && f->at < f->n)
        e = read_batch(f, db);
    archive_read_end(f->a, db);
    return e;
}

err_t fetch_next(struct fetch *f, const struct fetch_item **ret)
{
    *ret = NULL;
    if (f->item_at == f->n_items && f->at < f->n)
        TRY(next_batch(f));
    if (f->item_at < f->n_items)
        *ret = &f->item[f->item_at++];
    return OK;
}

void fetch_close(struct fetch *f)
{
    if (!f)
        return;
    arena_done(&f->arena);
    free(f->member);
    free(f);
}
