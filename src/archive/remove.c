#include "archive/remove.h"

#include <stdlib.h>

#include "archive/archive_private.h"
#include "archive/record.h"
#include "io/clock.h"

enum { PER_COMMIT = 500 };

/* An object to be taken out. id 0: it has no row any more (a conflicting one, or noted before). */
struct victim {
    int64_t id, conflict;
    struct pack_place place;
    uint64_t size;
};

struct victims {
    struct archive *a;
    struct victim *list;
    size_t n, cap;
    size_t from, to; /* the part that one transaction handles */
};

static err_t add_victim(struct victims *v, const struct victim *one)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 64;
        struct victim *more = realloc(v->list, cap * sizeof *more);
        if (!more)
            return E_NOMEM;
        v->list = more;
        v->cap = cap;
    }
    v->list[v->n++] = *one;
    return OK;
}

/* Rows of (instance id, conflict id, pack, at, size). */
static err_t collect(struct victims *v, struct sql_stmt *q)
{
    bool row;
    err_t e;
    while ((e = sql_step(q, &row)) == OK && row) {
        struct victim one = {.id = sql_i64(q, 0),
                             .conflict = sql_i64(q, 1),
                             .place = {(uint32_t)sql_i64(q, 2), (uint64_t)sql_i64(q, 3)},
                             .size = (uint64_t)sql_i64(q, 4)};
        if ((e = add_victim(v, &one)) != OK)
            break;
    }
    sql_free(q);
    return e;
}

/* What stands below a study or a series, with what was kept aside for the same UIDs. The instances
 * of a series are those whose ids begin with its own. */
#define BELOW(what)                                                                                \
    "SELECT i.id, 0, i.pack, i.at, i.size FROM series s JOIN instance i"                           \
    " ON i.id >= s.id * 16777216 AND i.id < (s.id + 1) * 16777216 " what                           \
    " UNION ALL SELECT 0, c.id, c.pack, c.at, c.size FROM series s JOIN instance i"                \
    " ON i.id >= s.id * 16777216 AND i.id < (s.id + 1) * 16777216 JOIN conflict c"                 \
    " ON c.uid = i.uid " what
_Static_assert(SERIES_SPAN == 16777216, "the statements name it");

static const char *const statements[] = {
    [QUERY_STUDY] = BELOW("JOIN study t ON t.id = s.study WHERE t.uid = ?1"),
    [QUERY_SERIES] = BELOW("WHERE s.uid = ?1"),
    [QUERY_IMAGE] = "SELECT i.id, 0, i.pack, i.at, i.size FROM instance i WHERE i.id = ?2"
                    " UNION ALL SELECT 0, id, pack, at, size FROM conflict WHERE uid = ?1",
};

static err_t find_level(struct victims *v, struct sql *db, enum query_level level, struct str uid,
                        int64_t instance, struct diag *d)
{
    struct sql_stmt *q;
    struct uid_packed packed = uid_pack(uid);
    TRY(sql_prepare(db, str_z(statements[level]), &q, d));
    sql_bind_blob(q, 1, uid_packed_str(&packed));
    if (level == QUERY_IMAGE)
        sql_bind_i64(q, 2, instance);
    return collect(v, q);
}

static err_t find(struct victims *v, enum query_level level, struct str uid, struct diag *d)
{
    struct instance_place at = {0};
    struct sql *db;
    if (level == QUERY_PATIENT)
        return diag_set(d, E_USAGE, "a study, a series or an instance is removed, not a patient");
    TRY(archive_settle(v->a, d));
    if (level == QUERY_IMAGE)
        TRY(archive_find_instance(v->a, uid, &at));
    TRY(archive_read_begin(v->a, clock_deadline(ARCHIVE_WAIT_MS), &db));
    err_t e = find_level(v, db, level, uid, at.id, d);
    archive_read_end(v->a, db);
    return e == OK && !v->n ? diag_set(d, E_NOTFOUND, "nothing has this UID") : e;
}

