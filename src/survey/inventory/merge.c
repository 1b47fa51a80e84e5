/* Another inventory's survey joined to one of ours.
 *
 * The other may be anybody's: its rows are read as bytes from outside, all of them before anything
 * is written, so that a damaged one changes nothing. What is written then can be broken off
 * anywhere and done again: evidence joined twice is what it was, flows stand under the run that
 * counted them and take its former place, runs get their figures last. */
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "survey/inventory/pending.h"

enum { BATCH = 32768, RUNS_MAX = 100000, NOTES_MAX = 1000, UID_SIZE = 16, MERGE_ARENA = 1 << 20 };

/* A run of the other, and what it is here. */
struct pair {
    int64_t from, to;
    bool ours_is_newer;
};

struct merge {
    struct inventory *to, *from;
    int64_t survey, from_survey;
    uint8_t digest[DIGEST_SIZE]; /* of what stands there */
    struct pair *pairs;          /* by `from` */
    size_t n;
    struct arena arena;
    struct sql_stmt *rows;
    bool changed; /* in this batch */
};

static const struct str RUNS = STR_INIT(
    "SELECT id,uid,source,input,shard,began,note,ended,position,records,bad,packets,bytes_out,"
    "finished,superseded FROM run WHERE survey=?1 ORDER BY id");
static const struct str ENDPOINTS =
    STR_INIT("SELECT place,run,first,span,evidence FROM endpoint WHERE survey=?1 ORDER BY place");
static const struct str FLOWS = STR_INIT(
    "SELECT server,client,protocol,clear,vantage,connections,bytes,messages,fields,details,"
    "client_mac,server_mac,run FROM flow WHERE survey=?1 ORDER BY run");
static const struct str NOTES = STR_INIT("SELECT name,value FROM note WHERE survey=?1");

/* Calls row for each row of a query over the other's survey. */
static err_t each_row(struct merge *m, struct str text, err_t (*row)(struct merge *m))
{
    bool more;
    TRY(sql_prepare(m->from->db, text, &m->rows, NULL));
    sql_bind_i64(m->rows, 1, m->from_survey);
    err_t e;
    while ((e = sql_step(m->rows, &more)) == OK && more) {
        e = row(m);
        if (e != OK)
            break;
    }
    sql_free(m->rows);
    m->rows = NULL;
    return e;
}

static err_t damaged(struct merge *m, const char *what)
{
    return inside_fail(m->from, E_DAMAGED, "the inventory to be merged has a damaged %s", what);
}

/* What is merged is known again by its runs and how far each came. */
struct digesting {
    struct sha256 *h;
    err_t e;
};

static void digest_i64(struct merge *m, struct digesting *g, int col)
{
    int64_t n = sql_i64(m->rows, col);
    if (g->e == OK)
        g->e = sha256_add(g->h, str_of(&n, sizeof n));
}

static err_t digest_rows(struct merge *m, struct sha256 *h)
{
    struct digesting g = {h, OK};
    bool more;
    TRY(sql_prepare(m->from->db,
                    STR("SELECT s.uid,s.stamp,r.uid,r.position,r.records,r.bad,r.finished,r.ended "
                        "FROM survey s LEFT JOIN run r ON r.survey=s.id WHERE s.id=?1 "
                        "ORDER BY r.uid"),
                    &m->rows, NULL));
    sql_bind_i64(m->rows, 1, m->from_survey);
    bool any = false;
    while (g.e == OK && (g.e = sql_step(m->rows, &more)) == OK && more) {
        any = true;
        g.e = sha256_add(h, sql_blob(m->rows, 0));
        if (g.e == OK)
            g.e = sha256_add(h, sql_blob(m->rows, 2));
        digest_i64(m, &g, 1);
        for (int col = 3; col < 8; col++)
            digest_i64(m, &g, col);
    }
    sql_free(m->rows);
    m->rows = NULL;
    if (g.e == OK && !any)
        return inside_fail(m->from, E_NOTFOUND, "there is no such survey");
    return g.e;
}

