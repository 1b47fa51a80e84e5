/* Objects that were kept aside because their UID was taken: listing and settling. */
#include "archive/archive_private.h"
#include "archive/ingest.h"
#include "archive/record.h"
#include "archive/remove.h"
#include "io/clock.h"

static err_t first_of(struct archive *a, struct str uid, struct pack_place *ret)
{
    struct instance_place at = {0};
    TRY(archive_find_instance(a, uid, &at));
    *ret = at.id ? at.place : (struct pack_place){0};
    return OK;
}

static err_t each_row(struct archive *a, struct sql_stmt *q,
                      err_t (*each)(void *ctx, const struct conflict *c), void *ctx)
{
    bool row;
    err_t e;
    while ((e = sql_step(q, &row)) == OK && row) {
        struct uid_text uid = uid_unpack(sql_blob(q, 1));
        struct conflict c = {.id = sql_i64(q, 0),
                             .sop_instance = uid_text_str(&uid),
                             .place = {(uint32_t)sql_i64(q, 2), (uint64_t)sql_i64(q, 3)},
                             .size = (uint64_t)sql_i64(q, 4),
                             .received_us = sql_i64(q, 5)};
        e = first_of(a, c.sop_instance, &c.first);
        if (e == OK)
            e = each(ctx, &c);
        if (e != OK)
            return e;
    }
    return e;
}

err_t conflicts_each(struct archive *a, err_t (*each)(void *ctx, const struct conflict *c),
                     void *ctx, struct diag *d)
{
    struct sql *db;
    struct sql_stmt *q;
    TRY(archive_settle(a, d));
    TRY(archive_read_begin(a, clock_deadline(ARCHIVE_WAIT_MS), &db));
    err_t e = sql_prepare(
        db, STR("SELECT id, uid, pack, at, size, received FROM conflict ORDER BY id"), &q, d);
    if (e == OK) {
        e = each_row(a, q, each, ctx);
        sql_free(q);
    }
    archive_read_end(a, db);
    return e;
}

/* One settling: what its transaction needs. */
struct settle {
    struct archive *a;
    int64_t id;
    enum conflict_choice choice;
    struct conflict c;
    struct uid_text uid;
    struct pack_info info; /* of the object kept aside */
    struct wr head;
    struct instance_place first;
};

static err_t is_it(void *ctx, const struct conflict *c)
{
    struct settle *s = ctx;
    if (c->id != s->id)
        return OK;
    s->c = *c;
    s->uid.n = (uint8_t)c->sop_instance.n;
    memcpy(s->uid.text, c->sop_instance.p, c->sop_instance.n);
    s->c.sop_instance = uid_text_str(&s->uid);
    return OK;
}

static err_t note_removal(struct sql *db, struct pack_place at, struct diag *d)
{
    struct sql_stmt *q;
    TRY(sql_prepare(db, STR("INSERT INTO removal (pack, at) VALUES (?1, ?2)"), &q, d));
    sql_bind_i64(q, 1, at.pack);
    sql_bind_i64(q, 2, (int64_t)at.offset);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static err_t drop_conflict(struct sql *db, int64_t id, struct diag *d)
{
    struct sql_stmt *q;
    TRY(sql_prepare(db, STR("DELETE FROM conflict WHERE id = ?1"), &q, d));
    sql_bind_i64(q, 1, id);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static err_t settle_rows(void *ctx, struct sql *db, struct diag *d)
{
    struct settle *s = ctx;
    enum index_outcome outcome;
    TRY(drop_conflict(db, s->id, d));
    if (s->choice == CONFLICT_KEEP_FIRST)
        return note_removal(db, s->c.place, d);
    if (s->first.id) {
        TRY(rows_remove(s->a->rows, s->first.id, d));
        TRY(note_removal(db, s->first.place, d));
    }
    return archive_index_record(s->a, &s->info, wr_str(&s->head), &outcome, d);
}

/* What takes the UID must be readable before the one that has it goes. */
static err_t read_other(struct settle *s, struct diag *d)
{
    TRY(pack_check(s->a->packs, s->c.place, d));
    TRY(record_head(s->a->packs, s->c.place, &s->head, &s->info, d));
    s->info.flags &= ~(uint32_t)PACK_CONFLICT;
    return archive_find_instance(s->a, s->c.sop_instance, &s->first);
}

err_t conflict_settle(struct archive *a, int64_t id, enum conflict_choice choice, struct diag *d)
{
    struct settle s = {.a = a, .id = id, .choice = choice, .head = wr_heap(PACK_HEAD_MAX)};
    err_t e = conflicts_each(a, is_it, &s, d);
    if (e == OK && !s.c.id)
        e = diag_set(d, E_NOTFOUND, "no conflict has the number %lld", (long long)id);
    if (e == OK && choice == CONFLICT_TAKE_OTHER)
        e = read_other(&s, d);
    if (e == OK)
        e = archive_write(a, settle_rows, &s, d);
    if (e == OK)
        e = removal_finish(a, d);
    wr_done(&s.head);
    return e;
}
