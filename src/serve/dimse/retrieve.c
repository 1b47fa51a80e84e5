#include "serve/dimse/retrieve.h"

#include "base/size.h"
#include "dicom/tags.h"
#include "io/clock.h"
#include "serve/dimse/qr.h"
#include "serve/dimse/status.h"

size_t retrieve_extended(struct str asked, uint8_t *ret)
{
    enum { RELATIONAL, CONVERSION, BYTES };
    size_t n = size_min(asked.n, BYTES);
    for (size_t i = 0; i < n; i++)
        ret[i] = i == RELATIONAL && asked.p[i] == 1;
    return n;
}

static err_t find_objects(struct retrieve *r, const struct service *service, tag_t *offending,
                          struct diag *d)
{
    struct session *s = r->session;
    struct dcm_ds *identifier;
    struct str bytes;
    TRY(session_identifier(s, r->rq, &identifier, &bytes, d));
    struct query_options o = qr_options(s, r->rq, service_class_of(service, r->rq->sop_class));
    TRY(fetch_open(s->options->archive, &o, identifier, &r->fetch, offending, d));
    uint64_t max = s->options->retrieve_objects, n = fetch_count(r->fetch);
    if (max && n > max)
        return diag_set(d, E_LIMIT, "%llu objects: more than the archive gives at once",
                        (unsigned long long)n);
    r->sub.remaining = n;
    return OK;
}

err_t retrieve_begin(struct retrieve *r, struct session *s, const struct dimse_command *rq,
                     const struct service *service, bool *ret_go)
{
    *r = (struct retrieve){.session = s, .rq = rq, .begun_us = clock_us()};
    r->sub.failed_uids = wr_heap(OUTLET_FAILED_UIDS + DCM_UID_MAX);
    r->next_pending_ms = clock_ms() + s->options->pending_ms;
    struct diag d = {{0}};
    tag_t offending = 0;
    err_t e = find_objects(r, service, &offending, &d);
    *ret_go = e == OK;
    if (e == OK)
        return OK;
    retrieve_done(r);
    return session_refuse_element(s, rq, e, offending, &d);
}

void retrieve_trail(struct retrieve *r, const struct audit_participant *destination,
                    const struct audit_participant *third)
{
    const struct server_options *o = r->session->options;
    struct audit_participant self = audit_self(o->audit, AUDIT_SOURCE);
    trail_start(&r->sub.sent, o->audit, o->log, &self, destination, third);
}

/* Counts are 16 bits wide in a response (PS3.7 E.1, US). */
static int count(uint64_t n)
{
    return (int)(n < UINT16_MAX ? n : UINT16_MAX);
}

static void put_counts(const struct retrieve *r, struct dimse_command *rsp)
{
    rsp->completed = count(r->sub.completed);
    rsp->failed = count(r->sub.failed);
    rsp->warning = count(r->sub.warning);
}

static err_t send_pending(struct retrieve *r)
{
    int64_t now = clock_ms();
    if (now < r->next_pending_ms)
        return OK;
    r->next_pending_ms = now + r->session->options->pending_ms;
    struct dimse_command rsp = dimse_response(r->rq, DIMSE_PENDING);
    put_counts(r, &rsp);
    rsp.remaining = count(r->sub.remaining);
    return assoc_send(r->session->assoc, r->rq->context, &rsp);
}

static err_t look_for_cancel(struct retrieve *r)
{
    bool cancelled;
    TRY(assoc_cancelled(r->session->assoc, r->rq->message_id, &cancelled));
    r->sub.cancelled = r->sub.cancelled || cancelled;
    return OK;
}

err_t retrieve_each(struct retrieve *r, err_t (*send)(void *ctx, struct feed *f), void *ctx)
{
    for (;;) {
        const struct fetch_item *item;
        TRY(fetch_next(r->fetch, &item));
        if (!item)
            return OK;
        feed_open(&r->feed, r->session->options->archive, item);
        TRY(look_for_cancel(r));
        if (r->sub.cancelled)
            return OK;
        TRY(send(ctx, &r->feed));
        TRY(send_pending(r));
    }
}

static uint16_t final_status(const struct retrieve *r)
{
    if (r->sub.cancelled)
        return DIMSE_CANCEL;
    if (!r->sub.failed)
        return DIMSE_SUCCESS;
    bool some = r->sub.completed || r->sub.warning;
    return some ? DIMSE_COERCED : DIMSE_OUT_OF_RESOURCES_SUBOPERATIONS;
}

/* Objects that were removed while the retrieve ran are nobody's failure. */
static void log_end(const struct retrieve *r, uint16_t status)
{
    const struct session *s = r->session;
    log_event(s->options->log, LOG_RETRIEVE,
              "peer=%s operation=%s completed=%llu warning=%llu failed=%llu remaining=%llu ms=%lld "
              "status=%04x",
              s->peer, dimse_field_text(r->rq->field), (unsigned long long)r->sub.completed,
              (unsigned long long)r->sub.warning, (unsigned long long)r->sub.failed,
              (unsigned long long)r->sub.remaining, (long long)(clock_us() - r->begun_us) / 1000,
              status);
}

static err_t answer_with_failures(struct retrieve *r, const struct dimse_command *rsp)
{
    struct dcm_ds *ds = dcm_ds_new(&r->session->arena);
    if (!ds)
        return E_NOMEM;
    TRY(dcm_ds_set(ds, TAG_FailedSOPInstanceUIDList, VR('U', 'I'), wr_str(&r->sub.failed_uids)));
    return session_answer_with(r->session, r->rq, rsp, ds);
}

err_t retrieve_finish(struct retrieve *r, struct str why)
{
    struct dimse_command rsp = dimse_response(r->rq, final_status(r));
    char comment[65];
    char text[256];
    why = why.n ? why : str_z(r->sub.why.text);
    put_counts(r, &rsp);
    if (r->sub.cancelled)
        rsp.remaining = count(r->sub.remaining);
    if (why.n && rsp.status != DIMSE_SUCCESS && str_to_z(why, text, sizeof text))
        rsp.comment = status_comment(text, comment);
    log_end(r, rsp.status);
    if (r->sub.failed_uids.n && rsp.status != DIMSE_SUCCESS)
        return answer_with_failures(r, &rsp);
    return assoc_send(r->session->assoc, r->rq->context, &rsp);
}

void retrieve_done(struct retrieve *r)
{
    feed_done(&r->feed);
    if (r->fetch)
        fetch_close(r->fetch);
    r->fetch = NULL;
    trail_end(&r->sub.sent);
    wr_done(&r->sub.failed_uids);
}
