#include "serve/dimse/outlet.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"

enum { WINDOW_MAX = 256 };

err_t outlet_init(struct outlet *o, struct session *s, struct suboperations *sub, struct assoc *to,
                  const struct dimse_command *rq, const struct scu_origin *origin)
{
    size_t window = assoc_window(to);
    if (window == 0 || window > s->options->operations)
        window = s->options->operations;
    window = size_min(window, WINDOW_MAX);
    *o = (struct outlet){
        .session = s, .sub = sub, .to = to, .rq = rq, .origin = origin, .window = window};
    o->waiting = calloc(window, sizeof *o->waiting);
    return o->waiting ? OK : E_NOMEM;
}

void outlet_done(struct outlet *o)
{
    free(o->waiting);
    o->waiting = NULL;
}

static void trail(struct suboperations *sub, enum transfer_result result,
                  const struct feed_item *item)
{
    const struct trail_object o = {str_z(item->study), str_z(item->patient_id),
                                   str_z(item->accession), str_z(item->sop_class)};
    trail_add(&sub->sent, result, &o);
}

void suboperation_failed(struct session *s, struct suboperations *sub, const struct feed_item *item,
                         const char *why)
{
    sub->remaining--;
    if (!sub->failed++)
        diag_set(&sub->why, E_IO, "%s", why);
    struct str uid = str_z(item->sop_instance);
    if (sub->failed_uids.n + uid.n + 1 <= OUTLET_FAILED_UIDS) {
        if (sub->failed_uids.n)
            wr_u8(&sub->failed_uids, '\\');
        wr_put(&sub->failed_uids, uid);
    }
    trail(sub, TRANSFER_FAILED, item);
    log_event(s->options->log, LOG_NOT_SENT, "peer=%s instance=%s why=%s", s->peer,
              item->sop_instance, why);
}

static void account(struct outlet *o, const struct feed_item *item, uint16_t status)
{
    if (!dimse_is_success(status) && !dimse_is_warning(status)) {
        suboperation_failed(o->session, o->sub, item, dimse_status_text(status));
        return;
    }
    o->sub->remaining--;
    if (dimse_is_warning(status))
        o->sub->warning++;
    else
        o->sub->completed++;
    o->session->objects_out++;
    trail(o->sub, TRANSFER_SENT, item);
}

static bool response(struct outlet *o, const struct dimse_command *rsp)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->waiting[i].message_id == rsp->message_id) {
            account(o, &o->waiting[i].item, rsp->status);
            o->waiting[i] = o->waiting[--o->n];
            return true;
        }
    return false;
}

/* On the association of a C-GET the peer may cancel; anything else has to wait until it is over,
 * and is told so. */
static err_t other_message(struct outlet *o, const struct dimse_command *m)
{
    struct session *s = o->session;
    if (o->to != s->assoc || !dimse_is_request(m->field))
        return E_PROTOCOL;
    if (m->field == C_CANCEL_RQ) {
        o->sub->cancelled = o->sub->cancelled || m->message_id == o->rq->message_id;
        return OK;
    }
    return session_answer(s, m, DIMSE_OUT_OF_RESOURCES,
                          STR("one retrieve at a time: wait for the C-GET to end"));
}

static err_t await_one(struct outlet *o)
{
    size_t before = o->n;
    while (o->n == before) {
        struct dimse_command m;
        TRY(assoc_next(o->to, clock_deadline(o->session->options->limits.dimse_ms), &m));
        bool known = m.field == C_STORE_RSP && response(o, &m);
        if (known)
            continue;
        err_t e = m.field == C_STORE_RSP ? E_PROTOCOL : other_message(o, &m);
        if (e == E_PROTOCOL)
            assoc_abort(o->to);
        TRY(e);
    }
    return OK;
}

/* Message ids that wait for a response are not used again; the window is far smaller than their
 * number. 0 is left out, since some implementations take it for none. */
static uint16_t fresh_id(struct outlet *o)
{
    if (++o->next_id == 0)
        o->next_id = 1;
    return o->next_id;
}

err_t outlet_send(struct outlet *o, struct feed *f)
{
    if (o->n == o->window)
        TRY(await_one(o));
    if (o->sub->cancelled)
        return OK;
    if (f->error != OK) {
        suboperation_failed(o->session, o->sub, &f->item, diag_text(&f->diag, f->error));
        return OK;
    }
    struct diag d = {{0}};
    struct scu_object object = feed_object(f);
    uint16_t id = fresh_id(o);
    err_t e = scu_store(o->to, &object, id, o->rq->priority, o->origin, &d);
    if (e != OK) {
        suboperation_failed(o->session, o->sub, &f->item, diag_text(&d, e));
        return assoc_is_open(o->to) ? OK : e;
    }
    o->waiting[o->n++] = (struct outlet_waiting){id, f->item};
    return visit_pace(o->session->visit, 1, f->item.size, o->session->halt);
}

err_t outlet_settle(struct outlet *o)
{
    while (o->n)
        TRY(await_one(o));
    return OK;
}

void outlet_give_up(struct outlet *o)
{
    while (o->n)
        suboperation_failed(o->session, o->sub, &o->waiting[--o->n].item,
                            "the association was lost");
}
