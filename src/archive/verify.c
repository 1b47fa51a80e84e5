#include "archive/verify.h"

#include <stdio.h>

#include "archive/archive_private.h"
#include "archive/record.h"
#include "io/clock.h"

enum { ROWS_AT_ONCE = 2000 };

struct verify {
    struct archive *a;
    const struct verify_options *o;
    struct verify_counts *counts;
    struct header header;
    struct wr head;
    uint32_t pack;
    int64_t began_us; /* objects that came later may not be in the index yet */
    struct diag *d;
};

static void say(struct verify *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct verify *v, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    v->o->say(v->o->ctx, text);
}

static void say_record(struct verify *v, struct pack_place at, const char *what, const char *why)
{
    say(v, "pack %u, offset %llu: %s%s%s", at.pack, (unsigned long long)at.offset, what,
        why[0] ? ": " : "", why);
}

static bool stopped(const struct verify *v)
{
    return v->o->stop && stop_is_set(v->o->stop);
}

static bool is_fault(err_t e)
{
    return e == E_DAMAGED || e == E_MALFORMED || e == E_LIMIT || e == E_UNSUPPORTED;
}

static const struct str kept_aside = STR_INIT("SELECT 1 FROM conflict WHERE pack = ?1 AND at = ?2");
static const struct str on_its_way_out =
    STR_INIT("SELECT 1 FROM removal WHERE pack = ?1 AND at = ?2");

/* Whether a table has this place. */
static err_t has_place(struct verify *v, struct str text, struct pack_place at, bool *ret)
{
    struct sql *db;
    struct sql_stmt *q;
    TRY(archive_read_begin(v->a, clock_deadline(ARCHIVE_WAIT_MS), &db));
    err_t e = sql_prepare(db, text, &q, v->d);
    if (e == OK) {
        sql_bind_i64(q, 1, at.pack);
        sql_bind_i64(q, 2, (int64_t)at.offset);
        e = sql_step(q, ret);
        sql_free(q);
    }
    archive_read_end(v->a, db);
    return e;
}

/* Is the object in the index under its own UID, and is that this record? */
static err_t check_row(struct verify *v, const struct pack_info *info, struct str uid)
{
    struct instance_place at;
    bool aside = false, leaving = false;
    TRY(archive_find_instance(v->a, uid, &at));
    bool here = at.id && at.place.pack == info->place.pack && at.place.offset == info->place.offset;
    if (!here)
        TRY(has_place(v, kept_aside, info->place, &aside));
    if (!here && !aside)
        TRY(has_place(v, on_its_way_out, info->place, &leaving));
    if (here || aside) {
        v->counts->whole++;
        v->counts->conflicts += aside;
    } else if (leaving) { /* a removal that was cut short; whoever next works on it finishes it */
        v->counts->removed++;
    } else if (info->received_us < v->began_us) {
        v->counts->unindexed++;
        say(v,
            "pack %u, offset %llu: the index does not have %.*s (`lastra rebuild` puts it there)",
            info->place.pack, (unsigned long long)info->place.offset, STR_ARG(uid));
    }
    return OK;
}

static err_t check_object(struct verify *v, const struct pack_info *found)
{
    struct pack_info info;
    struct entry entry;
    struct diag why = {0};
    err_t e = v->o->quick ? OK : pack_check(v->a->packs, found->place, &why);
    if (e == OK)
        e = record_head(v->a->packs, found->place, &v->head, &info, &why);
    if (e == OK)
        e = record_entry(&info, wr_str(&v->head), &v->header, &entry, &why);
    if (e == E_NOTFOUND) { /* removed while we looked */
        v->counts->removed++;
        return OK;
    }
    if (is_fault(e)) {
        v->counts->damaged++;
        say_record(v, found->place, "the object is damaged", diag_text(&why, e));
        return OK;
    }
    if (e != OK)
        return diag_set(v->d, e, "%s", diag_text(&why, e));
    return check_row(v, &info, entry.text[ENTRY_SOP_UID]);
}

static err_t check_record(void *ctx, const struct pack_record *r)
{
    struct verify *v = ctx;
    if (stopped(v))
        return E_STOPPED;
    v->counts->records++;
    v->counts->bytes += r->info.end - r->info.place.offset;
    if (v->o->progress)
        progress_add(v->o->progress, 1, r->info.end - r->info.place.offset);
    if (r->error != OK) {
        v->counts->damaged++;
        say_record(v, r->info.place, "a record does not hold", "");
        return OK;
    }
    if (r->tombstone || !r->live) {
        v->counts->removed++;
        return OK;
    }
    return check_object(v, &r->info);
}

