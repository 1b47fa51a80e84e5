/* A batch into the tables. */
#include <stdlib.h>

#include "io/clock.h"
#include "survey/inventory/pending.h"

/* A log that grows to 64 MiB before it is moved into the database: pages of the index that batch
 * after batch writes again are then moved once. */
enum { CHECKPOINT_PAGES = 16384 };

struct endpoint_row {
    int64_t id, run, first_us, last_us;
    struct str evidence;
};

static int by_place(const void *a, const void *b)
{
    const struct pending_entry *const *x = a, *const *y = b;
    return place_cmp(&(*x)->place, &(*y)->place);
}

static err_t set_endpoint(struct inventory *v, const struct endpoint_row *to,
                          const struct endpoint_row *from, bool *ret_changed)
{
    struct sql_stmt *q;
    *ret_changed = to->run != from->run || to->first_us != from->first_us ||
                   to->last_us != from->last_us || !str_eq(to->evidence, from->evidence);
    if (!*ret_changed)
        return OK;
    TRY(inside_query(v, Q_ENDPOINT_SET, &q));
    sql_bind_i64(q, 1, to->id);
    sql_bind_i64(q, 2, to->run);
    sql_bind_i64(q, 3, to->first_us);
    sql_bind_i64(q, 4, to->last_us - to->first_us);
    sql_bind_blob(q, 5, to->evidence);
    return sql_run(q);
}

/* Evidence that cannot be read any more gives way to what can. */
static err_t join_evidence(struct pending *p, const struct endpoint_row *row,
                           const struct endpoint_put *n, struct wr *w)
{
    bool newer = n->last_us >= row->last_us;
    arena_reset(&p->scratch);
    err_t e = pending_join(&p->scratch, newer ? row->evidence : n->evidence,
                           newer ? n->evidence : row->evidence, w);
    if (e != E_DAMAGED)
        return e;
    wr_clear(w);
    wr_put(w, n->evidence);
    return OK;
}

/* The views of the row are the query's: it stays open until the row is written from the copy. */
static err_t join_row(struct inventory *v, struct sql_stmt *get, const struct endpoint_put *n,
                      bool *ret_changed)
{
    struct wr w = wr_fixed(v->pending->joined, sizeof v->pending->joined);
    int64_t first = inside_time(sql_i64(get, 2));
    struct endpoint_row row = {sql_i64(get, 0), sql_i64(get, 1), first,
                               first + inside_time(sql_i64(get, 3)), sql_blob(get, 4)};
    TRY(join_evidence(v->pending, &row, n, &w));
    struct endpoint_row joined = {.id = row.id,
                                  .run =
                                      n->older_run && row.last_us > n->last_us ? row.run : n->run,
                                  .first_us = n->first_us < first ? n->first_us : first,
                                  .last_us = n->last_us > row.last_us ? n->last_us : row.last_us,
                                  .evidence = wr_str(&w)};
    return set_endpoint(v, &joined, &row, ret_changed);
}

static err_t join_endpoint(struct inventory *v, const struct endpoint_put *n, bool *ret_changed)
{
    struct sql_stmt *get;
    bool found;
    TRY(inside_query(v, Q_ENDPOINT_GET, &get));
    sql_bind_i64(get, 1, n->survey);
    sql_bind_blob(get, 2, place_str(&n->place));
    TRY(sql_step(get, &found));
    if (!found)
        return inside_fail(v, E_DAMAGED, "the endpoints' index is damaged");
    err_t e = join_row(v, get, n, ret_changed);
    sql_reset(get);
    return e;
}

/* Most endpoints are new: the unique index says when one is not. */
err_t write_endpoint(struct inventory *v, const struct endpoint_put *n, bool *ret_changed)
{
    struct sql_stmt *q;
    TRY(inside_query(v, Q_ENDPOINT_ADD, &q));
    sql_bind_i64(q, 1, n->survey);
    sql_bind_blob(q, 2, place_str(&n->place));
    sql_bind_i64(q, 3, n->run);
    sql_bind_i64(q, 4, n->first_us);
    sql_bind_i64(q, 5, n->last_us - n->first_us);
    sql_bind_blob(q, 6, n->evidence);
    TRY(sql_run(q));
    *ret_changed = sql_changes(v->db) > 0;
    return *ret_changed ? OK : join_endpoint(v, n, ret_changed);
}

static err_t write_put(struct inventory *v, const struct pending_entry *n)
{
    const struct pending *p = v->pending;
    struct endpoint_put put = {.survey = p->run.survey,
                               .run = p->run.id,
                               .first_us = n->first_us,
                               .last_us = n->last_us,
                               .place = n->place,
                               .evidence = str_of(p->bytes + n->at, n->n)};
    bool unused;
    return write_endpoint(v, &put, &unused);
}

static err_t write_touch(struct inventory *v, const struct pending_entry *n)
{
    struct sql_stmt *q;
    TRY(inside_query(v, Q_TOUCH_ADD, &q));
    sql_bind_i64(q, 1, v->pending->run.id);
    sql_bind_blob(q, 2, place_str(&n->place));
    return sql_run(q);
}

static err_t write_sorted(struct inventory *v, struct pending_entry **order)
{
    struct pending *p = v->pending;
    for (size_t i = 0; i < p->n; i++)
        order[i] = &p->entries[i];
    qsort(order, p->n, sizeof *order, by_place);
    for (size_t i = 0; i < p->n; i++) {
        if (order[i]->touched)
            TRY(write_touch(v, order[i]));
        if (order[i]->put)
            TRY(write_put(v, order[i]));
    }
    return OK;
}

