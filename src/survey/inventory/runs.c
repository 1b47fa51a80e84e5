/* Runs: begun or taken up again, marked, ended; what was done in one. */
#include "io/clock.h"
#include "io/crypto.h"
#include "survey/inventory/pending.h"

enum { UID_SIZE = 16 };

struct names {
    struct str source, input, shard;
};

static void bind_names(struct sql_stmt *q, int64_t survey, const struct names *n)
{
    sql_bind_i64(q, 1, survey);
    sql_bind_text(q, 2, n->source);
    sql_bind_text(q, 3, n->input);
    sql_bind_text(q, 4, n->shard);
}

static err_t take_up(struct inventory *v, int64_t survey, const struct names *n, struct run *ret,
                     bool *ret_found)
{
    struct sql_stmt *q;
    TRY(inside_query(v, Q_RUN_OPEN, &q));
    bind_names(q, survey, n);
    TRY(sql_step(q, ret_found));
    if (!*ret_found)
        return OK;
    *ret = (struct run){.id = sql_i64(q, 0),
                        .survey = survey,
                        .position = (uint64_t)sql_i64(q, 1),
                        .records = (uint64_t)sql_i64(q, 2),
                        .bad = (uint64_t)sql_i64(q, 3),
                        .packets = (uint64_t)sql_i64(q, 4),
                        .bytes_out = (uint64_t)sql_i64(q, 5),
                        .resumed = true};
    sql_reset(q);
    return OK;
}

static err_t begin_new(struct inventory *v, int64_t survey, const struct names *n, struct run *ret)
{
    uint8_t uid[UID_SIZE];
    struct sql_stmt *q;
    TRY(crypto_random(uid, sizeof uid));
    TRY(inside_query(v, Q_RUN_ADD, &q));
    sql_bind_i64(q, 1, survey);
    sql_bind_blob(q, 2, str_of(uid, sizeof uid));
    sql_bind_text(q, 3, n->source);
    sql_bind_text(q, 4, n->input);
    sql_bind_text(q, 5, n->shard);
    sql_bind_i64(q, 6, clock_wall_us());
    TRY(sql_run(q));
    *ret = (struct run){.id = sql_last_id(v->db), .survey = survey};
    return OK;
}

static err_t begin(struct inventory *v, int64_t survey, const struct names *n, struct run *ret)
{
    struct sql_stmt *q;
    int64_t finished = 0;
    bool found;
    TRY(pending_write(v));
    TRY(take_up(v, survey, n, ret, &found));
    if (!found)
        TRY(begin_new(v, survey, n, ret));
    TRY(inside_query(v, Q_RUN_AGAIN, &q));
    bind_names(q, survey, n);
    TRY(inside_number(q, &finished, &found));
    ret->again = finished > 0;
    return OK;
}

static err_t clean_names(struct arena *a, struct names *n)
{
    TRY(inside_clean(a, n->source, RUN_SOURCE_MAX, &n->source));
    TRY(inside_clean(a, n->input, TEXT_MAX, &n->input));
    return inside_clean(a, n->shard, RUN_SOURCE_MAX, &n->shard);
}

err_t inventory_run_begin(struct inventory *v, int64_t survey, struct str source, struct str input,
                          struct str shard, struct run *ret, struct diag *d)
{
    struct arena a = arena_init(4 * TEXT_MAX);
    struct names n = {source, input, shard};
    err_t e = inside_may_write(v);
    if (e == OK && v->concluding)
        e = inside_fail(v, E_INTERNAL, "no run begins while a survey is concluded");
    if (e == OK)
        e = clean_names(&a, &n);
    if (e == OK)
        e = begin(v, survey, &n, ret);
    arena_done(&a);
    return inside_tell(v, e, d);
}

err_t inventory_run_mark(struct inventory *v, const struct run *r)
{
    TRY(pending_pull(v, r));
    if (v->pending->n || v->pending->n_flows)
        return pending_write(v);
    TRY(inside_begin(v));
    return inside_end(v, pending_rows(v));
}