static err_t check_pack(void *ctx, const struct pack_summary *s)
{
    struct verify *v = ctx;
    uint64_t end;
    v->counts->packs++;
    if (s->damaged) {
        v->counts->damaged++;
        say(v, "pack %u: its header is damaged; nothing more is appended to it", s->pack);
    }
    return pack_scan(v->a->packs, s->pack, 0, check_record, v, &end, v->d);
}

/* --- from the index --- */

/* Whether a row's object can be opened. */
static err_t check_place(struct verify *v, struct pack_place at, struct str packed_uid)
{
    struct pack_reader *r = NULL;
    struct diag why = {0};
    err_t e = pack_read(v->a->packs, at, &r, &why);
    pack_reader_free(r);
    if (e == OK)
        return OK;
    if (e != E_NOTFOUND && !is_fault(e))
        return diag_set(v->d, e, "%s", diag_text(&why, e));
    struct uid_text uid = uid_unpack(packed_uid);
    v->counts->missing++;
    say(v, "the index has %.*s in pack %u at offset %llu, but it is not there: %s", uid.n, uid.text,
        at.pack, (unsigned long long)at.offset, diag_text(&why, e));
    return OK;
}

/* So many rows at a time, so that no read transaction is held for long. *after is the last id. */
static err_t check_rows_after(struct verify *v, struct sql *db, int64_t *after, size_t *ret_n)
{
    struct sql_stmt *q;
    bool row;
    err_t e;
    *ret_n = 0;
    TRY(sql_prepare(
        db, STR("SELECT id, pack, at, uid FROM instance WHERE id > ?1 ORDER BY id LIMIT 2000"), &q,
        v->d));
    sql_bind_i64(q, 1, *after);
    while ((e = sql_step(q, &row)) == OK && row) {
        struct pack_place at = {(uint32_t)sql_i64(q, 1), (uint64_t)sql_i64(q, 2)};
        *after = sql_i64(q, 0);
        ++*ret_n;
        if ((e = check_place(v, at, sql_blob(q, 3))) != OK)
            break;
    }
    sql_free(q);
    return e;
}

static err_t check_rows(struct verify *v)
{
    int64_t after = 0;
    for (size_t n = ROWS_AT_ONCE; n == ROWS_AT_ONCE;) {
        struct sql *db;
        if (stopped(v))
            return E_STOPPED;
        TRY(archive_read_begin(v->a, clock_deadline(ARCHIVE_WAIT_MS), &db));
        err_t e = check_rows_after(v, db, &after, &n);
        archive_read_end(v->a, db);
        TRY(e);
    }
    return OK;
}

static err_t count_rows(struct verify *v, struct sql *db, const char *text, const char *what)
{
    struct sql_stmt *q;
    bool row;
    err_t e;
    TRY(sql_prepare(db, str_z(text), &q, v->d));
    while ((e = sql_step(q, &row)) == OK && row) {
        struct uid_text uid = uid_unpack(sql_blob(q, 0));
        v->counts->miscounted++;
        say(v, "the index counts the %s of %.*s wrongly", what, uid.n, uid.text);
    }
    sql_free(q);
    return e;
}

static err_t check_counts(struct verify *v)
{
    struct sql *db;
    TRY(archive_read_begin(v->a, clock_deadline(ARCHIVE_WAIT_MS), &db));
    err_t e = count_rows(
        v, db,
        "SELECT s.uid FROM series s WHERE s.instances <> (SELECT count(*) FROM instance i"
        " WHERE i.id >= s.id * 16777216 AND i.id < (s.id + 1) * 16777216)",
        "instances");
    if (e == OK)
        e = count_rows(v, db,
                       "SELECT t.uid FROM study t WHERE t.instances <> (SELECT"
                       " coalesce(sum(s.instances), 0) FROM series s WHERE s.study = t.id)"
                       " OR t.series <> (SELECT count(*) FROM series s WHERE s.study = t.id)",
                       "series or instances");
    archive_read_end(v->a, db);
    return e;
}

err_t archive_verify(struct archive *a, const struct verify_options *o, struct verify_counts *ret,
                     struct diag *d)
{
    struct diag own;
    struct verify v = {.a = a,
                       .o = o,
                       .counts = ret,
                       .head = wr_heap(PACK_HEAD_MAX),
                       .began_us = clock_wall_us(),
                       .d = d ? d : &own};
    *ret = (struct verify_counts){0};
    header_init(&v.header, &a->o.limits, a->o.head_max);
    err_t e = packs_each(a->packs, check_pack, &v);
    if (e == OK)
        e = check_rows(&v);
    if (e == OK)
        e = check_counts(&v);
    header_done(&v.header);
    wr_done(&v.head);
    return e;
}