static err_t write_entries(struct inventory *v)
{
    if (!v->pending->n)
        return OK;
    struct pending_entry **order = malloc(v->pending->n * sizeof *order);
    err_t e = order ? write_sorted(v, order) : E_NOMEM;
    free(order);
    return e;
}

struct flow_key {
    int64_t survey, run;
    struct place server, client;
};

static void bind_flow_key(struct sql_stmt *q, const struct flow_key *k, const struct flow *f)
{
    sql_bind_i64(q, 1, k->survey);
    sql_bind_blob(q, 2, place_str(&k->server));
    sql_bind_blob(q, 3, place_str(&k->client));
    sql_bind_text(q, 4, f->protocol);
    sql_bind_i64(q, 5, f->clear);
    sql_bind_text(q, 6, f->vantage);
    sql_bind_i64(q, 7, k->run);
}

static err_t set_flow(struct inventory *v, int64_t id, const struct flow *f)
{
    struct sql_stmt *q;
    TRY(inside_query(v, Q_FLOW_SET, &q));
    sql_bind_i64(q, 1, id);
    sql_bind_i64(q, 2, inside_i64(f->connections));
    sql_bind_i64(q, 3, inside_i64(f->bytes));
    sql_bind_i64(q, 4, inside_i64(f->messages));
    sql_bind_text(q, 5, f->fields);
    sql_bind_text(q, 6, f->details);
    sql_bind_text(q, 7, f->client_mac);
    sql_bind_text(q, 8, f->server_mac);
    return sql_run(q);
}

static err_t join_flow(struct inventory *v, const struct flow_key *k, const struct flow *f)
{
    struct sql_stmt *q;
    bool found;
    struct flow sum = *f;
    TRY(inside_query(v, Q_FLOW_GET, &q));
    bind_flow_key(q, k, f);
    TRY(sql_step(q, &found));
    if (!found)
        return inside_fail(v, E_DAMAGED, "the flows' index is damaged");
    sum.connections = (uint64_t)sql_i64(q, 1);
    sum.bytes = (uint64_t)sql_i64(q, 2);
    sum.messages = (uint64_t)sql_i64(q, 3);
    sum.fields = sql_text(q, 4);
    sum.details = sql_text(q, 5);
    sum.client_mac = sql_text(q, 6);
    sum.server_mac = sql_text(q, 7);
    arena_reset(&v->pending->scratch);
    err_t e = flow_add(&v->pending->scratch, &sum, f);
    if (e == OK)
        e = set_flow(v, sql_i64(q, 0), &sum);
    sql_reset(q);
    return e;
}

err_t write_flow(struct inventory *v, int64_t survey, int64_t run, const struct flow *f)
{
    struct flow_key k = {survey, run, place_of(&f->server, f->port), host_of(&f->client)};
    struct sql_stmt *q;
    TRY(inside_query(v, Q_FLOW_ADD, &q));
    bind_flow_key(q, &k, f);
    sql_bind_i64(q, 8, inside_i64(f->connections));
    sql_bind_i64(q, 9, inside_i64(f->bytes));
    sql_bind_i64(q, 10, inside_i64(f->messages));
    sql_bind_text(q, 11, f->fields);
    sql_bind_text(q, 12, f->details);
    sql_bind_text(q, 13, f->client_mac);
    sql_bind_text(q, 14, f->server_mac);
    TRY(sql_run(q));
    return sql_changes(v->db) ? OK : join_flow(v, &k, f);
}

static err_t write_figures(struct inventory *v)
{
    const struct run *r = &v->pending->run;
    struct sql_stmt *q;
    TRY(inside_query(v, Q_RUN_MARK, &q));
    sql_bind_i64(q, 1, r->id);
    sql_bind_i64(q, 2, inside_i64(r->position));
    sql_bind_i64(q, 3, inside_i64(r->records));
    sql_bind_i64(q, 4, inside_i64(r->bad));
    sql_bind_i64(q, 5, inside_i64(r->packets));
    sql_bind_i64(q, 6, inside_i64(r->bytes_out));
    return sql_run(q);
}

/* Evidence makes the conclusions of before old; a touch or a figure alone does not. */
static bool is_news(const struct pending *p)
{
    bool news = p->n_flows > 0;
    for (size_t i = 0; i < p->n && !news; i++)
        news = p->entries[i].put;
    return news;
}

err_t pending_rows(struct inventory *v)
{
    struct pending *p = v->pending;
    struct sql_stmt *q;
    TRY(write_entries(v));
    for (size_t i = 0; i < p->n_flows; i++)
        TRY(write_flow(v, p->run.survey, p->run.id, &p->flows[i]));
    TRY(write_figures(v));
    TRY(inside_query(v, is_news(p) ? Q_SURVEY_CHANGE : Q_SURVEY_TOUCH, &q));
    sql_bind_i64(q, 1, p->run.survey);
    sql_bind_i64(q, 2, clock_wall_us());
    return sql_run(q);
}

/* Failing to move the log is no failure: it is tried again after the next batch. */
void write_checkpoint(struct inventory *v)
{
    uint64_t left;
    if (sql_log_pages(v->db) >= CHECKPOINT_PAGES)
        (void)!sql_checkpoint(v->db, false, &left);
}

err_t pending_write(struct inventory *v)
{
    struct pending *p = v->pending;
    if (!p || v->concluding || !p->run.id || (!p->n && !p->n_flows))
        return OK;
    TRY(inside_begin(v));
    TRY(inside_end(v, pending_rows(v)));
    pending_forget(p);
    write_checkpoint(v);
    return OK;
}
