/* Messages coming in: command sets put together, data sets passed on in pieces, C-CANCEL noticed
 * between (PS3.7 6.3, PS3.8 E). */
#include "assoc/internal.h"
#include "base/size.h"

static err_t broken(struct assoc *a, enum ul_reason reason, const char *what)
{
    (void)diag_set(&a->diag, E_PROTOCOL, "%s", what);
    return wire_abort(a, EVT19, reason, E_PROTOCOL);
}

/* A piece of a command set; *ret_done when it is complete. */
static err_t command_piece(struct assoc *a, const struct pdv *v, bool *ret_done)
{
    *ret_done = false;
    if (a->stream_data)
        return broken(a, UL_UNEXPECTED_PARAMETER, "a command set within a data set");
    if (!assoc_context(a, v->context) || (a->incoming.n && v->context != a->incoming_context))
        return broken(a, UL_INVALID_PARAMETER, "a PDV of a context that was not accepted");
    a->incoming_context = v->context;
    wr_put(&a->incoming, v->data);
    if (a->incoming.bad)
        return broken(a, UL_INVALID_PARAMETER, "a command set of excessive length");
    *ret_done = v->last;
    return OK;
}

/* A piece of the data set that the stream stands in. */
static err_t data_piece(struct assoc *a, const struct pdv *v)
{
    if (!a->stream_data)
        return broken(a, UL_UNEXPECTED_PARAMETER, "a data set without a command set");
    if (v->context != a->data_context)
        return broken(a, UL_INVALID_PARAMETER, "a PDV of another context within a data set");
    if (v->last)
        a->stream_data = false;
    return OK;
}

/* The end that an event brings, whatever was waited for. A release while a message is incomplete
 * breaks the protocol. */
static err_t end_event(struct assoc *a, const struct ul_event *e)
{
    switch (e->kind) {
    case UL_RELEASE_INDICATION:
        if (a->stream_data || a->incoming.n) {
            (void)diag_set(&a->diag, E_PROTOCOL, "a release within a message");
            return wire_abort(a, EVT15, UL_REASON_NONE, E_PROTOCOL);
        }
        a->release_asked = true;
        return OK;
    case UL_ABORTED:
    case UL_P_ABORTED:
        return wire_aborted(a, e);
    default:
        return wire_lost(a, E_IO);
    }
}

static err_t answer_release(struct assoc *a)
{
    TRY(wire_do(a, EVT14, NULL, NULL));
    a->dead = E_CLOSED;
    wire_linger(a, a->limits.artim_ms);
    return E_CLOSED;
}

/* Makes the bytes of a command set the current message. */
static err_t take_current(struct assoc *a, struct wr *bytes, uint8_t context,
                          struct dimse_command *ret)
{
    struct wr used = a->current;
    a->current = *bytes;
    *bytes = used;
    wr_clear(bytes);
    if (dimse_command_parse(wr_str(&a->current), ret, &a->diag) != OK)
        return wire_abort(a, EVT15, UL_REASON_NONE, E_PROTOCOL);
    ret->context = context;
    a->pace_until = 0;
    return OK;
}

/* Reads on until a command set is complete in a->incoming. */
static err_t read_command(struct assoc *a, int64_t deadline)
{
    bool done = false;
    while (!done) {
        struct ul_event e;
        TRY(wire_event(a, deadline, &e));
        if (e.kind != UL_DATA) {
            TRY(end_event(a, &e));
            return answer_release(a);
        }
        if (!e.pdv.command)
            return broken(a, UL_UNEXPECTED_PARAMETER, "a data set without a command set");
        TRY(command_piece(a, &e.pdv, &done));
    }
    return OK;
}

static err_t pop_queue(struct assoc *a, struct dimse_command *ret)
{
    struct queued first = a->queue[0];
    a->n_queue--;
    memmove(a->queue, a->queue + 1, a->n_queue * sizeof *a->queue);
    err_t e = take_current(a, &first.bytes, first.context, ret);
    wr_done(&first.bytes);
    return e;
}

static void forget_cancel(struct assoc *a, uint16_t message_id)
{
    for (size_t i = 0; i < a->n_cancels; i++)
        if (a->cancels[i] == message_id)
            a->cancels[i--] = a->cancels[--a->n_cancels];
}

static err_t next_message(struct assoc *a, int64_t deadline, struct dimse_command *ret)
{
    if (a->mine)
        TRY(assoc_data_skip(a));
    if (a->n_queue) {
        TRY(pop_queue(a, ret));
        a->mine = a->stream_data && a->n_queue == 0;
    } else if (a->release_asked) {
        return answer_release(a);
    } else {
        TRY(read_command(a, deadline));
        TRY(take_current(a, &a->incoming, a->incoming_context, ret));
        a->mine = a->stream_data = ret->has_data;
        a->data_context = ret->context;
    }
    if (dimse_is_request(ret->field) && ret->field != C_CANCEL_RQ)
        forget_cancel(a, ret->message_id);
    return OK;
}

