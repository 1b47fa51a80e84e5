#include "serve/dimse/session.h"

#include "base/size.h"
#include "dicom/deflate.h"
#include "dicom/ts.h"
#include "io/clock.h"
#include "serve/dimse/status.h"

enum { DRAIN_GIB = 8 };
#define DRAIN_MAX ((uint64_t)DRAIN_GIB << 30)

bool session_is_over(const struct session *s)
{
    return !assoc_is_open(s->assoc);
}

err_t session_keep(struct session *s, struct dimse_command *rq)
{
    struct str *texts[] = {&rq->sop_class, &rq->sop_instance, &rq->move_destination,
                           &rq->originator};
    for (size_t i = 0; i < COUNT(texts); i++) {
        *texts[i] = arena_copy(&s->arena, *texts[i]);
        if (!texts[i]->p)
            return E_NOMEM;
    }
    return OK;
}

/* What is left of a data set that is not wanted, as long as it has an end: the association is kept
 * for the next object, but not at any price. */
static err_t drain(struct session *s)
{
    uint64_t left = DRAIN_MAX;
    for (bool last = false; !last;) {
        struct str piece;
        err_t e = assoc_data(s->assoc, &piece, &last);
        if (e == E_USAGE)
            return OK; /* it has been read */
        TRY(e);
        if (piece.n > left) {
            assoc_abort(s->assoc);
            return E_LIMIT;
        }
        left -= piece.n;
    }
    return OK;
}

err_t session_answer(struct session *s, const struct dimse_command *rq, uint16_t status,
                     struct str comment)
{
    if (rq->has_data)
        TRY(drain(s));
    char buf[65];
    struct dimse_command rsp = dimse_response(rq, status);
    char text[256];
    struct str cut = str_slice(comment, 0, sizeof text - 1);
    if (str_to_z(cut, text, sizeof text) && cut.n)
        rsp.comment = status_comment(text, buf);
    return assoc_send(s->assoc, rq->context, &rsp);
}

/* What is the peer's own doing is no trouble of the archive's. */
static void log_refusal(struct session *s, const struct dimse_command *rq, uint16_t status,
                        const char *why)
{
    bool ours = status == DIMSE_UNABLE_TO_PROCESS || status == DIMSE_OUT_OF_RESOURCES ||
                status == DIMSE_OUT_OF_RESOURCES_SUBOPERATIONS;
    s->failed++;
    log_event(s->options->log, ours ? LOG_OPERATION_FAILED : LOG_OPERATION_REFUSED,
              "peer=%s operation=%s status=%04x why=%s", s->peer, dimse_field_text(rq->field),
              status, why);
}

err_t session_refuse(struct session *s, const struct dimse_command *rq, err_t e,
                     const struct diag *d)
{
    if (session_is_over(s))
        return e;
    uint16_t status = status_of(e, rq->field);
    log_refusal(s, rq, status, diag_text(d, e));
    return session_answer(s, rq, status, str_z(diag_text(d, e)));
}

err_t session_refuse_element(struct session *s, const struct dimse_command *rq, err_t e,
                             tag_t offending, const struct diag *d)
{
    if (!offending || session_is_over(s))
        return session_refuse(s, rq, e, d);
    char comment[65];
    uint8_t tag[4];
    struct wr w = wr_fixed(tag, sizeof tag);
    wr_u16le(&w, TAG_GROUP(offending));
    wr_u16le(&w, TAG_ELEMENT(offending));
    struct dimse_command rsp = dimse_response(rq, status_of(e, rq->field));
    rsp.offending = wr_str(&w);
    rsp.comment = status_comment(diag_text(d, e), comment);
    log_refusal(s, rq, rsp.status, diag_text(d, e));
    return assoc_send(s->assoc, rq->context, &rsp);
}

/* All of a deflated data set, in the arena. Identifiers are small: what grows past the limit for
 * one is refused. */
static err_t inflate_all(struct session *s, struct str packed, struct str *ret)
{
    struct dcm_inflate *z = dcm_inflate_new(&DCM_INFLATE_LIMITS_DEFAULT);
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(s->options->identifier_size);
    err_t e = z ? OK : E_NOMEM;
    for (struct str piece = {"", 1}; e == OK && piece.n;) {
        e = dcm_inflate(z, &packed, &piece);
        if (e == OK)
            wr_put(&w, piece);
    }
    dcm_inflate_free(z);
    TRY(e);
    TRY(wr_flush(&w));
    *ret = arena_copy(&s->arena, wr_str(&w));
    return ret->p ? OK : E_NOMEM;
}

err_t session_identifier(struct session *s, const struct dimse_command *rq, struct dcm_ds **ret,
                         struct str *ret_bytes, struct diag *d)
{
    if (!rq->has_data)
        return diag_set(d, E_MISSING, "the request has no identifier");
    struct str bytes;
    err_t e = assoc_data_all(s->assoc, s->options->identifier_size, &s->arena, &bytes);
    if (e == E_LIMIT)
        return diag_set(d, e, "the identifier is longer than %zu bytes",
                        s->options->identifier_size);
    TRY(e);
    const struct assoc_context *c = assoc_context(s->assoc, rq->context);
    const struct dcm_ts *ts = dcm_ts_guess(c->transfer_syntax);
    if (ts->deflated)
        TRY(inflate_all(s, bytes, &bytes));
    *ret_bytes = bytes;
    return dcm_ds_parse(&s->arena, bytes, ts->encoding, &s->options->data_limits, true, ret, d);
}

static err_t send_deflated(struct session *s, struct str plain)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(s->options->identifier_size * 2);
    struct dcm_deflate *z = dcm_deflate_new(&w);
    if (!z)
        return E_NOMEM;
    dcm_deflate(z, plain);
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    TRY(wr_flush(&w));
    return assoc_send_data(s->assoc, wr_str(&w), true);
}

err_t session_answer_with(struct session *s, const struct dimse_command *rq,
                          const struct dimse_command *rsp, const struct dcm_ds *ds)
{
    const struct assoc_context *c = assoc_context(s->assoc, rq->context);
    const struct dcm_ts *ts = dcm_ts_guess(c->transfer_syntax);
    wr_clear(&s->out);
    dcm_ds_write(ds, ts->encoding, &s->out);
    TRY(wr_flush(&s->out));
    struct dimse_command with = *rsp;
    with.has_data = true;
    TRY(assoc_send(s->assoc, rq->context, &with));
    if (ts->deflated)
        return send_deflated(s, wr_str(&s->out));
    return assoc_send_data(s->assoc, wr_str(&s->out), true);
}

struct audit_participant session_participant(struct session *s, enum audit_role role,
                                             bool requestor)
{
    return audit_peer(str_z(s->peer), conn_peer(assoc_conn(s->assoc)), s->participant_address, role,
                      requestor);
}
