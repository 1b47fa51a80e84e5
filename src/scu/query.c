/* C-FIND and C-MOVE. */
#include "scu/query.h"

#include "base/size.h"
#include "dicom/tags.h"
#include "dicom/ts.h"
#include "scu/query_priv.h"

static err_t send_identifier(struct asking *k)
{
    const struct dcm_ts *ts = dcm_ts_guess(k->context->transfer_syntax);
    struct wr w = wr_heap(ANSWER_MAX);
    dcm_ds_write(k->q->keys, ts->encoding, &w);
    err_t e = w.bad ? E_LIMIT : assoc_send_data(k->a, wr_str(&w), true);
    wr_done(&w);
    return e;
}

err_t asking_begin(struct asking *k, struct dimse_command *rq)
{
    k->context = assoc_context_for(k->a, k->q->model, str_of(NULL, 0));
    if (!k->context)
        return E_UNSUPPORTED;
    rq->sop_class = k->q->model;
    rq->priority = k->q->priority;
    rq->has_data = true;
    k->to->counts = (struct scu_counts){-1, -1, -1, -1};
    TRY(assoc_send(k->a, k->context->id, rq));
    return send_identifier(k);
}

err_t asking_cancel(struct asking *k)
{
    if (k->to->cancelled)
        return OK;
    struct dimse_command c = dimse_command(C_CANCEL_RQ, k->q->message_id);
    k->to->cancelled = true;
    return assoc_send(k->a, k->context->id, &c);
}

err_t asking_said(struct asking *k, err_t said)
{
    if (said == OK)
        return OK;
    if (said == E_CANCELLED)
        return asking_cancel(k);
    assoc_abort(k->a);
    return said;
}

void asking_note(struct asking *k, const struct dimse_command *rsp)
{
    struct scu_counts *c = &k->to->counts;
    k->to->status = rsp->status;
    c->remaining = rsp->remaining;
    c->completed = rsp->completed >= 0 ? rsp->completed : c->completed;
    c->failed = rsp->failed >= 0 ? rsp->failed : c->failed;
    c->warning = rsp->warning >= 0 ? rsp->warning : c->warning;
    size_t n = size_min(rsp->comment.n, sizeof k->to->comment - 1);
    for (size_t i = 0; i < n; i++) {
        char ch = rsp->comment.p[i];
        k->to->comment[i] = ch >= 0x20 && ch < 0x7f ? ch : '?';
    }
    k->to->comment[n] = '\0';
}

err_t asking_broken(struct asking *k)
{
    assoc_abort(k->a);
    return E_PROTOCOL;
}

/* The data set of a response, in an arena of its own. */
static err_t read_answer(struct asking *k, struct arena *arena, struct dcm_ds **ret)
{
    const struct dcm_ts *ts = dcm_ts_guess(k->context->transfer_syntax);
    struct str bytes;
    struct diag d;
    TRY(assoc_data_all(k->a, ANSWER_MAX, arena, &bytes));
    return dcm_ds_parse(arena, bytes, ts->encoding, &DCM_LIMITS_DEFAULT, true, ret, &d);
}

err_t asking_failed_list(struct asking *k, const struct dimse_command *rsp)
{
    struct arena arena = arena_init(4 * (size_t)ANSWER_MAX);
    struct dcm_ds *ds = NULL;
    if (!rsp->has_data)
        return OK;
    err_t e = k->to->failed ? read_answer(k, &arena, &ds) : assoc_data_skip(k->a);
    if (e == OK && ds)
        wr_put(k->to->failed, dcm_ds_str(ds, TAG_FailedSOPInstanceUIDList));
    arena_done(&arena);
    /* A list that cannot be read is no reason to fail what is over. */
    return e == E_MALFORMED || e == E_LIMIT ? OK : e;
}

static err_t one_answer(struct asking *k, struct arena *arena, const struct dimse_command *rsp,
                        const struct scu_find_calls *calls)
{
    struct dcm_ds *answer;
    if (!rsp->has_data || k->to->cancelled)
        return assoc_data_skip(k->a);
    arena_reset(arena);
    err_t e = read_answer(k, arena, &answer);
    if (e != OK)
        return assoc_is_open(k->a) ? asking_broken(k) : e;
    k->to->answers++;
    return asking_said(k, calls->answer(calls->ctx, answer));
}

static err_t read_answers(struct asking *k, struct arena *arena, const struct scu_find_calls *calls)
{
    struct dimse_command rsp;
    for (;;) {
        TRY(scu_response(k->a, C_FIND_RSP, k->q->message_id, &rsp));
        asking_note(k, &rsp);
        if (!dimse_is_pending(rsp.status))
            return assoc_data_skip(k->a);
        TRY(one_answer(k, arena, &rsp, calls));
    }
}

err_t scu_find(struct assoc *a, const struct scu_query *q, const struct scu_find_calls *calls,
               struct scu_outcome *ret)
{
    struct asking k = {.a = a, .q = q, .to = ret};
    struct dimse_command rq = dimse_command(C_FIND_RQ, q->message_id);
    struct arena arena = arena_init(8 * (size_t)ANSWER_MAX);
    *ret = (struct scu_outcome){.failed = ret->failed};
    err_t e = asking_begin(&k, &rq);
    if (e == OK)
        e = read_answers(&k, &arena, calls);
    arena_done(&arena);
    return e;
}

err_t scu_move(struct assoc *a, const struct scu_query *q, struct str destination,
               const struct scu_retrieve_calls *calls, struct scu_outcome *ret)
{
    struct asking k = {.a = a, .q = q, .to = ret};
    struct dimse_command rq = dimse_command(C_MOVE_RQ, q->message_id), rsp;
    rq.move_destination = destination;
    *ret = (struct scu_outcome){.failed = ret->failed};
    TRY(asking_begin(&k, &rq));
    for (;;) {
        TRY(scu_response(a, C_MOVE_RSP, q->message_id, &rsp));
        asking_note(&k, &rsp);
        if (!dimse_is_pending(rsp.status))
            return asking_failed_list(&k, &rsp);
        TRY(assoc_data_skip(a));
        if (calls && calls->progress)
            TRY(asking_said(&k, calls->progress(calls->ctx, &ret->counts)));
    }
}