static err_t digest(struct merge *m)
{
    struct sha256 *h;
    TRY(sha256_new(&h));
    err_t e = digest_rows(m, h);
    if (e == OK)
        sha256_final(h, m->digest);
    sha256_free(h);
    return e;
}

static err_t was_merged(struct merge *m, bool *ret)
{
    struct sql_stmt *q;
    int64_t one;
    TRY(inside_query(m->to, Q_MERGED_HAS, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_blob(q, 2, str_of(m->digest, sizeof m->digest));
    return inside_number(q, &one, ret);
}

/* The first walk: everything can be read. */
static err_t check_endpoint(struct merge *m)
{
    struct ip ip;
    uint16_t port;
    struct evidence e;
    evidence_init(&e, NULL);
    if (place_parse(sql_blob(m->rows, 0), &ip, &port) != OK)
        return damaged(m, "address");
    return evidence_parse(sql_blob(m->rows, 4), &e) == OK ? OK : damaged(m, "evidence");
}

static err_t check_flow(struct merge *m)
{
    struct ip ip;
    uint16_t port;
    return place_parse(sql_blob(m->rows, 0), &ip, &port) == OK &&
                   host_parse(sql_blob(m->rows, 1), &ip) == OK
               ? OK
               : damaged(m, "flow");
}

static err_t check_run(struct merge *m)
{
    if (sql_blob(m->rows, 1).n != UID_SIZE)
        return damaged(m, "run");
    if (++m->n > RUNS_MAX)
        return inside_fail(m->from, E_LIMIT, "the inventory to be merged has too many runs");
    return OK;
}

static err_t check_all(struct merge *m)
{
    TRY(each_row(m, RUNS, check_run));
    TRY(each_row(m, FLOWS, check_flow));
    return each_row(m, ENDPOINTS, check_endpoint);
}

static err_t clean_col(struct merge *m, int col, size_t cap, struct str *ret)
{
    return inside_clean(&m->arena, sql_text(m->rows, col), cap, ret);
}

static err_t find_run(struct merge *m, struct str uid, struct pair *ret)
{
    struct sql_stmt *q;
    bool found;
    TRY(inside_query(m->to, Q_RUN_BY_UID, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_blob(q, 2, uid);
    TRY(sql_step(q, &found));
    if (!found)
        return damaged(m, "run");
    ret->to = sql_i64(q, 0);
    ret->ours_is_newer = sql_i64(q, 3) > sql_i64(m->rows, 13) ||
                         (uint64_t)sql_i64(q, 1) > (uint64_t)sql_i64(m->rows, 8) ||
                         (uint64_t)sql_i64(q, 2) > (uint64_t)sql_i64(m->rows, 9);
    sql_reset(q);
    return OK;
}

/* The run's name, without its figures: they come when everything is there. */
static err_t add_run(struct merge *m)
{
    struct str source, input, shard, uid = sql_blob(m->rows, 1);
    struct pair pair = {.from = sql_i64(m->rows, 0)};
    struct sql_stmt *q;
    arena_reset(&m->arena);
    TRY(clean_col(m, 2, RUN_SOURCE_MAX, &source));
    TRY(clean_col(m, 3, TEXT_MAX, &input));
    TRY(clean_col(m, 4, RUN_SOURCE_MAX, &shard));
    TRY(inside_query(m->to, Q_RUN_COPY, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_blob(q, 2, uid);
    sql_bind_text(q, 3, source);
    sql_bind_text(q, 4, input);
    sql_bind_text(q, 5, shard);
    sql_bind_i64(q, 6, inside_time(sql_i64(m->rows, 5)));
    TRY(sql_run(q));
    TRY(find_run(m, uid, &pair));
    m->pairs[m->n++] = pair;
    return OK;
}

static err_t add_runs(struct merge *m)
{
    m->pairs = calloc(m->n + 1, sizeof *m->pairs);
    if (!m->pairs)
        return E_NOMEM;
    m->n = 0;
    TRY(inside_begin(m->to));
    return inside_end(m->to, each_row(m, RUNS, add_run));
}

static int by_from(const void *key, const void *item)
{
    const int64_t a = *(const int64_t *)key, b = ((const struct pair *)item)->from;
    return a < b ? -1 : a > b;
}

static const struct pair *pair_of(const struct merge *m, int64_t from)
{
    return m->n ? bsearch(&from, m->pairs, m->n, sizeof *m->pairs, by_from) : NULL;
}

/* What became old with the first thing that changed, in the same transaction. */
static err_t say_changed(struct merge *m)
{
    struct sql_stmt *q;
    if (!m->changed)
        return OK;
    TRY(inside_query(m->to, Q_SURVEY_CHANGE, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_i64(q, 2, clock_wall_us());
    return sql_run(q);
}

static err_t add_endpoint(struct merge *m)
{
    int64_t first = inside_time(sql_i64(m->rows, 2));
    const struct pair *run = pair_of(m, sql_i64(m->rows, 1));
    struct endpoint_put put = {.survey = m->survey,
                               .run = run ? run->to : 0,
                               .first_us = first,
                               .last_us = first + inside_time(sql_i64(m->rows, 3)),
                               .older_run = true,
                               .evidence = sql_blob(m->rows, 4)};
    struct ip ip;
    uint16_t port;
    bool changed;
    TRY(place_parse(sql_blob(m->rows, 0), &ip, &port));
    put.place = place_of(&ip, port);
    TRY(write_endpoint(m->to, &put, &changed));
    m->changed |= changed;
    return OK;
}

/* One batch of rows from where the query stands, in a transaction. */
static err_t add_batch(struct merge *m, bool *ret_more)
{
    *ret_more = true;
    for (size_t i = 0; i < BATCH && *ret_more; i++) {
        TRY(sql_step(m->rows, ret_more));
        if (*ret_more)
            TRY(add_endpoint(m));
    }
    return say_changed(m);
}

static err_t add_endpoints(struct merge *m)
{
    bool more = true;
    err_t e = sql_prepare(m->from->db, ENDPOINTS, &m->rows, NULL);
    if (e == OK)
        sql_bind_i64(m->rows, 1, m->from_survey);
    while (e == OK && more) {
        m->changed = false;
        e = inside_begin(m->to);
        if (e == OK)
            e = inside_end(m->to, add_batch(m, &more));
        write_checkpoint(m->to);
    }
    sql_free(m->rows);
    m->rows = NULL;
    return e;
}

static err_t run_for(struct merge *m, enum query_id id, int64_t run)
{
    struct sql_stmt *q;
    TRY(inside_query(m->to, id, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_i64(q, 2, run);
    return sql_run(q);
}

static err_t add_flow(struct merge *m)
{
    struct sql_stmt *q = m->rows;
    const struct pair *run = pair_of(m, sql_i64(q, 12));
    struct flow f = {.clear = sql_i64(q, 3) != 0,
                     .connections = (uint64_t)inside_time(sql_i64(q, 5)),
                     .bytes = (uint64_t)inside_time(sql_i64(q, 6)),
                     .messages = (uint64_t)inside_time(sql_i64(q, 7))};
    static const struct {
        int col;
        size_t cap;
    } texts[] = {{2, 32}, {4, 64}, {8, FLOW_TEXT_MAX}, {9, FLOW_TEXT_MAX}, {10, 32}, {11, 32}};
    struct str *const to[] = {&f.protocol, &f.vantage,    &f.fields,
                              &f.details,  &f.client_mac, &f.server_mac};
    if (!run || run->ours_is_newer)
        return OK;
    arena_reset(&m->arena);
    for (size_t i = 0; i < COUNT(texts); i++)
        TRY(clean_col(m, texts[i].col, texts[i].cap, to[i]));
    TRY(place_parse(sql_blob(q, 0), &f.server, &f.port));
    TRY(host_parse(sql_blob(q, 1), &f.client));
    m->changed = true;
    return write_flow(m->to, m->survey, run->to, &f);
}

static err_t set_figures(struct merge *m)
{
    struct str note;
    struct sql_stmt *q, *from = m->rows;
    const struct pair *run = pair_of(m, sql_i64(from, 0));
    if (!run || run->ours_is_newer)
        return OK;
    arena_reset(&m->arena);
    TRY(clean_col(m, 6, TEXT_MAX, &note));
    TRY(inside_query(m->to, Q_RUN_FIGURES, &q));
    sql_bind_i64(q, 1, run->to);
    sql_bind_text(q, 2, note);
    for (int i = 3; i <= 8; i++)
        sql_bind_i64(q, i, inside_time(sql_i64(from, i + 4)));
    sql_bind_i64(q, 9, sql_i64(from, 13) != 0);
    sql_bind_i64(q, 10, sql_i64(from, 14) != 0);
    return sql_run(q);
}

/* A note of our own stays. */
static err_t add_note(struct merge *m)
{
    struct str name, value;
    struct sql_stmt *q;
    if (m->n++ >= NOTES_MAX)
        return OK;
    arena_reset(&m->arena);
    TRY(clean_col(m, 0, SURVEY_NOTE_NAME_MAX, &name));
    TRY(clean_col(m, 1, TEXT_MAX, &value));
    TRY(inside_query(m->to, Q_NOTE_COPY, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_text(q, 2, name);
    sql_bind_text(q, 3, value);
    return sql_run(q);
}

static err_t finish_rows(struct merge *m)
{
    struct sql_stmt *q;
    m->changed = false;
    for (size_t i = 0; i < m->n; i++)
        if (!m->pairs[i].ours_is_newer)
            TRY(run_for(m, Q_FLOW_DROP, m->pairs[i].to));
    TRY(each_row(m, FLOWS, add_flow));
    TRY(each_row(m, RUNS, set_figures));
    m->n = 0;
    TRY(each_row(m, NOTES, add_note));
    TRY(say_changed(m));
    TRY(inside_query(m->to, Q_MERGED_ADD, &q));
    sql_bind_i64(q, 1, m->survey);
    sql_bind_blob(q, 2, str_of(m->digest, sizeof m->digest));
    return sql_run(q);
}

static err_t merge_all(struct merge *m)
{
    bool known;
    TRY(pending_write(m->to));
    TRY(pending_write(m->from));
    TRY(digest(m));
    TRY(was_merged(m, &known));
    if (known)
        return OK;
    TRY(check_all(m));
    TRY(add_runs(m));
    TRY(add_endpoints(m));
    TRY(inside_begin(m->to));
    return inside_end(m->to, finish_rows(m));
}

err_t inventory_merge(struct inventory *to, int64_t survey, struct inventory *from,
                      int64_t from_survey, struct diag *d)
{
    struct merge m = {.to = to,
                      .from = from,
                      .survey = survey,
                      .from_survey = from_survey,
                      .arena = arena_init(MERGE_ARENA)};
    if (to == from)
        return diag_set(d, E_USAGE, "an inventory is not merged with itself");
    TRY(inside_tell(to, inside_may_write(to), d));
    if (to->concluding)
        return diag_set(d, E_INTERNAL, "nothing is merged while a survey is concluded");
    from->diag.text[0] = 0;
    err_t e = merge_all(&m);
    free(m.pairs);
    arena_done(&m.arena);
    bool theirs = from->diag.text[0] || (!to->diag.text[0] && !sql_diag(to->db)->text[0]);
    return inside_tell(theirs ? from : to, e, d);
}
