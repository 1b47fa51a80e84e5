#include "serve/dimse/qr.h"

#include "base/wr.h"
#include "io/clock.h"
#include "serve/dimse/negotiate.h"
#include "serve/dimse/status.h"

struct query_options qr_options(const struct session *s, const struct dimse_command *rq,
                                const struct service_class *c)
{
    enum { RELATIONAL, DATETIME };
    return (struct query_options){
        .model = (enum query_model)c->model,
        .relational = negotiated(s->answer, rq->sop_class, RELATIONAL),
        .datetime = negotiated(s->answer, rq->sop_class, DATETIME),
        .max_answers = s->options->query_rows,
        .deadline = clock_deadline(s->options->query_ms),
        .retrieve_ae = s->options->ae_title,
    };
}

err_t qr_refuse(struct session *s, const struct dimse_command *rq, err_t e, tag_t offending,
                const struct diag *d)
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
    s->failed++;
    log_event(s->options->log, LOG_OPERATION_FAILED, "peer=%s operation=%s status=%04x why=%s",
              s->peer, dimse_field_text(rq->field), rsp.status, diag_text(d, e));
    return assoc_send(s->assoc, rq->context, &rsp);
}