/* A statement about one place. */
static err_t run_place(struct sql *db, const char *text, struct pack_place at, struct diag *d)
{
    struct sql_stmt *q;
    TRY(sql_prepare(db, str_z(text), &q, d));
    sql_bind_i64(q, 1, at.pack);
    sql_bind_i64(q, 2, (int64_t)at.offset);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static err_t take_rows(void *ctx, struct sql *db, struct diag *d)
{
    struct victims *v = ctx;
    for (size_t i = v->from; i < v->to; i++) {
        const struct victim *one = &v->list[i];
        err_t e = one->id ? rows_remove(v->a->rows, one->id, d) : OK;
        if (e != OK && e != E_NOTFOUND)
            return e;
        if (one->conflict)
            TRY(run_place(db, "DELETE FROM conflict WHERE pack = ?1 AND at = ?2", one->place, d));
        TRY(run_place(db, "INSERT INTO removal (pack, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                      one->place, d));
    }
    return OK;
}

static err_t drop_notes(void *ctx, struct sql *db, struct diag *d)
{
    struct victims *v = ctx;
    for (size_t i = v->from; i < v->to; i++)
        TRY(run_place(db, "DELETE FROM removal WHERE pack = ?1 AND at = ?2", v->list[i].place, d));
    return OK;
}

/* A function over the whole list, so many at a time, each time in a transaction. */
static err_t in_parts(struct victims *v, err_t (*part)(void *ctx, struct sql *db, struct diag *d),
                      struct diag *d)
{
    for (v->from = 0; v->from < v->n; v->from = v->to) {
        v->to = v->n - v->from < PER_COMMIT ? v->n : v->from + PER_COMMIT;
        TRY(archive_write(v->a, part, v, d));
    }
    return OK;
}

/* A commit of the index may be taken back by a power cut until the next checkpoint. */
static err_t make_durable(struct archive *a, struct diag *d)
{
    struct sql *db;
    uint64_t left;
    struct sql_options o = {.uri = a->uri, .key = &a->keys.index, .busy_ms = ARCHIVE_WAIT_MS};
    TRY(sql_open(&o, &db, d));
    err_t e = sql_checkpoint(db, false, &left);
    sql_close(db);
    return e;
}

static err_t drop_objects(struct victims *v, struct diag *d)
{
    for (size_t i = 0; i < v->n; i++) {
        err_t e = pack_remove(v->a->packs, v->list[i].place, d);
        if (e != OK && e != E_NOTFOUND)
            return e;
    }
    return in_parts(v, drop_notes, d);
}

static err_t find_noted(struct victims *v, struct diag *d)
{
    struct sql *db;
    struct sql_stmt *q;
    TRY(archive_read_begin(v->a, clock_deadline(ARCHIVE_WAIT_MS), &db));
    err_t e = sql_prepare(db, STR("SELECT 0, 0, pack, at, 0 FROM removal"), &q, d);
    if (e == OK)
        e = collect(v, q);
    archive_read_end(v->a, db);
    return e;
}

err_t removal_finish(struct archive *a, struct diag *d)
{
    struct victims v = {.a = a};
    err_t e = find_noted(&v, d);
    if (e == OK && v.n)
        e = make_durable(a, d);
    if (e == OK && v.n)
        e = drop_objects(&v, d);
    free(v.list);
    return e;
}

err_t archive_remove(struct archive *a, enum query_level level, struct str uid,
                     struct remove_counts *ret, struct diag *d)
{
    struct victims v = {.a = a};
    err_t e = find(&v, level, uid, d);
    if (e == OK)
        e = in_parts(&v, take_rows, d);
    if (e == OK)
        e = removal_finish(a, d);
    if (e == OK && ret) {
        *ret = (struct remove_counts){.objects = v.n};
        for (size_t i = 0; i < v.n; i++)
            ret->bytes += v.list[i].size;
    }
    free(v.list);
    return e;
}
