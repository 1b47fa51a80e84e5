#include "archive/query.h"

#include <stdlib.h>

#include "archive/answer.h"
#include "archive/scan.h"
#include "io/clock.h"

/* The first answers shall leave soon; later ones in greater numbers. */
enum { FIRST_LEG = 20, LEG = 200, ANSWERS_ARENA_MAX = 16 << 20, ANSWERS_ENOUGH = 2 << 20 };

struct query {
    struct query_options o;
    struct wr retrieve_ae;
    struct keys_of keys;
    struct scan scan;
    struct arena arena; /* of a leg's answers */
    struct dcm_ds *answer[LEG];
    size_t n, at, want;
    uint64_t answers;
};

static err_t start(struct query *q, struct archive *a, const struct dcm_ds *identifier,
                   tag_t *ret_offending, struct diag *d)
{
    wr_put(&q->retrieve_ae, q->o.retrieve_ae);
    if (q->retrieve_ae.bad)
        return E_NOMEM;
    q->o.retrieve_ae = wr_str(&q->retrieve_ae);
    TRY(keys_parse(identifier, &q->o, false, &q->keys, ret_offending, d));
    TRY(scan_init(&q->scan, a, &q->keys));
    return archive_settle(a, d);
}

err_t query_open(struct archive *a, const struct query_options *o, const struct dcm_ds *identifier,
                 struct query **ret, tag_t *ret_offending, struct diag *d)
{
    struct query *q = calloc(1, sizeof *q);
    if (!q)
        return E_NOMEM;
    *q = (struct query){.o = *o,
                        .retrieve_ae = wr_heap(64),
                        .arena = arena_init(ANSWERS_ARENA_MAX),
                        .want = FIRST_LEG};
    if (!q->o.deadline)
        q->o.deadline = IO_FOREVER;
    err_t e = start(q, a, identifier, ret_offending, d);
    if (e != OK)
        query_close(q);
    else
        *ret = q;
    return e;
}

static err_t add_answer(void *ctx, struct row *r, bool *ret_enough)
{
    struct query *q = ctx;
    TRY(answer_of(r, q->o.retrieve_ae, &q->arena, &q->answer[q->n]));
    q->n++;
    *ret_enough = q->n == q->want || q->arena.used > ANSWERS_ENOUGH;
    return OK;
}

/* Until there is an answer or the end; legs without one go on looking. */
static err_t fill(struct query *q)
{
    arena_reset(&q->arena);
    q->n = q->at = 0;
    while (!q->n && !q->scan.ended)
        TRY(scan_leg(&q->scan, q->o.deadline, add_answer, q));
    q->want = LEG;
    return OK;
}

err_t query_next(struct query *q, struct dcm_ds **ret)
{
    *ret = NULL;
    if (q->at == q->n)
        TRY(fill(q));
    if (q->at == q->n)
        return OK;
    if (q->o.max_answers && q->answers == q->o.max_answers)
        return E_LIMIT;
    if (scan_is_cancelled(&q->scan))
        return E_CANCELLED;
    q->answers++;
    *ret = q->answer[q->at++];
    return OK;
}

bool query_has_unsupported(const struct query *q)
{
    return q->keys.unsupported;
}

enum query_level query_level(const struct query *q)
{
    return q->keys.level;
}

uint64_t query_answers(const struct query *q)
{
    return q->answers;
}

void query_cancel(struct query *q)
{
    scan_cancel(&q->scan);
}

void query_close(struct query *q)
{
    if (!q)
        return;
    scan_done(&q->scan);
    keys_done(&q->keys);
    arena_done(&q->arena);
    wr_done(&q->retrieve_ae);
    free(q);
}