static err_t end_rows(struct inventory *v, const struct run *r, struct str note)
{
    struct sql_stmt *q;
    TRY(pending_rows(v));
    TRY(inside_query(v, Q_RUN_END, &q));
    sql_bind_i64(q, 1, r->id);
    sql_bind_i64(q, 2, clock_wall_us());
    sql_bind_text(q, 3, note);
    TRY(sql_run(q));
    TRY(inside_query(v, Q_RUN_SUPERSEDE, &q));
    sql_bind_i64(q, 1, r->id);
    TRY(sql_run(q));
    TRY(inside_query(v, Q_TOUCH_DROP, &q));
    sql_bind_i64(q, 1, r->id);
    return sql_run(q);
}

err_t inventory_run_end(struct inventory *v, const struct run *r, struct str note)
{
    struct arena a = arena_init(4 * TEXT_MAX);
    TRY(pending_pull(v, r));
    TRY(inside_clean(&a, note, TEXT_MAX, &note));
    err_t e = inside_begin(v);
    if (e == OK)
        e = inside_end(v, end_rows(v, r, note));
    if (e == OK) {
        pending_forget(v->pending);
        v->pending->run.id = 0;
    }
    arena_done(&a);
    return e;
}

static err_t has_touch(struct inventory *v, const struct run *r, const struct place *place,
                       bool *ret)
{
    struct sql_stmt *q;
    int64_t one;
    TRY(inside_query(v, Q_TOUCH_HAS, &q));
    sql_bind_i64(q, 1, r->id);
    sql_bind_blob(q, 2, place_str(place));
    return inside_number(q, &one, ret);
}

static err_t has_put(struct inventory *v, const struct run *r, const struct place *place, bool *ret)
{
    struct sql_stmt *q;
    int64_t run = 0;
    bool found;
    TRY(inside_query(v, Q_ENDPOINT_RUN, &q));
    sql_bind_i64(q, 1, r->survey);
    sql_bind_blob(q, 2, place_str(place));
    TRY(inside_number(q, &run, &found));
    *ret = found && run == r->id;
    return OK;
}

err_t inventory_has(struct inventory *v, const struct run *r, const struct ip *ip, uint16_t port,
                    bool *ret)
{
    struct place place = place_of(ip, port);
    struct pending *p = v->pending;
    v->diag.text[0] = 0;
    *ret = p && p->run.id == r->id && pending_find(p, &place);
    if (!*ret)
        TRY(has_touch(v, r, &place, ret));
    return *ret ? OK : has_put(v, r, &place, ret);
}

static void run_row(struct sql_stmt *q, int64_t survey, struct run_info *ret)
{
    *ret = (struct run_info){.source = sql_text(q, 1),
                             .input = sql_text(q, 2),
                             .shard = sql_text(q, 3),
                             .note = sql_text(q, 4),
                             .began_us = sql_i64(q, 5),
                             .ended_us = sql_i64(q, 6),
                             .run = {.id = sql_i64(q, 0),
                                     .survey = survey,
                                     .position = (uint64_t)sql_i64(q, 7),
                                     .records = (uint64_t)sql_i64(q, 8),
                                     .bad = (uint64_t)sql_i64(q, 9),
                                     .packets = (uint64_t)sql_i64(q, 10),
                                     .bytes_out = (uint64_t)sql_i64(q, 11),
                                     .finished = sql_i64(q, 12) != 0}};
}

err_t inventory_runs(struct inventory *v, int64_t survey,
                     err_t (*each)(void *ctx, const struct run_info *r), void *ctx)
{
    struct sql_stmt *q;
    struct run_info info;
    bool row;
    v->diag.text[0] = 0;
    TRY(sql_prepare(v->db,
                    STR("SELECT id,source,input,shard,note,began,ended,position,records,bad,"
                        "packets,bytes_out,finished FROM run WHERE survey=?1 ORDER BY began,id"),
                    &q, NULL));
    sql_bind_i64(q, 1, survey);
    err_t e;
    while ((e = sql_step(q, &row)) == OK && row) {
        run_row(q, survey, &info);
        e = each(ctx, &info);
        if (e != OK)
            break;
    }
    sql_free(q);
    return e;
}
