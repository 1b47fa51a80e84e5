/* A batch into the tables. */
#include <stdlib.h>

#include "io/clock.h"
#include "survey/inventory/pending.h"

/* A log that grows to 64 MiB before it is moved into the database: pages of the index that batch
 * after batch writes again are then moved once. */
enum { CHECKPOINT_PAGES = 16384 };

struct endpoint_row {
    int64_t id, run, first_us, span_us;
    struct str evidence;
};

static int by_place(const void *a, const void *b)
{
    const struct pending_entry *const *x = a, *const *y = b;
    return place_cmp(&(*x)->place, &(*y)->place);
}

static err_t set_endpoint(struct inventory *v, const struct endpoint_row *row, int64_t run,
                          int64_t first_us, int64_t last_us, struct str evidence)
{
    struct sql_stmt *q;
    if (row->run == run && row->first_us == first_us && row->first_us + row->span_us == last_us &&
        str_eq(row->evidence, evidence))
        return OK;
    TRY(inside_query(v, Q_ENDPOINT_SET, &q));
    sql_bind_i64(q, 1, row->id);
    sql_bind_i64(q, 2, run);
    sql_bind_i64(q, 3, first_us);
    sql_bind_i64(q, 4, last_us - first_us);
    sql_bind_blob(q, 5, evidence);
    return sql_run(q);
}

/* Evidence that cannot be read any more gives way to what can. */
static err_t join_row(struct pending *p, const struct endpoint_row *row,
                      const struct pending_entry *n, struct wr *w)
{
    struct str fresh = str_of(p->bytes + n->at, n->n);
    bool newer = n->last_us >= row->first_us + row->span_us;
    arena_reset(&p->scratch);
    err_t e =
        pending_join(&p->scratch, newer ? row->evidence : fresh, newer ? fresh : row->evidence, w);
    if (e == E_DAMAGED) {
        wr_clear(w);
        wr_put(w, fresh);
        return OK;
    }
    return e;
}

/* The views of *row are the query's: it stays open until the row is written anew from the copy. */
static err_t merge_row(struct inventory *v, struct sql_stmt *get, const struct pending_entry *n)
{
    struct wr w = wr_fixed(v->pending->joined, sizeof v->pending->joined);
    struct endpoint_row row = {sql_i64(get, 0), sql_i64(get, 1), sql_i64(get, 2), sql_i64(get, 3),
                               sql_blob(get, 4)};
    int64_t last = row.first_us + row.span_us;
    TRY(join_row(v->pending, &row, n, &w));
    return set_endpoint(v, &row, v->pending->run.id,
                        n->first_us < row.first_us ? n->first_us : row.first_us,
                        n->last_us > last ? n->last_us : last, wr_str(&w));
}

static err_t merge_endpoint(struct inventory *v, const struct pending_entry *n)
{
    struct sql_stmt *get;
    bool found;
    TRY(inside_query(v, Q_ENDPOINT_GET, &get));
    sql_bind_i64(get, 1, v->pending->run.survey);
    sql_bind_blob(get, 2, place_str(&n->place));
    TRY(sql_step(get, &found));
    if (!found)
        return inside_fail(v, E_DAMAGED, "evidence of an endpoint is too large");
    err_t e = merge_row(v, get, n);
    sql_reset(get);
    return e;
}

static err_t write_endpoint(struct inventory *v, const struct pending_entry *n)
{
    struct pending *p = v->pending;
    struct sql_stmt *q;
    TRY(inside_query(v, Q_ENDPOINT_ADD, &q));
    sql_bind_i64(q, 1, p->run.survey);
    sql_bind_blob(q, 2, place_str(&n->place));
    sql_bind_i64(q, 3, p->run.id);
    sql_bind_i64(q, 4, n->first_us);
    sql_bind_i64(q, 5, n->last_us - n->first_us);
    sql_bind_blob(q, 6, str_of(p->bytes + n->at, n->n));
    TRY(sql_run(q));
    return sql_changes(v->db) ? OK : merge_endpoint(v, n);
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
            TRY(write_endpoint(v, order[i]));
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

static err_t bind_flow_key(struct inventory *v, struct sql_stmt *q, const struct flow *f,
                           const struct place *server, const struct place *client)
{
    const struct run *r = &v->pending->run;
    sql_bind_i64(q, 1, r->survey);
    sql_bind_blob(q, 2, place_str(server));
    sql_bind_blob(q, 3, place_str(client));
    sql_bind_text(q, 4, f->protocol);
    sql_bind_i64(q, 5, f->clear);
    sql_bind_text(q, 6, f->vantage);
    sql_bind_i64(q, 7, r->id);
    return OK;
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

static err_t merge_flow(struct inventory *v, const struct flow *f, const struct place *server,
                        const struct place *client)
{
    struct sql_stmt *q;
    bool found;
    struct flow sum = *f;
    TRY(inside_query(v, Q_FLOW_GET, &q));
    TRY(bind_flow_key(v, q, f, server, client));
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

static err_t write_flow(struct inventory *v, const struct flow *f)
{
    struct place server = place_of(&f->server, f->port), client = host_of(&f->client);
    struct sql_stmt *q;
    TRY(inside_query(v, Q_FLOW_ADD, &q));
    TRY(bind_flow_key(v, q, f, &server, &client));
    sql_bind_i64(q, 8, inside_i64(f->connections));
    sql_bind_i64(q, 9, inside_i64(f->bytes));
    sql_bind_i64(q, 10, inside_i64(f->messages));
    sql_bind_text(q, 11, f->fields);
    sql_bind_text(q, 12, f->details);
    sql_bind_text(q, 13, f->client_mac);
    sql_bind_text(q, 14, f->server_mac);
    TRY(sql_run(q));
    return sql_changes(v->db) ? OK : merge_flow(v, f, &server, &client);
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
        TRY(write_flow(v, &p->flows[i]));
    TRY(write_figures(v));
    TRY(inside_query(v, is_news(p) ? Q_SURVEY_CHANGE : Q_SURVEY_TOUCH, &q));
    sql_bind_i64(q, 1, p->run.survey);
    sql_bind_i64(q, 2, clock_wall_us());
    return sql_run(q);
}

/* Failing to move the log is no failure: it is tried again after the next batch. */
static void checkpoint(struct inventory *v)
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
    checkpoint(v);
    return OK;
}
