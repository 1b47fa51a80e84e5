#include "archive/scan.h"

#include "archive/extra.h"
#include "io/clock.h"

enum { SCAN_ARENA_MAX = 1 << 20, PLACE_MAX = 8192, ROWS_PER_LOOK = 32 };

struct leg {
    struct scan *s;
    struct reader *reader;
    struct sql_stmt *q;
    struct plan_value value;
    int64_t until, deadline;
    int64_t last[PLAN_ORDER_MAX]; /* numbers of the row before, in its order */
    bool has_last;
    scan_each *each;
    void *ctx;
    bool enough;
};

err_t scan_init(struct scan *s, struct archive *a, const struct keys_of *keys)
{
    *s = (struct scan){.a = a,
                       .keys = keys,
                       .plan = plan_make(keys),
                       .arena = arena_init(SCAN_ARENA_MAX),
                       .lock = PTHREAD_MUTEX_INITIALIZER};
    for (size_t i = 0; i < PLAN_ORDER_MAX; i++)
        s->place[i].text = wr_heap(PLACE_MAX);
    return row_reader_init(&s->reader, a, keys);
}

void scan_done(struct scan *s)
{
    if (!s->a)
        return;
    row_reader_done(&s->reader);
    arena_done(&s->arena);
    for (size_t i = 0; i < PLAN_ORDER_MAX; i++)
        wr_done(&s->place[i].text);
    s->a = NULL;
}

void scan_cancel(struct scan *s)
{
    LOCKED(&s->lock);
    s->cancelled = true;
    if (s->running)
        sql_interrupt(s->running);
}

bool scan_is_cancelled(struct scan *s)
{
    LOCKED(&s->lock);
    return s->cancelled;
}

static bool run_on(struct scan *s, struct sql *db)
{
    LOCKED(&s->lock);
    s->running = db;
    return !s->cancelled;
}

/* The place of the row in the order, to go on behind it. */
static err_t remember(struct leg *l)
{
    struct scan *s = l->s;
    for (size_t i = 0; i < s->plan.n_order; i++) {
        int column = (int)(s->plan.first_order + i);
        struct scan_place *p = &s->place[i];
        p->is_text = plan_order_is_text(&s->plan, i);
        p->number = p->is_text ? 0 : sql_i64(l->q, column);
        wr_clear(&p->text);
        if (p->is_text)
            wr_put(&p->text, sql_text(l->q, column));
        if (p->text.bad)
            return E_LIMIT;
    }
    s->resume = true;
    return OK;
}

static void bind_place(struct sql_stmt *q, int parameter, const struct scan_place *p)
{
    if (p->is_text)
        sql_bind_text(q, parameter, wr_str(&p->text));
    else
        sql_bind_i64(q, parameter, p->number);
}

static err_t prepare(struct leg *l)
{
    struct scan *s = l->s;
    char text[PLAN_SQL_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    plan_sql(&s->plan, s->resume, &w);
    if (w.bad)
        return E_INTERNAL;
    TRY(sql_prepare(l->reader->db, wr_str(&w), &l->q, NULL));
    plan_bind(&s->plan, &l->value, l->q);
    if (s->resume && plan_lower(&s->plan))
        bind_place(l->q, plan_lower(&s->plan), &s->place[0]);
    for (size_t i = 0; s->resume && i < s->plan.n_order; i++)
        bind_place(l->q, (int)(PLAN_RESUME + i), &s->place[i]);
    return OK;
}

/* A patient whose name is so in more than one component group comes once for each: the first
 * one counts. */
static bool is_repeated(const struct leg *l)
{
    char text[4 * ENTRY_TEXT_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    if (l->s->plan.lead != LEAD_NAME && l->s->plan.lead != LEAD_NAME_PART)
        return false;
    struct str here = sql_text(l->q, (int)l->s->plan.first_order), rest, group;
    entry_fold_names(extra_get(sql_blob(l->q, ROW_PATIENT_EXTRA), attr_find(TAG_PatientName)->code),
                     &w);
    rest = wr_str(&w);
    while (w.n && str_split(&rest, '=', &group))
        if (plan_takes_name(&l->s->plan, &l->value, group) && str_cmp(group, here) < 0)
            return true;
    return false;
}

/* Going on behind a row is right only when rows come in order: never taken on trust where the
 * engine was not asked for all of it. */
static bool in_order(struct leg *l)
{
    const struct plan *p = &l->s->plan;
    int order = 0;
    if (p->lead != LEAD_GRAM)
        return true;
    for (size_t i = 0; i < p->n_order; i++) {
        int64_t v = sql_i64(l->q, (int)(p->first_order + i));
        if (!order)
            order = v < l->last[i] ? -1 : v > l->last[i];
        l->last[i] = v;
    }
    bool had = l->has_last;
    l->has_last = true;
    return !had || order > 0;
}

static err_t look(struct leg *l)
{
    struct scan *s = l->s;
    struct row r = row_begin(&s->reader, l->reader->db, l->q);
    bool matches;
    if (!in_order(l))
        return E_INTERNAL;
    if (is_repeated(l))
        return OK;
    TRY(row_matches(&r, &matches));
    return matches ? l->each(l->ctx, &r, &l->enough) : OK;
}

static bool over(struct leg *l)
{
    int64_t now = clock_ms();
    l->enough |= now >= l->until;
    return now >= l->deadline;
}

/* One turn's rows, from where the last leg ended. */
static err_t run_turn(struct leg *l)
{
    bool row = false;
    for (unsigned n = 1; !l->enough; n++) {
        TRY(sql_step(l->q, &row));
        if (!row) {
            l->s->resume = false;
            l->s->turn++;
            return OK;
        }
        TRY(look(l));
        if (n % ROWS_PER_LOOK == 0 && over(l))
            return E_TIMEOUT;
        if (l->enough)
            return remember(l);
    }
    return OK;
}

static err_t turns(struct leg *l)
{
    struct scan *s = l->s;
    for (; !l->enough && s->turn < s->plan.n_values; arena_reset(&s->arena)) {
        if (plan_is_repeat(&s->plan, s->turn)) {
            s->turn++;
            continue;
        }
        TRY(plan_value(&s->plan, s->a->seed, s->turn, &s->arena, &l->value));
        TRY(prepare(l));
        l->has_last = false;
        err_t e = run_turn(l);
        sql_free(l->q);
        TRY(e);
    }
    s->ended = s->turn == s->plan.n_values;
    return OK;
}

err_t scan_leg(struct scan *s, int64_t deadline, scan_each *each, void *ctx)
{
    struct leg l = {.s = s, .deadline = deadline, .each = each, .ctx = ctx};
    int64_t patience = clock_deadline(ARCHIVE_WAIT_MS);
    TRY(archive_reader(s->a, deadline < patience ? deadline : patience, &l.reader));
    l.until = clock_deadline(SCAN_LEG_MS);
    err_t e = run_on(s, l.reader->db) ? turns(&l) : E_CANCELLED;
    run_on(s, NULL);
    pool_give(&s->a->pool, l.reader);
    return e;
}