/* Answers a request that dimse/command.h says must be refused; no service ever sees it. */
static err_t answer_refused(struct assoc *a, const struct dimse_command *rq)
{
    struct dimse_command rsp = dimse_response(rq, rq->refuse);
    struct diag why = a->diag;
    a->diag.text[0] = '\0';
    a->refused++;
    TRY(assoc_data_skip(a));
    rsp.comment = str_z(why.text);
    return rq->field == C_CANCEL_RQ ? OK : assoc_send(a, rq->context, &rsp);
}

err_t assoc_next(struct assoc *a, int64_t deadline, struct dimse_command *ret)
{
    struct dimse_command got;
    if (a->dead != OK)
        return a->dead;
    if (a->sending)
        return E_USAGE;
    if (deadline == 0)
        deadline = clock_deadline(a->limits.idle_ms);
    for (;;) {
        TRY(next_message(a, deadline, &got));
        if (!got.refuse)
            break;
        TRY(answer_refused(a, &got));
    }
    *ret = got;
    return OK;
}

err_t assoc_data(struct assoc *a, struct str *ret_piece, bool *ret_last)
{
    struct ul_event e;
    if (a->dead != OK)
        return a->dead;
    if (!a->mine || !a->stream_data)
        return E_USAGE;
    TRY(wire_event(a, clock_deadline(a->limits.dimse_ms), &e));
    if (e.kind != UL_DATA)
        return end_event(a, &e);
    if (e.pdv.command)
        return broken(a, UL_UNEXPECTED_PARAMETER, "a command set within a data set");
    TRY(data_piece(a, &e.pdv));
    a->mine = a->stream_data;
    *ret_piece = e.pdv.data;
    *ret_last = !a->stream_data;
    return OK;
}

err_t assoc_data_skip(struct assoc *a)
{
    struct str piece;
    bool last = !a->mine;
    while (!last)
        TRY(assoc_data(a, &piece, &last));
    return OK;
}

err_t assoc_data_all(struct assoc *a, size_t max, struct arena *arena, struct str *ret)
{
    struct wr w = wr_heap(max);
    struct str piece;
    bool last = false;
    err_t e = OK;
    while (e == OK && !last) {
        e = assoc_data(a, &piece, &last);
        if (e == OK)
            wr_put(&w, piece);
    }
    if (e == OK && w.bad)
        e = diag_set(&a->diag, E_LIMIT, "a data set of more than %zu bytes", max);
    struct str copy = e == OK ? arena_copy(arena, wr_str(&w)) : str_of(NULL, 0);
    wr_done(&w);
    TRY(e);
    if (!copy.p)
        return E_NOMEM;
    *ret = copy;
    return OK;
}

static bool was_cancelled(const struct assoc *a, uint16_t message_id)
{
    for (size_t i = 0; i < a->n_cancels; i++)
        if (a->cancels[i] == message_id)
            return true;
    return false;
}

/* A command set that came meanwhile: C-CANCEL is noted, anything else queued. */
static err_t sort_in(struct assoc *a)
{
    struct dimse_command c;
    struct diag d;
    if (dimse_command_parse(wr_str(&a->incoming), &c, &d) != OK) {
        a->diag = d;
        return wire_abort(a, EVT15, UL_REASON_NONE, E_PROTOCOL);
    }
    if (c.field == C_CANCEL_RQ) {
        if (a->n_cancels == CANCELS_MAX)
            memmove(a->cancels, a->cancels + 1, --a->n_cancels * sizeof *a->cancels);
        a->cancels[a->n_cancels++] = c.message_id;
        wr_clear(&a->incoming);
        return OK;
    }
    a->stream_data = c.has_data;
    a->data_context = a->incoming_context;
    a->queue[a->n_queue++] = (struct queued){a->incoming, a->incoming_context};
    a->incoming = wr_heap(COMMAND_MAX);
    return OK;
}

err_t assoc_cancelled(struct assoc *a, uint16_t message_id, bool *ret)
{
    bool any = true, done;
    if (a->dead != OK)
        return a->dead;
    /* No further than the queue has room, nor into a data set: that is its reader's. */
    while (any && !a->stream_data && !a->release_asked && a->n_queue < QUEUE_MAX &&
           !was_cancelled(a, message_id)) {
        struct ul_event e;
        TRY(wire_poll(a, &e, &any));
        if (!any)
            break;
        if (e.kind != UL_DATA) {
            TRY(end_event(a, &e));
            continue;
        }
        if (!e.pdv.command)
            return broken(a, UL_UNEXPECTED_PARAMETER, "a data set without a command set");
        TRY(command_piece(a, &e.pdv, &done));
        if (done)
            TRY(sort_in(a));
    }
    *ret = was_cancelled(a, message_id);
    return OK;
}

bool assoc_readable(struct assoc *a)
{
    if (a->dead != OK || a->release_asked || a->n_queue || a->to > a->from)
        return true;
    return conn_readable(a->conn);
}
